"""From a definition's text to a Machine, noting everything that is wrong on the way."""

from __future__ import annotations

from typing import Any

from emulator.states.compile_states import StateCompiler, VariableScope
from emulator.states.diagnostics import (
    BAD_NAME,
    DUPLICATE_NAME,
    NO_END,
    NOT_JSON,
    SCHEMA,
    TOO_DEEP,
    TRANSITION,
    Diagnostic,
    Diagnostics,
)
from emulator.states.documents import loads, utf8_bytes
from emulator.states.fields import MACHINE_FIELDS, STATE_TYPES, check_fields, require
from emulator.states.machine import Machine, State, StateGroup
from emulator.states.variables import assigned_names, references

DEFINITION_BYTES_MAX = 1_048_576
"""AWS's limit on a definition (1 MB)."""
NAME_CHARS_MAX = 80
NESTING_MAX = 20
"""Parallel and Map states inside of each other."""
TIMEOUT_MAX_S = 99_999_999
SINGLE_NAME = "StateName"


def compile_definition(text: str, machine_type: str) -> tuple[Machine | None, list[Diagnostic]]:
    """The machine of a definition, or None with what is wrong with it.

    ``machine_type`` is ``STANDARD`` or ``EXPRESS`` (which cannot wait for callbacks and jobs).
    """
    document, problem = _parsed(text)
    if problem is not None:
        return None, [problem]
    problems = Diagnostics()
    machine = _Compiler(problems, machine_type).machine(document)
    return (None, problems.found) if problems.found else (machine, [])


def compile_state(text: str) -> tuple[State | None, list[Diagnostic]]:
    """One state by itself, for TestState: where it leads to is not looked at."""
    document, problem = _parsed(text)
    if problem is not None:
        return None, [problem]
    problems = Diagnostics()
    state = _Compiler(problems, "STANDARD").single(document)
    return (None, problems.found) if problems.found else (state, [])


def _parsed(text: str) -> tuple[dict[str, Any], Diagnostic | None]:
    if not text or utf8_bytes(text) > DEFINITION_BYTES_MAX:
        return {}, Diagnostic(SCHEMA, "Definition must be a valid JSON object")
    try:
        document = loads(text, unique_keys=True)
    except (ValueError, RecursionError) as error:
        return {}, Diagnostic(NOT_JSON, str(error))
    if not isinstance(document, dict):
        return {}, Diagnostic(SCHEMA, "Definition must be a valid JSON object")
    return document, None


class _Compiler:
    def __init__(self, problems: Diagnostics, machine_type: str) -> None:
        self._problems = problems
        self._express = machine_type == "EXPRESS"
        self._names: set[str] = set()
        self._states = StateCompiler(problems, self.group, express=self._express)

    def machine(self, document: dict[str, Any]) -> Machine | None:
        problems = self._problems
        check_fields(document, MACHINE_FIELDS, "", problems)
        language = document.get("QueryLanguage", "JSONPath")
        if language not in {"JSONPath", "JSONata"}:
            problems.add("/QueryLanguage", "must be one of [JSONPath, JSONata]")
        if document.get("Version", "1.0") != "1.0":
            problems.add("/Version", "The only supported version is '1.0'")
        timeout = document.get("TimeoutSeconds")
        if timeout is not None and not _is_timeout(timeout):
            problems.add("/TimeoutSeconds", "must be an integer from 1 to 99999999")
        group = self.group(document, "", frozenset(), jsonata=language == "JSONata", depth=0)
        if group is None:
            return None
        found = references(document, jsonata=language == "JSONata")
        return Machine(group, timeout, found)

    def single(self, document: dict[str, Any]) -> State | None:
        """A state that is in no machine; its name is what AWS gives it in tests of states."""
        if not self._well_formed(SINGLE_NAME, document, "/"):
            return None
        nothing: frozenset[str] = frozenset()
        scope = VariableScope(nothing, nothing | assigned_names({SINGLE_NAME: document}))
        return self._states.compile(SINGLE_NAME, document, "", scope, jsonata=False, depth=0)

    def group(
        self,
        document: Any,
        location: str,
        outer: frozenset[str],
        *,
        jsonata: bool,
        depth: int,
    ) -> StateGroup | None:
        """The states of a machine, a branch or an item processor."""
        problems, root = self._problems, location or "/"
        if not isinstance(document, dict):
            problems.add(root, "must be an object")
            return None
        if depth > NESTING_MAX:
            problems.add(root, f"states nest at most {NESTING_MAX} levels", TOO_DEEP)
            return None
        if not require(document, ("States", "StartAt"), root, problems):
            return None
        states = document["States"]
        if not isinstance(states, dict) or not states:
            problems.add(f"{location}/States", "must be a non-empty object")
            return None
        scope = VariableScope(outer, outer | assigned_names(states))
        compiled: dict[str, State] = {}
        for name, state in states.items():
            where = f"{location}/States/{name}"
            if self._well_formed(name, state, where):
                found = self._states.compile(
                    name, state, where, scope, jsonata=jsonata, depth=depth
                )
                if found is not None:
                    compiled[name] = found
        self._transitions(document, location)
        return StateGroup(document["StartAt"], compiled)

    def _well_formed(self, name: str, state: Any, where: str) -> bool:
        problems = self._problems
        if not 1 <= len(name) <= NAME_CHARS_MAX:
            problems.add(where, f"A state name has 1 to {NAME_CHARS_MAX} characters", BAD_NAME)
        if name in self._names:
            problems.add(where, f"Duplicate state name: {name}", DUPLICATE_NAME)
        self._names.add(name)
        if not isinstance(state, dict):
            problems.add(where, "must be an object")
            return False
        if "Type" not in state:
            problems.add(where, "These fields are required: [Type]")
            return False
        if state["Type"] not in STATE_TYPES:
            problems.add(
                f"{where}/Type",
                f"The field 'Type' should have one of these values: [{', '.join(STATE_TYPES)}]",
            )
            return False
        return True

    def _transitions(self, document: dict[str, Any], location: str) -> None:
        problems, states = self._problems, document["States"]
        start = document["StartAt"]
        if not isinstance(start, str) or start not in states:
            problems.add(f"{location}/StartAt", f"Missing 'Next' target: {start}", TRANSITION)
            return
        reached, todo = {start}, [start]
        while todo:
            name = todo.pop()
            where = f"{location}/States/{name}"
            for field, target in _targets(states[name]):
                if target not in states:
                    problems.add(f"{where}/{field}", f"Missing 'Next' target: {target}", TRANSITION)
                elif target not in reached:
                    reached.add(target)
                    todo.append(target)
        for name in states:
            if name not in reached:
                problems.add(
                    f"{location}/States/{name}", f'State "{name}" is not reachable.', TRANSITION
                )
        if not any(map(_is_terminal, states.values())):
            problems.add(f"{location}/States", "There is no terminal state.", NO_END)


def _is_terminal(state: Any) -> bool:
    # What is no state at all, or has no way on, has a problem of its own.
    if not isinstance(state, dict) or state.get("Type") in {"Succeed", "Fail"}:
        return True
    return state.get("Type") != "Choice" and (state.get("End") is True or "Next" not in state)


def _targets(state: Any) -> list[tuple[str, str]]:
    if not isinstance(state, dict):
        return []
    found = [(field, state[field]) for field in ("Next", "Default") if field in state]
    for field in ("Choices", "Catch"):
        items = state.get(field)
        if isinstance(items, list):
            found += [
                (f"{field}[{index}]/Next", item["Next"])
                for index, item in enumerate(items)
                if isinstance(item, dict) and "Next" in item
            ]
    return [(field, target) for field, target in found if isinstance(target, str)]


def _is_timeout(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= TIMEOUT_MAX_S
