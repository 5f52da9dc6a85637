"""The event log in memory and its writer: ids, throttles, last lines."""

from __future__ import annotations

import json
import threading
from itertools import pairwise

import pytest

from system import events
from tests.unit.worker.service_fakes import (
    RUN,
    ManualClock,
    World,
    poll,
    step,
    unreachable,
)
from worker.service import runlog
from worker.service.logwriter import LogWriter
from worker.service.progress import ProgressLog
from worker.service.runlog import LogClosedError, RunLog, view
from worker.service.timings import Timings

LOG_KEY = f"runs/{RUN}/events.jsonl"
PREVIEW_KEY = f"runs/{RUN}/preview.jpg"


class Desk:
    """A log and its writer on a clock that the test moves, with a note of each PUT's time."""

    def __init__(self, **timings) -> None:
        self.clock = ManualClock()
        self.world = World(clock=self.clock, timings=Timings(**timings))
        self.log = RunLog(self.clock)
        self.writer = LogWriter(RUN, self.log, self.world.parts)
        self.progress = ProgressLog(self.log, self.writer, self.world.parts)
        self.at: dict[str, list[float]] = {LOG_KEY: [], PREVIEW_KEY: []}
        self.world.s3.before = self._note
        self.writer.start()

    def _note(self, operation, key):
        if operation == "put":
            self.at[key].append(self.clock.monotonic())

    def until(self, true):
        poll(true, each=lambda: self.clock.advance(0.1))

    def stored(self):
        return self.world.stored()


def test_ids_are_gapless_whoever_writes():
    log = RunLog(ManualClock())

    def write():
        for _ in range(200):
            log.append("preview", key="k", version=1)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    text, last_id = log.text()
    assert last_id == 800
    assert [json.loads(line)["id"] for line in text.splitlines()] == list(range(1, 801))
    assert len(events.EventLog().feed(text)) == 800


def test_nothing_comes_after_the_final_line():
    log = RunLog(ManualClock())
    log.append("state", state="succeeded")
    with pytest.raises(LogClosedError):
        log.append("state", state="failed")


def test_a_line_must_be_one_of_the_contract():
    log = RunLog(ManualClock())
    with pytest.raises(events.EventLogError):
        log.append("progress", step=1)
    with pytest.raises(events.EventLogError):
        log.append("gossip")
    assert log.last_id == 0


def test_times_are_milliseconds_in_utc():
    assert runlog.iso(1_700_000_000.1239) == "2023-11-14T22:13:20.123Z"
    assert runlog.iso(1_700_000_000) == "2023-11-14T22:13:20.000Z"


def test_a_full_log_still_takes_its_last_lines(monkeypatch):
    monkeypatch.setattr(runlog, "LINES_MAX", 3)
    log = RunLog(ManualClock())
    for version in range(10):
        log.append("preview", key="k", version=version)
    assert log.last_id == 3
    log.append("state", state="succeeded")
    assert log.after(0)[-1].id == 4
    assert log.final


def test_listeners_hear_each_line_until_they_end():
    log, heard = RunLog(ManualClock()), []
    end = log.listen(lambda: heard.append(log.last_id))
    log.append("state", state="starting")
    log.append("state", state="checking")
    end()
    log.append("state", state="running")
    assert heard == [1, 2]


def test_the_view_has_the_newest_of_everything():
    log = RunLog(ManualClock())
    log.append("state", state="running", steps=2, dtype="float32")
    log.append("preview", key="k", version=1)
    log.append("preview", key="k", version=2)
    log.append("state", state="failed", problem={"code": "worker-failed"})
    assert view(RUN, log.after(0)) == {
        "run_id": RUN,
        "state": "failed",
        "problem": {"code": "worker-failed"},
        "preview": {"key": "k", "version": 2},
    }


def test_the_log_is_written_at_most_every_two_seconds():
    desk = Desk()

    def write():
        desk.log.append("preview", key="k", version=1)
        desk.clock.advance(0.1)

    poll(lambda: len(desk.at[LOG_KEY]) >= 4, "four writes", write)
    pauses = [b - a for a, b in pairwise(desk.at[LOG_KEY])]
    assert min(pauses) >= 2.0 - 1e-6


def test_a_silent_log_is_not_written_again():
    desk = Desk()
    desk.log.append("state", state="starting")
    desk.until(desk.stored)
    until = desk.clock.monotonic() + 30
    desk.until(lambda: desk.clock.monotonic() > until)
    assert len(desk.at[LOG_KEY]) == 1


def test_the_last_lines_do_not_wait():
    desk = Desk()
    desk.log.append("state", state="starting")
    desk.until(desk.stored)
    desk.log.append("state", state="succeeded")
    now = desk.clock.monotonic()
    assert desk.writer.finish(30.0) is True
    assert desk.clock.monotonic() == now
    assert desk.stored()[-1]["state"] == "succeeded"


def test_the_last_lines_are_insisted_on():
    desk = Desk()
    failures = iter([unreachable()] * 3)

    def before(operation, key):
        desk._note(operation, key)
        for failure in failures:
            raise failure

    desk.world.s3.before = before
    desk.log.append("state", state="succeeded")
    done = []
    thread = threading.Thread(target=lambda: done.append(desk.writer.finish(30.0)), daemon=True)
    thread.start()
    desk.until(lambda: done)
    assert done == [True]
    assert desk.stored()[-1]["state"] == "succeeded"


def test_a_log_that_s3_does_not_take_is_given_up_in_time():
    desk = Desk()

    def before(operation, key):
        raise unreachable()

    desk.world.s3.before = before
    desk.log.append("state", state="succeeded")
    began, done = desk.clock.monotonic(), []
    thread = threading.Thread(target=lambda: done.append(desk.writer.finish(30.0)), daemon=True)
    thread.start()
    desk.until(lambda: done)
    assert done == [False]
    assert 30.0 <= desk.clock.monotonic() - began < 60.0


def test_a_preview_is_stored_before_its_line():
    desk = Desk()
    desk.writer.offer(b"one")
    desk.until(desk.stored)
    (line,) = desk.stored()
    assert (line["type"], line["key"], line["version"]) == ("preview", PREVIEW_KEY, 1)
    assert desk.world.s3.objects[PREVIEW_KEY] == b"one"
    assert desk.world.s3.params[PREVIEW_KEY]["ContentType"] == "image/jpeg"
    keys = [key for key, _ in desk.world.s3.puts]
    assert keys.index(PREVIEW_KEY) < keys.index(LOG_KEY)


def test_only_the_newest_preview_is_stored_and_not_too_often():
    desk = Desk()
    desk.writer.offer(b"0")
    desk.until(lambda: desk.at[PREVIEW_KEY])
    for number in range(1, 50):
        desk.writer.offer(b"%d" % number)
        desk.clock.advance(0.1)
    desk.until(lambda: desk.world.s3.objects.get(PREVIEW_KEY) == b"49")
    pauses = [b - a for a, b in pairwise(desk.at[PREVIEW_KEY])]
    assert min(pauses) >= 2.0 - 1e-6


def test_a_preview_that_s3_does_not_take_has_no_line():
    desk = Desk()

    def before(operation, key):
        desk._note(operation, key)
        if key == PREVIEW_KEY:
            raise unreachable()

    desk.world.s3.before = before
    desk.writer.offer(b"one")
    desk.until(lambda: desk.at[PREVIEW_KEY])
    desk.log.append("state", state="succeeded")
    assert desk.writer.finish(30.0)
    assert [line["type"] for line in desk.stored()] == ["state"]


def test_a_preview_under_way_gets_its_line_before_the_final_one():
    desk = Desk()
    offered = threading.Event()
    desk.world.s3.before = lambda operation, key: offered.wait(20) if key == PREVIEW_KEY else None
    desk.writer.offer(b"one")
    settled = []
    waiting = threading.Thread(
        target=lambda: settled.append(desk.writer.settle_preview(5.0)), daemon=True
    )
    waiting.start()
    offered.set()
    waiting.join(20)
    assert settled
    desk.log.append("state", state="succeeded")
    assert desk.writer.finish(30.0)
    assert [line["type"] for line in desk.stored()] == ["preview", "state"]


def test_steps_are_thinned_but_the_first_and_last_are_kept():
    desk = Desk()
    for number in range(1, 101):
        desk.progress(step(number, 100))
        desk.clock.advance(0.01)
    steps = [event.fields["step"] for event in desk.log.after(0) if event.type == "progress"]
    assert steps[0] == 1
    assert steps[-1] == 100
    assert len(steps) <= 6


def test_previews_are_drawn_only_when_due():
    desk, drawn = Desk(), []

    def draw():
        drawn.append(desk.clock.monotonic())
        return b"jpeg"

    for number in range(1, 101):
        desk.progress(step(number, 100, draw))
        desk.clock.advance(0.1)
    assert len(drawn) == 5


def test_a_loss_that_is_no_number_leaves_its_line_out():
    desk = Desk()
    desk.progress(step(1, 3, loss=float("nan")))
    desk.progress(step(3, 3))
    assert [event.type for event in desk.log.after(0)][:2] == ["state", "progress"]
    assert desk.log.after(1)[0].fields["step"] == 3
