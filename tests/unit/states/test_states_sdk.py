"""AWS SDK integrations and the smaller optimised ones.

https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html; documents and
error names as recorded on AWS.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.core.errors import AwsError
from emulator.core.virtual_clock import run
from tests.unit.states.world import Ended, ScriptedService, World, execute, one


def task(resource: str, parameters: dict[str, Any]) -> dict[str, Any]:
    return one({"Type": "Task", "Resource": resource, "Parameters": parameters})


def sdk(action: str, parameters: dict[str, Any]) -> dict[str, Any]:
    return task(f"arn:aws:states:::aws-sdk:{action}", parameters)


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ("text", b"text"),
        ({"Dict": "Value"}, b'{"Dict":"Value"}'),
        (["List"], b'["List"]'),
        (False, b"false"),
        (0, b"0"),
    ],
)
def test_put_object_takes_any_body(body: Any, sent: bytes) -> None:
    s3 = ScriptedService({"PutObject": lambda _params, _caller: {"ETag": '"e"'}})
    ended = execute(sdk("s3:putObject", {"Bucket": "b", "Key": "k", "Body": body}), s3=s3)
    assert ended.output == {"ETag": '"e"'}
    assert s3.calls[0][1] == {"Bucket": "b", "Key": "k", "Body": sent}


@pytest.mark.parametrize(("body", "seen"), [(b"text data", "text data"), (b"\xff\x00", "/wA=")])
def test_get_object_gives_text_and_iso_times(body: bytes, seen: str) -> None:
    answer = {
        "Body": body,
        "ContentLength": 9,
        "LastModified": 1_700_000_000.0,
        "Metadata": {"k": "v"},
        "ResponseMetadata": {"HTTPStatusCode": 200},
    }
    s3 = ScriptedService({"GetObject": lambda _params, _caller: answer})
    ended = execute(sdk("s3:getObject", {"Bucket": "b", "Key": "k"}), s3=s3)
    assert ended.output == {
        "Body": seen,
        "ContentLength": 9,
        "LastModified": "2023-11-14T22:13:20.000Z",
        "Metadata": {"k": "v"},
    }
    assert ended.events[2]["taskScheduledEventDetails"]["resourceType"] == "aws-sdk:s3"


@pytest.mark.fidelity(
    area="Step Functions: integrations",
    feature="aws-sdk: members in PascalCase, times in ISO 8601",
    source="https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html",
)
def test_names_are_those_of_the_service_on_the_wire() -> None:
    params = {
        "Cluster": "c",
        "Tasks": ["t"],
        "Include": ["TAGS"],
    }
    answer = {"tasks": [{"taskArn": "t", "startedAt": 1.5, "overrides": {"cpu": "1"}}]}
    ecs = ScriptedService({"DescribeTasks": lambda _params, _caller: answer})
    ended = execute(sdk("ecs:describeTasks", params), ecs=ecs)
    assert ecs.calls[0][1] == {"cluster": "c", "tasks": ["t"], "include": ["TAGS"]}
    assert ended.output == {
        "Tasks": [
            {
                "TaskArn": "t",
                "StartedAt": "1970-01-01T00:00:01.500Z",
                "Overrides": {"Cpu": "1"},
            }
        ]
    }


def test_start_execution_serialises_its_input() -> None:
    answer = {"executionArn": "arn:x", "startDate": 0.0}
    states = ScriptedService({"StartExecution": lambda _params, _caller: answer})
    parameters = {"StateMachineArn": "arn:m", "Input": {"key": "value"}}
    machine = sdk("sfn:startExecution", parameters)
    ended = execute_beside(machine, states)
    assert states.calls[0][1] == {"stateMachineArn": "arn:m", "input": '{"key":"value"}'}
    assert ended.output == {"ExecutionArn": "arn:x", "StartDate": "1970-01-01T00:00:00.000Z"}


def execute_beside(machine: dict[str, Any], states: ScriptedService) -> Any:
    """Execute with another service behind the bus's name ``states``."""

    async def main() -> Ended:
        world = World()
        world.bus.register("states", states)
        arn = await world.start(await world.create(machine))
        return Ended(world, arn, await world.settled(arn), await world.history(arn))

    return run(main)


@pytest.mark.parametrize(
    ("action", "code", "name"),
    [
        ("sfn:describeExecution", "ExecutionDoesNotExist", "Sfn.ExecutionDoesNotExistException"),
        ("sfn:describeExecution", "InvalidArn", "Sfn.InvalidArnException"),
        ("sfn:describeExecution", "ThrottlingException", "Sfn.SfnException"),
        ("sfn:sendTaskSuccess", "InvalidToken", "Sfn.InvalidTokenException"),
        ("s3:getObject", "NoSuchKey", "S3.NoSuchKeyException"),
        ("s3:getObject", "NoSuchBucket", "S3.NoSuchBucketException"),
        ("s3:getObject", "PreconditionFailed", "S3.S3Exception"),
        (
            "dynamodb:getItem",
            "ResourceNotFoundException",
            "DynamoDb.ResourceNotFoundException",
        ),
        ("dynamodb:getItem", "ValidationException", "DynamoDb.DynamoDbException"),
        (
            "sqs:sendMessage",
            "AWS.SimpleQueueService.NonExistentQueue",
            "Sqs.QueueDoesNotExistException",
        ),
        (
            "secretsmanager:createSecret",
            "ValidationException",
            "SecretsManager.SecretsManagerException",
        ),
    ],
)
def test_error_names(action: str, code: str, name: str) -> None:
    def refuse(_params: Any, _caller: Any) -> Any:
        raise AwsError(code, "Because.", 400)

    service, operation = action.split(":")
    scripted = ScriptedService({operation[0].upper() + operation[1:]: refuse})
    parameters = {
        "sfn:describeExecution": {"ExecutionArn": "a"},
        "sfn:sendTaskSuccess": {"TaskToken": "t", "Output": "1"},
        "s3:getObject": {"Bucket": "b", "Key": "k"},
        "dynamodb:getItem": {"TableName": "t", "Key": {"k": {"S": "v"}}},
        "secretsmanager:createSecret": {"Name": "n"},
        "sqs:sendMessage": {"QueueUrl": "q", "MessageBody": "m"},
    }[action]
    machine = sdk(action, parameters)
    ended = (
        execute_beside(machine, scripted)
        if service == "sfn"
        else execute(machine, **{service: scripted})
    )
    assert ended.error == name
    prefix = name.partition(".")[0]
    assert ended.cause.startswith(f"Because. (Service: {prefix}, Status Code: 400, Request ID: ")
    assert ended.cause.endswith(") (SDK Attempt Count: 1)")


def test_unknown_and_missing_members() -> None:
    ended = execute(sdk("s3:getObject", {"Bucket": "b", "Keys": "k"}))
    assert ended.error == "States.Runtime"
    assert "'Keys'" in ended.cause


def test_a_service_that_is_not_there_is_named() -> None:
    ended = execute(sdk("s3:getObject", {"Bucket": "b", "Key": "k"}))
    assert ended.error == "S3.S3Exception"
    assert "the service 's3' is not supported by this emulator" in ended.cause


def test_put_events_and_its_failed_entries() -> None:
    answers = iter(
        [
            {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]},
            {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "X"}]},
        ]
    )
    events = ScriptedService({"PutEvents": lambda _params, _caller: next(answers)})
    entry = {"Source": "s", "DetailType": "d", "Detail": {"a": 1}, "EventBusName": "default"}
    machine = task("arn:aws:states:::events:putEvents", {"Entries": [entry]})
    ended = execute(machine, events=events)
    assert ended.output["Entries"] == [{"EventId": "1"}]
    assert events.calls[0][1]["Entries"][0]["Detail"] == '{"a":1}'
    ended = execute(machine, events=events)
    assert ended.error == "EventBridge.FailedEntry"
    assert json.loads(ended.cause)["FailedEntryCount"] == 1


def test_sns_sqs_and_dynamodb() -> None:
    sns = ScriptedService({"Publish": lambda _params, _caller: {"MessageId": "1"}})
    machine = task("arn:aws:states:::sns:publish", {"TopicArn": "t", "Message": {"m": 1}})
    assert execute(machine, sns=sns).output["MessageId"] == "1"
    assert sns.calls[0][1] == {"TopicArn": "t", "Message": '{"m":1}'}

    item = {"Item": {"k": {"S": "v"}}}
    dynamodb = ScriptedService({"GetItem": lambda _params, _caller: item})
    machine = task(
        "arn:aws:states:::dynamodb:getItem", {"TableName": "t", "Key": {"k": {"S": "v"}}}
    )
    ended = execute(machine, dynamodb=dynamodb)
    assert ended.output["Item"] == {"k": {"S": "v"}}
    assert ended.output["SdkHttpMetadata"]["HttpStatusCode"] == 200


def test_dates_in_parameters() -> None:
    service = ScriptedService({"PutMetricData": lambda _params, _caller: {}})
    datum = {"MetricName": "m", "Value": 1, "Timestamp": "2026-01-01T00:00:00Z"}
    machine = sdk("cloudwatch:putMetricData", {"Namespace": "n", "MetricData": [datum]})
    assert execute(machine, monitoring=service).output == {}
    assert service.calls[0][1]["MetricData"][0]["Timestamp"] == 1_767_225_600.0
