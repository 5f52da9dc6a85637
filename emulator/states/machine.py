"""A state machine ready to run: the definition with every field compiled.

`emulator.states.compiler` builds these; the interpreter only reads them, so one machine serves
all of its executions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from emulator.states.paths import Path
from emulator.states.scopes import View
from emulator.states.templates import Template

if TYPE_CHECKING:
    from emulator.states.integrations.resources import Resource

WholeNumber = Callable[[View], int]
"""Reads a whole number out of what a state sees; raises PathFault or QueryFault."""

Rule = Callable[[View], bool]
"""The condition of a Choice rule."""


@dataclass(frozen=True, slots=True)
class Retrier:
    """An element of ``Retry``."""

    errors: tuple[str, ...]
    interval_s: int = 1
    attempts_max: int = 3
    backoff_rate: float = 2.0
    delay_max_s: int | None = None
    full_jitter: bool = False

    def delay_s(self, attempt: int, draw: Callable[[], float]) -> float:
        """How long to wait before retry ``attempt`` (0 for the first); ``draw`` gives 0 to 1."""
        # 1e9 s is beyond every limit on waiting; without it a long series overflows.
        delay = min(self.interval_s * self.backoff_rate ** min(attempt, 1_000), 1e9)
        if self.delay_max_s is not None:
            delay = min(delay, self.delay_max_s)
        return delay * draw() if self.full_jitter else delay


@dataclass(frozen=True, slots=True)
class Catcher:
    """An element of ``Catch``. ``output`` is JSONata's; ``result_path`` JSONPath's."""

    errors: tuple[str, ...]
    next: str
    assign: Template | None = None
    output: Template | None = None
    result_path: Path | None = None
    discard: bool = False


@dataclass(frozen=True, slots=True)
class ChoiceRule:
    """An element of ``Choices``."""

    condition: Rule
    next: str
    assign: Template | None = None
    output: Template | None = None


@dataclass(slots=True)
class State:
    """What all types of state have.

    ``jsonata`` tells the query language. In JSONPath: ``input_path`` and ``output_path`` read
    the data (None: all of it), ``parameters``, ``result_selector`` and ``result_path``
    (``discard``: ResultPath is null) shape it. In JSONata: ``parameters`` is Arguments, and
    ``output`` the state's Output. ``next`` is None for a terminal state.
    """

    name: str
    type: str
    jsonata: bool
    next: str | None = None
    input_path: Template | None = None
    output_path: Template | None = None
    parameters: Template | None = None
    result_selector: Template | None = None
    result_path: Path | None = None
    discard: bool = False
    assign: Template | None = None
    output: Template | None = None
    retry: tuple[Retrier, ...] = ()
    catch: tuple[Catcher, ...] = ()


@dataclass(slots=True)
class PassState(State):
    """``has_result``: ``result`` replaces the input."""

    has_result: bool = False
    result: Any = None


@dataclass(slots=True)
class TaskState(State):
    """Work done by another service."""

    resource: Resource = None  # type: ignore[assignment]
    timeout_s: WholeNumber | None = None
    heartbeat_s: WholeNumber | None = None


@dataclass(slots=True)
class ChoiceState(State):
    """Rules in order, then ``default``."""

    choices: tuple[ChoiceRule, ...] = ()
    default: str | None = None


@dataclass(slots=True)
class WaitState(State):
    """``until``: gives the time to wait for, in epoch seconds, from the time it is now."""

    until: Callable[[View, float], float] = None  # type: ignore[assignment]


@dataclass(slots=True)
class SucceedState(State):
    """Ends its branch or the execution well."""


@dataclass(slots=True)
class FailState(State):
    """Ends the execution badly."""

    error: Template | None = None
    cause: Template | None = None


@dataclass(slots=True)
class ParallelState(State):
    """Branches that run at the same time on the same input."""

    branches: tuple[StateGroup, ...] = ()


@dataclass(slots=True)
class MapState(State):
    """A group that runs for each item.

    ``concurrency`` 0 means no limit; ``items_expression`` is the text of Items or ItemsPath, for
    messages; ``thresholds`` check the failures that it would tolerate if it were distributed.
    """

    items: Template | None = None
    items_expression: str = ""
    item_selector: Template | None = None
    concurrency: WholeNumber | None = None
    thresholds: tuple[Callable[[View], None], ...] = ()
    processor: StateGroup = None  # type: ignore[assignment]


@dataclass(slots=True)
class StateGroup:
    """States that belong together: a machine's, a branch's or an item processor's."""

    start_at: str
    states: Mapping[str, State]


@dataclass(slots=True)
class Machine:
    """A compiled definition. ``references`` maps states to the variables that they read."""

    group: StateGroup
    timeout_s: int | None
    references: dict[str, list[str]] = field(default_factory=dict)
