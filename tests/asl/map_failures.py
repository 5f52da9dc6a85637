"""Map: iterations that fail, and items that are none."""

from __future__ import annotations

from typing import Any

from tests.asl.cases import (
    INVOKE,
    Case,
    Fails,
    Including,
    at,
    entered,
    exited,
    failed,
    group,
    handled,
    line,
    numbered,
    one,
    recorded,
    started,
)
from tests.asl.maps import FAIL, MAP, PASS, SCENARIOS, mapping


def call(**fields: Any) -> dict[str, Any]:
    """A task that calls ``f`` with its input."""
    parameters = {"FunctionName": "f", "Payload.$": "$"}
    select = {"ResultSelector": {"r.$": "$.Payload"}, "OutputPath": "$.r"}
    return {"Type": "Task", "Resource": INVOKE, "Parameters": parameters, **select, **fields}


CASES = [
    Case(
        "map-fails-with-its-iteration",
        "Map: an iteration's error is the state's; the others are ended",
        f"{MAP} {recorded('timeouts/test_timeouts')}",
        mapping(
            {
                "StartAt": "W",
                "States": {"W": {"Type": "Wait", "SecondsPath": "$", "Next": "F"}, "F": FAIL},
            }
        ),
        [9, 2, 9],
        status="FAILED",
        error="Mine",
        cause="because",
        history=(
            started([9, 2, 9]),
            entered("Map", [9, 2, 9]),
            (2, "MapStateStarted"),
            *((3, "MapIterationStarted") for _ in range(3)),
            entered("Wait", 9, "W", 4),
            entered("Wait", 2, "W", 5),
            entered("Wait", 9, "W", 6),
            exited("Wait", 2, "W", 8),
            entered("Fail", 2, "F", 10),
            (11, "MapIterationFailed", {"name": "S", "index": 1}),
            (11, "MapIterationAborted", {"name": "S", "index": 0}),
            (11, "WaitStateAborted", None),
            (11, "MapIterationAborted", {"name": "S", "index": 2}),
            (11, "WaitStateAborted", None),
            (11, "MapStateFailed", None),
            failed(17, "Mine", "because"),
        ),
        lasts=2,
        races=True,
    ),
    Case(
        "map-retry",
        "Map: Retry starts all iterations anew",
        f"{MAP} {SCENARIOS}",
        mapping(group(FAIL), Retry=[{"ErrorEquals": ["Mine"], "MaxAttempts": 1}]),
        [1],
        status="FAILED",
        error="Mine",
        history=(
            started([1]),
            entered("Map", [1]),
            (2, "MapStateStarted", {"length": 1}),
            (3, "MapIterationStarted"),
            entered("Fail", 1, "I", 4),
            (5, "MapIterationFailed"),
            (5, "MapStateStarted", {"length": 1}),
            (7, "MapIterationStarted"),
            entered("Fail", 1, "I", 8),
            (9, "MapIterationFailed"),
            (9, "MapStateFailed"),
            failed(11, "Mine", "because"),
        ),
        lasts=1,
    ),
    Case(
        "map-catch",
        "Map: Catch",
        f"{MAP} {SCENARIOS}",
        handled(mapping(group(FAIL), Catch=[{"ErrorEquals": ["States.ALL"], "Next": "H"}])),
        [1],
        output={"Error": "Mine", "Cause": "because"},
        history=(
            started([1]),
            entered("Map", [1]),
            (2, "MapStateStarted"),
            (3, "MapIterationStarted"),
            (4, "FailStateEntered"),
            (5, "MapIterationFailed"),
            (5, "MapStateFailed"),
            exited("Map", {"Error": "Mine", "Cause": "because"}, previous=7),
            entered("Pass", {"Error": "Mine", "Cause": "because"}, "H", 8),
            (9, "PassStateExited"),
            (10, "ExecutionSucceeded"),
        ),
    ),
    Case(
        "map-iteration-handles-its-own",
        "Map: an iteration that catches its error succeeds",
        f"{MAP} {recorded('states_variables/test_error_output')}",
        mapping(
            {
                "StartAt": "T",
                "States": {
                    "T": call(Catch=[{"ErrorEquals": ["States.ALL"], "Next": "F"}], End=True),
                    "F": {"Type": "Pass", "Result": "fallback", "End": True},
                },
            },
            MaxConcurrency=1,
        ),
        ["a", "b"],
        {"f": [Fails("Boom"), "fine"]},
        output=["fallback", "fine"],
        history=numbered(
            (0, "ExecutionStarted"),
            (0, "MapStateEntered"),
            (2, "MapStateStarted"),
            (3, "MapIterationStarted"),
            (4, "TaskStateEntered"),
            (5, "TaskScheduled"),
            (6, "TaskStarted"),
            (7, "TaskFailed"),
            (8, "TaskStateExited"),
            (9, "PassStateEntered"),
            (10, "PassStateExited"),
            (11, "MapIterationSucceeded"),
            (11, "MapIterationStarted"),
            (13, "TaskStateEntered"),
            (14, "TaskScheduled"),
            (15, "TaskStarted"),
            (16, "TaskSucceeded"),
            (17, "TaskStateExited"),
            (18, "MapIterationSucceeded"),
            (19, "MapStateSucceeded"),
            (19, "MapStateExited"),
            (21, "ExecutionSucceeded"),
        ),
    ),
    Case(
        "map-items-are-no-array",
        "Map: what is no array is States.Runtime",
        f"{MAP} {SCENARIOS}",
        mapping(group(PASS), ItemsPath="$.a"),
        {"a": 1},
        status="FAILED",
        error="States.Runtime",
        cause='Reference path "$.a" must point to array.',
        history=(
            started({"a": 1}),
            entered("Map", {"a": 1}),
            failed(2, "States.Runtime", 'Reference path "$.a" must point to array.'),
        ),
    ),
    Case(
        "map-jsonata-items-are-no-array",
        "Map: Items that are no array are States.QueryEvaluationError",
        f"{MAP} {SCENARIOS}",
        one({"Type": "Map", "Items": "{% 1 %}", "ItemProcessor": group(PASS)}, "JSONata"),
        {},
        status="FAILED",
        error="States.QueryEvaluationError",
        cause=at(
            "S",
            2,
            "The JSONata expression '1' specified for the field 'Items' returned an unexpected "
            "result type. Expected 'array', but was 'number' for value: 1",
        ),
        history=(
            started({}),
            entered("Map", {}),
            (0, "EvaluationFailed", Including(location="Items", state="S")),
            (3, "MapStateFailed"),
            (4, "ExecutionFailed"),
        ),
    ),
    Case(
        "map-max-concurrency-path-is-no-number",
        "Map: a MaxConcurrencyPath that finds no integer is States.Runtime",
        f"{MAP} {SCENARIOS}",
        mapping(group(PASS), ItemsPath="$.v", MaxConcurrencyPath="$.m"),
        {"m": "NoNumber", "v": [1]},
        status="FAILED",
        error="States.Runtime",
        cause=at(
            "S",
            2,
            'The MaxConcurrencyPath field refers to value "NoNumber" which is not a valid integer: '
            "$.m",
        ),
        history=line("ExecutionStarted", "MapStateEntered", "ExecutionFailed"),
    ),
]
