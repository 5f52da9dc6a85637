"""Warnings about a definition that can be created, but may not mean what its author thinks.

The three kinds that AWS lists:
https://docs.aws.amazon.com/step-functions/latest/apireference/API_ValidateStateMachineDefinitionDiagnostic.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from emulator.states.diagnostics import WARNING, Diagnostic
from emulator.states.documents import loads

NO_DOLLAR = "NO_DOLLAR"
NO_PATH = "NO_PATH"
PASS_RESULT_IS_STATIC = "PASS_RESULT_IS_STATIC"

_PATH = re.compile(r"\$\$?(\.|\[)|\$\$?\Z")
_INTRINSIC = re.compile(r"States\.[A-Za-z0-9]+\(.*\)\Z", re.DOTALL)
_TEMPLATES = ("Parameters", "ResultSelector", "ItemSelector", "Assign")
_PATH_FORMS = ("Error", "Cause", "Timestamp")
_COMPARISON = re.compile(r"(String|Timestamp)(Equals|LessThan|GreaterThan)(Equals)?\Z")


def warnings_in(text: str) -> list[Diagnostic]:
    """The warnings about a definition; none for text that is no JSON object."""
    try:
        document = loads(text)
    except (ValueError, RecursionError):
        return []
    return list(_group(document, "", jsonata=_is_jsonata(document, default=False)))


def _group(document: Any, where: str, *, jsonata: bool) -> Iterator[Diagnostic]:
    states = document.get("States") if isinstance(document, dict) else None
    if not isinstance(states, dict):
        return
    for name, state in states.items():
        if isinstance(state, dict):
            yield from _state(state, f"{where}/States/{name}", jsonata=jsonata)


def _state(state: dict[str, Any], where: str, *, jsonata: bool) -> Iterator[Diagnostic]:
    if not _is_jsonata(state, default=jsonata):
        yield from _paths_of(state, where)
    for name in ("ItemProcessor", "Iterator"):
        yield from _group(state.get(name), f"{where}/{name}", jsonata=jsonata)
    branches = state.get("Branches")
    for index, branch in enumerate(branches if isinstance(branches, list) else ()):
        yield from _group(branch, f"{where}/Branches[{index}]", jsonata=jsonata)


def _paths_of(state: dict[str, Any], where: str) -> Iterator[Diagnostic]:
    for name in _TEMPLATES:
        yield from _template(state.get(name), f"{where}/{name}")
    for name in _PATH_FORMS:
        if _is_path(state.get(name)):
            yield _warning(NO_PATH, f"'{name}' looks like a path; use '{name}Path'", where, name)
    choices = state.get("Choices")
    for index, rule in enumerate(choices if isinstance(choices, list) else ()):
        yield from _rule(rule, f"{where}/Choices[{index}]")
    if state.get("Type") == "Pass" and "Result" in state and _has_path(state["Result"]):
        message = "'Result' is taken as it is; use 'Parameters' for paths"
        yield _warning(PASS_RESULT_IS_STATIC, message, where, "Result")


def _template(value: Any, where: str) -> Iterator[Diagnostic]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _template(item, f"{where}[{index}]")
    elif isinstance(value, dict):
        for name, item in value.items():
            if not name.endswith(".$") and (_is_path(item) or _is_intrinsic(item)):
                message = f"'{name}' looks like a path or an intrinsic function; use '{name}.$'"
                yield _warning(NO_DOLLAR, message, where, name)
            yield from _template(item, f"{where}/{name}")


def _rule(rule: Any, where: str) -> Iterator[Diagnostic]:
    if not isinstance(rule, dict):
        return
    for name, value in rule.items():
        if _COMPARISON.match(name) and _is_path(value):
            yield _warning(NO_PATH, f"'{name}' looks like a path; use '{name}Path'", where, name)
    for name in ("And", "Or"):
        inner = rule.get(name)
        for index, item in enumerate(inner if isinstance(inner, list) else ()):
            yield from _rule(item, f"{where}/{name}[{index}]")
    yield from _rule(rule.get("Not"), f"{where}/Not")


def _warning(code: str, message: str, where: str, name: str) -> Diagnostic:
    return Diagnostic(code, message, f"{where}/{name}", WARNING)


def _has_path(value: Any) -> bool:
    if isinstance(value, dict):
        return any(key.endswith(".$") or _has_path(item) for key, item in value.items())
    if isinstance(value, list):
        return any(map(_has_path, value))
    return _is_path(value)


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and _PATH.match(value) is not None


def _is_intrinsic(value: Any) -> bool:
    return isinstance(value, str) and _INTRINSIC.match(value) is not None


def _is_jsonata(document: Any, *, default: bool) -> bool:
    language = document.get("QueryLanguage") if isinstance(document, dict) else None
    return default if language is None else language == "JSONata"
