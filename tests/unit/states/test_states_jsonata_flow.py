"""Data flow and expressions of JSONata states.

Expected values: https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html,
https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html and
https://docs.jsonata.org
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.core.virtual_clock import EPOCH
from tests.unit.states.world import execute, links, one

INPUT = {"n": 3, "items": [1, None, {"b": None}], "nil": None, "text": "a,b", "price": 10.5}


def evaluate(expression: str, data: Any = None) -> Any:
    state = {"Type": "Pass", "Output": "{% " + expression + " %}"}
    return execute(one(state, "JSONata"), INPUT if data is None else data)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("$states.input.n + 1", 4),
        ("$states.input.items", [1, None, {"b": None}]),
        ("$states.input.nil", None),
        ("$states.input.nil = null", True),
        ("$exists($states.input.nil)", True),
        ("$exists($states.input.nowhere)", False),
        ("$states.input.items[1] = null", True),
        ("$map($states.input.items, function($v) { $v = null })", [False, True, False]),
        ("$count($states.input.items)", 3),
        ("$states.input.price * 2", 21),
        ("$states.input.price / 3", 3.5),
        ("{'a': $states.input.nil, 'b': $states.input.nowhere}", {"a": None}),
        ("$merge([$states.input, {'n': 0}]).n", 0),
        ("$split($states.input.text, ',')", ["a", "b"]),
        ("$lookup({'k': {'v': 1}}, 'k').v", 1),
        ("[1..3]", [1, 2, 3]),
        ("[]", []),
        ("'x' in ['x', 'y']", True),
        ("$string({'a': 1.0, 'b': null})", '{"a":1,"b":null}'),
        ("($x := 2; $f := function($y) { $y * $x }; $f(4))", 8),
        ("$states.context.State.Name", "S"),
        ("$states.context.Execution.Input.n", 3),
        # AWS's own functions, with the examples of the guide.
        ("$partition([1,2,3,4], 2)", [[1, 2], [3, 4]]),
        ("$partition([1,2,3,4,5,6,7,8,9], 4)", [[1, 2, 3, 4], [5, 6, 7, 8], [9]]),
        ("$range(0, 10, 2)", [0, 2, 4, 6, 8, 10]),
        ("$range(3, 1, -1)", [3, 2, 1]),
        ("$range(1, 0, 1)", []),
        ("$hash('input data', 'SHA-1')", "aaff4a450a104cd177d28d18d74485e8cae074b7"),
        ("$parse('{\"a\":[1,null]}').a", [1, None]),
        ("$random(7) = $random(7)", True),
        ("$random() < 1", True),
        ("$length($uuid())", 36),
        ("$millis()", int(EPOCH * 1000)),
        ("$now()", "2026-01-01T00:00:00.000Z"),
    ],
)
def test_expressions(expression: str, expected: Any) -> None:
    assert evaluate(expression).output == expected


# Error and causes as recorded on AWS.
@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("$doesNotExist", "returned nothing (undefined)."),
        ("$states.input.nowhere", "returned nothing (undefined)."),
        (
            "$eval('1')",
            "threw an error during evaluation. T1006: Attempted to invoke a non-function",
        ),
        ("function($x) { $x }", "returned an unsupported result type."),
        ("($f := function($x) { 1 + $f($x) }; $f(1))", "D1011"),
        ("($f := function($x) { $f($x) }; $f(1))", "D1012"),
        ("1 / 0", "threw an error during evaluation."),
        ("'a' < 1", "threw an error during evaluation. T2009"),
        ("[1..200000]", "an array of 200000 elements is over the payload limit"),
    ],
)
def test_failing_expressions(expression: str, message: str) -> None:
    ended = evaluate(expression)
    assert (ended.status, ended.error) == ("FAILED", "States.QueryEvaluationError")
    assert f"The JSONata expression '{expression}' specified for the field 'Output'" in ended.cause
    assert message in ended.cause


def test_evaluation_failure_in_the_history() -> None:
    machine = one({"Type": "Pass", "Output": {"result": "{% $doesNotExist %}"}}, "JSONata")
    ended = execute(machine)
    assert links(ended.events) == [
        (1, 0, "ExecutionStarted"),
        (2, 0, "PassStateEntered"),
        (3, 0, "EvaluationFailed"),
        (4, 3, "ExecutionFailed"),
    ]
    cause = (
        "An error occurred while executing the state 'S' (entered at the event id #2). The JSONata "
        "expression '$doesNotExist' specified for the field 'Output/result' returned nothing "
        "(undefined)."
    )
    assert ended.events[2]["evaluationFailedEventDetails"] == {
        "error": "States.QueryEvaluationError",
        "cause": cause,
        "location": "Output/result",
        "state": "S",
    }
    assert ended.cause == cause


def test_output_defaults_to_the_result_or_the_input() -> None:
    assert execute(one({"Type": "Pass"}, "JSONata"), {"a": 1}).output == {"a": 1}
    machine = one(
        {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Arguments": {"FunctionName": "f", "Payload": "{% $states.input %}"},
        },
        "JSONata",
    )
    output = execute(machine, {"a": 1}, {"f": lambda event: [event]}).output
    assert output["Payload"] == [{"a": 1}]
    assert output["StatusCode"] == 200
    assert output["ExecutedVersion"] == "$LATEST"
    assert "RequestId" in output["SdkResponseMetadata"]


@pytest.mark.parametrize(
    "value", [None, 0, 1.5, True, "text", [], [1, {"a": None}], {"a": {"b": []}}]
)
def test_output_takes_any_json(value: Any) -> None:
    assert execute(one({"Type": "Pass", "Output": value}, "JSONata")).output == value


def test_task_sees_result_and_variables() -> None:
    machine = {
        "QueryLanguage": "JSONata",
        "StartAt": "A",
        "States": {
            "A": {"Type": "Pass", "Assign": {"who": "you", "nothing": None}, "Next": "B"},
            "B": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Arguments": {"FunctionName": "f", "Payload": {"to": "{% $who %}"}},
                "Assign": {"who": "{% $states.result.Payload %}", "was": "{% $who %}"},
                "Output": "{% $states.result.Payload & $who & ($nothing = null ? '!' : '?') %}",
                "Next": "C",
            },
            "C": {
                "Type": "Succeed",
                "Output": {"in": "{% $states.input %}", "who": "{% $who %}", "was": "{% $was %}"},
            },
        },
    }
    ended = execute(machine, {}, {"f": lambda event: f"hi {event['to']} "})
    assert ended.output == {"in": "hi you you!", "who": "hi you ", "was": "you"}


def test_choice_rules_assign_and_output() -> None:
    machine = {
        "QueryLanguage": "JSONata",
        "StartAt": "C",
        "States": {
            "C": {
                "Type": "Choice",
                "Choices": [
                    {
                        "Condition": "{% $states.input.n > 5 %}",
                        "Assign": {"size": "big"},
                        "Output": {"from": "rule"},
                        "Next": "End",
                    }
                ],
                "Default": "End",
                "Assign": {"size": "small"},
                "Output": {"from": "default"},
            },
            "End": {"Type": "Pass", "Output": "{% [$size, $states.input.from] %}", "End": True},
        },
    }
    assert execute(machine, {"n": 6}).output == ["big", "rule"]
    assert execute(machine, {"n": 5}).output == ["small", "default"]


def test_condition_must_be_boolean() -> None:
    machine = {
        "QueryLanguage": "JSONata",
        "StartAt": "C",
        "States": {
            "C": {"Type": "Choice", "Choices": [{"Condition": "{% 'yes' %}", "Next": "E"}]},
            "E": {"Type": "Succeed"},
        },
    }
    ended = execute(machine)
    assert ended.error == "States.QueryEvaluationError"
    assert "Expected 'boolean', but was 'string' for value: \"yes\"" in ended.cause


def test_fail_state_computes_error_and_cause() -> None:
    state = {
        "Type": "Fail",
        "Error": "{% $states.input.e %}",
        "Cause": "{% $string({'why': $states.input.e}) %}",
    }
    ended = execute(one(state, "JSONata"), {"e": "Mine"})
    assert (ended.status, ended.error, json.loads(ended.cause)) == (
        "FAILED",
        "Mine",
        {"why": "Mine"},
    )


def test_limits_on_the_sizes_of_variables() -> None:
    machine = {
        "QueryLanguage": "JSONata",
        "StartAt": "A",
        "States": {
            "A": {
                "Type": "Pass",
                "Assign": {
                    "n": "{% $exists($n) ? $n + 1 : 1 %}",
                    "v": "{% $pad('', $states.input.size, 'x') %}",
                },
                "Next": "B",
            },
            "B": {"Type": "Succeed", "Output": "{% $length($v) %}"},
        },
    }
    assert execute(machine, {"size": 200_000}).output == 200_000
    ended = execute(machine, {"size": 262_144})
    assert ended.error == "States.Runtime"
    assert "exceeds the limit of 256 KiB" in ended.cause


def test_documents_are_not_changed_by_expressions() -> None:
    machine = {
        "QueryLanguage": "JSONata",
        "StartAt": "A",
        "States": {
            "A": {
                "Type": "Pass",
                "Output": "{% $states.input ~> |$|{'added': 1}| %}",
                "Assign": {"before": "{% $states.input %}"},
                "Next": "B",
            },
            "B": {"Type": "Pass", "Output": "{% [$states.input, $before] %}", "End": True},
        },
    }
    assert execute(machine, {"a": None}).output == [{"a": None, "added": 1}, {"a": None}]
