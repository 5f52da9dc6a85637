"""On virtual time a seed draws the order of what is ready, and the same seed the same history.

Machines are drawn by hypothesis: chains of Pass, Wait, Task, Parallel and Map states, nested.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.core.virtual_clock import VirtualClock, run
from tests.unit.states.world import FunctionError, World

INVOKE = "arn:aws:states:::lambda:invoke"
RETRY = [{"ErrorEquals": ["Boom"], "IntervalSeconds": 1, "JitterStrategy": "FULL"}]
MONTH = 2_592_000
PASS = {"Type": "Pass", "Result": 0}

waits = st.integers(0, 3).map(lambda seconds: {"Type": "Wait", "Seconds": seconds})
passes = st.integers(0, 9).map(lambda number: {"Type": "Pass", "Result": number})
tasks = st.sampled_from(["quick", "slow", "shaky"]).map(
    lambda name: {
        "Type": "Task",
        "Resource": INVOKE,
        "Parameters": {"FunctionName": name},
        "ResultSelector": {"r.$": "$.Payload"},
        "Retry": RETRY,
    }
)


def nesting(states: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    chains = st.lists(states, min_size=1, max_size=3)
    parallels = st.lists(chains, min_size=1, max_size=3).map(
        lambda branches: {"Type": "Parallel", "branches": branches}
    )
    maps = st.tuples(chains, st.integers(0, 3)).map(
        lambda drawn: {"Type": "Map", "chain": drawn[0], "most": drawn[1]}
    )
    return st.one_of(parallels, maps)


chains = st.lists(
    st.recursive(st.one_of(waits, passes, tasks), nesting, max_leaves=8), min_size=1, max_size=3
)


def machine(chain: list[dict[str, Any]]) -> dict[str, Any]:
    """The definition of a drawn chain: state names are numbers, unique in the machine."""
    names = (f"S{number}" for number in itertools.count())

    def group(states: list[dict[str, Any]]) -> dict[str, Any]:
        mine = [next(names) for _ in states]
        made = {}
        for index, (name, state) in enumerate(zip(mine, states, strict=True)):
            last = index + 1 == len(states)
            flow = {"End": True} if last else {"Next": mine[index + 1]}
            made[name] = {**finished(state), **flow}
        return {"StartAt": mine[0], "States": made}

    def finished(state: dict[str, Any]) -> dict[str, Any]:
        if state["Type"] == "Parallel":
            return {"Type": "Parallel", "Branches": [group(each) for each in state["branches"]]}
        if state["Type"] == "Map":
            return {
                "Type": "Map",
                "ItemSelector": {"item.$": "$$.Map.Item.Value"},
                "ItemsPath": "$$.Execution.Input.items",
                "MaxConcurrency": state["most"],
                "ItemProcessor": group(state["chain"]),
            }
        return state

    return group(chain)


def functions() -> dict[str, Any]:
    failures = iter([True, False] * 10_000)

    async def slow(_event: Any) -> str:
        await asyncio.sleep(2)
        return "late"

    def shaky(_event: Any) -> str:
        if next(failures):
            raise FunctionError("Boom")
        return "fine"

    return {"quick": lambda _event: "soon", "slow": slow, "shaky": shaky}


def recorded(definition: dict[str, Any], seed: int | None) -> tuple[str, str]:
    """The status, and the history to the byte, its times included."""

    async def main() -> tuple[str, str]:
        world = World(functions(), clock=VirtualClock())
        arn = await world.start(await world.create(definition), {"items": [3, 1, 2]})
        description = await world.settled(arn)
        history = await world.history(arn)
        await world.states.stop()
        return description["status"], json.dumps(history)

    return run(main, seed=seed)


@settings(max_examples=60, deadline=None)
@given(chain=chains, seed=st.one_of(st.none(), st.integers(0, 2**32)))
def test_the_same_seed_gives_the_same_history_to_the_byte(
    chain: list[dict[str, Any]], seed: int | None
) -> None:
    definition = machine(chain)
    first, second = recorded(definition, seed), recorded(definition, seed)
    assert first == second


@settings(max_examples=40, deadline=None)
@given(chain=chains, seeds=st.tuples(st.integers(0, 2**32), st.integers(0, 2**32)))
def test_the_seed_changes_the_order_of_events_and_nothing_else(
    chain: list[dict[str, Any]], seeds: tuple[int, int]
) -> None:
    definition = machine([state for state in chain if "shaky" not in json.dumps(state)] or [PASS])
    kinds = []
    for seed in seeds:
        status, history = recorded(definition, seed)
        assert status == "SUCCEEDED"
        events = json.loads(history)
        kinds.append(sorted(event["type"] for event in events))
        before = {event["id"]: event["previousEventId"] for event in events}
        assert all(previous < number for number, previous in before.items())
    assert kinds[0] == kinds[1]


WIDE = machine([{"Type": "Parallel", "branches": [[PASS, PASS], [PASS, PASS], [PASS, PASS]]}])


def test_other_seeds_draw_other_orders() -> None:
    assert len({recorded(WIDE, seed)[1] for seed in range(8)}) > 1


@pytest.mark.parametrize("seed", [None, 11])
def test_thousands_of_executions_in_one_process_end(seed: int | None) -> None:
    definition = machine(
        [
            {"Type": "Wait", "Seconds": MONTH},
            {"Type": "Parallel", "branches": [[{"Type": "Wait", "Seconds": 5}], [PASS]]},
            {"Type": "Task", "Resource": INVOKE, "Parameters": {"FunctionName": "quick"}},
        ]
    )

    async def main() -> list[dict[str, Any]]:
        world = World(functions(), clock=VirtualClock())
        created = await world.create(definition)
        started = [await world.start(created, {}, f"run-{number}") for number in range(2_000)]
        ended = [await world.settled(arn) for arn in started]
        await world.states.stop()
        return ended

    ended = run(main, seed=seed)
    assert {execution["status"] for execution in ended} == {"SUCCEEDED"}
    lasted = {execution["stopDate"] - execution["startDate"] for execution in ended}
    assert lasted == {MONTH + 5}
