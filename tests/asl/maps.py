"""Map, inline: iterations, their number at a time, and failure thresholds."""

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
    guide,
    handled,
    line,
    numbered,
    one,
    recorded,
    spec,
    started,
    succeeded,
)

MAP = f"{guide('state-map-inline')} {spec('map-state')}"
SCENARIOS = recorded("scenarios/test_base_scenarios")
DISTRIBUTED = guide("state-map-distributed")
PASS, FAIL = {"Type": "Pass"}, {"Type": "Fail", "Error": "Mine", "Cause": "because"}


def mapping(processor: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A machine of a Map state."""
    return one({"Type": "Map", "ItemProcessor": processor, **fields})


def call(**fields: Any) -> dict[str, Any]:
    """A task that calls ``f`` with its input."""
    parameters = {"FunctionName": "f", "Payload.$": "$"}
    select = {"ResultSelector": {"r.$": "$.Payload"}, "OutputPath": "$.r"}
    return {"Type": "Task", "Resource": INVOKE, "Parameters": parameters, **select, **fields}


def three(state: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A Map over three items, one at a time."""
    return mapping(group(state), MaxConcurrency=1, **fields)


ONE_BY_ONE = numbered(
    (0, "ExecutionStarted"),
    (0, "MapStateEntered"),
    (2, "MapStateStarted"),
    (3, "MapIterationStarted"),
    (4, "PassStateEntered"),
    (5, "PassStateExited"),
    (6, "MapIterationSucceeded"),
    (6, "MapIterationStarted"),
    (8, "PassStateEntered"),
    (9, "PassStateExited"),
    (10, "MapIterationSucceeded"),
    (11, "MapStateSucceeded"),
    (11, "MapStateExited"),
    (13, "ExecutionSucceeded"),
)


def two(
    name: str, feature: str, machine: dict[str, Any], data: Any, output: Any, **more: Any
) -> Case:
    """A Map over two items, one after the other."""
    return Case(
        name, feature, more.pop("cite", MAP), machine, data, output=output, history=ONE_BY_ONE
    )


def refused(name: str, feature: str, where: str, **fields: Any) -> Case:
    """A field of the distributed Map."""
    return Case(
        name,
        feature,
        DISTRIBUTED,
        one({"Type": "Map", "ItemProcessor": group(PASS), **fields}),
        refused=where,
        verdict="refused",
        note="the distributed Map is not supported",
    )


SELECTOR = {"i.$": "$$.Map.Item.Index", "v.$": "$$.Map.Item.Value", "of.$": "$.of"}
SELECTED = [{"i": 0, "v": "x", "of": 2}, {"i": 1, "v": "y", "of": 2}]
THINGS = {"things": ["x", "y"], "of": 2}
CASES = [
    Case(
        "map-events",
        "Map: its events and their details",
        f"{MAP} {SCENARIOS}",
        three(PASS),
        ["a", "b"],
        output=["a", "b"],
        history=(
            started(["a", "b"]),
            entered("Map", ["a", "b"]),
            (2, "MapStateStarted", {"length": 2}),
            (3, "MapIterationStarted", {"name": "S", "index": 0}),
            entered("Pass", "a", "I", 4),
            exited("Pass", "a", "I", 5),
            (6, "MapIterationSucceeded", {"name": "S", "index": 0}),
            (6, "MapIterationStarted", {"name": "S", "index": 1}),
            entered("Pass", "b", "I", 8),
            exited("Pass", "b", "I", 9),
            (10, "MapIterationSucceeded", {"name": "S", "index": 1}),
            (11, "MapStateSucceeded", None),
            exited("Map", ["a", "b"], previous=11),
            succeeded(["a", "b"], 13),
        ),
    ),
    two("map-items-path", "Map: ItemsPath", three(PASS, ItemsPath="$.things"), THINGS, ["x", "y"]),
    two(
        "map-item-selector",
        "Map: ItemSelector and the context object's Map.Item",
        three(PASS, ItemsPath="$.things", ItemSelector=SELECTOR),
        THINGS,
        SELECTED,
    ),
    two(
        "map-parameters",
        "Map: Iterator and Parameters, the older names",
        one(
            {
                "Type": "Map",
                "Iterator": group(PASS),
                "Parameters": SELECTOR,
                "ItemsPath": "$.things",
                "MaxConcurrency": 1,
            }
        ),
        THINGS,
        SELECTED,
        cite=f"{MAP} {SCENARIOS}",
    ),
    two(
        "map-result",
        "Map: ResultSelector and ResultPath",
        three(PASS, ItemsPath="$.things", ResultSelector={"all.$": "$"}, ResultPath="$.out"),
        THINGS,
        {**THINGS, "out": {"all": ["x", "y"]}},
    ),
    two(
        "map-jsonata",
        "Map: Items, ItemSelector and Output (JSONata)",
        {
            "QueryLanguage": "JSONata",
            **three(
                {**PASS, "Output": "{% $states.input.v %}"},
                Items="{% $states.input.a[$ > 1] %}",
                ItemSelector={"v": "{% $states.context.Map.Item.Value * $states.input.by %}"},
                Output="{% $sum($states.result) %}",
            ),
        },
        {"a": [1, 2, 3], "by": 10},
        50,
        cite=f"{MAP} {guide('transforming-data')}",
    ),
    two(
        "map-context-inside",
        "Map: states of an iteration see Map.Item in the context object",
        three({**PASS, "Parameters": {"at.$": "$$.Map.Item.Index"}}),
        ["a", "b"],
        [{"at": 0}, {"at": 1}],
    ),
    two(
        "map-max-concurrency-path",
        "Map: MaxConcurrencyPath",
        mapping(group(PASS), MaxConcurrencyPath="$.most", ItemsPath="$.things"),
        {**THINGS, "most": 1},
        ["x", "y"],
        cite=f"{MAP} {SCENARIOS}",
    ),
    two(
        "map-max-concurrency-path-text",
        "Map: MaxConcurrencyPath takes a whole number that is text",
        mapping(group(PASS), MaxConcurrencyPath="$.most", ItemsPath="$.things"),
        {**THINGS, "most": "1"},
        ["x", "y"],
        cite=f"{MAP} {recorded('assign/test_assign_reference_variables')}",
    ),
    Case(
        "map-no-items",
        "Map: no items, no iterations",
        MAP,
        mapping(group(PASS)),
        [],
        output=[],
        history=(
            started([]),
            entered("Map", []),
            (2, "MapStateStarted", {"length": 0}),
            (3, "MapStateSucceeded"),
            (3, "MapStateExited"),
            (5, "ExecutionSucceeded"),
        ),
    ),
    Case(
        "map-all-at-once",
        "Map: without MaxConcurrency the iterations run at the same time; outputs keep the order",
        MAP,
        mapping(group({"Type": "Wait", "SecondsPath": "$"})),
        [6, 2, 4],
        output=[6, 2, 4],
        history=(
            started([6, 2, 4]),
            entered("Map", [6, 2, 4]),
            (2, "MapStateStarted", {"length": 3}),
            *((3, "MapIterationStarted", {"name": "S", "index": index}) for index in range(3)),
            entered("Wait", 6, "I", 4),
            entered("Wait", 2, "I", 5),
            entered("Wait", 4, "I", 6),
            exited("Wait", 2, "I", 8),
            (10, "MapIterationSucceeded", {"name": "S", "index": 1}),
            exited("Wait", 4, "I", 9),
            (12, "MapIterationSucceeded", {"name": "S", "index": 2}),
            exited("Wait", 6, "I", 7),
            (14, "MapIterationSucceeded", {"name": "S", "index": 0}),
            (15, "MapStateSucceeded"),
            exited("Map", [6, 2, 4], previous=15),
            succeeded([6, 2, 4], 17),
        ),
        lasts=6,
        races=True,
    ),
    Case(
        "map-max-concurrency",
        "Map: MaxConcurrency",
        MAP,
        mapping(group({"Type": "Wait", "SecondsPath": "$"}), MaxConcurrency=2),
        [3, 5, 4],
        output=[3, 5, 4],
        history=(
            started([3, 5, 4]),
            entered("Map", [3, 5, 4]),
            (2, "MapStateStarted", {"length": 3}),
            (3, "MapIterationStarted", {"name": "S", "index": 0}),
            (3, "MapIterationStarted", {"name": "S", "index": 1}),
            entered("Wait", 3, "I", 4),
            entered("Wait", 5, "I", 5),
            exited("Wait", 3, "I", 6),
            (8, "MapIterationSucceeded", {"name": "S", "index": 0}),
            (8, "MapIterationStarted", {"name": "S", "index": 2}),
            entered("Wait", 4, "I", 10),
            exited("Wait", 5, "I", 7),
            (12, "MapIterationSucceeded", {"name": "S", "index": 1}),
            exited("Wait", 4, "I", 11),
            (14, "MapIterationSucceeded", {"name": "S", "index": 2}),
            (15, "MapStateSucceeded"),
            exited("Map", [3, 5, 4], previous=15),
            succeeded([3, 5, 4], 17),
        ),
        lasts=7,
        races=True,
    ),
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
        "map-nested",
        "Map inside of Map",
        f"{MAP} {SCENARIOS}",
        mapping(group({"Type": "Map", "ItemProcessor": group(PASS), "MaxConcurrency": 1}, "M")),
        [["a", "b"]],
        output=[["a", "b"]],
        history=numbered(
            (0, "ExecutionStarted"),
            (0, "MapStateEntered"),
            (2, "MapStateStarted"),
            (3, "MapIterationStarted"),
            (4, "MapStateEntered"),
            (5, "MapStateStarted"),
            (6, "MapIterationStarted"),
            (7, "PassStateEntered"),
            (8, "PassStateExited"),
            (9, "MapIterationSucceeded"),
            (9, "MapIterationStarted"),
            (11, "PassStateEntered"),
            (12, "PassStateExited"),
            (13, "MapIterationSucceeded"),
            (14, "MapStateSucceeded"),
            (14, "MapStateExited"),
            (16, "MapIterationSucceeded"),
            (17, "MapStateSucceeded"),
            (17, "MapStateExited"),
            (19, "ExecutionSucceeded"),
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
    refused(
        "map-distributed",
        "Map: ProcessorConfig DISTRIBUTED",
        "/States/S/ItemProcessor/ProcessorConfig/Mode",
        ItemProcessor={**group(PASS), "ProcessorConfig": {"Mode": "DISTRIBUTED"}},
    ),
    refused("map-item-reader", "Map: ItemReader", "/States/S/ItemReader", ItemReader={}),
    refused("map-item-batcher", "Map: ItemBatcher", "/States/S/ItemBatcher", ItemBatcher={}),
    refused("map-result-writer", "Map: ResultWriter", "/States/S/ResultWriter", ResultWriter={}),
    refused("map-label", "Map: Label", "/States/S/Label", Label="l"),
]
