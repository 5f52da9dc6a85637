"""Stopping a run in every phase, and callback tokens that come late, change or are over."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from tests.unit.worker.service_fakes import (
    PATIENCE_S,
    QUICK,
    RUN,
    World,
    failing,
    paint_until_stopped,
    poll,
    unreachable,
)
from worker.service.control import Stop


def cancel_before_started(world: World, stop) -> None:
    world.states.before = lambda operation, token: stop() if token == "start-1" else None


def cancel_while_fetching(world: World, stop) -> None:
    world.s3.before = lambda operation, key: stop() if key.endswith("style-0") else None


def cancel_while_checking(world: World, stop) -> None:
    world.engine.on_check = stop


def cancel_while_preparing(world: World, stop) -> None:
    world.engine.on_prepare = stop


PHASES = [
    cancel_before_started,
    cancel_while_fetching,
    cancel_while_checking,
    cancel_while_preparing,
    paint_until_stopped,
]


@pytest.mark.parametrize("phase", PHASES)
def test_a_run_can_be_stopped_in_every_phase(phase):
    world = World()
    phase(world, lambda: world.run.control.stop(Stop.CANCELLED))
    assert world.execute() is True
    (failure,) = world.states.of("failure")
    assert failure["error"] == "RunCancelled"
    assert world.state()["state"] == "cancelled"
    assert world.state()["problem"]["code"] == "run-cancelled"
    assert f"runs/{RUN}/result.png" not in world.s3.objects


@pytest.mark.parametrize("phase", PHASES)
def test_sigterm_ends_a_run_in_every_phase(phase):
    world = World()
    phase(world, lambda: world.run.control.stop(Stop.TERMINATED))
    assert world.execute() is True
    (failure,) = world.states.of("failure")
    assert failure["error"] == "TaskStopped"
    assert world.state()["state"] == "failed"


def test_sigterm_after_a_cancel_mark_is_a_cancel():
    world = World(timings=replace(QUICK, heartbeat_s=1000.0))

    def stop():
        world.cancel()
        world.run.control.stop(Stop.TERMINATED)

    paint_until_stopped(world, stop)
    assert world.execute() is True
    assert world.states.of("failure")[0]["error"] == "RunCancelled"
    assert world.state()["state"] == "cancelled"


def test_the_cancel_mark_stops_the_engine_at_a_heartbeat():
    world = World()
    paint_until_stopped(world, world.cancel)
    assert world.execute() is True
    assert world.states.of("failure")[0]["error"] == "RunCancelled"


def test_the_cancel_mark_is_looked_for_before_the_painting_is_stored():
    world = World(timings=replace(QUICK, heartbeat_s=1000.0))
    world.engine.on_paint = lambda stopped: world.cancel()
    assert world.execute() is True
    assert [failure["error"] for failure in world.states.of("failure")] == ["RunCancelled"]
    assert f"runs/{RUN}/result.png" not in world.s3.objects


def test_a_run_cancelled_before_its_task_started_reports_to_nobody():
    # stop_nst has answered the start token already.
    world = World()
    world.states.waiting.clear()
    world.cancel()
    assert world.execute() is True
    assert world.state()["state"] == "cancelled"
    assert world.engine.deadlines == []


def test_the_token_of_a_retry_takes_the_report():
    world = World()
    world.states.waiting = {"start-2"}

    def retry(operation, token):
        if token == "start-1":
            world.order("start-2")

    world.states.before = retry
    assert world.execute() is True
    assert [call["taskToken"] for call in world.states.of("success")] == [
        "start-1",
        "start-2",
        "watch-1",
    ]


def test_a_start_token_that_is_over_for_good_ends_the_run():
    world = World()
    world.states.waiting.clear()
    assert world.execute() is True
    assert world.state()["state"] == "failed"
    assert world.state()["problem"]["code"] == "worker-lost"
    assert world.engine.deadlines == []


def test_a_late_second_token_is_waited_for():
    world = World()
    late = threading.Event()
    world.states.on_success = lambda token: None

    def look(operation, key):
        if key.endswith("watch.json") and late.is_set():
            world.watch("watch-1")

    world.s3.before = look
    world.start()
    # Painting does not wait for the workflow; only the report does.
    poll(lambda: any(line.get("state") == "succeeded" for line in world.stored()))
    assert not world.reported
    late.set()
    assert world.end() is True
    assert world.states.of("success")[-1]["taskToken"] == "watch-1"


def test_a_second_token_that_never_comes_ends_the_run_unreported():
    world = World(timings=replace(QUICK, watch_patience_s=0.05))
    world.states.on_success = lambda token: None
    paint_until_stopped(world, lambda: None)
    assert world.execute() is False
    assert world.state()["problem"]["code"] == "worker-lost"
    assert world.states.of("failure") == []


def test_heartbeats_go_to_a_renewed_token():
    world = World()
    beaten = threading.Event()

    def renew(operation, token):
        if operation == "heartbeat" and token == "watch-1":
            world.states.waiting.discard("watch-1")
            world.watch("watch-2")
        if operation == "heartbeat" and token == "watch-2":
            beaten.set()

    world.states.before = renew
    world.engine.on_paint = lambda stopped: beaten.wait(PATIENCE_S)
    assert world.execute() is True
    assert world.states.of("success")[-1]["taskToken"] == "watch-2"
    assert world.states.of("failure") == []


def test_the_outcome_goes_to_a_renewed_token():
    world = World(timings=replace(QUICK, heartbeat_s=1000.0))

    def renew(operation, token):
        if operation == "success" and token == "watch-1":
            world.states.waiting.discard("watch-1")
            world.watch("watch-2")

    world.states.before = renew
    assert world.execute() is True
    assert world.states.of("success")[-1]["taskToken"] == "watch-2"


def test_a_run_that_was_ended_elsewhere_stops():
    world = World()

    def end():
        poll(lambda: "watch-1" in world.states.waiting)
        world.states.waiting.discard("watch-1")

    paint_until_stopped(world, end)
    assert world.execute() is True
    assert world.state()["problem"]["code"] == "worker-lost"
    assert f"runs/{RUN}/result.png" not in world.s3.objects


def test_an_unreachable_s3_ends_the_run_before_it_begins():
    world = World()
    world.s3.before = failing(unreachable())
    assert world.execute() is False


def test_a_world_that_is_gone_ends_the_run():
    world = World()

    def vanish():
        world.s3.before = world.states.before = failing(unreachable())

    paint_until_stopped(world, vanish)
    assert world.execute() is False
    assert world.run.control.reason is Stop.LOST
    assert world.run.events.after(0)[-1].fields["problem"]["code"] == "worker-lost"


def test_calls_that_fail_for_a_while_are_made_again():
    world = World(timings=replace(QUICK, report_patience_s=5.0, contact_lost_s=5.0))
    left = {"put": 3, "get": 3, "success": 3}

    def sometimes(operation, _):
        if left.get(operation, 0) > 0:
            left[operation] -= 1
            raise unreachable()

    world.s3.before = world.states.before = sometimes
    assert world.execute() is True
    assert world.state()["state"] == "succeeded"
    assert set(left.values()) == {0}


def test_a_painting_that_cannot_be_stored_is_a_failure():
    world = World()

    def refuse(operation, key):
        if key.endswith("result.png"):
            raise unreachable()

    world.s3.before = refuse
    assert world.execute() is True
    (failure,) = world.states.of("failure")
    assert failure["error"] == "WorkerFailed"
    assert world.state()["state"] == "failed"
