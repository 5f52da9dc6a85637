"""What tests of alarms and of the gate do, on any stack with the system on it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import httpx

from tests.system.running import wait_until

PUT_AGAIN = (
    *("AlarmName", "AlarmDescription", "ActionsEnabled", "OKActions", "AlarmActions"),
    *("InsufficientDataActions", "MetricName", "Namespace", "Statistic", "Dimensions", "Period"),
    *("EvaluationPeriods", "Threshold", "ComparisonOperator", "TreatMissingData"),
)


def described(cloudwatch: Any, name: str) -> dict[str, Any]:
    """An alarm as DescribeAlarms shows it."""
    [found] = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    alarm: dict[str, Any] = found
    return alarm


def wait_for_state(cloudwatch: Any, name: str, state: str) -> None:
    """Wait until an alarm is in a state."""
    wait_until(
        f"{name} to be {state}", lambda: described(cloudwatch, name)["StateValue"] == state, 90
    )


@contextlib.contextmanager
def threshold(cloudwatch: Any, name: str, value: float) -> Iterator[None]:
    """An alarm with another threshold."""
    alarm = {k: v for k, v in described(cloudwatch, name).items() if k in PUT_AGAIN}
    cloudwatch.put_metric_alarm(**{**alarm, "Threshold": value})
    try:
        yield
    finally:
        cloudwatch.put_metric_alarm(**alarm)


def is_closed(answer: httpx.Response) -> bool:
    """Whether an answer of the API says that it is closed, as a visitor may read it."""
    if answer.status_code != 429:
        return False
    problem = answer.json()
    return bool(
        problem["code"] == "too-many-requests"
        and problem["state"] == "closed"
        and "tomorrow" in problem["detail"]
        and answer.headers["content-type"] == "application/problem+json"
    )


def gate(states: Any, arn: str, action: str) -> dict[str, Any]:
    """What the gate's workflow answers."""
    answer: dict[str, Any] = states.start_sync_execution(
        stateMachineArn=arn, input=json.dumps({"action": action})
    )
    return answer
