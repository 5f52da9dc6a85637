"""Which variables each state reads, as DescribeStateMachine's ``variableReferences`` tells."""

from __future__ import annotations

import re
from typing import Any

from emulator.states.templates import expression_of, is_expression

_PATH = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
_QUERY = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)(?!\s*[\w(])(?!\s*:=)")
_LITERALS = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_LOCALS = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)\s*:=|function\s*\(([^)]*)\)")


def assigned_names(states: dict[str, Any]) -> frozenset[str]:
    """The variables that these states assign themselves (not in their branches)."""
    names: set[str] = set()
    for state in states.values():
        if not isinstance(state, dict):
            continue
        parts = [state]
        for field in ("Choices", "Catch"):
            items = state.get(field)
            parts += items if isinstance(items, list) else []
        for part in parts:
            assign = part.get("Assign") if isinstance(part, dict) else None
            if isinstance(assign, dict):
                names.update(name.removesuffix(".$") for name in assign)
    return frozenset(names)


def references(document: dict[str, Any], *, jsonata: bool) -> dict[str, list[str]]:
    """State name to the names of variables in its fields; states without any are left out."""
    found: dict[str, list[str]] = {}
    for name, state in document.get("States", {}).items():
        if not isinstance(state, dict):
            continue
        query = jsonata or state.get("QueryLanguage") == "JSONata"
        names: dict[str, None] = {}
        for field, value in state.items():
            if field in {"Branches", "ItemProcessor", "Iterator"}:
                for group in value if isinstance(value, list) else [value]:
                    if isinstance(group, dict):
                        found.update(references(group, jsonata=jsonata))
            elif field not in {"Comment", "Result"}:
                _collect(value, field, names, query=query)
        if names:
            found[name] = list(names)
    return found


def _collect(value: Any, key: str, names: dict[str, None], *, query: bool) -> None:
    if isinstance(value, dict):
        for inner, item in value.items():
            _collect(item, inner, names, query=query)
    elif isinstance(value, list):
        for item in value:
            _collect(item, key, names, query=query)
    elif isinstance(value, str):
        if query and is_expression(value):
            names.update(dict.fromkeys(_in_expression(expression_of(value))))
        elif not query and (key.endswith((".$", "Path")) or key == "Variable"):
            names.update(dict.fromkeys(_PATH.findall(_LITERALS.sub("", value))))


def _in_expression(expression: str) -> list[str]:
    bare = _LITERALS.sub("", expression)
    local = {"states"}
    for assigned, parameters in _LOCALS.findall(bare):
        local.add(assigned)
        local.update(_PATH.findall(parameters))
    return [name for name in _QUERY.findall(bare) if name not in local]
