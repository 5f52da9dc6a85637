"""TestState: statuses, inspection data, errors.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_TestState.html; which stages
are shown for which state is as recorded on AWS.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.states.state_tests import AREA, HELLO, SOURCE, answer_to, refusal
from tests.unit.states.world import FUNCTION

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
