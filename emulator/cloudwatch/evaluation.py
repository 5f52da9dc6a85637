"""How an alarm is evaluated: pure, so that AWS's own tables can be held against it.

Sources: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
and https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation-window.html
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
MISSING = ("missing", "ignore", "breaching", "notBreaching")

MORE_DATAPOINTS = 2
"""Datapoints that are retrieved beyond the evaluation periods, for missing ones. AWS says that the
number depends on the period; its example has two for five minutes."""
LONG_PERIOD_S = 3_600
"""From here on no more are retrieved here: yesterday's requests must not stand for today's."""


def range_of(period_s: int, evaluation_periods: int) -> int:
    """The evaluation range: how many datapoints are retrieved."""
    return evaluation_periods + (0 if period_s >= LONG_PERIOD_S else MORE_DATAPOINTS)


def evaluate(
    breaches: Sequence[bool | None], evaluation_periods: int, datapoints: int, missing: str
) -> State | None:
    """The state that datapoints mean; None keeps the present one.

    ``breaches``, oldest first: whether each datapoint of the evaluation range breaches the
    threshold, None where there is none.
    """
    real = [breach for breach in breaches if breach is not None]
    if len(real) >= evaluation_periods:
        # enough of them, be it from farther back: what missing data mean is not asked
        return _verdict(real[-evaluation_periods:].count(True), datapoints)
    if not real:
        return _nothing(missing)
    filled = evaluation_periods - len(real)
    if missing == "breaching":
        return _verdict(real.count(True) + filled, datapoints)
    if real.count(True) >= datapoints:
        return "ALARM"
    if missing != "notBreaching" and all(real) and _is_old(breaches, datapoints):
        # "premature": all there is breaches, and the oldest of it is as old as must be
        return "ALARM" if missing == "missing" else None
    return "OK"


def _verdict(breaching: int, datapoints: int) -> State:
    return "ALARM" if breaching >= datapoints else "OK"


def _nothing(missing: str) -> State | None:
    return {
        "missing": "INSUFFICIENT_DATA",
        "breaching": "ALARM",
        "notBreaching": "OK",
    }.get(missing)  # type: ignore[return-value]


def _is_old(breaches: Sequence[bool | None], datapoints: int) -> bool:
    oldest = next(place for place, breach in enumerate(breaches) if breach is not None)
    return len(breaches) - oldest >= datapoints
