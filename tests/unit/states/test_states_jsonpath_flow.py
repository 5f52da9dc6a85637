"""Data flow of JSONPath states.

Expected values: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-input-output-filtering.html
and its pages on Parameters, ResultSelector, ResultPath and OutputPath;
https://states-language.net/spec.html#filters
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.states.world import FUNCTION, execute, links, one

INPUT = {"title": "Numbers to add", "numbers": {"val1": 3, "val2": 4}, "list": [1, 2, 3]}


def passing(state: dict[str, Any], data: Any = None) -> Any:
    return execute(one({"Type": "Pass", **state}), INPUT if data is None else data).output


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({}, INPUT),
        ({"InputPath": "$.numbers"}, {"val1": 3, "val2": 4}),
        ({"InputPath": None}, {}),
        ({"OutputPath": "$.numbers.val1"}, 3),
        ({"OutputPath": None}, {}),
        ({"Result": {"sum": 7}}, {"sum": 7}),
        ({"Result": None}, None),
        ({"Result": {"literal.$": "$.title"}}, {"literal.$": "$.title"}),
        ({"Result": 7, "ResultPath": "$.sum"}, {**INPUT, "sum": 7}),
        ({"Result": 7, "ResultPath": "$.a.b"}, {**INPUT, "a": {"b": 7}}),
        ({"Result": 7, "ResultPath": "$.list[1]"}, {**INPUT, "list": [1, 7, 3]}),
        ({"Result": 7, "ResultPath": None}, INPUT),
        ({"InputPath": "$.numbers", "ResultPath": "$.copy"}, {**INPUT, "copy": INPUT["numbers"]}),
        (
            {"Parameters": {"flagged": True, "parts": {"first.$": "$.numbers.val1"}}},
            {"flagged": True, "parts": {"first": 3}},
        ),
        ({"Parameters": {"all.$": "$.numbers.*"}}, {"all": [3, 4]}),
        ({"Parameters": {"last.$": "$.list[-1]"}}, {"last": 3}),
        ({"Parameters": {"some.$": "$.list[0:2]"}}, {"some": [1, 2]}),
        ({"Parameters": {"big.$": "$.list[?(@ > 1)]"}}, {"big": [2, 3]}),
        ({"Parameters": {"none.$": "$.nothing[*]"}}, {"none": []}),
        ({"Parameters": {"name.$": "$$.State.Name"}}, {"name": "S"}),
        ({"Parameters": {"nested": [{"t.$": "$.title"}]}}, {"nested": [{"t": "Numbers to add"}]}),
        ({"Parameters": {"keep": "$.title"}}, {"keep": "$.title"}),
        ({"Parameters": {"n.$": "States.MathAdd($.numbers.val1, 1)"}}, {"n": 4}),
    ],
)
def test_pass_state_shapes_its_data(state: dict[str, Any], expected: Any) -> None:
    assert passing(state) == expected


def task(state: dict[str, Any]) -> dict[str, Any]:
    return one({"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", **state})


def test_task_data_flow_as_the_guide_draws_it() -> None:
    machine = task(
        {
            "InputPath": "$.numbers",
            "Parameters": {"FunctionName": "add", "Payload": {"a.$": "$.val1", "b.$": "$.val2"}},
            "ResultSelector": {"sum.$": "$.Payload"},
            "ResultPath": "$.answer",
            "OutputPath": "$.answer",
        }
    )
    ended = execute(machine, INPUT, {"add": lambda event: event["a"] + event["b"]})
    assert ended.output == {"sum": 7}


def test_result_path_joins_the_raw_input() -> None:
    machine = task({"InputPath": "$.numbers", "Parameters": {"FunctionName": "f"}})
    machine["States"]["S"] |= {"ResultSelector": {"r.$": "$.Payload"}, "ResultPath": "$.out"}
    ended = execute(machine, INPUT, {"f": lambda _event: 1})
    assert ended.output == {**INPUT, "out": {"r": 1}}


def test_function_arn_gets_the_input_and_gives_its_answer() -> None:
    machine = one({"Type": "Task", "Resource": f"{FUNCTION}echo"})
    ended = execute(machine, {"a": 1}, {"echo": lambda event: {"got": event}})
    assert ended.output == {"got": {"a": 1}}
    assert [kind for _, _, kind in links(ended.events)] == [
        "ExecutionStarted",
        "TaskStateEntered",
        "LambdaFunctionScheduled",
        "LambdaFunctionStarted",
        "LambdaFunctionSucceeded",
        "TaskStateExited",
        "ExecutionSucceeded",
    ]


# Causes as recorded on AWS for the same definitions.
@pytest.mark.parametrize(
    ("state", "cause"),
    [
        (
            {"InputPath": "$.NoSuchInputPath"},
            "Invalid path '$.NoSuchInputPath' : No results for path: $['NoSuchInputPath']",
        ),
        (
            {"OutputPath": "$.no.such.path"},
            "Invalid path '$.no.such.path' : Missing property in path $['no']",
        ),
    ],
)
def test_paths_that_find_nothing_end_the_execution(state: dict[str, Any], cause: str) -> None:
    ended = execute(one({"Type": "Pass", **state}), {"a": 0})
    assert (ended.status, ended.error) == ("FAILED", "States.Runtime")
    where = "An error occurred while executing the state 'S' (entered at the event id #2). "
    assert ended.cause == where + cause


def test_parameters_name_the_path_that_fails() -> None:
    ended = execute(one({"Type": "Pass", "Parameters": {"v.$": "$.gone"}}), {"int-literal": 0})
    assert ended.error == "States.Runtime"
    assert ended.cause.endswith(
        "The JSONPath '$.gone' specified for the field 'v.$' could not be found in the input "
        "'{\"int-literal\":0}'"
    )


def test_a_task_can_catch_the_path_that_fails() -> None:
    machine = {
        "StartAt": "T",
        "States": {
            "T": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Parameters": {"FunctionName.$": "$.gone"},
                "Catch": [{"ErrorEquals": ["States.ParameterPathFailure"], "Next": "E"}],
                "End": True,
            },
            "E": {"Type": "Pass", "End": True},
        },
    }
    assert execute(machine).output["Error"] == "States.ParameterPathFailure"


def test_result_path_that_does_not_fit() -> None:
    ended = execute(one({"Type": "Pass", "Result": 1, "ResultPath": "$.a.b"}), {"a": 3})
    assert ended.error == "States.ResultPathMatchFailure"


def test_variables_are_assigned_from_results_and_read_by_later_states() -> None:
    machine = {
        "StartAt": "A",
        "States": {
            "A": {
                "Type": "Pass",
                "Result": {"answer": 42},
                "Assign": {"theAnswer.$": "$.answer", "fixed": [1]},
                "Next": "B",
            },
            "B": {
                "Type": "Pass",
                "Parameters": {"v.$": "$theAnswer", "first.$": "$fixed[0]"},
                "Assign": {"theAnswer": "new"},
                "Next": "C",
            },
            "C": {"Type": "Pass", "InputPath": "$theAnswer", "ResultPath": "$.was", "End": True},
        },
    }
    ended = execute(machine)
    assert ended.output == {"v": 42, "first": 1, "was": "new"}
    exited = [e["stateExitedEventDetails"] for e in ended.events if e["type"] == "PassStateExited"]
    assert exited[0]["assignedVariables"] == {"theAnswer": "42", "fixed": "[1]"}
    assert exited[0]["assignedVariablesDetails"] == {"truncated": False}
    assert "assignedVariables" not in exited[2]


def test_assign_evaluates_with_the_old_values() -> None:
    swap = {"x.$": "$y", "y.$": "$x"}
    machine = {
        "StartAt": "A",
        "States": {
            "A": {"Type": "Pass", "Assign": {"x": 1, "y": 2}, "Next": "B"},
            "B": {"Type": "Pass", "Assign": swap, "Next": "C"},
            "C": {"Type": "Pass", "Parameters": {"x.$": "$x", "y.$": "$y"}, "End": True},
        },
    }
    assert execute(machine).output == {"x": 2, "y": 1}


def test_context_object_has_what_the_guide_lists() -> None:
    ended = execute(one({"Type": "Pass", "InputPath": "$$"}), {"k": 1})
    context = ended.output
    assert context["Execution"] == {
        "Id": ended.arn,
        "Input": {"k": 1},
        "StartTime": "2026-01-01T00:00:00.000Z",
        "Name": "run",
        "RoleArn": "arn:aws:iam::000000000000:role/workflow",
        "RedriveCount": 0,
    }
    assert context["StateMachine"]["Name"] == "m"
    assert context["State"] == {
        "Name": "S",
        "EnteredTime": "2026-01-01T00:00:00.000Z",
        "RetryCount": 0,
    }


def test_jsonpath_machine_may_have_jsonata_states() -> None:
    machine = {
        "StartAt": "A",
        "States": {
            "A": {
                "Type": "Pass",
                "QueryLanguage": "JSONata",
                "Assign": {"n": "{% $states.input.v * 2 %}"},
                "Output": {"w": "{% $states.input.v + 1 %}"},
                "Next": "B",
            },
            "B": {"Type": "Pass", "Parameters": {"n.$": "$n", "w.$": "$.w"}, "End": True},
        },
    }
    assert execute(machine, {"v": 20}).output == {"n": 40, "w": 21}
