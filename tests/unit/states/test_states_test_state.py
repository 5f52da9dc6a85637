"""TestState: statuses, inspection data, mocks, refusals.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_TestState.html; which stages
are shown for which state, and the sentences of refusals, as recorded on AWS.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.core.errors import AwsError
from tests.unit.states.shapes import conforming
from tests.unit.states.world import FUNCTION, ROLE, FunctionError, ScriptedService, World, run

SOURCE = "https://docs.aws.amazon.com/step-functions/latest/apireference/API_TestState.html"
AREA = "Step Functions: API"
HELLO = {"Value": "HelloWorld"}


def fail(_event: Any) -> Any:
    raise FunctionError("Mine", "because")


def answer_to(state: dict[str, Any], data: Any = None, **params: Any) -> dict[str, Any]:
    """The answer of TestState, documents parsed."""

    async def main() -> dict[str, Any]:
        world = World(
            {"echo": lambda event: event, "fail": fail},
            dynamodb=ScriptedService({"PutItem": lambda _params, _caller: {}}),
        )
        given = {"input": json.dumps(HELLO if data is None else data), "roleArn": ROLE, **params}
        given = {name: value for name, value in given.items() if value is not None}
        return await world.call("TestState", definition=json.dumps(state), **given)

    answer = run(main)
    conforming("TestState", answer)
    return _parsed(answer)


def _parsed(answer: dict[str, Any]) -> dict[str, Any]:
    if "output" in answer:
        answer["output"] = json.loads(answer["output"])
    data = answer.get("inspectionData", {})
    for stage, value in data.items():
        if isinstance(value, str):
            data[stage] = json.loads(value)
    return answer


def refusal(state: dict[str, Any], **params: Any) -> AwsError:
    with pytest.raises(AwsError) as caught:
        answer_to(state, **params)
    return caught.value


NESTED = {
    "initialData": {"fieldFromInput": "value from input", "otherField": "other"},
    "unrelatedData": {"someOtherField": 1234},
}
PASS_IO = {
    "Type": "Pass",
    "InputPath": "$.initialData",
    "Parameters": {"staticValue": "some value", "inputValue.$": "$.fieldFromInput"},
    "ResultPath": "$.modifiedData",
    "End": True,
}
MODIFIED = {"staticValue": "some value", "inputValue": "value from input"}
CHOICE = {
    "Type": "Choice",
    "Choices": [{"Variable": "$.value", "NumericGreaterThan": 20, "Next": "ValueInTwenties"}],
    "Default": "Other",
}
LEVELS = pytest.mark.parametrize("level", ["DEBUG", "TRACE"])


@pytest.mark.fidelity(area=AREA, feature="TestState: status, output and next state", source=SOURCE)
@pytest.mark.parametrize(
    ("state", "data", "answer"),
    [
        ({"Type": "Pass", "End": True}, HELLO, {"status": "SUCCEEDED", "output": HELLO}),
        ({"Type": "Pass", "Next": "N"}, 1, {"status": "SUCCEEDED", "output": 1, "nextState": "N"}),
        ({"Type": "Succeed"}, HELLO, {"status": "SUCCEEDED", "output": HELLO}),
        ({"Type": "Wait", "Seconds": 30, "End": True}, 1, {"status": "SUCCEEDED", "output": 1}),
        (
            {"Type": "Fail", "Error": "E", "Cause": "C"},
            HELLO,
            {"status": "FAILED", "error": "E", "cause": "C"},
        ),
        (
            CHOICE,
            {"value": 22},
            {"status": "SUCCEEDED", "output": {"value": 22}, "nextState": "ValueInTwenties"},
        ),
        (
            {"Type": "Task", "Resource": FUNCTION + "echo", "End": True},
            HELLO,
            {"status": "SUCCEEDED", "output": HELLO},
        ),
    ],
)
def test_info(state: dict[str, Any], data: Any, answer: dict[str, Any]) -> None:
    assert answer_to(state, data) == answer
    assert answer_to(state, data, inspectionLevel="INFO") == answer


@pytest.mark.fidelity(
    area=AREA, feature="TestState: DEBUG and TRACE show each stage of JSONPath", source=SOURCE
)
@LEVELS
@pytest.mark.parametrize(
    ("state", "data", "inspection"),
    [
        (
            {"Type": "Pass", "End": True},
            HELLO,
            {
                "afterInputPath": HELLO,
                "afterParameters": HELLO,
                "afterResultSelector": HELLO,
                "afterResultPath": HELLO,
            },
        ),
        (
            PASS_IO,
            NESTED,
            {
                "afterInputPath": NESTED["initialData"],
                "afterParameters": MODIFIED,
                "afterResultSelector": MODIFIED,
                "afterResultPath": {**NESTED, "modifiedData": MODIFIED},
            },
        ),
        (
            {"Type": "Pass", "Result": {"r": 1}, "End": True},
            HELLO,
            {"result": {"r": 1}, "afterResultSelector": {"r": 1}, "afterResultPath": {"r": 1}},
        ),
        ({"Type": "Fail", "Error": "E"}, HELLO, {"afterInputPath": HELLO}),
        ({"Type": "Succeed"}, HELLO, {"afterInputPath": HELLO}),
        (CHOICE, {"value": 22}, {"afterInputPath": {"value": 22}}),
        (
            {
                "Type": "Task",
                "Resource": FUNCTION + "echo",
                "Parameters": {"v.$": "$.Value"},
                "ResultSelector": {"got.$": "$.v"},
                "ResultPath": "$.r",
                "OutputPath": "$.r",
                "End": True,
            },
            HELLO,
            {
                "afterInputPath": HELLO,
                "afterParameters": {"v": "HelloWorld"},
                "result": {"v": "HelloWorld"},
                "afterResultSelector": {"got": "HelloWorld"},
                "afterResultPath": {**HELLO, "r": {"got": "HelloWorld"}},
            },
        ),
    ],
)
def test_stages_of_jsonpath(
    level: str, state: dict[str, Any], data: Any, inspection: dict[str, Any]
) -> None:
    answer = answer_to(state, data, inspectionLevel=level)
    assert answer["inspectionData"] == {"input": data, **inspection}


@pytest.mark.fidelity(
    area=AREA, feature="TestState: JSONata, variables given and assigned", source=SOURCE
)
@LEVELS
def test_stages_of_jsonata_and_variables(level: str) -> None:
    state = {
        "Type": "Task",
        "QueryLanguage": "JSONata",
        "Resource": FUNCTION + "echo",
        "Arguments": {"a": "{% $given & $states.input.Value %}"},
        "Assign": {"made": "{% $states.result.a %}"},
        "Output": "{% $states.context.State.Name %}",
        "End": True,
    }
    answer = answer_to(state, inspectionLevel=level, variables='{"given": "x"}')
    assert answer["output"] == "StateName"
    assert answer["inspectionData"] == {
        "input": HELLO,
        "afterArguments": {"a": "xHelloWorld"},
        "result": {"a": "xHelloWorld"},
        "variables": {"given": "x", "made": "xHelloWorld"},
    }
    plain = {"Type": "Pass", "QueryLanguage": "JSONata", "Output": 1, "End": True}
    assert answer_to(plain, inspectionLevel=level)["inspectionData"] == {"input": HELLO}


def test_secrets_make_no_difference_without_http_tasks() -> None:
    state = {"Type": "Pass", "End": True}
    shown = answer_to(state, inspectionLevel="TRACE", revealSecrets=True)
    assert shown == answer_to(state, inspectionLevel="TRACE", revealSecrets=False)


@pytest.mark.fidelity(
    area=AREA, feature="TestState: RETRIABLE and CAUGHT_ERROR, and which handler", source=SOURCE
)
def test_errors_that_are_retried_or_caught() -> None:
    state = {
        "Type": "Task",
        "Resource": FUNCTION + "fail",
        "Retry": [
            {"ErrorEquals": ["Other"]},
            {"ErrorEquals": ["Mine"], "IntervalSeconds": 1, "BackoffRate": 2, "MaxAttempts": 5},
        ],
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.e", "Next": "Handler"}],
        "End": True,
    }

    def after(retries: int) -> dict[str, Any]:
        configuration = {"retrierRetryCount": retries}
        return answer_to(state, inspectionLevel="DEBUG", stateConfiguration=configuration)

    first = after(4)
    assert (first["status"], first["error"]) == ("RETRIABLE", "Mine")
    assert first["inspectionData"]["errorDetails"] == {
        "retryIndex": 1,
        "retryBackoffIntervalSeconds": 16,
    }
    assert "output" not in first
    last = after(5)
    assert (last["status"], last["nextState"]) == ("CAUGHT_ERROR", "Handler")
    assert last["output"]["Value"] == "HelloWorld"
    assert last["output"]["e"]["Error"] == last["error"] == "Mine"
    assert last["inspectionData"]["errorDetails"] == {"retryIndex": 1, "catchIndex": 0}


def test_an_error_of_a_catcher_fails_the_state() -> None:
    state = {
        "Type": "Task",
        "QueryLanguage": "JSONata",
        "Resource": FUNCTION + "fail",
        "Catch": [
            {"ErrorEquals": ["States.ALL"], "Output": "{% $states.nothing %}", "Next": "Handler"}
        ],
        "End": True,
    }
    answer = answer_to(state)
    assert (answer["status"], answer["error"]) == ("FAILED", "States.QueryEvaluationError")


@pytest.mark.fidelity(area=AREA, feature="TestState: a test ends after five minutes", source=SOURCE)
def test_a_test_takes_five_minutes_at_most() -> None:
    answer = answer_to({"Type": "Wait", "Seconds": 301, "End": True})
    assert (answer["status"], answer["error"]) == ("FAILED", "States.Timeout")


MACHINE = {
    "QueryLanguage": "JSONata",
    "StartAt": "M",
    "States": {
        "M": {
            "Type": "Map",
            "ItemProcessor": {
                "StartAt": "Inner",
                "States": {"Inner": {"Type": "Pass", "Output": "inner", "End": True}},
            },
            "Next": "F",
        },
        "F": {"Type": "Fail", "Error": "SomeFailure"},
    },
}


@pytest.mark.fidelity(area=AREA, feature="TestState: a state of a whole machine", source=SOURCE)
def test_a_state_of_a_machine_by_its_name() -> None:
    assert answer_to(MACHINE, stateName="Inner") == {"status": "SUCCEEDED", "output": "inner"}
    assert answer_to(MACHINE, stateName="F")["error"] == "SomeFailure"
    missing = refusal(MACHINE, stateName="None")
    assert (missing.code, missing.message) == (
        "ValidationException",
        "State not found in definition",
    )
    assert refusal(MACHINE).code == "InvalidDefinition"


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
