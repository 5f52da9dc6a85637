"""reconcile: what ended is settled, what may still start is left."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.workflows.workflow_world import START, Failure, World, play


def open_run(letter: str, *, expired: bool) -> dict[str, Any]:
    return {"run_id": letter * 32, "expired": expired}


def test_reconcile_settles_what_ended_and_leaves_what_may_still_start() -> None:
    async def scene(world: World) -> None:
        world.report = ("WorkerFailed", "The painter failed.")
        world.say("update-budget", "settle", Failure("BudgetUnavailable"))
        await world.sync("start_run", START)
        await world.run_ended()
        world.calls.clear()
        world.say("update-budget", "settle", {"outcome": "settled"})
        runs = [open_run("b", expired=False), open_run("c", expired=False)]
        runs.append(open_run("d", expired=True))
        world.say("read-budget", "open_runs", {"runs": runs})
        world.say("stop-nst", "sweep", {"stopped": ["task-1"]})
        answer = await world.sync("reconcile", {})
        assert answer["status"] == "SUCCEEDED", answer
        found = json.loads(answer["output"])
        assert found["runs"] == 3
        assert [f["run_id"][0] for f in found["findings"]] == ["b", "d"]
        assert found["orphans"] == ["task-1"]

    world = play(scene)
    assert {p["run_id"][0] for p in world.asked("settle")} == {"b", "d"}
    assert world.asked("sweep")[0]["open_run_ids"] == ["b" * 32, "c" * 32, "d" * 32]
    assert world.metrics[0]["MetricData"][0]["Value"] == 3


@pytest.mark.parametrize(("expired", "settled"), [(False, 0), (True, 1)])
def test_reconcile_frees_the_money_of_an_unseen_task_only_at_the_leases_end(
    expired: bool, settled: int
) -> None:
    async def scene(world: World) -> None:
        world.say("update-budget", "settle", Failure("BudgetUnavailable"))
        await world.sync("start_run", START)
        await world.run_ended()
        world.calls.clear()
        world.say("update-budget", "settle", {"outcome": "settled"})
        world.say("stop-nst", "ensure_stopped", {"task": {"state": "unknown"}})
        world.say("read-budget", "open_runs", {"runs": [open_run("b", expired=expired)]})
        assert (await world.sync("reconcile", {"run_id": "b" * 32}))["status"] == "SUCCEEDED"

    world = play(scene)
    assert len(world.asked("settle")) == settled
    assert not world.asked("sweep"), "one run was asked for"


def test_reconcile_of_a_running_run_only_asks_whether_its_task_is_lost() -> None:
    async def scene(world: World) -> None:
        world.say("start-nst", "start", {"task_arn": "t"})
        world.report = ("silence", "")
        await world.sync("start_run", START)
        world.say("read-budget", "open_runs", {"runs": [open_run("b", expired=False)]})
        answer = await world.sync("reconcile", {"run_id": "b" * 32})
        assert json.loads(answer["output"])["findings"] == []
        assert len(world.asked("report_lost")) == 1
        assert not world.asked("settle")

    assert not play(scene).metrics


@pytest.mark.parametrize("name", ["Sandbox.Timedout", "Runtime.ExitError", "Lambda.Unknown"])
@pytest.mark.parametrize(
    ("function", "action"),
    [
        ("read-budget", "open_runs"),
        ("stop-nst", "ensure_stopped"),
        ("update-budget", "settle"),
        ("stop-nst", "sweep"),
    ],
)
def test_reconcile_calls_a_function_again_that_was_cut_off(
    name: str, function: str, action: str
) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html."""
    answers = {
        "open_runs": {"runs": [open_run("d", expired=True)]},
        "ensure_stopped": {"task": {"state": "stopped"}},
        "settle": {"outcome": "settled"},
        "sweep": {"stopped": []},
    }

    async def scene(world: World) -> None:
        world.say("read-budget", "open_runs", answers["open_runs"])
        world.say(function, action, Failure(name), answers[action])
        answer = await world.sync("reconcile", {})
        assert answer["status"] == "SUCCEEDED", answer
        assert json.loads(answer["output"])["runs"] == 1

    world = play(scene)
    assert len(world.asked(action)) == 2
    assert len(world.asked("settle")) == (2 if action == "settle" else 1)


@pytest.mark.parametrize("name", ["Sandbox.Timedout", "Runtime.ExitError", "Lambda.Unknown"])
def test_reconcile_asks_again_whether_a_task_is_lost(name: str) -> None:
    async def scene(world: World) -> None:
        world.report = ("silence", "")
        await world.sync("start_run", START)
        world.say("read-budget", "open_runs", {"runs": [open_run("b", expired=False)]})
        world.say("stop-nst", "report_lost", Failure(name), {"finding": "lost_callback"})
        answer = await world.sync("reconcile", {"run_id": "b" * 32})
        assert [f["run_id"][0] for f in json.loads(answer["output"])["findings"]] == ["b"]

    assert len(play(scene).asked("report_lost")) == 2
