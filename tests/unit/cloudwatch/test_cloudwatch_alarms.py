"""Alarms on virtual time: states, events, notifications, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.cloudwatch import CloudWatchSettings
from tests.unit.cloudwatch.cloudwatch_world import ACCOUNT, TOPIC, World, in_world, refusal

ALARM_API = (
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"
)
EVENTS = (
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html"
)
WINDOW = (
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation-window.html"
)
DAY_MINUTES = 24 * 60


@pytest.mark.fidelity(
    area="CloudWatch",
    feature="alarms begin with INSUFFICIENT_DATA and are evaluated each minute",
    source=ALARM_API,
)
def test_an_alarm_follows_its_metric_minute_by_minute() -> None:
    async def play(world: World) -> list[str]:
        await world.alarm(TreatMissingData="notBreaching")
        seen = [await world.state()]
        await world.minutes(1)
        seen.append(await world.state())
        await world.put(1)
        seen.append(await world.state())
        await world.minutes(1)
        seen.append(await world.state())
        # nothing more comes: when the breaching point has left the range, it is over
        await world.minutes(4)
        seen.append(await world.state())
        return seen

    assert in_world(play) == ["INSUFFICIENT_DATA", "OK", "OK", "ALARM", "OK"]


@pytest.mark.fidelity(
    area="CloudWatch",
    feature="alarms are evaluated half a second after new data, too",
    source=WINDOW,
    verdict="differs",
    note="AWS evaluates once a minute; so does the emulator with --aws-timing",
)
def test_new_data_are_looked_at_soon() -> None:
    async def play(world: World) -> str:
        await world.alarm()
        await world.put(1)
        await world.clock.sleep(1)
        return await world.state()

    assert in_world(play, CloudWatchSettings()) == "ALARM"


@pytest.mark.fidelity(
    area="CloudWatch",
    feature="the evaluation window slides: the last 24 hours, not the day",
    source=WINDOW,
)
def test_a_daily_alarm_counts_the_last_twenty_four_hours() -> None:
    async def play(world: World) -> list[tuple[int, str]]:
        await world.alarm(Period=86_400, Threshold=3.0, TreatMissingData="notBreaching")
        seen = []
        for hours in (0, 10, 20):
            await world.put(1)
            await world.minutes(1)
            seen.append((hours, await world.state()))
            await world.minutes(10 * 60 - 1)
        # the first request is thirty hours old by now
        seen.append((30, await world.state()))
        return seen

    assert in_world(play) == [(0, "OK"), (10, "OK"), (20, "ALARM"), (30, "OK")]


@pytest.mark.parametrize(
    ("operator", "breaching", "fine"),
    [
        ("GreaterThanOrEqualToThreshold", 5.0, 4.9),
        ("GreaterThanThreshold", 5.1, 5.0),
        ("LessThanThreshold", 4.9, 5.0),
        ("LessThanOrEqualToThreshold", 5.0, 5.1),
    ],
)
def test_thresholds_are_compared_as_the_operator_says(
    operator: str, breaching: float, fine: float
) -> None:
    async def play(world: World, value: float) -> str:
        await world.alarm(Threshold=5.0, ComparisonOperator=operator)
        await world.put(value)
        await world.minutes(1)
        return await world.state()

    assert in_world(lambda world: play(world, breaching)) == "ALARM"
    assert in_world(lambda world: play(world, fine)) == "OK"


@pytest.mark.parametrize(
    ("statistic", "value"),
    [("Sum", 9.0), ("Maximum", 6.0), ("Minimum", 1.0), ("Average", 3.0), ("SampleCount", 3.0)],
)
def test_each_statistic_is_computed_over_the_period(statistic: str, value: float) -> None:
    async def play(world: World) -> Any:
        await world.alarm(Statistic=statistic, Period=300, Threshold=value)
        for number in (1.0, 2.0, 6.0):
            await world.put(number)
        await world.minutes(1)
        found = await world.call("DescribeAlarms", AlarmNames=["a"])
        return json.loads(found["MetricAlarms"][0]["StateReasonData"])["recentDatapoints"]

    assert in_world(play) == [value]


@pytest.mark.fidelity(
    area="CloudWatch",
    feature="state changes are EventBridge events, from any state to any other",
    source=EVENTS,
)
def test_a_state_change_is_an_event_in_the_documented_shape() -> None:
    async def play(world: World) -> dict[str, Any]:
        await world.alarm(
            AlarmDescription="too many",
            Dimensions=[{"Name": "Stage", "Value": "prod"}],
        )
        await world.put(2, Dimensions=[{"Name": "Stage", "Value": "prod"}])
        await world.minutes(1)
        return world.events[-1]

    event = in_world(play)
    detail = event["detail"]
    assert event["source"] == "aws.cloudwatch"
    assert event["detail-type"] == "CloudWatch Alarm State Change"
    assert event["resources"] == [f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:a"]
    assert (event["account"], event["region"]) == (ACCOUNT, "us-east-1")
    assert detail["alarmName"] == "a"
    assert detail["state"]["value"] == "ALARM"
    assert detail["state"]["reason"].startswith("Threshold Crossed: 1 out of the last 1 datapoints")
    assert json.loads(detail["state"]["reasonData"])["threshold"] == 1.0
    assert detail["previousState"]["value"] == "INSUFFICIENT_DATA"
    assert detail["configuration"]["description"] == "too many"
    metric = detail["configuration"]["metrics"][0]
    assert metric["returnData"] is True
    assert metric["metricStat"] == {
        "metric": {"namespace": "NST", "name": "Findings", "dimensions": {"Stage": "prod"}},
        "period": 60,
        "stat": "Sum",
    }


@pytest.mark.fidelity(
    area="CloudWatch",
    feature="alarm actions: a topic hears of changes into ALARM, OK and INSUFFICIENT_DATA",
    source=ALARM_API,
)
def test_a_topic_is_notified_once_for_each_change() -> None:
    async def play(world: World) -> list[dict[str, Any]]:
        await world.alarm(AlarmActions=[TOPIC], OKActions=[TOPIC], TreatMissingData="notBreaching")
        for _ in range(3):
            await world.put(1)
            await world.minutes(1)
        await world.minutes(6)
        return world.topic.messages

    messages = in_world(play)
    assert [m["Subject"] for m in messages] == [
        'ALARM: "a" in US East (N. Virginia)',
        'OK: "a" in US East (N. Virginia)',
    ]
    assert {m["TopicArn"] for m in messages} == {TOPIC}
    told = json.loads(messages[0]["Message"])
    assert (told["NewStateValue"], told["OldStateValue"]) == ("ALARM", "INSUFFICIENT_DATA")
    assert told["Trigger"]["Statistic"] == "SUM"
    assert told["Trigger"]["Threshold"] == 1.0


def test_actions_that_are_disabled_are_not_taken_but_the_event_is_sent() -> None:
    async def play(world: World) -> tuple[int, int]:
        await world.alarm(AlarmActions=[TOPIC])
        await world.call("DisableAlarmActions", AlarmNames=["a"])
        await world.call("SetAlarmState", AlarmName="a", StateValue="ALARM", StateReason="r")
        await world.minutes(0)
        disabled = len(world.topic.messages)
        await world.call("EnableAlarmActions", AlarmNames=["a"])
        await world.call("SetAlarmState", AlarmName="a", StateValue="OK", StateReason="r")
        await world.call("SetAlarmState", AlarmName="a", StateValue="ALARM", StateReason="r")
        await world.minutes(0)
        assert len(world.events) == 3
        return disabled, len(world.topic.messages)

    assert in_world(play) == (0, 1)


@pytest.mark.fidelity(
    area="CloudWatch",
    feature="SetAlarmState holds until the next evaluation",
    source="https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_SetAlarmState.html",
)
def test_a_state_that_was_set_by_hand_is_evaluated_anew() -> None:
    async def play(world: World) -> list[str]:
        await world.alarm(TreatMissingData="notBreaching")
        await world.call("SetAlarmState", AlarmName="a", StateValue="ALARM", StateReason="test")
        seen = [await world.state()]
        await world.minutes(1)
        return [*seen, await world.state()]

    assert in_world(play) == ["ALARM", "OK"]


def test_the_history_tells_of_changes_actions_and_configuration() -> None:
    async def play(world: World) -> list[tuple[str, str]]:
        await world.alarm(AlarmActions=[TOPIC])
        world.topic.refuses = True
        await world.call("SetAlarmState", AlarmName="a", StateValue="ALARM", StateReason="r")
        await world.minutes(0)
        found = await world.call("DescribeAlarmHistory", AlarmName="a", ScanBy="TimestampAscending")
        return [(i["HistoryItemType"], i["HistorySummary"]) for i in found["AlarmHistoryItems"]]

    assert in_world(play) == [
        ("ConfigurationUpdate", 'Alarm "a" created'),
        ("StateUpdate", "Alarm updated from INSUFFICIENT_DATA to ALARM"),
        ("Action", f"Failed action {TOPIC}"),
    ]


@pytest.mark.fidelity(
    area="CloudWatch",
    feature="an alarm that is put again keeps its state and its tags",
    source=ALARM_API,
)
def test_an_alarm_that_is_put_again_keeps_its_state() -> None:
    async def play(world: World) -> tuple[str, list[dict[str, str]]]:
        await world.alarm(Tags=[{"Key": "a", "Value": "1"}])
        await world.call("SetAlarmState", AlarmName="a", StateValue="ALARM", StateReason="r")
        await world.alarm(Threshold=9.0, Tags=[{"Key": "a", "Value": "2"}])
        arn = f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:a"
        tags = await world.call("ListTagsForResource", ResourceARN=arn)
        return await world.state(), tags["Tags"]

    assert in_world(play) == ("ALARM", [{"Key": "a", "Value": "1"}])


def test_a_deleted_alarm_is_silent_and_of_several_names_all_or_none_go() -> None:
    async def play(world: World) -> tuple[str, int]:
        await world.alarm("a")
        await world.alarm("b")
        try:
            await world.call("DeleteAlarms", AlarmNames=["a", "nobody"])
        except Exception as error:  # noqa: BLE001
            code = str(error).partition(":")[0]
        assert await world.state("a") == "INSUFFICIENT_DATA"
        await world.call("DeleteAlarms", AlarmNames=["a", "b"])
        await world.put(5)
        await world.minutes(2)
        return code, len(world.events)

    assert in_world(play) == ("ResourceNotFound", 0)


@pytest.mark.fidelity(
    area="CloudWatch",
    feature="metric math, anomaly detection, percentiles, high resolution, wall clock windows",
    source=ALARM_API,
    verdict="refused",
    note="by name, when the alarm is put",
)
@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"Metrics": [{"Id": "m", "Expression": "a+b"}]}, "metric math"),
        ({"ThresholdMetricId": "ad1"}, "anomaly detection"),
        ({"ExtendedStatistic": "p99"}, "percentile"),
        ({"EvaluationWindow": {"WallClockWindow": {}}}, "wall clock window"),
        ({"Period": 10}, "high-resolution"),
        ({"AlarmActions": ["arn:aws:automate:us-east-1:ec2:stop"]}, "arn:aws:automate"),
    ],
)
def test_kinds_of_alarms_that_are_not_emulated_are_refused_by_name(
    changes: dict[str, Any], named: str
) -> None:
    error = refusal(lambda world: world.alarm(**changes))
    assert error.code == "NotSupportedByEmulator"
    assert named in error.message


@pytest.mark.fidelity(
    area="CloudWatch",
    feature="composite alarms, insight rules, metric streams, anomaly detectors",
    source="https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Operations.html",
    verdict="refused",
)
@pytest.mark.parametrize(
    "operation",
    ["PutCompositeAlarm", "PutInsightRule", "PutMetricStream", "PutAnomalyDetector"],
)
def test_operations_that_are_not_emulated_are_refused_by_name(operation: str) -> None:
    error = refusal(lambda world: world.call(operation))
    assert error.code == "NotSupportedByEmulator"
    assert operation in error.message


@pytest.mark.fidelity(
    area="CloudWatch",
    feature="PutMetricAlarm refuses what contradicts itself with AWS's codes",
    source=ALARM_API,
)
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Statistic": None}, "MissingParameter"),
        ({"Statistic": "Median"}, "ValidationError"),
        ({"ComparisonOperator": "Equals"}, "ValidationError"),
        ({"TreatMissingData": "maybe"}, "ValidationError"),
        ({"Period": 90}, "InvalidParameterValue"),
        ({"DatapointsToAlarm": 2}, "InvalidParameterValue"),
        # more than a day of periods below an hour, more than a week of longer ones
        ({"Period": 300, "EvaluationPeriods": 289}, "ValidationError"),
        ({"Period": 86_400, "EvaluationPeriods": 8}, "ValidationError"),
    ],
)
def test_an_alarm_that_makes_no_sense_is_refused(changes: dict[str, Any], code: str) -> None:
    assert refusal(lambda world: world.alarm(**changes)).code == code


def test_the_longest_windows_are_taken() -> None:
    async def play(world: World) -> None:
        await world.alarm("day", Period=300, EvaluationPeriods=288)
        await world.alarm("week", Period=86_400, EvaluationPeriods=7)

    in_world(play)
