"""PutMetricData: what it takes.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from emulator.cloudwatch.metrics import Metric, Statistics, one
from emulator.cloudwatch.queries import epoch, metric_of
from emulator.core.bus import Caller
from emulator.core.errors import AwsError, NotSupported

DATA_MAX = 1_000
VALUES_MAX = 150
PAST_S_MAX, FUTURE_S_MAX = 14 * 86_400, 2 * 3_600
VALUE_MAX = 2.0**360

Datum = tuple[Metric, float, str, Statistics]


def read(params: Mapping[str, Any], caller: Caller, now: float) -> Iterator[Datum]:
    """Metric, time, unit and statistics of each datum; raises AwsError as CloudWatch does."""
    namespace = str(params.get("Namespace") or "")
    if not namespace or namespace.startswith("AWS/"):
        raise AwsError(
            "InvalidParameterValue",
            "The value for parameter Namespace is invalid: it must not be empty nor begin with "
            '"AWS/".',
        )
    if params.get("EntityMetricData"):
        raise NotSupported("entities of cloudwatch:PutMetricData")
    given = list(params.get("MetricData") or ())
    if not 0 < len(given) <= DATA_MAX:
        raise AwsError("MissingParameter", f"MetricData has 1 to {DATA_MAX} members.")
    for datum in given:
        if int(datum.get("StorageResolution") or 60) != 60:  # noqa: PLR2004 - seconds
            raise NotSupported("a high-resolution metric")
        at = epoch(datum["Timestamp"]) if datum.get("Timestamp") is not None else now
        if not now - PAST_S_MAX <= at <= now + FUTURE_S_MAX:
            raise AwsError(
                "InvalidParameterValue",
                "The parameter MetricData.member.Timestamp must be at most two weeks old and two "
                "hours ahead.",
            )
        metric = metric_of({**datum, "Namespace": namespace}, caller)
        unit = str(datum.get("Unit") or "None")
        for values in _statistics(datum):
            yield metric, at, unit, values


def _statistics(datum: Mapping[str, Any]) -> Iterator[Statistics]:
    kinds = [k for k in ("Value", "StatisticValues", "Values") if datum.get(k) is not None]
    if len(kinds) != 1:
        raise AwsError(
            "InvalidParameterCombination",
            "Give one of Value, Values and StatisticValues for each metric.",
        )
    if kinds == ["StatisticValues"]:
        given = datum["StatisticValues"]
        yield Statistics(
            _number(given["SampleCount"]),
            _number(given["Sum"]),
            _number(given["Minimum"]),
            _number(given["Maximum"]),
        )
        return
    values = datum["Values"] if kinds == ["Values"] else [datum["Value"]]
    counts = datum.get("Counts") or [1.0] * len(values)
    if len(values) != len(counts) or not 0 < len(values) <= VALUES_MAX:
        raise AwsError("InvalidParameterValue", "Values and Counts have the same 1 to 150 members.")
    for value, count in zip(map(_number, values), map(_number, counts), strict=True):
        single = one(value)
        yield Statistics(count, value * count, single.least, single.most)


def _number(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number) or abs(number) > VALUE_MAX:
        raise AwsError("InvalidParameterValue", f"The value {value} is out of range.")
    return number
