"""Reading metrics: ListMetrics, GetMetricStatistics and GetMetricData.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from emulator.cloudwatch.metrics import STATISTICS, Metric, MetricStore, Statistics, dimensions
from emulator.cloudwatch.settings import MINUTE_S
from emulator.core.bus import Caller
from emulator.core.errors import AwsError, NotSupported

POINTS_MAX = 1_440
"""Of GetMetricStatistics."""
QUERIES_MAX = 500
DATA_POINTS_MAX = 100_800
"""Of GetMetricData."""
RECENT_S = 3 * 3_600


def list_metrics(
    store: MetricStore, params: Mapping[str, Any], caller: Caller, now: float
) -> dict[str, Any]:
    """ListMetrics: in one page."""
    _refuse(params, {"IncludeLinkedAccounts", "OwningAccount"}, "ListMetrics")
    wanted = [(d["Name"], d.get("Value")) for d in params.get("Dimensions") or ()]
    found = []
    for metric, newest in store.metrics(caller.account, caller.region):
        own = dict(metric.dimensions)
        if (
            params.get("Namespace") in {None, metric.namespace}
            and params.get("MetricName") in {None, metric.name}
            and all(n in own and v in {None, own[n]} for n, v in wanted)
            and (not params.get("RecentlyActive") or now - newest <= RECENT_S)
        ):
            found.append(_shown(metric))
    return {"Metrics": found}


def statistics(store: MetricStore, params: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """GetMetricStatistics; raises AwsError as it does, NotSupported for percentiles."""
    _refuse(params, {"ExtendedStatistics"}, "GetMetricStatistics")
    chosen = list(params.get("Statistics") or ())
    if not chosen:
        raise AwsError("MissingParameter", "At least one of Statistics must be given.")
    for statistic in chosen:
        _statistic(statistic)
    start, end = epoch(params["StartTime"]), epoch(params["EndTime"])
    period = _period(params["Period"])
    if (end - start) / period > POINTS_MAX:
        raise AwsError(
            "InvalidParameterCombination",
            f"You have requested up to {math.ceil((end - start) / period)} datapoints, which "
            f"exceeds the limit of {POINTS_MAX}.",
        )
    metric = metric_of(params, caller)
    points = [
        {
            "Timestamp": at,
            "Unit": params.get("Unit") or "None",
            **{statistic: found.value(statistic) for statistic in chosen},
        }
        for at, found in _points(store, metric, (start, end, period), params.get("Unit"))
    ]
    return {"Label": metric.name, "Datapoints": points}


def data(store: MetricStore, params: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """GetMetricData, in one page; NotSupported for expressions."""
    asked = list(params.get("MetricDataQueries") or ())
    if not 0 < len(asked) <= QUERIES_MAX:
        raise AwsError("ValidationError", f"Give 1 to {QUERIES_MAX} MetricDataQueries.")
    start, end = epoch(params["StartTime"]), epoch(params["EndTime"])
    if start >= end:
        raise AwsError("ValidationError", "The parameter StartTime must be less than EndTime.")
    newest_first = params.get("ScanBy") != "TimestampAscending"
    results, total = [], 0
    for query in asked:
        stat = query.get("MetricStat")
        if query.get("Expression") or stat is None:
            raise NotSupported("a metric math expression")
        _statistic(stat["Stat"])
        points = list(
            _points(
                store,
                metric_of(stat["Metric"], caller),
                (start, end, _period(stat["Period"])),
                stat.get("Unit"),
            )
        )
        total += len(points)
        if query.get("ReturnData") is False:
            continue
        if newest_first:
            points.reverse()
        results.append(
            {
                "Id": query["Id"],
                "Label": query.get("Label") or stat["Metric"]["MetricName"],
                "Timestamps": [at for at, _ in points],
                "Values": [found.value(stat["Stat"]) for _, found in points],
                "StatusCode": "Complete",
            }
        )
    if total > DATA_POINTS_MAX:
        raise AwsError("ValidationError", f"More than {DATA_POINTS_MAX} datapoints were asked for.")
    return {"MetricDataResults": results, "Messages": []}


def metric_of(params: Mapping[str, Any], caller: Caller) -> Metric:
    """The metric that ``Namespace``, ``MetricName`` and ``Dimensions`` name."""
    return Metric(
        caller.account,
        caller.region,
        str(params["Namespace"]),
        str(params["MetricName"]),
        dimensions((d["Name"], d["Value"]) for d in params.get("Dimensions") or ()),
    )


def epoch(value: Any) -> float:
    """A time as any front hands it over, in epoch seconds."""
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value).timestamp()
        except ValueError as error:
            raise AwsError("InvalidParameterValue", f"{value} is not a time.") from error
    return float(value)


def _points(
    store: MetricStore, metric: Metric, span: tuple[float, float, int], unit: str | None
) -> Iterator[tuple[float, Statistics]]:
    start, end, period = span
    at = start // period * period
    while at < end:
        found = store.period(metric, at, at + period, unit)
        if found is not None:
            yield at, found
        at += period


def _period(value: Any) -> int:
    period = int(value)
    if period in {1, 5, 10, 20, 30}:
        raise NotSupported("a period below a minute")
    if period <= 0 or period % MINUTE_S:
        raise AwsError("InvalidParameterValue", "Period must be a multiple of 60.")
    return period


def _statistic(name: Any) -> None:
    if name not in STATISTICS:
        raise NotSupported(f"the statistic {name}")


def _refuse(params: Mapping[str, Any], members: set[str], operation: str) -> None:
    for member in sorted(members):
        if params.get(member):
            raise NotSupported(f"the parameter {member} of cloudwatch:{operation}")


def _shown(metric: Metric) -> dict[str, Any]:
    return {
        "Namespace": metric.namespace,
        "MetricName": metric.name,
        "Dimensions": [{"Name": n, "Value": v} for n, v in metric.dimensions],
    }
