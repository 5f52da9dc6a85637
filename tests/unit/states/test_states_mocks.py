"""TestState: what it refuses, and mocks.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_MockInput.html; the sentences of
refusals are as recorded on AWS.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.states.state_tests import AREA, HELLO, SOURCE, answer_to, refusal

TASK = {"Type": "Task", "Resource": "arn:aws:states:::dynamodb:putItem", "End": True}
SQS_WAIT = {**TASK, "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken"}
GROUP = {"StartAt": "B", "States": {"B": {"Type": "Pass", "End": True}}}
PARALLEL = {"Type": "Parallel", "Branches": [GROUP], "End": True}
MAP = {"Type": "Map", "ItemsPath": "$.Values", "ItemProcessor": GROUP, "End": True}
UNSUPPORTED_STATES = (
    "TestState API does not support Map or Parallel states. Supported state types include: "
    "[Task, Wait, Pass, Succeed, Fail, Choice]"
)
RESULT = {"result": "{}"}


@pytest.mark.fidelity(area=AREA, feature="TestState: what it refuses", source=SOURCE)
@pytest.mark.parametrize(
    ("state", "params", "code", "message"),
    [
        (MAP, {}, "InvalidDefinition", UNSUPPORTED_STATES),
        (PARALLEL, {}, "InvalidDefinition", UNSUPPORTED_STATES),
        (SQS_WAIT, {}, "InvalidDefinition", None),
        ({"Type": "Nope"}, {}, "InvalidDefinition", None),
        (
            TASK,
            {"roleArn": None},
            "ValidationException",
            "RoleArn must be specified when testing a Task state",
        ),
        (TASK, {"roleArn": "nope"}, "InvalidArn", None),
        (TASK, {"input": "nope"}, "InvalidExecutionInput", None),
        (TASK, {"variables": "[]"}, "ValidationException", None),
        (TASK, {"inspectionLevel": "ALL"}, "ValidationException", None),
        (
            {"Type": "Pass", "End": True},
            {"mock": RESULT},
            "ValidationException",
            "State type 'Pass' is not supported when a mock is specified",
        ),
        (
            TASK,
            {"mock": RESULT, "revealSecrets": True},
            "ValidationException",
            "TestState does not support RevealSecrets when a mock is specified.",
        ),
        (
            TASK,
            {"mock": {**RESULT, "errorOutput": {"error": "E"}}},
            "ValidationException",
            ("A test mock should have only one of the following fields: [result, errorOutput]."),
        ),
        (
            TASK,
            {"mock": {"result": "{"}},
            "ValidationException",
            "Mocked result must be valid JSON",
        ),
        (MAP, {"mock": RESULT}, "ValidationException", "Mocked result must be an array."),
        (
            PARALLEL,
            {"mock": {"result": "[1, 2]"}},
            "ValidationException",
            ("Mocked result must contain the same number of items as number of Parallel branches."),
        ),
        (TASK, {"context": "{}"}, "ValidationException", None),
        (
            TASK,
            {"mock": RESULT, "context": '{"Map": {}}'},
            "ValidationException",
            (
                "Invalid Context object provided: 'Map' field is not supported when mocking a "
                "Context object"
            ),
        ),
        (
            TASK,
            {"mock": RESULT, "context": '{"Pokedex": 1}'},
            "ValidationException",
            "Invalid Context object provided: Field 'Pokedex' is not allowed",
        ),
        (
            TASK,
            {"mock": RESULT, "context": '{"Execution": {"Id": 1}}'},
            "ValidationException",
            "Invalid Context object provided: Execution.Id must be a string",
        ),
        (TASK, {"mock": RESULT, "context": '{"Task": {}}'}, "ValidationException", None),
        (
            MAP,
            {"mock": {"result": "[]"}, "stateConfiguration": {"mapIterationFailureCount": 1}},
            "NotSupportedByEmulator",
            None,
        ),
    ],
)
def test_refusals(
    state: dict[str, Any], params: dict[str, Any], code: str, message: str | None
) -> None:
    error = refusal(state, **params)
    assert error.code == code
    assert message in {None, error.message}


@pytest.mark.fidelity(
    area=AREA,
    feature="TestState: mocked results and errors",
    source="https://docs.aws.amazon.com/step-functions/latest/apireference/API_MockInput.html",
)
def test_mocks() -> None:
    done = answer_to(SQS_WAIT, mock={"result": '{"approved": true}'}, roleArn=None)
    assert done == {"status": "SUCCEEDED", "output": {"approved": True}}
    branches = answer_to(PARALLEL, mock={"result": "[7]"}, inspectionLevel="DEBUG")
    assert branches["inspectionData"] == {
        "input": HELLO,
        "afterResultSelector": [7],
        "afterResultPath": [7],
    }
    items = answer_to(MAP, {"Values": [1, 2]}, mock={"result": "[3]"}, inspectionLevel="DEBUG")
    assert items["output"] == [3]
    assert items["inspectionData"]["afterItemsPath"] == [1, 2]
    assert items["inspectionData"]["maxConcurrency"] == 0
    failed = answer_to(TASK, mock={"errorOutput": {"error": "MockException", "cause": "C"}})
    assert failed == {"status": "FAILED", "error": "MockException", "cause": "C"}
    missing = answer_to(MAP, {}, mock={"result": "[3]"})
    assert (missing["status"], missing["error"]) == ("FAILED", "States.Runtime")


def test_a_mocked_context_object() -> None:
    state = {**SQS_WAIT, "Parameters": {"t.$": "$$.Task.Token", "n.$": "$$.Execution.Name"}}
    context = {"Task": {"Token": "the token"}, "Execution": {"Name": "the name"}}
    answer = answer_to(state, mock=RESULT, context=json.dumps(context), inspectionLevel="DEBUG")
    assert answer["inspectionData"]["afterParameters"] == {"t": "the token", "n": "the name"}


SDK = "arn:aws:states:::aws-sdk:"
SCHEMA = "Mock result schema validation error: "


@pytest.mark.fidelity(
    area=AREA,
    feature="TestState: mocked results are held to the API's model (STRICT, PRESENT, NONE)",
    source="https://docs.aws.amazon.com/step-functions/latest/apireference/API_MockInput.html",
)
@pytest.mark.parametrize(
    ("resource", "result", "problem"),
    [
        ("arn:aws:states:::events:putEvents", {"Entries": "x"}, "Field 'Entries' must be an array"),
        (
            "arn:aws:states:::events:putEvents",
            {"Entries": [{"EventId": "1"}, {"EventId": 2}]},
            "Field 'EventId' must be a string",
        ),
        (
            "arn:aws:states:::states:startExecution",
            {"executionArn": "a"},
            "Required field 'ExecutionArn' is missing",
        ),
        (
            "arn:aws:states:::states:startExecution",
            {"ExecutionArn": "a", "StartDate": True},
            "Field 'StartDate' must be a string",
        ),
        (
            "arn:aws:states:::lambda:invoke",
            {"StatusCode": "200"},
            "Field 'StatusCode' must be a number",
        ),
        (
            f"{SDK}s3:getObject",
            {"StorageClass": "PAPER"},
            "Field 'StorageClass' is not an expected value",
        ),
        (
            f"{SDK}lambda:getFunction",
            {"Configuration": {"MemorySize": 1}},
            "Field 'MemorySize' is less than the minimum value",
        ),
        (
            f"{SDK}kms:encrypt",
            {"CiphertextBlob": ""},
            "Field 'CiphertextBlob' is smaller than the minimum length",
        ),
        ("arn:aws:states:::lambda:invoke", {"Payload": {"any": 1}, "StatusCode": 200}, None),
        ("arn:aws:states:::dynamodb:putItem", {"random": "json"}, None),
    ],
)
def test_mocked_results_are_checked(
    resource: str, result: dict[str, Any], problem: str | None
) -> None:
    state = {**TASK, "Resource": resource}
    mock = {"result": json.dumps(result)}
    if problem is None:
        assert answer_to(state, mock=mock)["output"] == result
        return
    error = refusal(state, mock=mock)
    assert (error.code, error.message) == ("ValidationException", SCHEMA + problem)
    assert answer_to(state, mock={**mock, "fieldValidationMode": "NONE"})["output"] == result
    if problem.startswith("Required"):
        assert answer_to(state, mock={**mock, "fieldValidationMode": "PRESENT"})["output"] == result
    else:
        assert refusal(state, mock={**mock, "fieldValidationMode": "PRESENT"}).message == (
            SCHEMA + problem
        )
