"""Map, inline: iterations, their number at a time, and failure thresholds."""

from __future__ import annotations

from typing import Any

from tests.asl.cases import (
    Case,
    entered,
    exited,
    group,
    guide,
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
