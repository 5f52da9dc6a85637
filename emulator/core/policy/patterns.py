"""Patterns of policies: wildcards, and variables that stand for facts of the request.

Source: "IAM policy elements: Variables and tags".
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_DEFAULT = re.compile(r"\s*([^,\s]+)\s*,\s*'([^']*)'\s*\Z")
_LITERALS = frozenset("*?$")
"""``${*}`` is a star that is no wildcard."""


@functools.lru_cache(maxsize=4096)
def wildcard(pattern: str) -> re.Pattern[str]:
    """A pattern with ``*`` and ``?`` as a regular expression."""
    return re.compile(_expression(pattern), re.DOTALL)


def matches(pattern: str, value: str, context: Mapping[str, Any], *, variables: bool) -> bool:
    """Whether ``value`` fits; a variable that the request has no single value for fits nothing."""
    if pattern == "*":
        return True
    if not variables or "${" not in pattern:
        return wildcard(pattern).fullmatch(value) is not None
    parts: list[str] = []
    at = 0
    for found in _VARIABLE.finditer(pattern):
        known = _value(found[1], context)
        if known is None:
            return False
        parts += [_expression(pattern[at : found.start()]), re.escape(known)]
        at = found.end()
    parts.append(_expression(pattern[at:]))
    return re.fullmatch("".join(parts), value, re.DOTALL) is not None


def filled(text: str, context: Mapping[str, Any]) -> str | None:
    """``text`` with its variables filled; None when the request has no value for one."""
    parts: list[str] = []
    at = 0
    for found in _VARIABLE.finditer(text):
        known = _value(found[1], context)
        if known is None:
            return None
        parts += [text[at : found.start()], known]
        at = found.end()
    return "".join((*parts, text[at:]))


def key_of(key: str) -> str:
    """A condition key in lower case; what follows the slash (a tag's name) keeps its case."""
    name, slash, rest = key.partition("/")
    return name.lower() + slash + rest


def _value(name: str, context: Mapping[str, Any]) -> str | None:
    if name in _LITERALS:
        return name
    key, default = _parts(name)
    known = context.get(key_of(key))
    return known if isinstance(known, str) else default


def _parts(name: str) -> tuple[str, str | None]:
    """The key of a variable, and its default if it has one."""
    with_default = _DEFAULT.match(name)
    return (with_default[1], with_default[2]) if with_default else (name, None)


def _expression(pattern: str) -> str:
    return "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
