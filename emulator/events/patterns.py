"""Event patterns: which events a rule takes.

All comparison operators of AWS's page "Comparison operators for use in event patterns" are here.
A field whose value is an array matches when any of its elements does.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

from emulator.core.errors import AwsError

Test = Callable[[Any], bool]

PATTERN_CHARS_MAX = 4096
_MISSING = object()
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "=": lambda a, b: a == b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


@lru_cache(maxsize=512)
def compile_pattern(text: str) -> Test:
    """A test for events; raises InvalidEventPatternException for what is no pattern."""
    if len(text) > PATTERN_CHARS_MAX:
        raise _invalid(f"it is longer than {PATTERN_CHARS_MAX} characters")
    try:
        pattern = json.loads(text)
    except ValueError as error:
        raise _invalid(str(error)) from error
    if not isinstance(pattern, dict) or not pattern:
        raise _invalid("Filter is not an object, or has no rules")
    return _object(pattern)


def _object(pattern: Mapping[str, Any]) -> Test:
    """Every key must match; below a key is an object, or an array of which one must match."""
    tests: list[tuple[str, Test]] = []
    alternatives: list[Test] = []
    for key, value in pattern.items():
        if key == "$or" and isinstance(value, list):
            if len(value) < 2 or not all(isinstance(v, dict) and v for v in value):  # noqa: PLR2004
                raise _invalid("$or must be an array of two or more objects")
            alternatives = [_object(v) for v in value]
        elif isinstance(value, dict):
            if not value:
                raise _invalid(f"Empty objects are not allowed: {key!r}")
            tests.append((key, _object(value)))
        elif isinstance(value, list):
            if not value:
                raise _invalid(f"Empty arrays are not allowed: {key!r}")
            tests.append((key, _field([_matcher(v) for v in value])))
        else:
            raise _invalid(f"{key!r} must be an object or an array")

    def test(event: Any) -> bool:
        if isinstance(event, list):  # one element must match as a whole
            return any(isinstance(e, dict) and test(e) for e in event)
        if not isinstance(event, dict):
            event = {}
        if alternatives and not any(alternative(event) for alternative in alternatives):
            return False
        return all(one(event.get(key, _MISSING)) for key, one in tests)

    return test


def _field(matchers: Sequence[Test]) -> Test:
    def test(value: Any) -> bool:
        # Only leaves match: an object in an event is no value, and an empty array has none.
        values = value if isinstance(value, list) else [value]
        leaves = [_MISSING if isinstance(v, dict) else v for v in values] or [_MISSING]
        return any(matcher(leaf) for matcher in matchers for leaf in leaves)

    return test


def _matcher(wanted: Any) -> Test:
    if isinstance(wanted, dict):
        if len(wanted) != 1:
            raise _invalid("Only one key allowed in match expression")
        [(name, value)] = wanted.items()
        known = _OPERATORS.get(name)
        if known is None:
            raise _invalid(f"Unrecognized match type {name}")
        return known(value)
    if isinstance(wanted, list):
        raise _invalid("Match value must be String, number, true, false, or null")
    # 300, 300.0 and true are three different values; null is one too, and not an absent field.
    return lambda value: type(value) is type(wanted) and value == wanted


def _exists(wanted: Any) -> Test:
    if not isinstance(wanted, bool):
        raise _invalid("exists must be true or false")
    return lambda value: (value is not _MISSING) == wanted


def _prefix(wanted: Any) -> Test:
    return _on_text("prefix", wanted, str.startswith)


def _suffix(wanted: Any) -> Test:
    return _on_text("suffix", wanted, str.endswith)


def _on_text(name: str, wanted: Any, compare: Callable[[str, str], bool]) -> Test:
    if isinstance(wanted, dict) and list(wanted) == ["equals-ignore-case"]:
        folded = _text(name, wanted["equals-ignore-case"]).casefold()
        return lambda value: isinstance(value, str) and compare(value.casefold(), folded)
    text = _text(name, wanted)
    return lambda value: isinstance(value, str) and compare(value, text)


def _equals_ignore_case(wanted: Any) -> Test:
    folded = _text("equals-ignore-case", wanted).casefold()
    return lambda value: isinstance(value, str) and value.casefold() == folded


def _wildcard(wanted: Any) -> Test:
    text = _text("wildcard", wanted)
    if re.search(r"(?<!\\)\*\*", text):
        raise _invalid("Consecutive wildcard characters")
    parts = re.split(r"(\\\\|\\\*|\*)", text)
    form = {"*": ".*", "\\*": re.escape("*"), "\\\\": re.escape("\\")}
    regex = re.compile("".join(form.get(p) or re.escape(p) for p in parts), re.DOTALL)
    return lambda value: isinstance(value, str) and regex.fullmatch(value) is not None


def _numeric(wanted: Any) -> Test:
    if not isinstance(wanted, list) or len(wanted) not in {2, 4}:
        raise _invalid("numeric needs one or two comparisons")
    comparisons = []
    for sign, limit in zip(wanted[::2], wanted[1::2], strict=True):
        if sign not in _COMPARE or isinstance(limit, bool) or not isinstance(limit, int | float):
            raise _invalid(f"Invalid numeric comparison: {sign!r} {limit!r}")
        comparisons.append((_COMPARE[sign], limit))
    signs = wanted[::2]
    if any(a[0] == b[0] or "=" in (a, b) for a, b in pairwise(signs)):
        raise _invalid("A numeric range needs one lower and one upper limit")

    def test(value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return all(compare(value, limit) for compare, limit in comparisons)

    return test


def _cidr(wanted: Any) -> Test:
    try:
        network = ipaddress.ip_network(_text("cidr", wanted), strict=False)
    except ValueError as error:
        raise _invalid(f"Malformed CIDR: {wanted!r}") from error

    def test(value: Any) -> bool:
        try:
            return isinstance(value, str) and ipaddress.ip_address(value) in network
        except ValueError:
            return False

    return test


def _anything_but(wanted: Any) -> Test:
    if isinstance(wanted, dict):
        if len(wanted) != 1:
            raise _invalid("Only one key allowed in match expression")
        [(name, value)] = wanted.items()
        if name not in {"prefix", "suffix", "equals-ignore-case", "wildcard"}:
            raise _invalid(f"Unsupported anything-but pattern: {name}")
        values = value if isinstance(value, list) else [value]
        excluded = [_OPERATORS[name](v) for v in values]
    else:
        values = wanted if isinstance(wanted, list) else [wanted]
        if any(isinstance(v, bool) or not isinstance(v, str | int | float) for v in values):
            raise _invalid("anything-but takes strings and numbers")
        excluded = [_matcher(v) for v in values]
    if not excluded:
        raise _invalid("Empty arrays are not allowed: 'anything-but'")
    return lambda value: value is not _MISSING and not any(test(value) for test in excluded)


def _text(name: str, wanted: Any) -> str:
    if not isinstance(wanted, str) or not wanted:
        raise _invalid(f"{name} match pattern must be a non-empty string")
    return wanted


_OPERATORS: Mapping[str, Callable[[Any], Test]] = {
    "exists": _exists,
    "prefix": _prefix,
    "suffix": _suffix,
    "equals-ignore-case": _equals_ignore_case,
    "wildcard": _wildcard,
    "numeric": _numeric,
    "cidr": _cidr,
    "anything-but": _anything_but,
}


def _invalid(why: str) -> AwsError:
    return AwsError("InvalidEventPatternException", f"Event pattern is not valid. Reason: {why}")
