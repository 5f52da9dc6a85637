"""Deploys where logs go: groups that do not grow for ever, and the API's access log.

``terraform/modules/functions``, ``nst_service`` and ``api`` make the same.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from system import stack

Call = Callable[[str, str, dict[str, Any]], Awaitable[dict[str, Any]]]

PUSH_POLICY = "arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
"""What API Gateway needs to write its logs:
https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html"""


async def log_group(call: Call, name: str, days: int) -> None:
    """Make a log group that keeps its lines for ``days``; raises AwsError."""
    await call("logs", "CreateLogGroup", {"logGroupName": name})
    await call("logs", "PutRetentionPolicy", {"logGroupName": name, "retentionInDays": days})


async def account_role(call: Call, values: Mapping[str, str]) -> str:
    """The role with which API Gateway writes logs, for the whole account; gives its ARN."""
    name = f"{values['name']}-gateway-logs"
    trust = stack.fill(stack.policy("trust-apigateway"), values)
    made = await call(
        "iam", "CreateRole", {"RoleName": name, "AssumeRolePolicyDocument": json.dumps(trust)}
    )
    await call("iam", "AttachRolePolicy", {"RoleName": name, "PolicyArn": PUSH_POLICY})
    arn = str(made["Role"]["Arn"])
    await call(
        "apigateway",
        "UpdateAccount",
        {"patchOperations": [{"op": "replace", "path": "/cloudwatchRoleArn", "value": arn}]},
    )
    return arn


async def access_log(
    call: Call, api: Mapping[str, Any], values: Mapping[str, str], stage: tuple[str, str]
) -> dict[str, str]:
    """Log each request of a ``(REST API, stage)``; gives the stage's settings."""
    group = stack.fill_text(api["log_group"], values)
    await log_group(call, group, api["log_days"])
    arn = f"arn:aws:logs:{values['region']}:{values['account']}:log-group:{group}"
    settings = {"destinationArn": arn, "format": line(api["access_log"])}
    patches = [
        {"op": "replace", "path": f"/accessLogSettings/{name}", "value": value}
        for name, value in settings.items()
    ]
    await call(
        "apigateway",
        "UpdateStage",
        {"restApiId": stage[0], "stageName": stage[1], "patchOperations": patches},
    )
    return settings


def line(members: Mapping[str, str]) -> str:
    """A line of JSON from its members, in the form and order of Terraform's jsonencode."""
    return json.dumps(members, sort_keys=True, separators=(",", ":"))
