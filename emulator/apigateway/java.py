"""Values as Velocity sees them: Java's way to print them, and the methods templates call on them.

Only the methods below exist; a template that calls another one fails by name instead of printing
its own source, as Velocity would.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from emulator.apigateway.errors import TemplateError

_PLAIN_MIN, _PLAIN_MAX = 1e-3, 1e7
"""Java prints doubles between these without an exponent."""


def text_of(value: Any) -> str:
    """``value`` as Java's toString gives it; None is ``null``."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _double(value)
    if isinstance(value, Mapping):
        inner = ", ".join(f"{text_of(k)}={text_of(v)}" for k, v in value.items())
        return "{" + inner + "}"
    if isinstance(value, list):
        return "[" + ", ".join(text_of(item) for item in value) + "]"
    return str(value)


def truth(value: Any) -> bool:
    """Velocity's truth: everything but null and false, the empty string included."""
    return value is not None and value is not False


def equal(left: Any, right: Any) -> bool:
    """Velocity's ``==``: numbers by value, unlike classes by what they print."""
    if left is None or right is None:
        return left is right
    if isinstance(left, bool) or isinstance(right, bool):
        return text_of(left) == text_of(right)
    if isinstance(left, int | float) and isinstance(right, int | float):
        return left == right
    if type(left) is type(right):
        return bool(left == right)
    return text_of(left) == text_of(right)


def call(target: Any, name: str, arguments: list[Any]) -> Any:
    """Call ``name`` on a string, list, map or number; TemplateError when there is no such."""
    for kind, methods in _METHODS:
        if isinstance(target, kind):
            method = methods.get(name) or _ANY.get(name)
            break
    else:
        method = _ANY.get(name)
    if method is None:
        raise TemplateError(f"no method {name!r} on {type(target).__name__}")
    try:
        return method(target, *arguments)
    except (TypeError, IndexError, ValueError, re.error) as error:
        raise TemplateError(f"{name}({', '.join(map(text_of, arguments))}): {error}") from error


def _double(value: float) -> str:
    if math.isnan(value) or math.isinf(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if value == 0 or _PLAIN_MIN <= abs(value) < _PLAIN_MAX:
        plain = repr(value)
        return plain if "e" not in plain else f"{value:f}"
    digits, _, exponent = f"{value:.17e}".partition("e")
    shortest = repr(value)
    for precision in range(1, 18):
        digits, _, exponent = f"{value:.{precision}e}".partition("e")
        if float(f"{digits}e{exponent}") == float(shortest):
            break
    mantissa = digits.rstrip("0")
    return f"{mantissa}{'0' if mantissa.endswith('.') else ''}E{int(exponent)}"


def _substring(text: str, start: int, end: int | None = None) -> str:
    stop = len(text) if end is None else end
    if not 0 <= start <= stop <= len(text):
        raise IndexError(f"substring({start}, {stop}) of {len(text)} characters")
    return text[start:stop]


def _split(text: str, pattern: str) -> list[str]:
    parts = re.split(pattern, text)
    while len(parts) > 1 and not parts[-1]:
        parts.pop()
    return parts


def _replacement(text: str) -> str:
    """A Java replacement text, which has ``$1`` and escapes of its own, as Python's."""
    as_python = re.sub(r"\\(.)|\$(\d)", _replacement_part, text)
    return as_python.replace("\0", "\\\\")


def _replacement_part(found: re.Match[str]) -> str:
    if found[2] is not None:
        return f"\\g<{found[2]}>"
    return "\0" if found[1] == "\\" else found[1]


def _put(target: dict[str, Any], key: Any, value: Any) -> Any:
    before = target.get(key)
    target[key] = value
    return before


def _add(target: list[Any], value: Any) -> bool:
    target.append(value)
    return True


def _index_of(target: list[Any], value: Any) -> int:
    return target.index(value) if value in target else -1


_ANY: dict[str, Callable[..., Any]] = {
    "toString": text_of,
    "equals": lambda v, other: type(v) is type(other) and v == other,
}
_STRING: dict[str, Callable[..., Any]] = {
    "length": len,
    "isEmpty": lambda s: not s,
    "contains": lambda s, part: text_of(part) in s,
    "startsWith": lambda s, part: s.startswith(part),
    "endsWith": lambda s, part: s.endswith(part),
    "equalsIgnoreCase": lambda s, other: s.lower() == text_of(other).lower(),
    "indexOf": lambda s, part: s.find(part),
    "lastIndexOf": lambda s, part: s.rfind(part),
    "substring": _substring,
    "charAt": lambda s, at: _substring(s, at, at + 1),
    "concat": lambda s, other: s + other,
    "matches": lambda s, pattern: re.fullmatch(pattern, s) is not None,
    "replace": lambda s, old, new: s.replace(old, new),
    "replaceAll": lambda s, pattern, new: re.sub(pattern, _replacement(new), s),
    "replaceFirst": lambda s, pattern, new: re.sub(pattern, _replacement(new), s, count=1),
    "split": _split,
    "trim": lambda s: s.strip(),
    "toLowerCase": lambda s: s.lower(),
    "toUpperCase": lambda s: s.upper(),
}
_LIST: dict[str, Callable[..., Any]] = {
    "size": len,
    "isEmpty": lambda v: not v,
    "get": lambda v, at: v[at] if at >= 0 else _substring("", at),
    "contains": lambda v, item: item in v,
    "indexOf": _index_of,
    "add": _add,
}
_MAP: dict[str, Callable[..., Any]] = {
    "size": len,
    "isEmpty": lambda v: not v,
    "get": lambda v, key: v.get(key),
    "put": _put,
    "containsKey": lambda v, key: key in v,
    "keySet": list,
    "values": lambda v: list(v.values()),
    "entrySet": lambda v: [{"key": k, "value": item} for k, item in v.items()],
    "remove": lambda v, key: v.pop(key, None),
}
_NUMBER: dict[str, Callable[..., Any]] = {"intValue": int, "longValue": int, "doubleValue": float}
_METHODS: tuple[tuple[Any, dict[str, Callable[..., Any]]], ...] = (
    (str, _STRING),
    (list, _LIST),
    (dict, _MAP),
    ((int, float), _NUMBER),
)
