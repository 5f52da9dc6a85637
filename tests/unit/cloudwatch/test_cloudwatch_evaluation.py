"""How datapoints become a state, against the tables of AWS's own page."""

from __future__ import annotations

import pytest

from emulator.cloudwatch.evaluation import evaluate, range_of

PAGE = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html"
RETAIN = None
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")

THREE_OF_THREE = [
    ("0 - X - X", ("OK", "OK", "OK", "OK")),
    ("- - - - 0", ("OK", "OK", "OK", "OK")),
    ("- - - - -", ("INSUFFICIENT_DATA", RETAIN, "ALARM", "OK")),
    ("0 X X - X", ("ALARM", "ALARM", "ALARM", "ALARM")),
    ("- - X - -", ("ALARM", RETAIN, "ALARM", "OK")),
]
TWO_OF_THREE = [
    ("0 - X - X", ("ALARM", "ALARM", "ALARM", "ALARM")),
    ("0 0 X 0 X", ("ALARM", "ALARM", "ALARM", "ALARM")),
    ("0 - X - -", ("OK", "OK", "ALARM", "OK")),
    ("- - - - 0", ("OK", "OK", "ALARM", "OK")),
    ("- - - X -", ("ALARM", RETAIN, "ALARM", "OK")),
]
ROWS = [(row, 3, states) for row, states in THREE_OF_THREE] + [
    (row, 2, states) for row, states in TWO_OF_THREE
]


@pytest.mark.fidelity(
    area="CloudWatch",
    feature="alarms: M out of N, missing data treated in four ways, the premature alarm",
    source=PAGE,
)
@pytest.mark.parametrize(("row", "datapoints", "states"), ROWS)
def test_the_tables_of_the_documentation_hold(
    row: str, datapoints: int, states: tuple[str | None, ...]
) -> None:
    breaches = [{"0": False, "X": True, "-": None}[mark] for mark in row.split()]
    found = tuple(evaluate(breaches, 3, datapoints, treatment) for treatment in TREATMENTS)
    assert found == states


@pytest.mark.fidelity(
    area="CloudWatch",
    feature="alarms: two more datapoints are retrieved, for periods below an hour",
    source=PAGE,
    verdict="differs",
    note="AWS says that the number depends on the period, and gives it for five minutes only",
)
def test_the_evaluation_range_is_the_documented_one_for_five_minutes() -> None:
    assert range_of(300, 3) == 5
    assert range_of(86_400, 1) == 1
