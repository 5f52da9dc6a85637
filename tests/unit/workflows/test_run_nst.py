"""run-nst: every way from the start to a task that is stopped and paid."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.workflows.workflow_world import RUN, START, Failure, World, play, problem


def test_a_run_from_start_to_settled() -> None:
    async def scene(world: World) -> None:
        answer = await world.sync("start_run", START)
        assert answer["status"] == "SUCCEEDED", answer
        assert json.loads(answer["output"]) == {
            "run_id": RUN["run_id"],
            "state": "starting",
            "ceiling_microusd": 5,
        }
        ended = await world.run_ended()
        assert ended["status"] == "SUCCEEDED"
        assert json.loads(ended["output"])["result"] == {"result_key": "r"}

    world = play(scene)
    names = [name for name, _ in world.calls]
    assert names == ["check", "reserve", "start", "ensure_stopped", "settle"]
    assert world.asked("start")[0]["run"] == RUN
    assert world.asked("settle")[0]["task"] == {"state": "stopped"}


def test_a_task_that_is_still_stopping_is_asked_again() -> None:
    async def scene(world: World) -> None:
        stopped = {"task": {"state": "stopped"}}
        world.say("stop-nst", "ensure_stopped", Failure("TaskStillStopping"), stopped)
        await world.sync("start_run", START)
        assert (await world.run_ended())["status"] == "SUCCEEDED"

    assert len(play(scene).asked("ensure_stopped")) == 2


@pytest.mark.parametrize(
    ("report", "code"),
    [
        (("PictureRefused", "The content is a text file."), "picture-refused"),
        (("RunCancelled", "You stopped this run."), "run-cancelled"),
        (("TaskStopped", "The painter ended early."), "task-stopped"),
        (("WorkerFailed", "The painter failed."), "worker-failed"),
        (("Surprise", "stack trace"), "internal-error"),
        (("silence", ""), "worker-lost"),
    ],
)
def test_every_end_of_the_task_is_stopped_settled_and_explained(
    report: tuple[str, str], code: str
) -> None:
    async def scene(world: World) -> None:
        world.report = report
        await world.sync("start_run", START)
        document = problem(await world.run_ended())
        assert document["code"] == code
        assert document["run_id"] == RUN["run_id"]
        assert len(document["detail"]) > 10
        assert "stack trace" not in document["detail"]

    world = play(scene)
    assert len(world.asked("ensure_stopped")) == 1
    assert len(world.asked("settle")) == 1


@pytest.mark.parametrize(
    ("name", "attempts"), [("NoCapacity", 4), ("TaskRefused", 1), ("RunCancelled", 1)]
)
def test_a_task_that_cannot_start(name: str, attempts: int) -> None:
    async def scene(world: World) -> None:
        world.say("start-nst", "start", Failure(name))
        world.say("stop-nst", "ensure_stopped", {"task": {"state": "never_started"}})
        await world.sync("start_run", START)
        ended = await world.run_ended()
        assert ended["error"] == name
        problem(ended)

    world = play(scene)
    assert len(world.asked("start")) == attempts
    assert world.asked("settle")[0]["task"] == {"state": "never_started"}


@pytest.mark.parametrize("name", ["Sandbox.Timedout", "Runtime.ExitError", "Lambda.Unknown"])
@pytest.mark.parametrize(
    ("function", "action", "answer"),
    [
        ("start-nst", "start", {"task_arn": "t"}),
        ("stop-nst", "ensure_stopped", {"task": {"state": "stopped"}}),
        ("update-budget", "settle", {"outcome": "settled"}),
    ],
)
def test_a_function_that_was_cut_off_is_called_again(
    name: str, function: str, action: str, answer: dict[str, Any]
) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html."""

    async def scene(world: World) -> None:
        world.say(function, action, Failure(name), answer)
        await world.sync("start_run", START)
        assert (await world.run_ended())["status"] == "SUCCEEDED"

    assert len(play(scene).asked(action)) == 2


def test_a_task_that_cannot_be_seen_keeps_its_money_until_reconcile_has_found_it() -> None:
    async def scene(world: World) -> None:
        world.report = ("silence", "")
        world.say("stop-nst", "ensure_stopped", {"task": {"state": "unknown"}})
        await world.sync("start_run", START)
        assert problem(await world.run_ended())["code"] == "worker-lost"

    assert not play(scene).asked("settle")


def test_every_attempt_to_start_has_a_token_of_its_own() -> None:
    async def scene(world: World) -> None:
        world.say("start-nst", "start", Failure("NoCapacity"), {"task_arn": "t"})
        await world.sync("start_run", START)
        assert (await world.run_ended())["status"] == "SUCCEEDED"

    first, second = (p["task_token"] for p in play(scene).asked("start"))
    assert first != second


def test_a_run_whose_money_cannot_be_settled_is_left_to_reconcile() -> None:
    async def scene(world: World) -> None:
        world.say("update-budget", "settle", Failure("BudgetUnavailable"))
        await world.sync("start_run", START)
        assert (await world.run_ended())["status"] == "SUCCEEDED"

    assert len(play(scene).asked("settle")) == 4
