"""The run inside the task against an in-memory AWS: outcomes, order of things, deadlines."""

from __future__ import annotations

import json
import threading
from itertools import pairwise

import pytest

from tests.unit.worker.service_fakes import (
    PATIENCE_S,
    RUN,
    TASK_ARN,
    ManualClock,
    ScriptedEngine,
    World,
    failing,
    poll,
)
from worker.service.ports import ParametersRefusedError, PictureRefusedError
from worker.service.timings import Timings


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
    assert next(line for line in log if line["type"] == "result") == {
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
    failures = world.states.of("failure")
    assert [failure["error"] for failure in failures] == ["PictureRefused"]
    assert "1 MB" in failures[0]["cause"]


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
    pauses = [later - earlier for earlier, later in pairwise(beats)]
    assert min(pauses) >= 10.0
    assert max(pauses) < 20.0
