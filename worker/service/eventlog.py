"""The event log of a run: what happened, in order, for its visitor.

Lines and their fields are described in ``docs/contracts.md``; ``system.events`` builds them.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from worker.service.clock import Clock

LINES_MAX = 5_000
"""Of progress and previews; the lines that a run must have still fit after that."""
FINAL_STATES = frozenset({"succeeded", "failed", "cancelled"})


class LogClosedError(Exception):
    """The log has its final line already."""


@dataclass(frozen=True)
class Event:
    """One line of the log: its id (from 1, without gaps), its type and its fields."""

    id: int
    type: str
    fields: Mapping[str, Any]
    line: str

    @property
    def final(self) -> bool:
        """Whether nothing comes after it."""
        return self.type == "state" and self.fields.get("state") in FINAL_STATES


class EventLog:
    """The log of the run in this task, written by any thread and read by any thread."""

    def __init__(self, clock: Clock) -> None:
        self.condition = threading.Condition()
        self._clock = clock
        self._events: list[Event] = []
        self._listeners: set[Callable[[], None]] = set()

    def append(self, kind: str, **fields: Any) -> int | None:
        """Add a line and return its id; raises LogClosedError after the final line.

        Returns None when the log is full and the line is one of those it can do without.
        """
        with self.condition:
            if self.final:
                raise LogClosedError
            if kind in ("progress", "preview") and len(self._events) >= LINES_MAX:
                return None
            number = len(self._events) + 1
            document = {"id": number, "at": iso(self._clock.now()), "type": kind, **fields}
            self._events.append(Event(number, kind, fields, _line(document)))
            self.condition.notify_all()
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener()
        return number

    def after(self, last_id: int) -> list[Event]:
        """The events with ids above ``last_id``."""
        with self.condition:
            return self._events[max(0, last_id) :]

    @property
    def last_id(self) -> int:
        """The id of the newest line; 0 for an empty log."""
        return len(self._events)

    @property
    def final(self) -> bool:
        """Whether the final line is written."""
        return bool(self._events) and self._events[-1].final

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` (quick, from any thread) after each line; returns how to end that."""
        with self.condition:
            self._listeners.add(listener)

        def end() -> None:
            with self.condition:
                self._listeners.discard(listener)

        return end

    def text(self) -> str:
        """The whole log as it stands in S3."""
        return "".join(event.line + "\n" for event in self.after(0))


def parse(text: str) -> list[Event]:
    """The events of a stored log; raises ValueError for what no worker writes."""
    events: list[Event] = []
    for number, line in enumerate(text.splitlines(), start=1):
        document = json.loads(line)
        if not isinstance(document, dict) or document.get("id") != number:
            raise ValueError(f"line {number} of the event log is not its event {number}")
        fields = {key: value for key, value in document.items() if key not in ("id", "at", "type")}
        events.append(Event(number, str(document.get("type")), fields, line))
    return events


def view(run_id: str, events: Iterable[Event]) -> dict[str, Any]:
    """What ``GET /runs/{id}`` answers: the state and the newest of everything else."""
    newest = {event.type: event.fields for event in events}
    state = newest.get("state", {})
    document: dict[str, Any] = {"run_id": run_id, "state": state.get("state", "starting")}
    if "problem" in state:
        document["problem"] = state["problem"]
    for kind in ("progress", "preview", "result"):
        if kind in newest:
            document[kind] = dict(newest[kind])
    return document


def _line(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def iso(at: float) -> str:
    """``at`` (epoch seconds) as ISO 8601 with milliseconds and Z."""
    moment = datetime.fromtimestamp(at, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
