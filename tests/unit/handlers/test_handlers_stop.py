"""Stop NST: certainty about what became of a task, and those who wait for it are told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from handlers import errors
from handlers.stop_nst import function as stop_nst
from tests.unit.handlers.fakes import (
    MACHINE,
    NOW,
    RUN,
    TASK_ARN,
    Context,
    World,
    moment,
    proxy_event,
)
from tests.unit.handlers.task_calls import ORDER, ensure, outcomes, start, stop
from tests.unit.system.fake_s3 import client_error

EXECUTION = MACHINE.replace(":stateMachine:", ":execution:") + ":" + RUN


@pytest.fixture
def world() -> World:
    return World()


def test_a_running_task_is_stopped_and_then_reported(world: World) -> None:
    start(world)
    for _ in range(2):
        with pytest.raises(errors.TaskStillStopping):
            ensure(world)
    [asked] = world.ecs.stopped
    assert (asked["task"], asked["reason"]) == (TASK_ARN, "finished")
    world.ecs.end()
    assert ensure(world) == {
        "state": "stopped",
        "task_arn": TASK_ARN,
        "pull_started_at": NOW,
        "started_at": NOW + 20,
        "stopped_at": NOW + 100,
        "exit_code": 0,
        "reason": "Essential container in task exited",
        "cpu_units": 2048,
        "memory_mib": 4096,
    }


def test_never_started_is_said_only_when_it_is_certain(world: World) -> None:
    assert ensure(world) == {"state": "never_started"}
    assert world.has(f"orders/{RUN}/over"), "a late attempt could still ask ECS"
    with pytest.raises(errors.RunCancelled):
        start(world)

    refused = World()
    refused.ecs.answers = [[{"reason": "RESOURCE:ENI"}]]
    with pytest.raises(errors.NoCapacity):
        start(refused)
    assert ensure(refused) == {"state": "never_started"}


def test_an_attempt_without_an_answer_is_no_proof_either_way(world: World) -> None:
    """ListTasks is eventually consistent: an empty list says nothing."""
    world.ecs.answers = [client_error("ServerException", 500, "RunTask")]
    with pytest.raises(errors.NoCapacity):
        start(world)
    with pytest.raises(errors.TaskStillStopping):
        ensure(world)
    world.now += 61
    assert ensure(world) == {"state": "unknown"}


def test_a_task_whose_reply_was_lost_is_found_and_stopped(world: World) -> None:
    world.ecs.answers = ["lost reply"]
    with pytest.raises(errors.NoCapacity):
        start(world)
    with pytest.raises(errors.TaskStillStopping):
        ensure(world)
    assert [s["task"] for s in world.ecs.stopped] == [TASK_ARN]
    world.ecs.end()
    assert ensure(world)["state"] == "stopped"


def test_a_refused_attempt_after_an_unanswered_one_proves_nothing(world: World) -> None:
    unanswered = client_error("ServerException", 500, "RunTask")
    world.ecs.answers = [unanswered, [{"reason": "RESOURCE:ENI"}]]
    for request in ("r1", "r2"):
        with pytest.raises(errors.NoCapacity):
            start(world, request=request)
    world.now += 61
    assert ensure(world) == {"state": "unknown"}


def test_an_attempt_under_way_while_the_run_ends_is_seen_or_stopped(world: World) -> None:
    """Both orders of start's mark check and stop's mark: never a task that nobody knows of."""
    run_task = world.ecs.run_task
    reports: list[Any] = []

    def ending(**params: Any) -> Any:
        try:
            reports.append(ensure(world))
        except errors.TaskStillStopping:
            reports.append("still stopping")
        return run_task(**params)

    world.ecs.run_task = ending  # type: ignore[method-assign]
    assert start(world) == {"task_arn": TASK_ARN}
    assert reports == ["still stopping"]
    with pytest.raises(errors.TaskStillStopping):
        ensure(world)
    assert world.ecs.stopped


def test_two_attempts_at_once_lose_neither(world: World) -> None:
    """The order is changed by compare-and-swap: the second writer sees the first one's attempt."""
    put_object = world.s3.put_object
    other = [True]

    def raced(**params: Any) -> Any:
        if params["Key"] == ORDER and other:
            other.clear()
            world.ecs.answers = [client_error("ServerException", 500, "RunTask")]
            with pytest.raises(errors.NoCapacity):
                start(world, "t0", "request-0")
        return put_object(**params)

    world.s3.put_object = raced  # type: ignore[method-assign]
    start(world)
    assert outcomes(world) == ["asked", "placed"]


def test_a_task_that_ecs_has_forgotten_is_unknown(world: World) -> None:
    start(world)
    world.ecs.tasks.clear()
    with pytest.raises(errors.TaskStillStopping):
        ensure(world)
    world.now += 61
    assert ensure(world) == {"state": "unknown", "task_arn": TASK_ARN}


def api_stop(world: World, run_id: str = RUN) -> tuple[int, Any]:
    event = proxy_event("POST", "/api/runs/{run_id}/stop", "{}", run_id=run_id)
    response = stop_nst(event, Context(), world.parts)
    return response["statusCode"], json.loads(response["body"])


def test_a_visitor_stops_a_run_that_waits_for_its_picture(world: World) -> None:
    start(world)
    world.put(f"orders/{RUN}/watch.json", {"run_id": RUN, "task_token": "w1"})
    world.states.executions.add(EXECUTION)
    world.states.waiting = {"w1"}
    for _ in range(2):
        assert api_stop(world) == (202, {"run_id": RUN, "state": "stopping"})
    assert world.has(f"orders/{RUN}/cancel")
    assert world.states.failures == [
        {"taskToken": "w1", "error": "RunCancelled", "cause": "You stopped this run."}
    ]


def test_a_visitor_stops_a_run_that_has_not_begun(world: World) -> None:
    start(world)
    world.states.executions.add(EXECUTION)
    world.states.waiting = {"t1"}
    assert api_stop(world)[0] == 202
    assert [f["taskToken"] for f in world.states.failures] == ["t1"]


def test_a_run_without_execution_cannot_be_stopped(world: World) -> None:
    status, problem = api_stop(world)
    assert (status, problem["code"]) == (404, "run-not-found")
    assert not world.has(f"orders/{RUN}/cancel")
    assert api_stop(world, "../x")[0] == 400
    start(world)
    assert api_stop(world)[0] == 202, "its order is there: the execution is only not shown yet"


def test_a_lost_callback_is_reported_once(world: World) -> None:
    assert stop(world, "report_lost", run_id=RUN) == {"finding": None}
    start(world)
    world.states.waiting = {"t1"}
    assert stop(world, "report_lost", run_id=RUN) == {"finding": None}
    world.ecs.end(exit_code=137)
    assert stop(world, "report_lost", run_id=RUN) == {"finding": "lost_callback"}
    [failure] = world.states.failures
    assert failure["error"] == "TaskStopped"
    assert "killed" in failure["cause"]
    assert stop(world, "report_lost", run_id=RUN) == {"finding": None}


def test_out_of_memory_is_told_as_such(world: World) -> None:
    start(world)
    world.ecs.end(exit_code=137)
    world.ecs.tasks[TASK_ARN]["containers"][0]["reason"] = "OutOfMemoryError: Container killed"
    world.states.waiting = {"t1"}
    stop(world, "report_lost", run_id=RUN)
    assert "memory" in world.states.failures[0]["cause"]


def test_a_sweep_stops_old_orphans_only(world: World) -> None:
    names = [TASK_ARN[:-1] + str(n) for n in range(6)]
    old = moment(NOW - 400)
    open_run, orphan, young, second = ("a" * 32, "b" * 32, "c" * 32, "d" * 32)
    world.ecs.place(open_run, names[0], createdAt=old)
    world.ecs.place(orphan, names[1], createdAt=old)
    world.ecs.place(young, names[2], createdAt=moment(NOW - 300))
    world.ecs.place("an operator", names[3], createdAt=old)
    world.ecs.place(second, names[4], createdAt=old)
    assert stop(world, "sweep", open_run_ids=[open_run]) == {"stopped": [names[1], names[4]]}
    assert [s["task"] for s in world.ecs.stopped] == [names[1], names[4]]
    with pytest.raises(errors.InvalidRequest):
        stop(world, "sweep", open_run_ids="all")
    with pytest.raises(errors.InvalidRequest):
        stop(world, "sweep", open_run_ids=["x"])


def test_an_order_that_cannot_be_read_is_no_proof_of_anything(world: World) -> None:
    for broken in (b"not json", b"[]", b'{"run_id": "x"}', b'{"attempts": [{"what": 1}]}'):
        world.put(ORDER, broken)
        with pytest.raises(Exception, match="order"):
            ensure(world)
