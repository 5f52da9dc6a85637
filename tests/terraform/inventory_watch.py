"""What watches the system, read back through the APIs: alarms, topics, dashboards, stage variables.

The gate's workflow, role and rules are in the inventory with all the others.
"""

from __future__ import annotations

import json
from typing import Any

from tests.system.running import Running

OF_TIME_AND_STATE = frozenset(
    {
        *("AlarmConfigurationUpdatedTimestamp", "StateUpdatedTimestamp"),
        *("StateTransitionedTimestamp", "StateValue", "StateReason", "StateReasonData"),
    }
)


def watch(stack: Running) -> dict[str, Any]:
    """Everything by kind and name."""
    return {
        "alarms": _alarms(stack),
        "topics": _topics(stack),
        "dashboards": _dashboards(stack),
        "stage_variables": _variables(stack),
    }


def _alarms(stack: Running) -> dict[str, Any]:
    found = stack.client("cloudwatch").describe_alarms()
    assert found["CompositeAlarms"] == []
    return {
        alarm["AlarmName"]: {k: v for k, v in alarm.items() if k not in OF_TIME_AND_STATE}
        for alarm in found["MetricAlarms"]
    }


def _topics(stack: Running) -> dict[str, Any]:
    sns = stack.client("sns")
    return {
        topic["TopicArn"]: [
            {k: s[k] for k in ("Protocol", "Endpoint")}
            for s in sns.list_subscriptions_by_topic(TopicArn=topic["TopicArn"])["Subscriptions"]
        ]
        for topic in sns.list_topics()["Topics"]
    }


def _dashboards(stack: Running) -> dict[str, Any]:
    cloudwatch = stack.client("cloudwatch")
    names = [d["DashboardName"] for d in cloudwatch.list_dashboards()["DashboardEntries"]]
    return {
        name: json.loads(cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"])
        for name in names
    }


def _variables(stack: Running) -> dict[str, Any]:
    gateway = stack.client("apigateway")
    api = gateway.get_rest_apis()["items"][0]
    stages = gateway.get_stages(restApiId=api["id"])["item"]
    return {stage["stageName"]: stage.get("variables") for stage in stages}
