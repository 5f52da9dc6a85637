"""The event log of the run in this task: written here, kept in memory, stored by the log writer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from system import events
from worker.service.clock import Clock

LINES_MAX = 5_000
"""Of progress and previews; the lines that a run must have still fit after that."""


class LogClosedError(Exception):
    """The log has its final line already."""


class RunLog:
    """What happened in a run, in order; written by any thread and read by any thread."""

    def __init__(self, clock: Clock) -> None:
        self.condition = threading.Condition()
        """Notified after each line."""
        self._clock = clock
        self._events: list[events.Event] = []
        self._lines: list[str] = []
        self._listeners: set[Callable[[], None]] = set()

    def append(self, kind: str, **fields: Any) -> None:
        """Add a line of the type ``kind``.

        Progress and previews are left out when the log is full. Raises LogClosedError after the
        final line, EventLogError for fields that the type does not have.
        """
        with self.condition:
            if self.final:
                raise LogClosedError
            if kind in ("progress", "preview") and len(self._events) >= LINES_MAX:
                return
            event = events.Event(len(self._events) + 1, iso(self._clock.now()), kind, fields)
            self._lines.append(events.encode(event) + "\n")
            self._events.append(event)
            self.condition.notify_all()
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener()

    @property
    def last_id(self) -> int:
        """The id of the newest line; 0 for an empty log."""
        return len(self._events)

    @property
    def final(self) -> bool:
        """Whether the final line is written."""
        return bool(self._events) and self._events[-1].final

    def after(self, last_id: int) -> list[events.Event]:
        """The events with ids above ``last_id``."""
        with self.condition:
            return self._events[max(0, last_id) :]

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` (quick, from any thread) after each line; returns how to end that."""
        with self.condition:
            self._listeners.add(listener)

        def end() -> None:
            with self.condition:
                self._listeners.discard(listener)

        return end

    def text(self) -> tuple[str, int]:
        """The whole log as it is stored, and the id of its last line."""
        with self.condition:
            return "".join(self._lines), len(self._lines)


def view(run_id: str, log: Iterable[events.Event]) -> dict[str, Any]:
    """What ``GET /runs/{id}`` answers: the state, and the newest of everything else."""
    newest = {event.type: event.fields for event in log}
    state = newest.get("state", {})
    document: dict[str, Any] = {"run_id": run_id, "state": state.get("state", "starting")}
    if "problem" in state:
        document["problem"] = state["problem"]
    for kind in ("progress", "preview", "result"):
        if kind in newest:
            document[kind] = dict(newest[kind])
    return document


def iso(at: float) -> str:
    """``at`` (epoch seconds) as ISO 8601 with milliseconds and Z."""
    moment = datetime.fromtimestamp(at, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
