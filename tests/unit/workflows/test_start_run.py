"""start-run: uploads are checked, money is reserved, the run is started once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from emulator.core.errors import AwsError
from tests.unit.workflows.workflow_world import RUN, START, Failure, World, play, problem


@pytest.mark.parametrize("name", ["UploadMissing", "UploadRefused", "InvalidRequest"])
def test_bad_uploads_reserve_nothing(name: str) -> None:
    async def scene(world: World) -> None:
        world.say("get-upload-url", "check", Failure(name))
        document = problem(await world.sync("start_run", START))
        assert document["run_id"] == RUN["run_id"]

    assert not play(scene).asked("reserve")


def test_a_refused_reservation_starts_nothing() -> None:
    async def scene(world: World) -> None:
        world.say("update-budget", "reserve", Failure("BudgetExhausted"))
        assert problem(await world.sync("start_run", START))["status"] == 402
        with pytest.raises(AwsError, match="ExecutionDoesNotExist"):
            await world.run_ended()

    assert not play(scene).asked("start")


def test_the_same_start_twice_is_one_run() -> None:
    async def scene(world: World) -> None:
        first = {"outcome": "reserved", "fresh": True}
        second = {"outcome": "already_reserved", "fresh": False}
        world.say("update-budget", "reserve", first, second)
        answers = await asyncio.gather(
            world.sync("start_run", START), world.sync("start_run", START)
        )
        assert [a["status"] for a in answers] == ["SUCCEEDED", "SUCCEEDED"]
        await world.run_ended()

    world = play(scene)
    assert len(world.asked("start")) == 1
    assert len(world.asked("settle")) == 1
    assert not world.asked("release")


def test_a_run_that_is_over_is_accepted_and_not_started_again() -> None:
    async def scene(world: World) -> None:
        world.say("update-budget", "reserve", {"outcome": "over", "fresh": False})
        assert (await world.sync("start_run", START))["status"] == "SUCCEEDED"

    assert not play(scene).asked("start")


@pytest.mark.parametrize(("digest", "status"), [("d1", "SUCCEEDED"), ("d2", "FAILED")])
def test_a_reservation_for_a_name_that_was_used_is_released(digest: str, status: str) -> None:
    """The ledger has forgotten the old run, Step Functions has not."""

    async def scene(world: World) -> None:
        await world.sync("start_run", START)
        await world.run_ended()
        world.say("get-upload-url", "check", {**RUN, "digest": digest})
        answer = await world.sync("start_run", START)
        assert answer["status"] == status
        if status == "FAILED":
            assert problem(answer)["status"] == 409

    world = play(scene)
    assert len(world.asked("release")) == 1
    assert len(world.asked("start")) == 1


@pytest.mark.parametrize(
    ("function", "action", "answer"),
    [
        ("get-upload-url", "check", RUN),
        ("update-budget", "reserve", {"outcome": "reserved", "fresh": True}),
    ],
)
def test_a_function_that_crashed_before_the_run_is_called_again(
    function: str, action: str, answer: dict[str, Any]
) -> None:
    async def scene(world: World) -> None:
        world.say(function, action, Failure("Runtime.ExitError"), answer)
        assert (await world.sync("start_run", START))["status"] == "SUCCEEDED"

    assert len(play(scene).asked(action)) == 2
