"""What survives a kill of the emulator, and reproducible runs on virtual time."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from pathlib import Path
from typing import Any

from emulator.core.journal import Journal
from emulator.core.virtual_clock import run
from emulator.states.runs import EXECUTIONS_KEPT_MAX
from tests.unit.states.world import FunctionError, World, one, types

PASS = one({"Type": "Pass"})
WAIT = one({"Type": "Wait", "Seconds": 600})


def killed(path: Path) -> tuple[str, str, str]:
    """A first life: one execution ended, one failed, one was running when the kill came."""

    async def main() -> tuple[str, str, str]:
        world = World(journal=journal)
        ended = await world.start(await world.create(PASS, "p"), {"a": 1})
        failed = await world.start(await world.create(one({"Type": "Fail", "Error": "E"}), "f"))
        await world.settled(ended)
        await world.settled(failed)
        running = await world.start(await world.create(WAIT, "w"), {"b": 2}, "lost")
        await asyncio.sleep(5)
        await world.states.stop()
        return ended, failed, running

    with closing(Journal(path)) as journal:
        return run(main)


def test_running_executions_are_aborted_after_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    ended, failed, running = killed(path)

    async def main() -> Any:
        world = World(journal=journal)
        assert await world.states.recover() == 1
        assert await world.states.recover() == 0
        await asyncio.sleep(0)
        found = [
            await world.call("DescribeExecution", executionArn=arn)
            for arn in (ended, failed, running)
        ]
        return world, found, await world.history(running)

    with closing(Journal(path)) as journal:
        world, (first, second, third), events = run(main)
    assert (first["status"], first["output"]) == ("SUCCEEDED", '{"a":1}')
    assert (second["status"], second["error"]) == ("FAILED", "E")
    assert third["status"] == "ABORTED"
    assert third["cause"] == "The emulator was killed while this execution was running"
    assert third["input"] == '{"b": 2}'
    assert types(events) == ["ExecutionStarted", "ExecutionAborted"]
    (event,) = world.events
    assert (event["detail"]["status"], event["detail"]["name"]) == ("ABORTED", "lost")
    assert event["detail"]["stateMachineArn"].endswith(":stateMachine:w")


def test_a_recovered_execution_has_its_name_still(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    killed(path)

    async def main() -> Any:
        world = World(journal=journal)
        await world.states.recover()
        machine = await world.create(WAIT, "w")
        return await world.call("ListExecutions", stateMachineArn=machine)

    with closing(Journal(path)) as journal:
        (found,) = run(main)["executions"]
    assert (found["name"], found["status"]) == ("lost", "ABORTED")


def test_a_second_kill_finds_nothing_to_abort(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    killed(path)

    async def recover() -> int:
        return await World(journal=journal).states.recover()

    for expected in (1, 0):
        with closing(Journal(path)) as journal:
            assert run(recover) == expected


def test_the_oldest_finished_execution_makes_room(monkeypatch: Any) -> None:
    assert EXECUTIONS_KEPT_MAX == 20_000
    monkeypatch.setattr("emulator.states.execution_calls.EXECUTIONS_KEPT_MAX", 3)

    async def main() -> list[str]:
        world = World()
        waiting = await world.create(WAIT, "w")
        await world.start(waiting, None, "running")
        machine = await world.create(PASS)
        for number in range(4):
            arn = await world.start(machine, None, f"n{number}")
            await world.settled(arn)
        await world.states.stop()
        return [execution.name for execution in world.states._runs.known.values()]

    assert run(main) == ["running", "n2", "n3"]


def random_run() -> Any:
    """Retries with jitter, random numbers, ids, branches: everything that could differ."""
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": "f", "Payload": "{% $states.input %}"},
        "Retry": [{"ErrorEquals": ["Boom"], "JitterStrategy": "FULL"}],
        "Output": "{% [$random(), $uuid(), $millis(), $shuffle([1..9])] %}",
        "End": True,
    }
    machine = one(
        {"Type": "Map", "ItemProcessor": {"StartAt": "T", "States": {"T": task}}}, "JSONata"
    )

    async def main() -> Any:
        left = iter(range(7))

        def function(_event: Any) -> Any:
            if next(left, None) is not None:
                raise FunctionError("Boom")

        world = World({"f": function})
        arn = await world.start(await world.create(machine), [1, 2, 3])
        await world.settled(arn)
        return await world.history(arn)

    return run(main)


def test_the_same_seed_gives_the_same_history_byte_for_byte() -> None:
    first = json.dumps(random_run())
    assert json.dumps(random_run()) == first
    assert "TaskFailed" in first


def test_a_thousand_executions_wait_at_once() -> None:
    async def main() -> int:
        tokens: asyncio.Queue[str] = asyncio.Queue()
        state = {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
            "Parameters": {"FunctionName": "f", "Payload.$": "$$.Task.Token"},
            "TimeoutSeconds": 60,
        }
        world = World({"f": tokens.put_nowait})
        machine = await world.create(one(state))
        arns = [await world.start(machine, None, f"n{number}") for number in range(1000)]
        for _ in arns:
            await world.call("SendTaskSuccess", taskToken=await tokens.get(), output="1")
        found = [await world.settled(arn) for arn in arns]
        return sum(execution["status"] == "SUCCEEDED" for execution in found)

    assert run(main) == 1000
