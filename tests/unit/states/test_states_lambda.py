"""Functions as tasks.

Expected shapes: https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html; events as
recorded on AWS.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.core.errors import AwsError
from tests.unit.states.world import FUNCTION, FunctionError, ScriptedService, execute, one

INVOKE = "arn:aws:states:::lambda:invoke"


def invoke(parameters: dict[str, Any], **more: Any) -> dict[str, Any]:
    return one({"Type": "Task", "Resource": INVOKE, "Parameters": parameters, **more})


def test_parameters_and_result() -> None:
    machine = invoke({"FunctionName": f"{FUNCTION}f", "Payload": {"a": 1}, "Qualifier": "$LATEST"})
    ended = execute(machine, None, {"f": lambda event: {"echo": event}})
    output = ended.output
    assert output["Payload"] == {"echo": {"a": 1}}
    assert set(output) == {
        "ExecutedVersion",
        "Payload",
        "SdkHttpMetadata",
        "SdkResponseMetadata",
        "StatusCode",
    }
    assert output["SdkHttpMetadata"]["HttpStatusCode"] == 200
    scheduled = ended.events[2]["taskScheduledEventDetails"]
    assert json.loads(scheduled.pop("parameters"))["Payload"] == {"a": 1}
    assert scheduled == {"resource": "invoke", "resourceType": "lambda", "region": "us-east-1"}
    assert ended.events[3]["taskStartedEventDetails"] == {
        "resource": "invoke",
        "resourceType": "lambda",
    }
    succeeded = ended.events[4]["taskSucceededEventDetails"]
    assert json.loads(succeeded["output"]) == output
    assert succeeded["outputDetails"] == {"truncated": False}


@pytest.mark.parametrize("answer", [None, "HelloWorld", 0, 1.5, True, {"a": []}, [1]])
def test_payload_is_any_json(answer: Any) -> None:
    machine = invoke({"FunctionName": "f", "Payload": answer})
    ended = execute(machine, None, {"f": lambda event: event})
    assert ended.output["Payload"] == answer
    assert ended.world.functions.events == [("f", answer)]


def test_without_a_payload_the_function_gets_an_empty_object() -> None:
    assert execute(invoke({"FunctionName": "f"}), None, {"f": lambda e: e}).output["Payload"] == {}


def test_function_error_is_the_error_and_the_payload_the_cause() -> None:
    def function(_event: Any) -> Any:
        raise FunctionError("CustomException", "told to")

    ended = execute(invoke({"FunctionName": "f"}), None, {"f": function})
    assert ended.error == "CustomException"
    assert ended.cause == (
        '{"errorMessage":"told to","errorType":"CustomException","stackTrace":[]}'
    )
    assert ended.events[4]["taskFailedEventDetails"] == {
        "error": "CustomException",
        "cause": ended.cause,
        "resource": "invoke",
        "resourceType": "lambda",
    }


def test_bare_function_keeps_the_payload_as_it_is() -> None:
    def function(_event: Any) -> Any:
        raise FunctionError("E", "m")

    machine = one({"Type": "Task", "Resource": f"{FUNCTION}f", "TimeoutSeconds": 9})
    ended = execute(machine, {"in": 1}, {"f": function})
    assert ended.cause == '{"errorMessage": "m", "errorType": "E", "stackTrace": []}'
    assert ended.events[2]["lambdaFunctionScheduledEventDetails"] == {
        "input": '{"in":1}',
        "inputDetails": {"truncated": False},
        "resource": f"{FUNCTION}f",
        "timeoutInSeconds": 9,
    }
    assert "lambdaFunctionStartedEventDetails" not in ended.events[3]
    assert ended.events[4]["lambdaFunctionFailedEventDetails"]["error"] == "E"


@pytest.mark.parametrize(
    ("code", "status", "name"),
    [
        ("ResourceNotFoundException", 404, "Lambda.ResourceNotFoundException"),
        ("TooManyRequestsException", 429, "Lambda.TooManyRequestsException"),
        ("ServiceException", 500, "Lambda.ServiceException"),
        ("AccessDeniedException", 403, "Lambda.AWSLambdaException"),
    ],
)
def test_errors_of_the_service(code: str, status: int, name: str) -> None:
    def refuse(_params: Any, _caller: Any) -> Any:
        raise AwsError(code, "No.", status)

    service = ScriptedService({"Invoke": refuse})
    ended = execute(invoke({"FunctionName": "f"}), **{"lambda": service})
    assert ended.error == name
    assert ended.cause.startswith(
        f"No. (Service: AWSLambda; Status Code: {status}; Error Code: {code}; Request ID: "
    )
    assert ended.cause.endswith("; Proxy: null)")


def test_a_service_that_breaks_is_a_client_exception() -> None:
    def broken(_params: Any, _caller: Any) -> Any:
        raise OSError("connection reset")

    ended = execute(
        invoke({"FunctionName": "f"}), **{"lambda": ScriptedService({"Invoke": broken})}
    )
    assert ended.error == "Lambda.SdkClientException"
    assert "connection reset" in ended.cause


def test_unknown_parameters_are_refused_when_they_run() -> None:
    ended = execute(invoke({"FunctionName": "f", "Payloads": 1}), None, {"f": lambda event: event})
    assert ended.error == "States.Runtime"
    assert "Payloads" in ended.cause


def test_asynchronous_invocation() -> None:
    service = ScriptedService({"Invoke": lambda _params, _caller: {"StatusCode": 202}})
    machine = invoke({"FunctionName": "f", "InvocationType": "Event"})
    ended = execute(machine, **{"lambda": service})
    assert ended.output["StatusCode"] == 202
    assert service.calls[0][1]["InvocationType"] == "Event"
