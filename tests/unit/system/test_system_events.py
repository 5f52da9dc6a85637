"""The event log: what is written can be read, in order, from any place, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from system import events
from system.events import Event, EventLog, EventLogError

AT = "2026-11-01T10:00:00.000Z"
PROGRESS = {
    "step": 7,
    "steps": 60,
    "size": 181,
    "loss": 1.23,
    "style_loss": 1,
    "content_loss": 0.23,
    "elapsed_s": 2.1,
    "eta_s": 9.0,
}


def line(number: int, kind: str = "progress", **fields: Any) -> str:
    return json.dumps({"id": number, "at": AT, "type": kind, **(fields or PROGRESS)}) + "\n"


STORY = (
    line(1, "state", state="starting")
    + line(2, "state", state="running", steps=60, dtype="bfloat16")
    + line(3)
    + line(4, "preview", key="runs/x/preview.jpg", version=1)
    + line(5, "result", key="runs/x/result.png", stopped_early=False)
    + line(6, "state", state="succeeded")
)


def test_a_log_is_read_to_its_end() -> None:
    log = EventLog()
    found = log.feed(STORY)
    assert [e.id for e in found] == [1, 2, 3, 4, 5, 6]
    assert (log.finished, log.state, log.last_id) == (True, "succeeded", 6)
    assert found[2].fields["size"] == 181
    assert events.text(found) == "".join(
        json.dumps(json.loads(row), separators=(",", ":")) + "\n" for row in STORY.splitlines()
    )


def test_it_resumes_after_an_id_and_takes_no_line_twice() -> None:
    log = EventLog(last_id=3)
    assert [e.id for e in log.feed(STORY)] == [4, 5, 6]
    assert log.feed(STORY) == []


def test_a_log_that_is_cut_in_a_line_waits_for_the_rest() -> None:
    log = EventLog()
    assert [e.id for e in log.feed(STORY[:-10])] == [1, 2, 3, 4, 5]
    assert not log.finished
    assert [e.id for e in log.feed(STORY)] == [6]


@pytest.mark.parametrize(
    "text",
    [
        line(2),
        line(1) + line(3),
        line(1, "state", state="failed") + line(2),
        "{}\n",
        "nonsense\n",
        "[1]\n",
        line(0),
        line(1, "surprise", a=1),
        line(1, "state", state="asleep"),
        line(1, "state", steps=1),
        line(1, "preview", key="k", version=True),
        line(1, "result", key="k", stopped_early=0),
        line(1, **{**PROGRESS, "loss": "1"}),
        line(1, **{**PROGRESS, "loss": float("nan")}),
        line(1).replace(AT, "yesterday"),
        line(1, "state", state="starting", pad="x" * events.LINE_BYTES_MAX),
    ],
)
def test_what_no_worker_writes_is_refused(text: str) -> None:
    with pytest.raises(EventLogError):
        EventLog().feed(text)


def test_a_log_has_a_largest_size() -> None:
    with pytest.raises(EventLogError, match="bytes"):
        EventLog().feed("x" * (events.LOG_BYTES_MAX + 1))


def test_an_event_that_is_none_cannot_be_written() -> None:
    with pytest.raises(EventLogError):
        events.encode(Event(1, AT, "state", {"state": "asleep"}))
    with pytest.raises(ValueError, match="JSON"):
        events.encode(Event(1, AT, "progress", {**PROGRESS, "loss": float("inf")}))
    assert events.decode(events.encode(Event(1, AT, "state", {"state": "failed"}))).final
