"""admit-run: the budget is looked at, then the uploads are signed."""

from __future__ import annotations

import json

import pytest

from tests.unit.workflows.workflow_world import Failure, World, play, problem


def test_admit_answers_the_uploads_with_the_budget() -> None:
    async def scene(world: World) -> None:
        given = {"body": {"content": {}, "styles": [{"gallery": "x"}]}, "correlation_id": "c1"}
        answer = await world.sync("admit_run", given)
        assert answer["status"] == "SUCCEEDED"
        assert json.loads(answer["output"]) == {
            "run_id": "a" * 32,
            "uploads": {},
            "budget": {"available_microusd": 10},
        }

    world = play(scene)
    assert [name for name, _ in world.calls] == ["check", "admit"]
    assert {payload["correlation_id"] for _, payload in world.calls} == {"c1"}


@pytest.mark.parametrize(
    ("name", "status"),
    [("BudgetExhausted", 402), ("DailyLimitReached", 402), ("TooManyRuns", 429)],
)
def test_admit_refuses_with_the_functions_sentence(name: str, status: int) -> None:
    async def scene(world: World) -> None:
        world.say("read-budget", "check", Failure(name, "Come back on Monday."))
        answer = await world.sync("admit_run", {"body": {}, "correlation_id": "c1"})
        document = problem(answer)
        assert answer["error"] == name
        assert document["status"] == status
        assert document["detail"] == "Come back on Monday."
        assert document["correlation_id"] == "c1"

    assert not play(scene).asked("admit")


def test_an_unknown_failure_is_an_internal_error_without_its_details() -> None:
    async def scene(world: World) -> None:
        world.say("read-budget", "check", Failure("KeyError", "'secret'"))
        answer = await world.sync("admit_run", {"body": {}, "correlation_id": "c1"})
        document = problem(answer)
        assert (answer["error"], document["status"]) == ("InternalError", 500)
        assert "secret" not in answer["cause"]

    play(scene)


GIVEN = {"body": {"content": {}, "styles": [{"gallery": "x"}]}, "correlation_id": "c1"}
ANSWERS = {
    ("read-budget", "check"): {"available_microusd": 10},
    ("get-upload-url", "admit"): {"run_id": "a" * 32, "uploads": {}},
}


@pytest.mark.parametrize(("function", "action"), ANSWERS)
def test_admit_calls_a_function_again_that_crashed(function: str, action: str) -> None:
    async def scene(world: World) -> None:
        world.say(function, action, Failure("Runtime.ExitError"), ANSWERS[function, action])
        answer = await world.sync("admit_run", GIVEN)
        assert answer["status"] == "SUCCEEDED"

    assert len(play(scene).asked(action)) == 2


@pytest.mark.parametrize(("function", "action"), ANSWERS)
def test_admit_says_at_once_that_a_function_ran_out_of_time(function: str, action: str) -> None:
    """A visitor waits: 25 s, and the gateway 29 s, have no room for two times a function's 10 s."""

    async def scene(world: World) -> None:
        world.say(function, action, Failure("Sandbox.Timedout"), ANSWERS[function, action])
        answer = await world.sync("admit_run", GIVEN)
        assert problem(answer)["code"] == "internal-error"

    assert len(play(scene).asked(action)) == 1
