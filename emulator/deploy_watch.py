"""Deploys what watches the system: topic, alarms, dashboard, and the gate that closes the API.

``terraform/modules/observability`` makes the same on AWS.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from system import stack

Call = Callable[[str, str, dict[str, Any]], Awaitable[dict[str, Any]]]


async def deploy_watch(call: Call, declared: Mapping[str, Any], values: dict[str, str]) -> None:
    """Make it all; ``values`` must name the API's id and stage."""
    await _gate(call, declared["gate"], values)
    topic = await call(
        "sns", "CreateTopic", {"Name": stack.fill(declared["alarms"]["topic"], values)}
    )
    for alarm in stack.fill(declared["alarms"]["metrics"], values).values():
        await call("monitoring", "PutMetricAlarm", alarm_params(alarm, topic["TopicArn"]))
    board = declared["dashboard"]
    body = json.loads(stack.fill_text(stack.text(board["body"]), values))
    await call(
        "monitoring",
        "PutDashboard",
        {
            "DashboardName": stack.fill(board["name"], values),
            "DashboardBody": json.dumps(body),
        },
    )


def alarm_params(alarm: Mapping[str, Any], topic: str) -> dict[str, Any]:
    """PutMetricAlarm's parameters for a declared alarm; it tells the topic of both ways."""
    return {
        "AlarmName": alarm["name"],
        "AlarmDescription": alarm["description"],
        "Namespace": alarm["namespace"],
        "MetricName": alarm["metric"],
        "Dimensions": [{"Name": k, "Value": v} for k, v in alarm["dimensions"].items()],
        "Statistic": alarm["statistic"],
        "Period": alarm["period_s"],
        "EvaluationPeriods": 1,
        "Threshold": float(alarm["threshold"]),
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": alarm["missing"],
        "AlarmActions": [topic],
        "OKActions": [topic],
    }


async def _gate(call: Call, gate: Mapping[str, Any], values: Mapping[str, str]) -> None:
    workflow = gate["workflow"]
    role = f"{values['name']}-{workflow['role']}"
    trust = stack.fill(stack.policy("trust-states"), values)
    await call(
        "iam", "CreateRole", {"RoleName": role, "AssumeRolePolicyDocument": json.dumps(trust)}
    )
    policy = stack.fill(stack.policy(workflow["role"]), values)
    await call(
        "iam",
        "PutRolePolicy",
        {"RoleName": role, "PolicyName": role, "PolicyDocument": json.dumps(policy)},
    )
    await call(
        "states",
        "CreateStateMachine",
        {
            "name": values["gate_name"],
            "definition": stack.workflow(workflow["definition"], values),
            "roleArn": values["gate_role_arn"],
            "type": workflow["type"],
        },
    )
    for key, rule in stack.fill(gate["rules"], values).items():
        await call("events", "PutRule", rule_params(rule))
        target = target_params(key, rule, values["gate_arn"], values["events_role_arn"])
        await call("events", "PutTargets", {"Rule": rule["name"], "Targets": [target]})


def rule_params(rule: Mapping[str, Any]) -> dict[str, Any]:
    """PutRule's parameters for a declared rule."""
    return {
        "Name": rule["name"],
        "Description": rule["description"],
        "EventPattern": json.dumps(rule["pattern"]),
    }


def target_params(key: str, rule: Mapping[str, Any], arn: str, role: str) -> dict[str, Any]:
    """The one target of a declared rule."""
    return {
        "Id": key.replace("_", "-"),
        "Arn": arn,
        "RoleArn": role,
        "InputTransformer": {
            "InputPathsMap": rule["input_paths"],
            "InputTemplate": rule["input_template"],
        },
    }
