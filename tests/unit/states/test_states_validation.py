"""Definitions that are refused at creation, and what is said about them.

Codes and messages as recorded on AWS for the first tests; the rest:
https://states-language.net/spec.html
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.core.errors import AwsError
from emulator.core.virtual_clock import run
from tests.unit.states.shapes import conforming
from tests.unit.states.world import World, one


def validate(definition: Any, kind: str = "STANDARD") -> list[dict[str, Any]]:
    text = definition if isinstance(definition, str) else json.dumps(definition)

    async def main() -> Any:
        return await World().call("ValidateStateMachineDefinition", definition=text, type=kind)

    answer = run(main)
    conforming("ValidateStateMachineDefinition", answer)
    assert answer["result"] == ("FAIL" if answer["diagnostics"] else "OK")
    return list(answer["diagnostics"])


def test_a_good_definition() -> None:
    assert validate(one({"Type": "Pass"})) == []
    assert validate(one({"Type": "Pass"}), "EXPRESS") == []


def test_recorded_diagnostics() -> None:
    assert validate("") == [
        {
            "severity": "ERROR",
            "code": "SCHEMA_VALIDATION_FAILED",
            "message": "Definition must be a valid JSON object",
        }
    ]
    assert validate({}) == [
        {
            "severity": "ERROR",
            "code": "SCHEMA_VALIDATION_FAILED",
            "location": "/",
            "message": "These fields are required: [States, StartAt]",
        }
    ]
    assert validate("not a definition")[0]["code"] == "INVALID_JSON_DESCRIPTION"
    downgrade = one({"Type": "Pass", "QueryLanguage": "JSONPath"}, "JSONata")
    assert validate(downgrade)[0] == {
        "severity": "ERROR",
        "code": "SCHEMA_VALIDATION_FAILED",
        "location": "/States/S",
        "message": "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state "
        "machine",
    }
    waiting = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken"}
    assert validate(one(waiting), "EXPRESS")[0] == {
        "severity": "ERROR",
        "code": "SCHEMA_VALIDATION_FAILED",
        "location": "/States/S/Resource",
        "message": "Express state machine does not support '.waitForTaskToken' service "
        "integration ",
    }
    assert validate(one({"Type": "Wrong"}))[0] == {
        "severity": "ERROR",
        "code": "SCHEMA_VALIDATION_FAILED",
        "location": "/States/S/Type",
        "message": "The field 'Type' should have one of these values: [Pass, Task, Choice, Wait, "
        "Succeed, Fail, Parallel, Map]",
    }


def states(**named: Any) -> dict[str, Any]:
    return {"StartAt": next(iter(named)), "States": named}


END = {"Type": "Succeed"}
PASS = {"Type": "Pass", "End": True}
GROUP = states(I=PASS)


@pytest.mark.parametrize(
    ("definition", "location", "code"),
    [
        (states(A={"Type": "Pass", "Next": "B"}), "/States/A/Next", "MISSING_TRANSITION_TARGET"),
        (states(A=END, B=END), "/States/B", "MISSING_TRANSITION_TARGET"),
        ({**states(A=END), "StartAt": "X"}, "/StartAt", "MISSING_TRANSITION_TARGET"),
        (
            states(A={"Type": "Choice", "Choices": [], "Default": "A"}),
            "/States/A/Choices",
            None,
        ),
        (
            states(
                A={
                    "Type": "Choice",
                    "Choices": [{"Variable": "$.x", "IsNull": True, "Next": "Z"}],
                }
            ),
            "/States/A/Choices[0]/Next",
            "MISSING_TRANSITION_TARGET",
        ),
        (
            states(
                A={
                    "Type": "Parallel",
                    "Branches": [GROUP],
                    "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Z"}],
                    "End": True,
                }
            ),
            "/States/A/Catch[0]/Next",
            "MISSING_TRANSITION_TARGET",
        ),
        (
            one({"Type": "Map", "ItemProcessor": states(I={"Type": "Pass", "Next": "S"})}),
            "/States/S/ItemProcessor/States/I/Next",
            "MISSING_TRANSITION_TARGET",
        ),
        (
            one({"Type": "Parallel", "Branches": [states(S=PASS)]}),
            "/States/S/Branches[0]/States/S",
            "DUPLICATE_STATE_NAME",
        ),
    ],
)
def test_transitions(definition: Any, location: str, code: str | None) -> None:
    found = [(d["location"], d["code"]) for d in validate(definition)]
    assert (location, code or "SCHEMA_VALIDATION_FAILED") in found


@pytest.mark.parametrize(
    ("state", "language", "field"),
    [
        ({"Type": "Pass", "Unknown": 1}, None, "/Unknown"),
        ({"Type": "Pass", "Output": 1}, None, "/Output"),
        ({"Type": "Pass", "InputPath": "$"}, "JSONata", "/InputPath"),
        ({"Type": "Pass", "Result": 1}, "JSONata", "/Result"),
        ({"Type": "Pass", "Retry": []}, None, "/Retry"),
        ({"Type": "Succeed", "Next": "S"}, None, "/Next"),
        ({"Type": "Fail", "Assign": {}}, None, "/Assign"),
        ({"Type": "Pass", "InputPath": "no"}, None, "/InputPath"),
        ({"Type": "Pass", "InputPath": "$.a["}, None, "/InputPath"),
        ({"Type": "Pass", "InputPath": "$.a.length()"}, None, "/InputPath"),
        ({"Type": "Pass", "ResultPath": "$.a[*]"}, None, "/ResultPath"),
        ({"Type": "Pass", "ResultPath": "$$.a"}, None, "/ResultPath"),
        ({"Type": "Pass", "Parameters": {"a.$": "no"}}, None, "/Parameters"),
        ({"Type": "Pass", "Parameters": {"a.$": 1}}, None, "/Parameters"),
        ({"Type": "Pass", "Parameters": {"a.$": "States.Nope($.x)"}}, None, "/Parameters"),
        ({"Type": "Pass", "Parameters": {"a.$": "States.UUID(1)"}}, None, "/Parameters"),
        ({"Type": "Pass", "Parameters": {"a": 1, "a.$": "$.a"}}, None, "/Parameters"),
        ({"Type": "Pass", "Output": "{% 1 + %}"}, "JSONata", "/Output"),
        ({"Type": "Pass", "Output": {"a": ["{% ( %}"]}}, "JSONata", "/Output"),
        ({"Type": "Pass", "Assign": {"1x": 1}}, "JSONata", "/Assign"),
        ({"Type": "Pass", "Assign": {"states": 1}}, "JSONata", "/Assign"),
        ({"Type": "Pass", "Assign": 1}, "JSONata", "/Assign"),
        ({"Type": "Wait"}, None, ""),
        ({"Type": "Wait", "Seconds": 1, "Timestamp": "x"}, None, ""),
        ({"Type": "Wait", "Seconds": -1}, None, "/Seconds"),
        ({"Type": "Wait", "Timestamp": "2016-12-05 21:29:29Z"}, None, "/Timestamp"),
        ({"Type": "Wait", "Seconds": "{% 1 %}"}, None, "/Seconds"),
        ({"Type": "Fail", "Error": "E", "ErrorPath": "$.e"}, None, ""),
        ({"Type": "Fail", "Error": 1}, None, "/Error"),
        ({"Type": "Task"}, None, ""),
        ({"Type": "Task", "Resource": 1}, None, "/Resource"),
        ({"Type": "Task", "Resource": "arn:aws:states:::lambda:nope"}, None, "/Resource"),
        ({"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke.sync"}, None, "/Resource"),
        ({"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:nope"}, None, "/Resource"),
        ({"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s4:getObject"}, None, "/Resource"),
        ({"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:GetObject"}, None, "/Resource"),
        (
            {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "TimeoutSeconds": 10,
                "HeartbeatSeconds": 10,
            },
            None,
            "/HeartbeatSeconds",
        ),
        ({"Type": "Map"}, None, ""),
        ({"Type": "Map", "ItemProcessor": {}}, None, "/ItemProcessor"),
        ({"Type": "Map", "ItemProcessor": GROUP, "Items": 1}, "JSONata", "/Items"),
        ({"Type": "Map", "ItemProcessor": GROUP, "MaxConcurrency": -1}, None, "/MaxConcurrency"),
        ({"Type": "Parallel", "Branches": []}, None, "/Branches"),
        ({"Type": "Parallel", "Branches": [{**GROUP, "Extra": 1}]}, None, "/Branches[0]/Extra"),
    ],
)
def test_fields(state: dict[str, Any], language: str | None, field: str) -> None:
    assert f"/States/S{field}" in [d["location"] for d in validate(one(state, language))]


RETRY = {"ErrorEquals": ["States.ALL"]}


@pytest.mark.parametrize(
    "retry",
    [
        {},
        [{}],
        [{"ErrorEquals": []}],
        [{"ErrorEquals": ["States.Nope"]}],
        [{"ErrorEquals": ["States.ALL", "Other"]}],
        [RETRY, {"ErrorEquals": ["Other"]}],
        [{**RETRY, "IntervalSeconds": 0}],
        [{**RETRY, "IntervalSeconds": 1.5}],
        [{**RETRY, "MaxAttempts": -1}],
        [{**RETRY, "BackoffRate": 0.5}],
        [{**RETRY, "MaxDelaySeconds": 1}],
        [{**RETRY, "MaxDelaySeconds": 31_622_400}],
        [{**RETRY, "JitterStrategy": "SOME"}],
        [{**RETRY, "Extra": 1}],
    ],
)
def test_retry(retry: Any) -> None:
    state = {"Type": "Parallel", "Branches": [GROUP], "Retry": retry}
    assert [d["location"] for d in validate(one(state))] == ["/States/S/Retry"]


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"Variable": "$.a"},
        {"Variable": "$.a", "StringEquals": 1},
        {"Variable": "$.a", "NumericEquals": "1"},
        {"Variable": "$.a", "TimestampEquals": "yesterday"},
        {"Variable": "$.a", "IsNull": "yes"},
        {"Variable": "$.a", "Nope": 1},
        {"Variable": "$.a", "IsNull": True, "IsString": True},
        {"Variable": "a", "IsNull": True},
        {"And": []},
        {"And": [{"Variable": "$.a", "IsNull": True}], "Variable": "$.a"},
        {"Not": {"Next": "S"}},
        {"Condition": "{% true %}"},
    ],
)
def test_choice_rules(rule: dict[str, Any]) -> None:
    machine = one({"Type": "Choice", "Choices": [{**rule, "Next": "E"}]})
    machine["States"]["E"] = END
    assert [d["location"] for d in validate(machine)] == ["/States/S/Choices[0]"]


@pytest.mark.parametrize(
    ("state", "what"),
    [
        (
            {
                "Type": "Map",
                "ItemProcessor": {**GROUP, "ProcessorConfig": {"Mode": "DISTRIBUTED"}},
            },
            "Distributed Map",
        ),
        ({"Type": "Map", "ItemProcessor": GROUP, "ItemReader": {}}, "ItemReader"),
        ({"Type": "Map", "ItemProcessor": GROUP, "ResultWriter": {}}, "ResultWriter"),
        ({"Type": "Map", "ItemProcessor": GROUP, "ItemBatcher": {}}, "ItemBatcher"),
        (
            {"Type": "Task", "Resource": "arn:aws:states:us-east-1:000000000000:activity:a"},
            "an activity",
        ),
        (
            {"Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun.sync"},
            "glue:startJobRun",
        ),
        ({"Type": "Task", "Resource": "arn:aws:states:::http:invoke"}, "http:invoke"),
        (
            {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Credentials": {"RoleArn": "r"},
            },
            "Credentials",
        ),
    ],
)
def test_what_is_not_supported_is_refused_by_name(state: dict[str, Any], what: str) -> None:
    async def main() -> AwsError:
        with pytest.raises(AwsError) as caught:
            await World().create(one(state))
        return caught.value

    error = run(main)
    assert error.code == "NotSupportedByEmulator"
    assert what in error.message
    assert "/States/S" in error.message


def test_an_invalid_definition_is_an_invalid_definition() -> None:
    async def main() -> AwsError:
        with pytest.raises(AwsError) as caught:
            await World().create({"StartAt": "A"})
        return caught.value

    error = run(main)
    assert (error.code, error.message) == (
        "InvalidDefinition",
        (
            "Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: These fields are "
            "required: [States] at /'"
        ),
    )


def test_branches_must_not_assign_outer_variables() -> None:
    inner = states(I={"Type": "Pass", "Assign": {"x": 2}, "End": True})
    machine = states(
        A={"Type": "Pass", "Assign": {"x": 1}, "Next": "P"},
        P={"Type": "Parallel", "Branches": [inner], "End": True},
    )
    (found,) = validate(machine)
    assert found["location"] == "/States/P/Branches[0]/States/I/Assign"
    assert "outer scope" in found["message"]


def test_limits() -> None:
    assert validate(states(**{"x" * 81: END}))[0]["location"] == f"/States/{'x' * 81}"
    deep: dict[str, Any] = PASS
    for level in range(25):
        deep = {
            "Type": "Map",
            "ItemProcessor": {"StartAt": f"s{level}", "States": {f"s{level}": deep}},
            "End": True,
        }
    assert any("nest at most" in d["message"] for d in validate(states(S=deep)))
    assert validate({**states(A=END), "TimeoutSeconds": 0})[0]["location"] == "/TimeoutSeconds"
    assert validate({**states(A=END), "Version": "2.0"})[0]["location"] == "/Version"
    assert validate({**states(A=END), "Nope": 1})[0]["location"] == "/Nope"
    assert validate('{"a": "' + "é" * 600_000 + '"}')[0]["code"] == "SCHEMA_VALIDATION_FAILED"
    with pytest.raises(AwsError, match="ValidationException"):
        validate('{"a": "' + "x" * 1_048_576 + '"}')
