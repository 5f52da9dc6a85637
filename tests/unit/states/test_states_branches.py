"""Parallel and Map states.

Expected behaviour: https://docs.aws.amazon.com/step-functions/latest/dg/state-parallel.html and
state-map-inline.html; event links as recorded on AWS.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.unit.states.world import FunctionError, execute, links, one, types

INVOKE = "arn:aws:states:::lambda:invoke"


def group(state: dict[str, Any], name: str = "I") -> dict[str, Any]:
    return {"StartAt": name, "States": {name: {**state, "End": True}}}


def mapping(processor: dict[str, Any], **more: Any) -> dict[str, Any]:
    return one({"Type": "Map", "ItemProcessor": processor, **more})


def test_parallel_gives_the_outputs_in_order() -> None:
    branches = [group({"Type": "Pass", "Result": {"branch": n}}, f"B{n}") for n in range(4)]
    ended = execute(one({"Type": "Parallel", "Branches": branches}))
    assert ended.output == [{"branch": n} for n in range(4)]
    assert links(ended.events) == [
        (1, 0, "ExecutionStarted"),
        (2, 0, "ParallelStateEntered"),
        (3, 2, "ParallelStateStarted"),
        (4, 3, "PassStateEntered"),
        (5, 3, "PassStateEntered"),
        (6, 3, "PassStateEntered"),
        (7, 3, "PassStateEntered"),
        (8, 4, "PassStateExited"),
        (9, 5, "PassStateExited"),
        (10, 6, "PassStateExited"),
        (11, 7, "PassStateExited"),
        (12, 11, "ParallelStateSucceeded"),
        (13, 11, "ParallelStateExited"),
        (14, 13, "ExecutionSucceeded"),
    ]


def test_parallel_data_flow() -> None:
    state = {
        "Type": "Parallel",
        "Branches": [group({"Type": "Pass"}), group({"Type": "Pass"}, "J")],
        "Parameters": {"x.$": "$.a"},
        "ResultSelector": {"both.$": "$[*].x"},
        "ResultPath": "$.out",
    }
    assert execute(one(state), {"a": 1}).output == {"a": 1, "out": {"both": [1, 1]}}


def test_a_failing_branch_ends_the_others() -> None:
    branches = [
        group({"Type": "Wait", "Seconds": 100}, "Slow"),
        {
            "StartAt": "Soon",
            "States": {
                "Soon": {"Type": "Wait", "Seconds": 1, "Next": "Bad"},
                "Bad": {"Type": "Fail", "Error": "Mine", "Cause": "because"},
            },
        },
    ]
    ended = execute(one({"Type": "Parallel", "Branches": branches}))
    assert (ended.error, ended.cause) == ("Mine", "because")
    assert ended.description["stopDate"] - ended.description["startDate"] == 1
    assert links(ended.events)[3:] == [
        (4, 3, "WaitStateEntered"),
        (5, 3, "WaitStateEntered"),
        (6, 5, "WaitStateExited"),
        (7, 6, "FailStateEntered"),
        (8, 7, "WaitStateAborted"),
        (9, 7, "ParallelStateFailed"),
        (10, 9, "ExecutionFailed"),
    ]


def test_parallel_retry_and_catch() -> None:
    branch = group({"Type": "Task", "Resource": INVOKE, "Parameters": {"FunctionName": "f"}})
    state = {
        "Type": "Parallel",
        "Branches": [branch],
        "Retry": [{"ErrorEquals": ["Boom"], "MaxAttempts": 1}],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "H", "ResultPath": "$.e"}],
    }
    machine = one(state)
    machine["States"]["H"] = {"Type": "Pass", "End": True}

    def function(_event: Any) -> Any:
        raise FunctionError("Boom")

    ended = execute(machine, {}, {"f": function})
    assert ended.output["e"]["Error"] == "Boom"
    assert links(ended.events)[2:16] == [
        (3, 2, "ParallelStateStarted"),
        (4, 3, "TaskStateEntered"),
        (5, 4, "TaskScheduled"),
        (6, 5, "TaskStarted"),
        (7, 6, "TaskFailed"),
        (8, 7, "TaskStateAborted"),
        (9, 7, "ParallelStateStarted"),
        (10, 9, "TaskStateEntered"),
        (11, 10, "TaskScheduled"),
        (12, 11, "TaskStarted"),
        (13, 12, "TaskFailed"),
        (14, 13, "TaskStateAborted"),
        (15, 13, "ParallelStateFailed"),
        (16, 15, "ParallelStateExited"),
    ]


def test_branches_see_outer_variables_and_keep_their_own() -> None:
    inner = {
        "StartAt": "X",
        "States": {
            "X": {"Type": "Pass", "Assign": {"mine.$": "$.k"}, "Next": "Y"},
            "Y": {"Type": "Pass", "Parameters": {"o.$": "$outer", "m.$": "$mine"}, "End": True},
        },
    }
    machine = {
        "StartAt": "A",
        "States": {
            "A": {"Type": "Pass", "Assign": {"outer": 1}, "Next": "P"},
            "P": {
                "Type": "Parallel",
                "Branches": [inner],
                "Assign": {"result.$": "$[0].m"},
                "Next": "Z",
            },
            "Z": {"Type": "Pass", "Parameters": {"o.$": "$outer", "r.$": "$result"}, "End": True},
        },
    }
    assert execute(machine, {"k": 7}).output == {"o": 1, "r": 7}


def test_map_history_with_one_at_a_time() -> None:
    machine = mapping(group({"Type": "Pass"}), MaxConcurrency=1)
    ended = execute(machine, ["a", "b"])
    assert ended.output == ["a", "b"]
    assert links(ended.events) == [
        (1, 0, "ExecutionStarted"),
        (2, 0, "MapStateEntered"),
        (3, 2, "MapStateStarted"),
        (4, 3, "MapIterationStarted"),
        (5, 4, "PassStateEntered"),
        (6, 5, "PassStateExited"),
        (7, 6, "MapIterationSucceeded"),
        (8, 6, "MapIterationStarted"),
        (9, 8, "PassStateEntered"),
        (10, 9, "PassStateExited"),
        (11, 10, "MapIterationSucceeded"),
        (12, 11, "MapStateSucceeded"),
        (13, 11, "MapStateExited"),
        (14, 13, "ExecutionSucceeded"),
    ]
    assert ended.events[2]["mapStateStartedEventDetails"] == {"length": 2}
    assert ended.events[7]["mapIterationStartedEventDetails"] == {"name": "S", "index": 1}


def test_map_starts_all_iterations_at_once_without_a_limit() -> None:
    ended = execute(mapping(group({"Type": "Pass"})), [1, 2, 3])
    assert links(ended.events)[3:9] == [
        (4, 3, "MapIterationStarted"),
        (5, 3, "MapIterationStarted"),
        (6, 3, "MapIterationStarted"),
        (7, 4, "PassStateEntered"),
        (8, 5, "PassStateEntered"),
        (9, 6, "PassStateEntered"),
    ]


@pytest.mark.fidelity(
    area="Step Functions: language",
    feature="Map: an inline Map runs 40 iterations at the same time at most",
    source="https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html",
)
@pytest.mark.parametrize(
    ("fields", "expected"), [({}, 40), ({"MaxConcurrency": 3}, 3), ({"MaxConcurrency": 0}, 40)]
)
def test_how_many_iterations_run_at_once(fields: dict[str, Any], expected: int) -> None:
    running = most = 0

    async def function(_event: Any) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(1)
        running -= 1

    processor = group({"Type": "Task", "Resource": INVOKE, "Parameters": {"FunctionName": "f"}})
    execute(mapping(processor, **fields), list(range(50)), {"f": function})
    assert most == expected


def test_items_path_selector_and_context() -> None:
    machine = mapping(
        group({"Type": "Pass"}),
        ItemsPath="$.things",
        ItemSelector={
            "i.$": "$$.Map.Item.Index",
            "v.$": "$$.Map.Item.Value",
            "all.$": "$.of",
        },
        ResultPath="$.out",
    )
    ended = execute(machine, {"things": ["x", "y"], "of": 2})
    assert ended.output["out"] == [{"i": 0, "v": "x", "all": 2}, {"i": 1, "v": "y", "all": 2}]


def test_iterator_and_parameters_are_the_older_names() -> None:
    state = {
        "Type": "Map",
        "Iterator": group({"Type": "Pass"}),
        "Parameters": {"v.$": "$$.Map.Item.Value"},
        "ItemsPath": "$.a",
    }
    assert execute(one(state), {"a": [1]}).output == [{"v": 1}]


def test_jsonata_map() -> None:
    state = {
        "Type": "Map",
        "Items": "{% $states.input.a[$ > 1] %}",
        "ItemSelector": {
            "v": "{% $states.context.Map.Item.Value * $states.input.by %}",
            "i": "{% $states.context.Map.Item.Index %}",
        },
        "MaxConcurrency": "{% $states.input.by %}",
        "ItemProcessor": group({"Type": "Pass", "Output": "{% $states.input.v %}"}),
        "Output": "{% $sum($states.result) %}",
    }
    assert execute(one(state, "JSONata"), {"a": [1, 2, 3], "by": 10}).output == 50


def test_nested_maps_and_empty_ones() -> None:
    inner = {"Type": "Map", "ItemProcessor": group({"Type": "Pass"}, "Leaf")}
    machine = mapping(group(inner))
    assert execute(machine, [[1, 2], [], [3]]).output == [[1, 2], [], [3]]
    assert types(execute(machine, []).events) == [
        "ExecutionStarted",
        "MapStateEntered",
        "MapStateStarted",
        "MapStateSucceeded",
        "MapStateExited",
        "ExecutionSucceeded",
    ]


# As recorded on AWS.
def test_what_is_not_an_array() -> None:
    ended = execute(mapping(group({"Type": "Pass"}), ItemsPath="$.a"), {"a": 1})
    assert (ended.error, ended.cause) == (
        "States.Runtime",
        'Reference path "$.a" must point to array.',
    )
    state = {"Type": "Map", "ItemProcessor": group({"Type": "Pass"})}
    ended = execute(one(state, "JSONata"), {"foo": "bar"})
    assert ended.error == "States.QueryEvaluationError"
    assert ended.cause.endswith('Map state input must be an array but was: {"foo":"bar"}')
    assert links(ended.events)[2:] == [
        (3, 0, "EvaluationFailed"),
        (4, 3, "MapStateFailed"),
        (5, 4, "ExecutionFailed"),
    ]
    ended = execute(one({**state, "Items": "{% 1 %}"}, "JSONata"))
    assert ended.cause.endswith(
        "The JSONata expression '1' specified for the field 'Items' returned an unexpected result "
        "type. Expected 'array', but was 'number' for value: 1"
    )


def test_a_failing_iteration_aborts_the_others() -> None:
    async def function(event: Any) -> Any:
        await asyncio.sleep(event)
        raise FunctionError("Boom")

    processor = group(
        {
            "Type": "Task",
            "Resource": INVOKE,
            "Parameters": {"FunctionName": "f", "Payload.$": "$"},
        }
    )
    ended = execute(mapping(processor), [9, 1, 9], {"f": function})
    assert ended.error == "Boom"
    at = types(ended.events).index("TaskFailed") + 1
    assert links(ended.events)[at:] == [
        (at + 1, at, "MapIterationFailed"),
        (at + 2, at, "TaskStateAborted"),
        (at + 3, at, "MapIterationAborted"),
        (at + 4, at, "TaskStateAborted"),
        (at + 5, at, "MapIterationAborted"),
        (at + 6, at, "TaskStateAborted"),
        (at + 7, at, "MapStateFailed"),
        (at + 8, at + 7, "ExecutionFailed"),
    ]
    assert ended.events[at]["mapIterationFailedEventDetails"] == {"name": "S", "index": 1}


def test_max_concurrency_path_must_be_an_integer() -> None:
    machine = mapping(group({"Type": "Pass"}), MaxConcurrencyPath="$.m", ItemsPath="$.v")
    ended = execute(machine, {"m": "NoNumber", "v": [1]})
    assert ended.error == "States.Runtime"
    assert ended.cause.endswith(
        'The MaxConcurrencyPath field refers to value "NoNumber" which is not a valid integer: $.m'
    )
    assert execute(machine, {"m": 1, "v": [1]}).output == [1]


def test_nothing_follows_the_end_in_the_history() -> None:
    passing = {f"P{n}": {"Type": "Pass", "Next": f"P{n + 1}"} for n in range(20)}
    chain = {
        "StartAt": "W",
        "States": {
            "W": {"Type": "Wait", "Seconds": 1, "Next": "P0"},
            **passing,
            "P20": {"Type": "Pass", "End": True},
        },
    }

    async def stop(world: Any, arn: str) -> None:
        await asyncio.sleep(1)
        await world.call("StopExecution", executionArn=arn)
        await asyncio.sleep(1)

    ended = execute(one({"Type": "Parallel", "Branches": [chain]}), during=stop)
    assert types(ended.events)[-1] == "ExecutionAborted"
    assert types(ended.events).count("ExecutionAborted") == 1
    assert "ExecutionSucceeded" not in types(ended.events)


def test_stopping_ends_all_branches() -> None:
    branches = [group({"Type": "Wait", "Seconds": 9}, f"W{n}") for n in range(3)]

    async def stop(world: Any, arn: str) -> None:
        await asyncio.sleep(1)
        await world.call("StopExecution", executionArn=arn, error="E", cause="C")

    ended = execute(one({"Type": "Parallel", "Branches": branches}), during=stop)
    assert (ended.status, ended.error, ended.cause) == ("ABORTED", "E", "C")
    assert links(ended.events)[-1][1:] == (0, "ExecutionAborted")
