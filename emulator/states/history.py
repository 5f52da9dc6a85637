"""The history of an execution, as GetExecutionHistory answers it.

Events keep references to documents and are rendered when somebody asks: waiting executions cost
little memory, and running ones little time. Source:
https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulator.core.clock import Clock
from emulator.states.documents import dumps
from emulator.states.faults import RUNTIME, StateFault

EVENTS_MAX = 25_000
"""Events of a standard execution (AWS's limit)."""
EXPRESS_EVENTS_MAX = 1_000_000
"""Events of an express execution. AWS has no such limit; five minutes end it there."""

_DOCUMENTS = frozenset({"input", "output", "parameters"})
_WITH_DETAILS = frozenset({"input", "output"})


class History:
    """Events with ids from 1. Express executions count theirs and keep none."""

    __slots__ = ("_at_next_state", "_clock", "_closed", "_count", "_events", "_limit")

    def __init__(self, clock: Clock, *, express: bool) -> None:
        self._clock = clock
        self._limit = EXPRESS_EVENTS_MAX if express else EVENTS_MAX
        self._events: list[tuple[float, str, int, dict[str, Any] | None]] | None = (
            None if express else []
        )
        self._count = 0
        self._closed = False
        self._at_next_state: Callable[[], None] | None = None

    def __len__(self) -> int:
        return self._count

    def close(self) -> None:
        """Nothing follows the event of the end, whatever lanes that still end want to note."""
        self._closed = True

    def before_next_state(self, act: Callable[[], None]) -> None:
        """Call ``act`` (which ends the execution) when a state is going to be entered."""
        self._at_next_state = act

    def add(self, kind: str, previous: int, details: dict[str, Any] | None = None) -> int:
        """Note an event and give its id; ``details`` are documents, not text.

        Raises StateFault when only the event of the execution's end fits any more.
        """
        if self._at_next_state is not None and kind.endswith("StateEntered"):
            act, self._at_next_state = self._at_next_state, None
            act()
        if self._closed:
            raise StateFault(RUNTIME, "The execution is over.")
        if self._count >= self._limit - 1 and not kind.startswith("Execution"):
            raise StateFault(
                RUNTIME,
                f"The execution reached the maximum number of history events ({self._limit}).",
            )
        self._count += 1
        if self._events is not None:
            self._events.append((self._clock.now(), kind, previous, details))
        return self._count

    def render(self, index: int, *, with_data: bool) -> dict[str, Any]:
        """The event with id ``index + 1`` in the API's form."""
        at, kind, previous, details = (self._events or [])[index]
        event: dict[str, Any] = {
            "timestamp": round(at, 3),
            "type": kind,
            "id": index + 1,
            "previousEventId": previous,
        }
        if details is not None:
            event[_details_name(kind)] = _rendered(details, with_data=with_data)
        return event


def _rendered(details: dict[str, Any], *, with_data: bool) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in details.items():
        if key == "assigned":
            if with_data:
                made["assignedVariables"] = {name: dumps(v) for name, v in value.items()}
            made["assignedVariablesDetails"] = {"truncated": False}
        elif key in _DOCUMENTS:
            if with_data or key == "parameters":
                made[key] = dumps(value)
            if key in _WITH_DETAILS:
                made[f"{key}Details"] = {"truncated": False}
        else:
            made[key] = value
    return made


def _details_name(kind: str) -> str:
    if kind.endswith("StateEntered"):
        return "stateEnteredEventDetails"
    if kind.endswith("StateExited"):
        return "stateExitedEventDetails"
    return f"{kind[0].lower()}{kind[1:]}EventDetails"
