"""What a call needs: IAM actions on resources, with the facts that conditions can ask.

Source: the Service Authorization Reference
(https://docs.aws.amazon.com/service-authorization/latest/reference/). Operations that are not
listed here need ``<service>:<Operation>`` on ``*``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from emulator.core import ids
from emulator.core.bus import Caller
from emulator.core.models import service_model

EVERYTHING = "*"
NO_FACTS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Need:
    """One action on one resource."""

    action: str
    resource: str = EVERYTHING
    context: Mapping[str, Any] = field(default_factory=lambda: NO_FACTS)

    @property
    def account(self) -> str:
        """The account that the resource belongs to; empty where its ARN does not say."""
        parts = self.resource.split(":", 5)
        return parts[4] if len(parts) == 6 and parts[4].isdigit() else ""  # noqa: PLR2004


@dataclass(frozen=True, slots=True)
class Request:
    """A call: its parameters as the SDK names them, and who makes it."""

    service: str
    operation: str
    params: Mapping[str, Any]
    caller: Caller

    @property
    def action(self) -> str:
        """The action that is named like the operation."""
        return f"{PREFIXES.get(self.service, self.service)}:{self.operation}"

    def arn(self, resource: str, service: str = "") -> str:
        """The ARN of a resource of the caller's account and region."""
        name = service or self.service
        return ids.arn(name, resource, region=self.caller.region, account=self.caller.account)

    def text(self, name: str) -> str:
        """A parameter as a text; empty when it is not given."""
        value = self.params.get(name)
        return value if isinstance(value, str) else ""

    def items(self, name: str) -> list[Any]:
        """A parameter that is a list."""
        value = self.params.get(name)
        return list(value) if isinstance(value, list | tuple) else []


ALARM_OPERATIONS = frozenset(
    {
        *("PutMetricAlarm", "SetAlarmState", "DeleteAlarms", "EnableAlarmActions"),
        *("DisableAlarmActions", "DescribeAlarmHistory"),
    }
)
_LABEL = re.compile(r"\{([A-Za-z0-9_+]+)\}")

PREFIXES = {"monitoring": "cloudwatch", "email": "ses", "elbv2": "elasticloadbalancing"}
"""Services whose actions begin otherwise than their endpoint is called."""


def of(request: Request) -> list[Need]:
    """What a call needs."""
    by_service = _SERVICES.get(request.service)
    found = by_service(request) if by_service is not None else None
    return [Need(request.action)] if found is None else found


def pass_role(role: Any, service: str) -> list[Need]:
    """``iam:PassRole`` for a role that a call hands to a service; nothing when it hands none."""
    if not isinstance(role, str) or not role:
        return []
    return [Need("iam:PassRole", role, {"iam:passedtoservice": service})]


def _states(request: Request) -> list[Need] | None:
    operation = request.operation
    if operation in {"SendTaskSuccess", "SendTaskFailure", "SendTaskHeartbeat"}:
        return []  # the workflow is known by the token: Step Functions asks itself
    if operation in {"CreateStateMachine", "UpdateStateMachine"}:
        arn = request.text("stateMachineArn")
        arn = arn or request.arn(f"stateMachine:{request.text('name')}")
        return [
            Need(request.action, arn),
            *pass_role(request.text("roleArn"), "states.amazonaws.com"),
        ]
    for name in ("executionArn", "stateMachineArn", "resourceArn", "activityArn"):
        if request.text(name):
            return [Need(request.action, request.text(name))]
    return None


def _lambda(request: Request) -> list[Need] | None:
    name = request.text("FunctionName")
    if not name:
        return None
    arn = function_arn(request, name)
    if request.operation in {"Invoke", "InvokeAsync", "InvokeWithResponseStream"}:
        return [Need("lambda:InvokeFunction", arn)]
    if request.operation in {"CreateFunction", "UpdateFunctionConfiguration"}:
        role = pass_role(request.params.get("Role"), "lambda.amazonaws.com")
        return [Need(request.action, arn), *role]
    return [Need(request.action, arn)]


def function_arn(request: Request, name: str) -> str:
    """The ARN of a function given by its name, partial ARN or ARN, with the qualifier if any."""
    if name.startswith("arn:"):
        arn = name
    elif name[:12].isdigit() and name[12:22] == ":function:":
        account, rest = name[:12], name[22:]
        arn = ids.arn("lambda", f"function:{rest}", region=request.caller.region, account=account)
    else:
        arn = request.arn(f"function:{name}", "lambda")
    qualifier = request.text("Qualifier")
    return f"{arn}:{qualifier}" if qualifier and arn.count(":") == 6 else arn  # noqa: PLR2004


def _ecs(request: Request) -> list[Need] | None:
    cluster = request.text("cluster") or "default"
    cluster_arn = cluster if cluster.startswith("arn:") else request.arn(f"cluster/{cluster}")
    facts = {"ecs:cluster": cluster_arn}
    operation = request.operation
    if operation == "RunTask":
        definition = request.text("taskDefinition")
        if not definition.startswith("arn:"):
            definition = request.arn(f"task-definition/{definition}")
        found = [Need(request.action, definition, facts)]
        if request.params.get("tags"):
            task = request.arn(f"task/{cluster_arn.rsplit('/', 1)[-1]}/*")
            found.append(Need("ecs:TagResource", task, facts))
        return found
    if operation in {"StopTask", "DescribeTasks"}:
        names = [request.text("task")] if operation == "StopTask" else request.items("tasks")
        prefix = cluster_arn.rsplit("/", 1)[-1]
        arns = [n if n.startswith("arn:") else request.arn(f"task/{prefix}/{n}") for n in names]
        return [Need(request.action, arn, facts) for arn in arns] or [
            Need(request.action, EVERYTHING, facts)
        ]
    if operation == "RegisterTaskDefinition":
        roles = [request.params.get("taskRoleArn"), request.params.get("executionRoleArn")]
        passed = [n for role in roles for n in pass_role(role, "ecs-tasks.amazonaws.com")]
        return [Need(request.action), *passed]
    if operation in {"CreateCluster", "UpdateCluster", "DeleteCluster"}:
        name = request.text("clusterName") or cluster
        arn = name if name.startswith("arn:") else request.arn(f"cluster/{name}")
        return [Need(request.action, arn)]
    return [Need(request.action, EVERYTHING, facts if "cluster" in request.params else NO_FACTS)]


def _events(request: Request) -> list[Need] | None:
    if request.operation == "PutEvents":
        buses = {str(e.get("EventBusName") or "default") for e in request.items("Entries")}
        return [
            Need(request.action, b if b.startswith("arn:") else request.arn(f"event-bus/{b}"))
            for b in sorted(buses)
        ]
    rule = request.text("Rule") or request.text("Name")
    if request.operation in {
        "PutRule",
        "DeleteRule",
        "PutTargets",
        "RemoveTargets",
        "DescribeRule",
    }:
        bus = request.text("EventBusName")
        place = rule if bus in {"", "default"} else f"{bus.rsplit('/', 1)[-1]}/{rule}"
        found = [Need(request.action, request.arn(f"rule/{place}"))]
        for target in request.items("Targets"):
            if isinstance(target, dict):
                found += pass_role(target.get("RoleArn"), "events.amazonaws.com")
        return found
    return None


def _scheduler(request: Request) -> list[Need] | None:
    name = request.text("Name")
    if not name or not request.operation.endswith("Schedule"):
        return None
    group = request.text("GroupName") or "default"
    target = request.params.get("Target")
    role = target.get("RoleArn") if isinstance(target, dict) else None
    return [
        Need(request.action, request.arn(f"schedule/{group}/{name}")),
        *pass_role(role, "scheduler.amazonaws.com"),
    ]


def log_stream_arn(account: str, region: str, group: str, stream: str) -> str:
    """The resource of actions on log streams."""
    return ids.arn("logs", f"log-group:{group}:log-stream:{stream}", region=region, account=account)


def _logs(request: Request) -> list[Need] | None:
    group, stream = request.text("logGroupName"), request.text("logStreamName")
    if not group:
        return None
    caller = request.caller
    return [Need(request.action, log_stream_arn(caller.account, caller.region, group, stream))]


def _dynamodb(request: Request) -> list[Need] | None:
    def table(name: object, action: str = "") -> Need:
        text = str(name)
        arn = text if text.startswith("arn:") else request.arn(f"table/{text}")
        index = request.text("IndexName")
        return Need(action or request.action, f"{arn}/index/{index}" if index else arn)

    if request.text("TableName"):
        return [table(request.text("TableName"))]
    batch = request.params.get("RequestItems")
    if isinstance(batch, dict):
        return [table(name) for name in batch]
    return _transaction(request, table)


def _transaction(request: Request, table: Callable[[object, str], Need]) -> list[Need] | None:
    """Each part of a transaction needs what it would need alone."""
    parts = [
        (_PARTS[kind], part)
        for item in request.items("TransactItems")
        if isinstance(item, dict)
        for kind, part in item.items()
        if kind in _PARTS and isinstance(part, dict)
    ]
    return [table(part.get("TableName"), action) for action, part in parts] or None


def _sns(request: Request) -> list[Need] | None:
    action = "sns:Publish" if request.operation == "PublishBatch" else request.action
    for name in ("TopicArn", "TargetArn", "ResourceArn"):
        if request.text(name):
            return [Need(action, request.text(name))]
    if request.operation == "CreateTopic":
        return [Need(action, request.arn(request.text("Name")))]
    return None


def _sqs(request: Request) -> list[Need] | None:
    operation = request.operation
    action = f"sqs:{operation.removesuffix('Batch')}"
    if operation in {"CreateQueue", "GetQueueUrl"}:
        return [Need(action, request.arn(request.text("QueueName")))]
    url = request.text("QueueUrl")
    if not url:
        return None
    parts = url.rsplit("/", 2)
    account = parts[-2] if len(parts) > 1 and parts[-2].isdigit() else request.caller.account
    return [Need(action, ids.arn("sqs", parts[-1], region=request.caller.region, account=account))]


def _cloudwatch(request: Request) -> list[Need] | None:
    operation = request.operation
    if operation == "PutMetricData":
        facts = {"cloudwatch:namespace": request.text("Namespace")}
        return [Need(request.action, EVERYTHING, facts)]
    if request.text("ResourceARN"):
        return [Need(request.action, request.text("ResourceARN"))]
    names = request.items("AlarmNames") or [request.text("AlarmName")]
    if operation in ALARM_OPERATIONS:
        return [Need(request.action, request.arn(f"alarm:{n}", "cloudwatch")) for n in names]
    boards = request.items("DashboardNames") or [request.text("DashboardName")]
    if operation in {"PutDashboard", "GetDashboard", "DeleteDashboards"}:
        account = request.caller.account
        return [
            Need(
                request.action, ids.arn("cloudwatch", f"dashboard/{n}", region="", account=account)
            )
            for n in boards
        ]
    return None


def _apigateway(request: Request) -> list[Need] | None:
    """API Gateway's control plane: actions are HTTP methods, resources are its paths.

    Over HTTP the operation is the method and the only parameter the path.
    """
    if request.operation.isupper():
        method, path = request.operation, request.text("path")
    else:
        model = service_model("apigateway")
        if request.operation not in model.operation_names:
            return None
        http = model.operation_model(request.operation).http
        method = http["method"]
        path = _LABEL.sub(lambda label: _in_path(request, label[1]), http["requestUri"])
    arn = f"arn:aws:apigateway:{request.caller.region}::{path}"
    return [Need(f"apigateway:{method}", arn)]


def _in_path(request: Request, label: str) -> str:
    """The value of a path's label: members are named as the label, or in camel case."""
    head, *rest = label.removesuffix("+").split("_")
    camel = head + "".join(word.capitalize() for word in rest)
    found = {"restapiId": "restApiId"}.get(camel, camel)
    return request.text(found) or request.text(label)


def _iam(request: Request) -> list[Need] | None:
    for name, kind in (
        ("RoleName", "role"),
        ("UserName", "user"),
        ("GroupName", "group"),
        ("PolicyName", "policy"),
    ):
        if request.text(name):
            path = request.text("Path") or "/"
            account = request.caller.account
            return [
                Need(request.action, f"arn:aws:iam::{account}:{kind}{path}{request.text(name)}")
            ]
    if request.text("PolicyArn"):
        return [Need(request.action, request.text("PolicyArn"))]
    return None


def accounts(found: Iterable[Need]) -> set[str]:
    """The accounts whose resources a call is about."""
    return {need.account for need in found} - {""}


_PARTS = {
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
    "Delete": "dynamodb:DeleteItem",
    "Get": "dynamodb:GetItem",
    "ConditionCheck": "dynamodb:ConditionCheckItem",
}
_SERVICES: Mapping[str, Callable[[Request], list[Need] | None]] = {
    "apigateway": _apigateway,
    "states": _states,
    "lambda": _lambda,
    "ecs": _ecs,
    "events": _events,
    "scheduler": _scheduler,
    "logs": _logs,
    "dynamodb": _dynamodb,
    "sns": _sns,
    "sqs": _sqs,
    "monitoring": _cloudwatch,
    "cloudwatch": _cloudwatch,
    "iam": _iam,
}
