"""JSON documents as they flow between states.

A document is made of dict, list, str, int, float, bool and None. Documents are shared between
states, history and variables, so nobody changes one in place: every step builds what is new.
"""

from __future__ import annotations

import json
from typing import Any

BYTES_MAX = 262_144
"""Limit of a payload: input, output and variables (256 KiB of UTF-8)."""


def dumps(document: Any) -> str:
    """Compact JSON text, as AWS writes it in inputs, outputs and history."""
    return _encode(document)


def loads(text: str, *, unique_keys: bool = False) -> Any:
    """Parse JSON; raises ValueError, also for NaN and Infinity, which JSON does not have.

    ``unique_keys`` refuses objects that have a member twice, of which one would be lost.
    """
    pairs = _unique if unique_keys else None
    return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=pairs)


def too_large(document: Any) -> bool:
    """Whether ``document`` is over the payload limit."""
    if document is None or isinstance(document, bool | int | float):
        return False
    if isinstance(document, str) and len(document) * 4 < BYTES_MAX:
        return False
    return utf8_bytes(dumps(document)) > BYTES_MAX


def utf8_bytes(text: str) -> int:
    """Length of ``text`` in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def type_name(document: Any) -> str:
    """The name of a document's JSON type, as error messages say it."""
    if document is None:
        return "null"
    if isinstance(document, bool):
        return "boolean"
    if isinstance(document, int | float):
        return "number"
    if isinstance(document, str):
        return "string"
    return "array" if isinstance(document, list) else "object"


def is_number(document: Any) -> bool:
    """Whether ``document`` is a JSON number."""
    return isinstance(document, int | float) and not isinstance(document, bool)


def same(left: Any, right: Any) -> bool:
    """Equality of documents: as in JSON, ``true`` is not ``1``."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return bool(left == right)


_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"Duplicate field '{next(n for n in names if names.count(n) > 1)}'")
    return made
