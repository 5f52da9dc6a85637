"""The commonest JSONata expressions, read without the library: a variable and members of it.

``$states.input.run_id`` is most of what workflows say, and the library, which interprets its syntax
tree in Python, takes fifty times as long for it. Whatever JSONata means beyond a member of an
object (an array on the way is mapped, say) is left to the library.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

UNDECIDED = object()
"""The library has to evaluate the expression."""

_PATH = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)((?:\.[A-Za-z_][A-Za-z0-9_]*)*)")
_WORDS = frozenset({"and", "or", "in", "true", "false", "null", "function"})
_CONTEXT = re.compile(r"\$states\b(?!\.(?:input|result|errorOutput)\b)")


@lru_cache(maxsize=20_000)
def member_path(expression: str) -> tuple[str, ...] | None:
    """The variable (without ``$``) and the members that ``expression`` names.

    None for an expression that says more than that.
    """
    found = _PATH.fullmatch(expression)
    if found is None:
        return None
    names = (found[1], *found[2].split(".")[1:])
    return None if _WORDS.intersection(names) else names


@lru_cache(maxsize=20_000)
def sees_states(expression: str) -> bool:
    """Whether ``expression`` may read ``$states``."""
    return "$states" in expression


@lru_cache(maxsize=20_000)
def sees_context(expression: str) -> bool:
    """Whether ``expression`` may read the context object, which is made only when it does."""
    return _CONTEXT.search(expression) is not None


def member(document: Any, names: tuple[str, ...], nothing: object) -> Any:
    """The member of ``document`` that ``names`` lead to.

    ``nothing`` when there is none; UNDECIDED when an array is on the way.
    """
    for name in names:
        if type(document) is not dict:
            return UNDECIDED if isinstance(document, list) else nothing
        document = document.get(name, nothing)
    return document


def plain(document: Any) -> Any:
    """``document`` as an expression gives it: a whole number is written without a fraction.

    It is shared where nothing differs.
    """
    kind = type(document)
    if kind is float:
        # JSON has one kind of number, and 2**53 is where a float stops being exact.
        return int(document) if document.is_integer() and abs(document) < 2**53 else document
    if kind is dict:
        return _plain_items(document, document.items())
    if kind is list:
        return _plain_items(document, enumerate(document))
    return document


def _plain_items(document: Any, items: Any) -> Any:
    copy = None
    for key, value in items:
        made = plain(value)
        if made is not value:
            if copy is None:
                copy = document.copy()
            copy[key] = made
    return document if copy is None else copy
