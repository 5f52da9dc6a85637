"""Metrics in and out: PutMetricData, the embedded format, statistics, dashboards."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.cloudwatch.embedded import embedded
from emulator.core.bus import Measure
from emulator.core.logs import LogLine
from tests.unit.cloudwatch.cloudwatch_world import ACCOUNT, World, in_world, refusal

EMF = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html"
API = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/"
DOCUMENT: dict[str, Any] = {
    "_aws": {
        "Timestamp": 1_767_225_600_000,
        "CloudWatchMetrics": [
            {
                "Namespace": "NST",
                "Dimensions": [["function"], []],
                "Metrics": [{"Name": "spent", "Unit": "None"}, {"Name": "times"}],
            }
        ],
    },
    "function": "update_budget",
    "spent": 5,
    "times": [1, 2.5],
    "more": {"is": "ignored"},
}


@pytest.mark.fidelity(
    area="CloudWatch",
    feature="metrics of log lines in the embedded metric format",
    source=EMF,
    note="lines of functions and tasks; not those that PutLogEvents brings",
)
def test_a_line_in_the_embedded_format_is_metrics() -> None:
    found = embedded(json.dumps(DOCUMENT))
    assert [(m.name, m.dimensions, m.values) for m in found] == [
        ("spent", (("function", "update_budget"),), (5.0,)),
        ("spent", (), (5.0,)),
        ("times", (("function", "update_budget"),), (1.0, 2.5)),
        ("times", (), (1.0, 2.5)),
    ]
    assert {m.at for m in found} == {1_767_225_600.0}
    assert {m.namespace for m in found} == {"NST"}


def changed(**members: Any) -> str:
    return json.dumps({**DOCUMENT, **members})


@pytest.mark.parametrize(
    "line",
    [
        "START RequestId: 1",
        '{"_aws": 1}',
        '{"_aws": {"CloudWatchMetrics": [',
        "x" + json.dumps(DOCUMENT),  # nothing may stand before the document
        changed(spent="five"),
        changed(spent=True),
        changed(times=[1] * 101),
        changed(function=7),
        json.dumps({k: v for k, v in DOCUMENT.items() if k != "spent"}),
    ],
)
def test_a_line_that_breaks_the_format_is_no_metric_and_no_error(line: str) -> None:
    assert embedded(line) == []


def test_metrics_of_log_lines_and_of_services_are_read_with_the_api() -> None:
    async def play(world: World) -> list[Any]:
        line = changed(_aws={**DOCUMENT["_aws"], "Timestamp": world.clock.now() * 1000})
        world.service.read_log(
            LogLine(ACCOUNT, "us-east-1", "/aws/lambda/f", "s", world.clock.now(), line)
        )
        measure = Measure(ACCOUNT, "us-east-1", "AWS/Lambda", "Errors", 1, "Count", (("F", "f"),))
        world.bus.measure(measure)
        world.bus.measure(measure)
        listed = await world.call("ListMetrics")
        names = sorted(m["MetricName"] for m in listed["Metrics"])
        now = world.clock.now()
        errors = await world.call(
            "GetMetricStatistics",
            Namespace="AWS/Lambda",
            MetricName="Errors",
            Dimensions=[{"Name": "F", "Value": "f"}],
            StartTime=now - 60,
            EndTime=now + 60,
            Period=60,
            Statistics=["Sum", "Average"],
        )
        return [names, [(p["Sum"], p["Average"]) for p in errors["Datapoints"]]]

    assert in_world(play) == [["Errors", "spent", "spent", "times", "times"], [(2.0, 1.0)]]


@pytest.mark.fidelity(
    area="CloudWatch",
    feature="PutMetricData, GetMetricData, ListMetrics",
    source=f"{API}API_GetMetricData.html",
)
def test_values_statistic_sets_and_counts_are_taken_alike() -> None:
    async def play(world: World) -> Any:
        data = [
            {"MetricName": "m", "Values": [1.0, 4.0], "Counts": [2.0, 1.0]},
            {
                "MetricName": "m",
                "StatisticValues": {"SampleCount": 2, "Sum": 12, "Minimum": 2, "Maximum": 10},
            },
        ]
        await world.call("PutMetricData", Namespace="N", MetricData=data)
        now = world.clock.now()
        queries = [
            {
                "Id": statistic.lower(),
                "MetricStat": {
                    "Metric": {"Namespace": "N", "MetricName": "m"},
                    "Period": 60,
                    "Stat": statistic,
                },
            }
            for statistic in ("SampleCount", "Sum", "Minimum", "Maximum", "Average")
        ]
        found = await world.call(
            "GetMetricData", MetricDataQueries=queries, StartTime=now - 60, EndTime=now + 60
        )
        return {r["Id"]: r["Values"] for r in found["MetricDataResults"]}

    assert in_world(play) == {
        "samplecount": [5.0],
        "sum": [18.0],
        "minimum": [1.0],
        "maximum": [10.0],
        "average": [3.6],
    }


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"Namespace": "AWS/Lambda", "MetricData": [{"MetricName": "m", "Value": 1}]},
         "InvalidParameterValue"),
        ({"Namespace": "N", "MetricData": []}, "MissingParameter"),
        ({"Namespace": "N", "MetricData": [{"MetricName": "m"}]}, "InvalidParameterCombination"),
        ({"Namespace": "N", "MetricData": [{"MetricName": "m", "Value": float("nan")}]},
         "InvalidParameterValue"),
        ({"Namespace": "N", "MetricData": [{"MetricName": "m", "Value": 1, "Timestamp": 1.0}]},
         "InvalidParameterValue"),
        ({"Namespace": "N",
          "MetricData": [{"MetricName": "m", "Value": 1, "StorageResolution": 1}]},
         "NotSupportedByEmulator"),
    ],
)  # fmt: skip
def test_data_that_make_no_sense_are_refused(params: dict[str, Any], code: str) -> None:
    assert refusal(lambda world: world.call("PutMetricData", **params)).code == code


def test_data_with_one_bad_member_count_not_at_all() -> None:
    async def play(world: World) -> Any:
        data = [{"MetricName": "m", "Value": 1.0}, {"MetricName": "m"}]
        try:
            await world.call("PutMetricData", Namespace="N", MetricData=data)
        except Exception:  # noqa: BLE001
            return (await world.call("ListMetrics"))["Metrics"]
        raise AssertionError("it was taken")

    assert in_world(play) == []


@pytest.mark.fidelity(
    area="CloudWatch",
    feature="dashboards are kept as they are put; a body without widgets is refused",
    source=f"{API}API_PutDashboard.html",
)
def test_a_dashboard_is_given_back_as_it_was_put() -> None:
    body = json.dumps({"widgets": [{"type": "text", "properties": {"markdown": "hi"}}]})

    async def play(world: World) -> list[Any]:
        await world.call("PutDashboard", DashboardName="nst", DashboardBody=body)
        found = await world.call("GetDashboard", DashboardName="nst")
        await world.call("DeleteDashboards", DashboardNames=["nst"])
        left = await world.call("ListDashboards")
        return [found["DashboardBody"], found["DashboardArn"], left["DashboardEntries"]]

    assert in_world(play) == [body, f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/nst", []]
    for wrong in ("{", "[]", '{"widgets": [{"type": "text"}]}'):
        error = refusal(
            lambda world, wrong=wrong: world.call(
                "PutDashboard", DashboardName="nst", DashboardBody=wrong
            )
        )
        assert error.code == "InvalidParameterInput"
        assert error.fields["dashboardValidationMessages"]
    gone = refusal(lambda world: world.call("GetDashboard", DashboardName="x"))
    assert gone.code == "ResourceNotFound"


def test_expressions_and_percentiles_are_refused_by_name() -> None:
    query = {"Id": "e", "Expression": "SUM(METRICS())"}
    error = refusal(
        lambda world: world.call(
            "GetMetricData", MetricDataQueries=[query], StartTime=0, EndTime=60
        )
    )
    assert "metric math" in error.message
    error = refusal(
        lambda world: world.call(
            "GetMetricStatistics",
            Namespace="N",
            MetricName="m",
            StartTime=0,
            EndTime=60,
            Period=60,
            Statistics=["p99"],
        )
    )
    assert "the statistic p99" in error.message
