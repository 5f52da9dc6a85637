"""What a state sees while its fields are evaluated: data, context object and variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from emulator.states import query_paths
from emulator.states.documents import dumps, utf8_bytes
from emulator.states.queries import NOTHING, DocumentsFrame, QueryEngine, to_query

VARIABLE_BYTES_MAX = 262_144
"""Size limit of one variable and of one Assign (256 KiB)."""
VARIABLES_BYTES_MAX = 10 * 1024 * 1024
"""Size limit of all variables of an execution (10 MiB)."""


class Variables:
    """The variables of one scope; a branch's scope sees the outer ones and cannot change them.

    ``values`` are the documents by name, ``sizes`` their lengths as JSON in bytes.
    """

    __slots__ = ("_engine", "_frame", "sizes", "values")

    def __init__(self, engine: QueryEngine, outer: Variables | None = None) -> None:
        self._engine = engine
        self._frame: DocumentsFrame | None = None
        self.sizes: dict[str, int] = dict(outer.sizes) if outer else {}
        self.values: dict[str, Any] = dict(outer.values) if outer else {}

    def assign(self, values: Mapping[str, Any]) -> None:
        """Set variables; they are seen by the next state.

        Raises ValueError beyond the limits on sizes.
        """
        sizes = {name: utf8_bytes(dumps(value)) for name, value in values.items()}
        if sum(sizes.values()) > VARIABLE_BYTES_MAX:
            raise ValueError(
                "The size of the variables of one Assign exceeds the limit of 256 KiB."
            )
        merged = {**self.sizes, **sizes}
        if sum(merged.values()) > VARIABLES_BYTES_MAX:
            raise ValueError("The size of all variables exceeds the limit of 10 MiB.")
        self.sizes = merged
        self.values = {**self.values, **values}
        if self._frame is not None:
            self._frame.change(self.values, values)

    def inner(self) -> Variables:
        """The scope of a branch or iteration."""
        return Variables(self._engine, self)

    @property
    def frame(self) -> DocumentsFrame:
        """The variables as JSONata's environment."""
        if self._frame is None:
            self._frame = self._engine.frame(self.values)
        return self._frame


class View:
    """What the fields of one state see at one stage of it.

    ``data`` is what ``$`` means in JSONPath; ``states`` what ``$states`` has besides ``context``
    (``input``, and ``result`` or ``errorOutput`` where there is one).
    """

    __slots__ = ("_frame", "_has_context", "context", "data", "engine", "states", "variables")

    def __init__(
        self,
        engine: QueryEngine,
        variables: Variables,
        context: Callable[[], dict[str, Any]],
        data: Any,
        states: dict[str, Any],
    ) -> None:
        self.engine = engine
        self.variables = variables
        self.context = context
        self.data = data
        self.states = states
        self._frame: Any = None
        self._has_context = False

    def query(self, expression: str, location: str) -> Any:
        """The value of a JSONata expression (queries.NOTHING when it has none)."""
        names = query_paths.member_path(expression)
        found = query_paths.UNDECIDED if names is None else self._member(*names)
        if found is not query_paths.UNDECIDED:
            return query_paths.plain(found)
        return self.engine.evaluate(expression, self._environment(expression), location)

    def _member(self, variable: str, *names: str) -> Any:
        if variable != "states":
            if variable not in self.variables.values:
                return query_paths.UNDECIDED  # a function, perhaps
            return query_paths.member(self.variables.values[variable], names, NOTHING)
        if not names:
            return query_paths.UNDECIDED
        stage, *rest = names
        document = self.context() if stage == "context" else self.states.get(stage, NOTHING)
        return query_paths.member(document, tuple(rest), NOTHING)

    def _environment(self, expression: str) -> Any:
        if not query_paths.sees_states(expression):
            return self.variables.frame
        context = query_paths.sees_context(expression)
        if self._frame is None or (context and not self._has_context):
            states = {name: to_query(value) for name, value in self.states.items()}
            if context:
                states["context"] = to_query(self.context())
            self._has_context = context
            self._frame = self.engine.inner_frame(self.variables.frame, {"states": states})
        return self._frame

    def with_states(self, **more: Any) -> View:
        """The view of a later stage: ``result`` or ``error_output`` known (JSONata)."""
        renamed = {"errorOutput" if k == "error_output" else k: v for k, v in more.items()}
        return View(
            self.engine, self.variables, self.context, self.data, {**self.states, **renamed}
        )

    def with_data(self, data: Any) -> View:
        """The view of a later stage: ``$`` is something else (JSONPath)."""
        return View(self.engine, self.variables, self.context, data, self.states)
