"""The intrinsic functions themselves, each with AWS's limits.

Every function takes the sources of randomness first; ValueError and TypeError become
States.IntrinsicFailure.
"""

from __future__ import annotations

import base64
import math
import random
import re
from collections.abc import Callable
from typing import Any

from emulator.states.documents import dumps, loads, same
from emulator.states.query_functions import QuerySources, digest, partition

TEXT_CHARS_MAX = 10_000
"""Longest input of the Base64 functions and of States.Hash."""
RANGE_MAX = 1_000
"""Most elements of States.ArrayRange."""
_INT_MIN, _INT_MAX = -(2**31), 2**31 - 1


def _format(_sources: QuerySources, template: Any, *values: Any) -> str:
    _expect(template, str, "a string template")
    parts = re.split(r"(?<!\\)\{\}", template)
    if len(parts) - 1 != len(values):
        raise ValueError(f"the template has {len(parts) - 1} {{}} for {len(values)} arguments")
    plain = [re.sub(r"\\([{}])", r"\1", part) for part in parts]
    shown = [_shown(value) for value in values]
    return plain[0] + "".join(value + part for value, part in zip(shown, plain[1:], strict=True))


def _shown(value: Any) -> str:
    """A value as AWS's implementation writes it into a text: not JSON below the top."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={_shown(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_shown, value)) + "]"
    return dumps(value)


def _string_to_json(_sources: QuerySources, text: Any) -> Any:
    _expect(text, str, "a string")
    return loads(text) if text.strip() else None


def _json_to_string(_sources: QuerySources, document: Any) -> str:
    return dumps(document)


def _array(_sources: QuerySources, *values: Any) -> list[Any]:
    return list(values)


def _array_partition(_sources: QuerySources, items: Any, size: Any) -> list[list[Any]]:
    _expect(items, list, "an array")
    count = _integer(size)
    if count < 1:
        raise ValueError("the chunk size must be a positive integer")
    return partition(items, count)


def _array_contains(_sources: QuerySources, items: Any, value: Any) -> bool:
    _expect(items, list, "an array")
    return any(same(item, value) for item in items)


def _array_range(_sources: QuerySources, first: Any, last: Any, step: Any) -> list[int]:
    start, end, delta = _integer(first), _integer(last), _integer(step)
    if delta == 0:
        raise ValueError("the step must not be 0")
    made = range(start, end + (1 if delta > 0 else -1), delta)
    if len(made) > RANGE_MAX:
        raise ValueError(f"a range has at most {RANGE_MAX} elements")
    return list(made)


def _array_get_item(_sources: QuerySources, items: Any, index: Any) -> Any:
    _expect(items, list, "an array")
    place = _integer(index)
    if not 0 <= place < len(items):
        raise ValueError(f"the index {place} is out of range")
    return items[place]


def _array_length(_sources: QuerySources, items: Any) -> int:
    _expect(items, list, "an array")
    return len(items)


def _array_unique(_sources: QuerySources, items: Any) -> list[Any]:
    _expect(items, list, "an array")
    return list({dumps(item): item for item in reversed(items)}.values())[::-1]


def _base64_encode(_sources: QuerySources, text: Any) -> str:
    return base64.b64encode(_limited(text).encode()).decode()


def _base64_decode(_sources: QuerySources, text: Any) -> str:
    return base64.b64decode(_limited(text), validate=True).decode()


def _hash(_sources: QuerySources, data: Any, algorithm: Any) -> str:
    _expect(algorithm, str, "the name of an algorithm")
    return digest(algorithm, _limited(data if isinstance(data, str) else dumps(data)))


def _json_merge(_sources: QuerySources, first: Any, second: Any, deep: Any) -> dict[str, Any]:
    _expect(first, dict, "an object")
    _expect(second, dict, "an object")
    if deep is not False:
        raise ValueError("only the shallow merge (false) is supported")
    return {**first, **second}


def _math_random(sources: QuerySources, first: Any, last: Any, *seed: Any) -> int:
    start, end = _integer(first), _integer(last)
    if start >= end:
        raise ValueError("the start must be below the end")
    rng = random.Random(_integer(seed[0])) if seed else sources.rng  # noqa: S311 (workflow data)
    return rng.randrange(start, end)


def _math_add(_sources: QuerySources, left: Any, right: Any) -> int:
    total = _integer(left) + _integer(right)
    if not _INT_MIN <= total <= _INT_MAX:
        raise ValueError("the sum is not a 32 bit integer")
    return total


def _string_split(_sources: QuerySources, text: Any, splitters: Any) -> list[str]:
    _expect(text, str, "a string")
    _expect(splitters, str, "a string of splitters")
    if not splitters:
        return [text]
    return [part for part in re.split(f"[{re.escape(splitters)}]", text) if part]


def _uuid(sources: QuerySources) -> str:
    return sources.uuid()


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "Format": _format,
    "StringToJson": _string_to_json,
    "JsonToString": _json_to_string,
    "Array": _array,
    "ArrayPartition": _array_partition,
    "ArrayContains": _array_contains,
    "ArrayRange": _array_range,
    "ArrayGetItem": _array_get_item,
    "ArrayLength": _array_length,
    "ArrayUnique": _array_unique,
    "Base64Encode": _base64_encode,
    "Base64Decode": _base64_decode,
    "Hash": _hash,
    "JsonMerge": _json_merge,
    "MathRandom": _math_random,
    "MathAdd": _math_add,
    "StringSplit": _string_split,
    "UUID": _uuid,
}
"""By name, without ``States.``."""

_MANY = 1_000
ARITY: dict[str, tuple[int, int]] = {
    "Format": (1, _MANY),
    "StringToJson": (1, 1),
    "JsonToString": (1, 1),
    "Array": (0, _MANY),
    "ArrayPartition": (2, 2),
    "ArrayContains": (2, 2),
    "ArrayRange": (3, 3),
    "ArrayGetItem": (2, 2),
    "ArrayLength": (1, 1),
    "ArrayUnique": (1, 1),
    "Base64Encode": (1, 1),
    "Base64Decode": (1, 1),
    "Hash": (2, 2),
    "JsonMerge": (3, 3),
    "MathRandom": (2, 3),
    "MathAdd": (2, 2),
    "StringSplit": (2, 2),
    "UUID": (0, 0),
}
"""Fewest and most arguments of each."""


def _expect(value: Any, kind: type, what: str) -> None:
    if not isinstance(value, kind):
        raise TypeError(f"expected {what}, got {dumps(value)[:100]}")


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"expected a number, got {dumps(value)[:100]}")
    return math.floor(value + 0.5)


def _limited(text: Any) -> str:
    _expect(text, str, "a string")
    if len(text) > TEXT_CHARS_MAX:
        raise ValueError(f"the input has more than {TEXT_CHARS_MAX} characters")
    return str(text)
