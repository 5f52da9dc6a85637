"""What each call needs, as the Service Authorization Reference has it."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.core.bus import Caller
from emulator.iam import needs
from emulator.iam.needs import Request

A = "us-east-1:000000000000"
ROLE = "arn:aws:iam::000000000000:role/r"
CALLER = Caller("000000000000", "us-east-1", "arn:aws:iam::000000000000:user/u")
MACHINE = f"arn:aws:states:{A}:stateMachine:m"
TASK = f"arn:aws:ecs:{A}:task/c/t"
REFERENCE = "https://docs.aws.amazon.com/service-authorization/latest/reference/"


@pytest.mark.parametrize(
    ("service", "operation", "params", "expected"),
    [
        (
            "states",
            "StartExecution",
            {"stateMachineArn": MACHINE},
            [("states:StartExecution", MACHINE)],
        ),
        (
            "states",
            "DescribeExecution",
            {"executionArn": "arn:e"},
            [("states:DescribeExecution", "arn:e")],
        ),
        ("states", "SendTaskSuccess", {"taskToken": "t"}, []),
        ("states", "ListStateMachines", {}, [("states:ListStateMachines", "*")]),
        (
            "states",
            "CreateStateMachine",
            {"name": "m", "roleArn": ROLE},
            [("states:CreateStateMachine", MACHINE), ("iam:PassRole", ROLE)],
        ),
        (
            "lambda",
            "Invoke",
            {"FunctionName": "f"},
            [("lambda:InvokeFunction", f"arn:aws:lambda:{A}:function:f")],
        ),
        (
            "lambda",
            "Invoke",
            {"FunctionName": "f", "Qualifier": "1"},
            [("lambda:InvokeFunction", f"arn:aws:lambda:{A}:function:f:1")],
        ),
        (
            "lambda",
            "Invoke",
            {"FunctionName": "111111111111:function:f"},
            [("lambda:InvokeFunction", "arn:aws:lambda:us-east-1:111111111111:function:f")],
        ),
        (
            "lambda",
            "CreateFunction",
            {"FunctionName": "f", "Role": ROLE},
            [("lambda:CreateFunction", f"arn:aws:lambda:{A}:function:f"), ("iam:PassRole", ROLE)],
        ),
        (
            "ecs",
            "RunTask",
            {"cluster": "c", "taskDefinition": "d:1"},
            [("ecs:RunTask", f"arn:aws:ecs:{A}:task-definition/d:1")],
        ),
        (
            "ecs",
            "RunTask",
            {"cluster": "c", "taskDefinition": "d", "tags": [{"key": "k", "value": "v"}]},
            [
                ("ecs:RunTask", f"arn:aws:ecs:{A}:task-definition/d"),
                ("ecs:TagResource", f"arn:aws:ecs:{A}:task/c/*"),
            ],
        ),
        ("ecs", "StopTask", {"cluster": "c", "task": "t"}, [("ecs:StopTask", TASK)]),
        ("ecs", "DescribeTasks", {"cluster": "c", "tasks": [TASK]}, [("ecs:DescribeTasks", TASK)]),
        ("ecs", "ListTasks", {"cluster": "c"}, [("ecs:ListTasks", "*")]),
        (
            "ecs",
            "RegisterTaskDefinition",
            {"taskRoleArn": ROLE},
            [("ecs:RegisterTaskDefinition", "*"), ("iam:PassRole", ROLE)],
        ),
        (
            "ecs",
            "DeleteCluster",
            {"cluster": "c"},
            [("ecs:DeleteCluster", f"arn:aws:ecs:{A}:cluster/c")],
        ),
        (
            "events",
            "PutEvents",
            {"Entries": [{}, {"EventBusName": "b"}]},
            [
                ("events:PutEvents", f"arn:aws:events:{A}:event-bus/b"),
                ("events:PutEvents", f"arn:aws:events:{A}:event-bus/default"),
            ],
        ),
        (
            "events",
            "PutTargets",
            {"Rule": "r", "Targets": [{"RoleArn": ROLE}]},
            [("events:PutTargets", f"arn:aws:events:{A}:rule/r"), ("iam:PassRole", ROLE)],
        ),
        (
            "scheduler",
            "CreateSchedule",
            {"Name": "s", "Target": {"RoleArn": ROLE}},
            [
                ("scheduler:CreateSchedule", f"arn:aws:scheduler:{A}:schedule/default/s"),
                ("iam:PassRole", ROLE),
            ],
        ),
        (
            "logs",
            "PutLogEvents",
            {"logGroupName": "g", "logStreamName": "s"},
            [("logs:PutLogEvents", f"arn:aws:logs:{A}:log-group:g:log-stream:s")],
        ),
        (
            "dynamodb",
            "UpdateItem",
            {"TableName": "t"},
            [("dynamodb:UpdateItem", f"arn:aws:dynamodb:{A}:table/t")],
        ),
        (
            "dynamodb",
            "Query",
            {"TableName": "t", "IndexName": "i"},
            [("dynamodb:Query", f"arn:aws:dynamodb:{A}:table/t/index/i")],
        ),
        (
            "dynamodb",
            "BatchGetItem",
            {"RequestItems": {"t": {}, "u": {}}},
            [
                ("dynamodb:BatchGetItem", f"arn:aws:dynamodb:{A}:table/t"),
                ("dynamodb:BatchGetItem", f"arn:aws:dynamodb:{A}:table/u"),
            ],
        ),
        (
            "dynamodb",
            "TransactWriteItems",
            {
                "TransactItems": [
                    {"Put": {"TableName": "t"}},
                    {"ConditionCheck": {"TableName": "u"}},
                ]
            },
            [
                ("dynamodb:PutItem", f"arn:aws:dynamodb:{A}:table/t"),
                ("dynamodb:ConditionCheckItem", f"arn:aws:dynamodb:{A}:table/u"),
            ],
        ),
        ("sns", "Publish", {"TopicArn": "arn:t"}, [("sns:Publish", "arn:t")]),
        ("sns", "PublishBatch", {"TopicArn": "arn:t"}, [("sns:Publish", "arn:t")]),
        (
            "sqs",
            "SendMessageBatch",
            {"QueueUrl": "http://h/000000000000/q"},
            [("sqs:SendMessage", f"arn:aws:sqs:{A}:q")],
        ),
        ("sqs", "CreateQueue", {"QueueName": "q"}, [("sqs:CreateQueue", f"arn:aws:sqs:{A}:q")]),
        ("monitoring", "PutMetricData", {"Namespace": "N"}, [("cloudwatch:PutMetricData", "*")]),
        (
            "monitoring",
            "DeleteAlarms",
            {"AlarmNames": ["a", "b"]},
            [("cloudwatch:DeleteAlarms", f"arn:aws:cloudwatch:{A}:alarm:{n}") for n in "ab"],
        ),
        (
            "monitoring",
            "TagResource",
            {"ResourceARN": "arn:x"},
            [("cloudwatch:TagResource", "arn:x")],
        ),
        (
            "monitoring",
            "PutDashboard",
            {"DashboardName": "d"},
            [("cloudwatch:PutDashboard", "arn:aws:cloudwatch::000000000000:dashboard/d")],
        ),
        # on the bus by the operation's name, over HTTP by method and path
        (
            "apigateway",
            "UpdateStage",
            {"restApiId": "a1", "stageName": "prod"},
            [("apigateway:PATCH", "arn:aws:apigateway:us-east-1::/restapis/a1/stages/prod")],
        ),
        (
            "apigateway",
            "PATCH",
            {"path": "/restapis/a1/stages/prod"},
            [("apigateway:PATCH", "arn:aws:apigateway:us-east-1::/restapis/a1/stages/prod")],
        ),
        (
            "apigateway",
            "GetRestApis",
            {},
            [("apigateway:GET", "arn:aws:apigateway:us-east-1::/restapis")],
        ),
        ("iam", "GetRole", {"RoleName": "r"}, [("iam:GetRole", ROLE)]),
        ("iam", "ListRoles", {}, [("iam:ListRoles", "*")]),
        ("kms", "Encrypt", {"KeyId": "k"}, [("kms:Encrypt", "*")]),
    ],
)
@pytest.mark.fidelity(area="IAM", feature="actions and resources of calls", source=REFERENCE)
def test_actions_and_resources(
    service: str, operation: str, params: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    found = needs.of(Request(service, operation, params, CALLER))
    assert [(need.action, need.resource) for need in found] == expected


@pytest.mark.fidelity(
    area="IAM",
    feature="resources of calls to services whose engine is not ours",
    source=REFERENCE,
    verdict="differs",
    note="beyond the services that the system uses, an action is checked on the resource *",
)
def test_other_operations_are_checked_on_all_resources() -> None:
    (need,) = needs.of(Request("secretsmanager", "GetSecretValue", {"SecretId": "s"}, CALLER))
    assert (need.action, need.resource, need.account) == (
        "secretsmanager:GetSecretValue",
        "*",
        "",
    )


def test_the_facts_that_conditions_ask_for() -> None:
    def context(service: str, operation: str, **params: Any) -> dict[str, Any]:
        return dict(needs.of(Request(service, operation, params, CALLER))[-1].context)

    cluster = {"ecs:cluster": f"arn:aws:ecs:{A}:cluster/c"}
    assert context("ecs", "RunTask", cluster="c", taskDefinition="d") == cluster
    assert context("ecs", "ListTasks", cluster=cluster["ecs:cluster"]) == cluster
    assert context("monitoring", "PutMetricData", Namespace="N") == {"cloudwatch:namespace": "N"}
    passed = {"iam:passedtoservice": "lambda.amazonaws.com"}
    assert context("lambda", "CreateFunction", FunctionName="f", Role=ROLE) == passed
