"""Filter expressions of JSONPath: ``@.price < 10 && !(@.kind == 'a')``.

Operands are paths below the element (``@``), strings, numbers, true, false and null; operators
``== != < <= > >= =~ && || !``, and a path alone asks whether it exists.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

from emulator.states.documents import is_number, same

Filter = Callable[[Any], bool]
Operand = Callable[[Any], tuple[bool, Any]]

NESTING_MAX = 20

_TOKEN = re.compile(
    r"""\s*(?:(?P<op>&&|\|\||==|!=|<=|>=|=~|[<>!()])
    |(?P<path>@(?:\.[A-Za-z_][\w-]*|\[\s*-?\d+\s*\]|\[\s*'[^']*'\s*\]|\[\s*"[^"]*"\s*\])*)
    |(?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    |(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    |(?P<word>true|false|null)
    |(?P<regex>/(?:[^/\\]|\\.)*/i?))""",
    re.VERBOSE,
)
_KEY = re.compile(
    r"\.([A-Za-z_][\w-]*)|\[\s*(-?\d+)\s*\]|\[\s*'([^']*)'\s*\]|\[\s*\"([^\"]*)\"\s*\]"
)
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def parse_filter(text: str) -> Filter:
    """The predicate of ``(...)``; raises ValueError."""
    parser = _Parser(text)
    found = parser.either(0)
    parser.expect_end()
    return found


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text.rstrip()):
            found = _TOKEN.match(text, at)
            if found is None:
                raise ValueError(f"cannot read the filter {text} at {at}")
            kind = found.lastgroup or ""
            self._tokens.append((kind, found.group(kind)))
            at = found.end()
        self._at = 0

    def expect_end(self) -> None:
        if self._at != len(self._tokens):
            raise ValueError(f"cannot read the filter {self._text}")

    def either(self, depth: int) -> Filter:
        parts = [self._both(depth)]
        while self._take("||"):
            parts.append(self._both(depth))
        return parts[0] if len(parts) == 1 else lambda item: any(part(item) for part in parts)

    def _both(self, depth: int) -> Filter:
        parts = [self._one(depth)]
        while self._take("&&"):
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else lambda item: all(part(item) for part in parts)

    def _one(self, depth: int) -> Filter:
        if depth > NESTING_MAX:
            raise ValueError(f"a filter nests at most {NESTING_MAX} levels: {self._text}")
        if self._take("!"):
            inner = self._one(depth + 1)
            return lambda item: not inner(item)
        if self._take("("):
            found = self.either(depth + 1)
            if not self._take(")"):
                raise ValueError(f"a ')' is missing in the filter {self._text}")
            return found
        left = self._operand()
        kind, symbol = self._peek()
        if kind == "op" and symbol in {"==", "!=", "=~", *_ORDER}:
            self._at += 1
            if symbol == "=~":
                return self._pattern(left)
            return _comparison(symbol, left, self._operand())
        return lambda item: left(item)[0]

    def _pattern(self, left: Operand) -> Filter:
        kind, text = self._peek()
        if kind != "regex":
            raise ValueError(f"=~ needs a /regular expression/ in the filter {self._text}")
        self._at += 1
        flags = re.IGNORECASE if text.endswith("i") else 0
        pattern = re.compile(text[1 : text.rindex("/")], flags)

        def matches(item: Any) -> bool:
            found, value = left(item)
            return found and isinstance(value, str) and pattern.fullmatch(value) is not None

        return matches

    def _operand(self) -> Operand:
        kind, text = self._peek()
        self._at += 1
        if kind == "path":
            return _below(text)
        if kind == "string":
            value: Any = re.sub(r"\\(.)", r"\1", text[1:-1])
        elif kind == "number":
            value = float(text) if any(c in text for c in ".eE") else int(text)
        elif kind == "word":
            value = {"true": True, "false": False, "null": None}[text]
        else:
            raise ValueError(f"cannot read the filter {self._text}")
        return lambda _item: (True, value)

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("", "")

    def _take(self, symbol: str) -> bool:
        if self._peek() != ("op", symbol):
            return False
        self._at += 1
        return True


def _below(text: str) -> Operand:
    keys: list[str | int] = []
    for name, index, single, double in _KEY.findall(text[1:]):
        keys.append(int(index) if index else name or single or double)

    def find(item: Any) -> tuple[bool, Any]:
        for key in keys:
            if isinstance(key, str):
                if not isinstance(item, dict) or key not in item:
                    return False, None
            elif not isinstance(item, list) or not -len(item) <= key < len(item):
                return False, None
            item = item[key]
        return True, item

    return find


def _comparison(symbol: str, left: Operand, right: Operand) -> Filter:
    def compare(item: Any) -> bool:
        (has_left, a), (has_right, b) = left(item), right(item)
        if not has_left or not has_right:
            return False
        if symbol in {"==", "!="}:
            return same(a, b) == (symbol == "==")
        comparable = (is_number(a) and is_number(b)) or (isinstance(a, str) and isinstance(b, str))
        return comparable and _ORDER[symbol](a, b)

    return compare
