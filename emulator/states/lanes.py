"""A lane: one line of states that run one after the other, in an execution or a branch of it."""

from __future__ import annotations

from typing import Any

from emulator.core.clock import iso
from emulator.states.executions import Engine, Execution
from emulator.states.machine import State
from emulator.states.scopes import Variables, View

YIELD_EVERY = 32
"""States that run without letting others run, outside of branches."""


RETRIABLE = frozenset({"Task", "Parallel", "Map"})
"""Types of state that can be retried; the context object counts retries in these only."""


class Lane:
    """Where a line of states is: its last event, its variables, its item of a Map."""

    __slots__ = (
        "depth",
        "engine",
        "execution",
        "item",
        "previous",
        "since_yield",
        "state",
        "variables",
    )

    def __init__(
        self,
        engine: Engine,
        execution: Execution,
        variables: Variables,
        *,
        previous: int = 0,
        depth: int = 0,
        item: dict[str, Any] | None = None,
    ) -> None:
        self.engine = engine
        self.execution = execution
        self.variables = variables
        self.previous = previous
        self.depth = depth
        self.item = item
        self.state: State | None = None
        self.since_yield = 0

    def branch(self, item: dict[str, Any] | None = None) -> Lane:
        """A lane inside of this one, with variables of its own."""
        return Lane(
            self.engine,
            self.execution,
            self.variables.inner(),
            previous=self.previous,
            depth=self.depth + 1,
            item=item or self.item,
        )

    def emit(self, kind: str, details: dict[str, Any] | None = None) -> int:
        """Note an event that follows the last one of this lane."""
        self.previous = self.execution.history.add(kind, self.previous, details)
        return self.previous

    def note(self, kind: str, previous: int, details: dict[str, Any] | None = None) -> int:
        """Note an event beside the line: what follows does not follow it."""
        return self.execution.history.add(kind, previous, details)

    async def give_way(self) -> None:
        """Let others run: in branches after every state, so that branches take turns."""
        self.since_yield += 1
        if self.depth or self.since_yield >= YIELD_EVERY:
            self.since_yield = 0
            await self.engine.clock.sleep(0)


class Visit:
    """One visit of a state: its input, and what its fields see."""

    __slots__ = (
        "data",
        "entered",
        "entered_at",
        "entered_previous",
        "failed_inside",
        "lane",
        "retries",
        "state",
        "token",
    )

    def __init__(self, lane: Lane, state: State, data: Any) -> None:
        self.lane = lane
        self.state = state
        self.data = data
        self.retries = 0
        self.token: str | None = None
        self.failed_inside = False
        self.entered_previous = lane.previous
        self.entered_at = lane.engine.clock.now()
        self.entered = lane.emit(f"{state.type}StateEntered", {"name": state.name, "input": data})

    def context(self) -> dict[str, Any]:
        """The context object (``$$`` and ``$states.context``)."""
        made = self.lane.execution.context()
        made["State"] = {"Name": self.state.name, "EnteredTime": iso(self.entered_at)}
        if self.state.type in RETRIABLE:
            made["State"]["RetryCount"] = self.retries
        if self.token is not None:
            made["Task"] = {"Token": self.token}
        if self.lane.item is not None:
            made["Map"] = {"Item": self.lane.item}
        return made

    def view(self) -> View:
        """What the state sees at first: its input, and in JSONPath after InputPath."""
        view = View(
            self.lane.engine.queries,
            self.lane.variables,
            self.context,
            self.data,
            {"input": self.data},
        )
        return (
            view if self.state.input_path is None else view.with_data(self.state.input_path(view))
        )

    def cause(self, message: str) -> str:
        """``message`` with where it happened, in AWS's words."""
        return (
            f"An error occurred while executing the state '{self.state.name}' (entered at the "
            f"event id #{self.entered}). {message}"
        )
