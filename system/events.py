"""The event log of a run: JSON lines that tell its visitor what happened, in order.

Every line is an object with ``id`` (from 1, without gaps), ``at`` (ISO 8601, milliseconds, Z) and
``type``; further fields go by type. The last ``state`` line with a final state ends the log.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

STATES = ("starting", "checking", "running", "succeeded", "failed", "cancelled")
FINAL_STATES = frozenset({"succeeded", "failed", "cancelled"})

LINE_BYTES_MAX = 65_536
LOG_BYTES_MAX = 4_194_304

_AT = re.compile(r"[0-9]{4}-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]\.[0-9]{3}Z")

_NUMBER = (int, float)
_FIELDS: Mapping[str, Mapping[str, type | tuple[type, ...]]] = {
    "state": {"state": str},
    "progress": {
        "step": int,
        "steps": int,
        "size": int,
        "loss": _NUMBER,
        "style_loss": _NUMBER,
        "content_loss": _NUMBER,
        "elapsed_s": _NUMBER,
        "eta_s": _NUMBER,
    },
    "preview": {"key": str, "version": int},
    "result": {"key": str, "stopped_early": bool},
}
"""Type -> the fields that every line of it has. Further fields are allowed: logs outlive code."""


class EventLogError(ValueError):
    """A line is not one of an event log."""


@dataclass(frozen=True)
class Event:
    """One line: its id, its time as written, its type and the fields of that type."""

    id: int
    at: str
    type: str
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def final(self) -> bool:
        """Whether nothing comes after it."""
        return self.type == "state" and self.fields.get("state") in FINAL_STATES

    def document(self) -> dict[str, Any]:
        """As the JSON object of its line."""
        return {"id": self.id, "at": self.at, "type": self.type, **self.fields}


def encode(event: Event) -> str:
    """The event's line, without its line end; raises EventLogError for what is no event."""
    line = json.dumps(event.document(), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    decode(line)
    return line


def decode(line: str) -> Event:
    """The event of a line; raises EventLogError."""
    if len(line.encode()) > LINE_BYTES_MAX:
        raise EventLogError(f"a line of the event log has at most {LINE_BYTES_MAX} bytes")
    try:
        document = json.loads(line, parse_constant=_refuse_constant)
    except ValueError as error:
        raise EventLogError(f"not JSON: {line[:80]!r}") from error
    if not isinstance(document, dict):
        raise EventLogError(f"not an object: {line[:80]!r}")
    number, at, kind = document.pop("id", 0), document.pop("at", ""), document.pop("type", "")
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise EventLogError("the id of an event is a whole number from 1")
    if not isinstance(at, str) or not _AT.fullmatch(at):
        raise EventLogError(f"event {number} has no time such as 2026-01-02T03:04:05.678Z")
    if not isinstance(kind, str) or kind not in _FIELDS:
        raise EventLogError(f"event {number} is of none of the types {', '.join(_FIELDS)}")
    for name, expected in _FIELDS[kind].items():
        value = document.get(name)
        # bool is an int in Python, never in the log.
        if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
            raise EventLogError(f"event {number} ({kind}) has no proper {name}")
    if kind == "state" and document["state"] not in STATES:
        raise EventLogError(f"event {number} has the unknown state {document['state']!r}")
    return Event(number, at, kind, document)


class EventLog:
    """Reads a log as it grows, and resumes after any id.

    ``feed`` takes the whole text each time, or only what is new; lines that are known already are
    passed over, so that a log fetched twice does no harm.
    """

    def __init__(self, last_id: int = 0) -> None:
        self.last_id = last_id
        self.finished = False
        self.state: str | None = None

    def feed(self, text: str) -> list[Event]:
        """The events in ``text`` after ``last_id``; raises EventLogError for gaps and bad lines.

        A last line without its line end is left for the next time: it may not be whole.
        """
        if len(text.encode()) > LOG_BYTES_MAX:
            raise EventLogError(f"an event log has at most {LOG_BYTES_MAX} bytes")
        whole = text[: text.rfind("\n") + 1]
        fresh: list[Event] = []
        for event in map(decode, filter(None, whole.split("\n"))):
            if event.id <= self.last_id:
                continue
            if event.id != self.last_id + 1:
                raise EventLogError(f"event {event.id} follows event {self.last_id}: some are lost")
            if self.finished:
                raise EventLogError(f"event {event.id} follows the final one")
            self.last_id = event.id
            self.finished = event.final
            if event.type == "state":
                self.state = str(event.fields["state"])
            fresh.append(event)
        return fresh


def text(events: Iterable[Event]) -> str:
    """The log as it is stored: every event on its line."""
    return "".join(encode(event) + "\n" for event in events)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number in JSON")
