"""Wait states.

Expected behaviour: https://docs.aws.amazon.com/step-functions/latest/dg/state-wait.html; causes as
recorded on AWS.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.states.world import execute, one

NOT_A_TIME = (
    "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time "
    "format string"
)


def waited(state: dict[str, Any], data: Any = None, language: str | None = None) -> Any:
    return execute(one({"Type": "Wait", **state}, language), data)


@pytest.mark.parametrize(
    ("state", "language", "seconds"),
    [
        ({"Seconds": 10}, None, 10),
        ({"Seconds": 0}, None, 0),
        ({"SecondsPath": "$.s"}, None, 7),
        ({"Timestamp": "2026-01-01T00:01:00Z"}, None, 60),
        ({"Timestamp": "2026-01-01T02:01:00+02:00"}, None, 60),
        ({"Timestamp": "2025-01-01T00:00:00Z"}, None, 0),
        ({"TimestampPath": "$.at"}, None, 1.5),
        ({"Seconds": "{% $states.input.s + 1 %}"}, "JSONata", 8),
        ({"Timestamp": "{% $states.input.at %}"}, "JSONata", 1.5),
        ({"Timestamp": "{% $fromMillis($millis() + 5000) %}"}, "JSONata", 5),
    ],
)
def test_how_long_a_wait_takes(state: dict[str, Any], language: str | None, seconds: float) -> None:
    data = {"s": 7, "at": "2026-01-01T00:00:01.500Z"}
    ended = waited(state, data, language)
    assert ended.output == data
    assert ended.description["stopDate"] - ended.description["startDate"] == seconds


@pytest.mark.parametrize(
    ("state", "data", "cause"),
    [
        (
            {"SecondsPath": "$.s"},
            {"s": -1},
            "The SecondsPath parameter references a negative value: $.s == -1",
        ),
        (
            {"SecondsPath": "$.s"},
            {"s": 1.5},
            "The SecondsPath parameter cannot be parsed as a long value: $.s == 1.5",
        ),
        (
            {"TimestampPath": "$.t"},
            {"t": "2016-12-05 21:29:29Z"},
            f"{NOT_A_TIME}: $.t == 2016-12-05 21:29:29Z",
        ),
        (
            {"TimestampPath": "$.t"},
            {"t": "2016-12-05T21:29:29"},
            f"{NOT_A_TIME}: $.t == 2016-12-05T21:29:29",
        ),
        ({"TimestampPath": "$.t"}, {"t": "2126-01-01T00:00:00Z"}, "Wait state delay is too long."),
    ],
)
def test_waits_that_cannot_be(state: dict[str, Any], data: Any, cause: str) -> None:
    ended = waited(state, data)
    assert ended.error == "States.Runtime"
    assert ended.cause.endswith(cause)


def test_jsonata_timestamp_that_is_none() -> None:
    ended = waited({"Timestamp": "{% '2016-13-05T21:29:29Z' %}"}, None, "JSONata")
    assert ended.error == "States.QueryEvaluationError"
    assert ended.cause.endswith(
        "The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format "
        "string: 2016-13-05T21:29:29Z"
    )
