"""JSON-like documents."""

from __future__ import annotations

from typing import Any, TypeVar, cast

T = TypeVar("T")


def copied(document: T) -> T:
    """A copy of dictionaries and lists all the way down; the rest is shared.

    Many times as fast as ``copy.deepcopy``, which also looks for cycles and for objects.
    """
    return cast("T", _copied(document))


def _copied(document: Any) -> Any:
    kind = type(document)
    if kind is dict:
        return {k: _copied(v) if type(v) in _DEEP else v for k, v in document.items()}
    if kind is list:
        return [_copied(v) if type(v) in _DEEP else v for v in document]
    return document


_DEEP = frozenset({dict, list})
