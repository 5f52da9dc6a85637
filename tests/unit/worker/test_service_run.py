"""The run inside the task, phase by phase, against an in-memory AWS."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import pytest
from tests.unit.worker.service_fakes import (
    PATIENCE_S,
    QUICK,
    RUN,
    TASK_ARN,
    ManualClock,
    ScriptedEngine,
    World,
    poll,
    unreachable,
)
from worker.service.control import Stop
from worker.service.ports import ParametersRefusedError, PictureRefusedError
from worker.service.timings import Timings


def failing(error: BaseException):
    def fail(*_):
        raise error

    return fail


def test_a_run_is_reported_logged_and_stored():
    world = World()
    assert world.execute() is True

    success = world.states.of("success")
    assert [call["taskToken"] for call in success] == ["start-1", "watch-1"]
    started = json.loads(success[0]["output"])
    assert started["task_arn"] == TASK_ARN
    assert isinstance(started["started_at"], float)
    assert json.loads(success[1]["output"]) == {
        "result_key": f"runs/{RUN}/result.png",
        "stopped_early": False,
        "steps": 3,
        "cpu_s": 0.25,
        "dtype": "float32",
    }
    assert world.states.of("failure") == []

    result = world.s3.params[f"runs/{RUN}/result.png"]
    assert result["Body"] == b"png"
    assert result["ContentType"] == "image/png"
    assert "private" in result["CacheControl"]
    assert world.engine.pictures == [b"content", b"style", b"waves"]

    log = world.stored()
    assert [line["id"] for line in log] == list(range(1, len(log) + 1))
    states = [line for line in log if line["type"] == "state"]
    assert [line["state"] for line in states] == ["starting", "checking", "running", "succeeded"]
    assert states[2]["steps"] == 3
    assert states[2]["dtype"] == "float32"
    assert [line["step"] for line in log if line["type"] == "progress"] == [1, 2, 3]
    assert [line for line in log if line["type"] == "result"][0] == {
        **log[-2],
        "key": f"runs/{RUN}/result.png",
        "stopped_early": False,
    }


def test_the_log_is_complete_before_the_workflow_is_told():
    world = World()
    told = []

    def look(operation, token):
        if operation == "success" and token == "watch-1":
            told.append(world.state()["state"])

    world.states.before = look
    assert world.execute() is True
    assert told == ["succeeded"]


def test_the_engine_prepares_only_when_started_is_reported():
    world = World()
    seen = []
    world.engine.on_prepare = lambda: seen.extend(world.states.of("success"))
    world.execute()
    assert seen[0]["taskToken"] == "start-1"


@pytest.mark.parametrize(
    ("error", "name", "sentence"),
    [
        (PictureRefusedError("The picture is torn."), "PictureRefused", "The picture is torn."),
        (ParametersRefusedError("size is too large."), "InvalidRequest", "size is too large."),
        (RuntimeError("secret detail"), "WorkerFailed", None),
        (MemoryError("secret detail"), "WorkerFailed", None),
    ],
)
@pytest.mark.parametrize("phase", ["on_prepare", "on_check", "on_paint"])
def test_a_failure_of_the_engine_is_a_sentence(phase, error, name, sentence):
    world = World(ScriptedEngine(**{phase: failing(error)}))
    assert world.execute() is True
    (failure,) = world.states.of("failure")
    assert failure["taskToken"] == "watch-1"
    assert failure["error"] == name
    assert failure["cause"] == (sentence or failure["cause"])
    assert "secret" not in failure["cause"]
    last = world.state()
    assert last["state"] == "failed"
    assert last["problem"]["detail"] == failure["cause"]
    assert last["problem"]["run_id"] == RUN
    assert "secret" not in json.dumps(world.stored())
    assert f"runs/{RUN}/result.png" not in world.s3.objects


def test_a_picture_that_is_gone_is_refused_by_name():
    world = World()
    del world.s3.objects[f"runs/{RUN}/style-0"]
    assert world.execute() is True
    (failure,) = world.states.of("failure")
    assert failure["error"] == "PictureRefused"
    assert "style picture 1" in failure["cause"]


def test_a_picture_with_too_many_bytes_is_refused():
    world = World()
    world.put("runs", "content", bytes(1024 * 1024 + 1))
    assert world.execute() is True
    (failure,) = world.states.of("failure")
    assert failure["error"] == "PictureRefused"
    assert "1 MB" in failure["cause"]


def cancel_before_started(world: World, stop) -> None:
    world.states.before = lambda operation, token: stop() if token == "start-1" else None


def cancel_while_fetching(world: World, stop) -> None:
    world.s3.before = lambda operation, key: stop() if key.endswith("style-0") else None


def cancel_while_checking(world: World, stop) -> None:
    world.engine.on_check = stop


def cancel_while_preparing(world: World, stop) -> None:
    world.engine.on_prepare = stop


def cancel_while_painting(world: World, stop) -> None:
    def paint(stopped):
        stop()
        poll(stopped, "the engine's stop")
        raise RuntimeError("stopped")

    world.engine.on_paint = paint


PHASES = [
    cancel_before_started,
    cancel_while_fetching,
    cancel_while_checking,
    cancel_while_preparing,
    cancel_while_painting,
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

    cancel_while_painting(world, stop)
    assert world.execute() is True
    assert world.states.of("failure")[0]["error"] == "RunCancelled"
    assert world.state()["state"] == "cancelled"


def test_the_cancel_mark_stops_the_engine_at_a_heartbeat():
    world = World()
    cancel_while_painting(world, world.cancel)
    assert world.execute() is True
    assert world.states.of("failure")[0]["error"] == "RunCancelled"


def test_the_cancel_mark_is_looked_for_before_the_painting_is_stored():
    world = World(timings=replace(QUICK, heartbeat_s=1000.0))
    world.engine.on_paint = lambda stopped: world.cancel()
    assert world.execute() is True
    assert world.states.of("failure")[0]["error"] == "RunCancelled"
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
    cancel_while_painting(world, lambda: None)
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

    cancel_while_painting(world, end)
    assert world.execute() is True
    assert world.state()["problem"]["code"] == "worker-lost"
    assert f"runs/{RUN}/result.png" not in world.s3.objects


def test_without_a_start_order_nothing_happens():
    world = World()
    del world.s3.objects[f"orders/{RUN}/start.json"]
    assert world.execute() is False
    assert world.states.calls == []
    assert world.s3.puts == []
    assert world.run.begun.is_set()


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b"{}", b'{"run_id": "x", "task_token": "t", "run": {}}'],
)
def test_a_start_order_that_is_none_is_not_obeyed(body):
    world = World()
    world.put("orders", "start.json", body)
    assert world.execute() is False
    assert world.states.calls == []
    assert world.s3.puts == []


def test_an_unreachable_s3_ends_the_run_before_it_begins():
    world = World()
    world.s3.before = failing(unreachable())
    assert world.execute() is False


def test_a_world_that_is_gone_ends_the_run():
    world = World()

    def vanish():
        world.s3.before = world.states.before = failing(unreachable())

    cancel_while_painting(world, vanish)
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


def test_the_engine_gets_the_time_that_is_left():
    clock = ManualClock()
    world = World(clock=clock, timings=Timings(progress_s=0.0), deadline_s=60)
    clock.advance(4.0)
    world.start()
    world.engine.painted.wait(PATIENCE_S)
    # The deadline counts from the process's start, and leaves time to store the painting.
    assert world.engine.deadlines == [pytest.approx(60 - Timings().finish_s - 4.0)]
    poll(lambda: world.reported, "the end", lambda: clock.advance(0.1))


def test_an_early_end_is_reported_with_its_picture():
    world = World(ScriptedEngine(stopped_early=True))
    assert world.execute() is True
    assert json.loads(world.states.of("success")[1]["output"])["stopped_early"] is True
    assert world.stored()[-2]["stopped_early"] is True
    assert world.s3.objects[f"runs/{RUN}/result.png"] == b"png"


def test_an_engine_that_does_not_come_back_is_left_behind():
    clock = ManualClock()
    released = threading.Event()
    world = World(clock=clock, timings=Timings(), deadline_s=60)
    world.engine.on_paint = lambda stopped: released.wait(PATIENCE_S)
    began = clock.monotonic()
    world.start()
    poll(lambda: world.reported, "the end", lambda: clock.advance(0.25))
    timings = Timings()
    assert clock.monotonic() - began >= 60 - timings.finish_s + timings.engine_grace_s
    (failure,) = world.states.of("failure")
    assert failure["error"] == "WorkerFailed"
    assert world.end() is True
    released.set()


def test_heartbeats_are_ten_seconds_apart():
    clock = ManualClock()
    beats = []
    world = World(clock=clock, timings=Timings(), deadline_s=600)
    world.states.before = lambda operation, _: (
        beats.append(clock.monotonic()) if operation == "heartbeat" else None
    )
    world.engine.on_paint = lambda stopped: poll(
        lambda: len(beats) >= 5, "five heartbeats", lambda: clock.advance(0.2)
    )
    world.start()
    poll(lambda: world.reported, "the end", lambda: clock.advance(0.2))
    pauses = [later - earlier for earlier, later in zip(beats, beats[1:], strict=False)]
    assert min(pauses) >= 10.0
    assert max(pauses) < 20.0
