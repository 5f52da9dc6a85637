"""Conditions of policies: operators over the facts of a request.

Source: "IAM JSON policy elements: Condition operators" and "Actions, resources, and condition keys
for Amazon S3".
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from emulator.core.errors import AwsError, NotSupported

KEYS = frozenset(
    {
        "aws:currenttime",
        "aws:epochtime",
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalisawsservice",
        "aws:principaltype",
        "aws:referer",
        "aws:resourceaccount",
        "aws:securetransport",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceip",
        "aws:useragent",
        "s3:authtype",
        "s3:delimiter",
        "s3:if-match",
        "s3:if-none-match",
        "s3:max-keys",
        "s3:objectcreationoperation",
        "s3:prefix",
        "s3:requestobjecttagkeys",
        "s3:resourceaccount",
        "s3:signatureage",
        "s3:signatureversion",
        "s3:versionid",
        "s3:x-amz-acl",
        "s3:x-amz-content-sha256",
        "s3:x-amz-copy-source",
        "s3:x-amz-metadata-directive",
        "s3:x-amz-server-side-encryption",
        "s3:x-amz-storage-class",
    }
)
KEY_PREFIXES = ("s3:existingobjecttag/", "s3:requestobjecttag/")
"""Condition keys that requests have here; a policy on any other is refused by name."""

_CALLER_KEYS = frozenset(
    {"aws:principalaccount", "aws:principalarn", "aws:sourceaccount", "aws:sourcearn",
     "aws:sourceip"}
)  # fmt: skip

Values = tuple[str, ...]
Test = Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator on one key."""

    operator: str
    key: str
    values: Values
    quantifier: str
    if_exists: bool

    def holds(self, context: Mapping[str, Any]) -> bool:
        """Whether the request's facts satisfy it."""
        raw = context.get(self.key)
        given: Values | None = (
            None if raw is None else (raw,) if isinstance(raw, str) else tuple(raw)
        )
        if self.operator == "null":
            return all((given is None) is (value.lower() == "true") for value in self.values)
        if given is None or not given:
            if self.if_exists or self.quantifier == "forallvalues":
                return True
            # A key that is absent does not equal anything: the negated operators hold.
            return self.operator in _NEGATED and self.quantifier != "foranyvalue"
        test = _TESTS[self.operator]
        if self.operator in _NEGATED:
            matches = [all(test(have, want) for want in self.values) for have in given]
        else:
            matches = [any(test(have, want) for want in self.values) for have in given]
        return all(matches) if self.quantifier == "forallvalues" else any(matches)

    def fixes_caller(self) -> bool:
        """Whether it ties the request to callers with a fixed value (for "is it public")."""
        if self.key not in _CALLER_KEYS or self.operator in _NEGATED or self.if_exists:
            return False
        if self.operator == "null":
            return False
        if self.key == "aws:sourceip":
            return all(_network(value).prefixlen >= _WIDE_PREFIX for value in self.values)
        return all(value.strip("*?") == value for value in self.values)


def parse(raw: Any) -> tuple[Condition, ...]:
    """Read a Condition element; raises MalformedPolicy, or NotSupported by name."""
    if not isinstance(raw, dict):
        raise _malformed("Invalid Condition")
    return tuple(
        _condition(operator, key, values)
        for operator, tests in raw.items()
        for key, values in _items(tests)
    )


@functools.lru_cache(maxsize=4096)
def wildcard(pattern: str) -> re.Pattern[str]:
    """A pattern with ``*`` and ``?`` as a regular expression."""
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.compile("".join(parts), re.DOTALL)


def _items(tests: Any) -> list[tuple[str, Any]]:
    if not isinstance(tests, dict):
        raise _malformed("Invalid Condition")
    return list(tests.items())


def _condition(operator: str, key: str, raw: Any) -> Condition:
    quantifier, name = "", operator.lower()
    if ":" in name:
        quantifier, _, name = name.partition(":")
        if quantifier not in {"forallvalues", "foranyvalue"}:
            raise _malformed(f"Invalid Condition type : {operator}")
    if_exists = name.endswith("ifexists")
    name = name.removesuffix("ifexists")
    if name != "null" and name not in _TESTS:
        raise _malformed(f"Invalid Condition type : {operator}")
    lowered = key.lower()
    if lowered not in KEYS and not lowered.startswith(KEY_PREFIXES):
        raise NotSupported(f"the condition key {key} in a bucket policy")
    if lowered.startswith(KEY_PREFIXES):
        # The key of a tag keeps its case.
        lowered = lowered[: lowered.index("/")] + key[key.index("/") :]
    values = tuple(_text(value) for value in (raw if isinstance(raw, list) else [raw]))
    if not values:
        raise _malformed("Invalid Condition: no values")
    if any("${" in value for value in values):
        raise NotSupported("a policy variable in a bucket policy's Condition")
    check = _CHECKS.get(name)
    for value in values if check else ():
        try:
            check(value)  # type: ignore[misc]
        except ValueError as error:
            raise _malformed(f"Invalid value {value} for {operator}") from error
    return Condition(name, lowered, values, quantifier, if_exists)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise _malformed("Invalid Condition value")


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(text, strict=False)


def _in_network(have: str, want: str) -> bool:
    try:
        return ipaddress.ip_address(have) in _network(want)
    except ValueError:
        return False


def _instant(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _like(have: str, want: str) -> bool:
    return wildcard(want).fullmatch(have) is not None


def _bool(text: str) -> None:
    if text.lower() not in {"true", "false"}:
        raise ValueError(text)


def _compare(read: Callable[[str], float], test: Callable[[float, float], bool]) -> Test:
    def compare(have: str, want: str) -> bool:
        try:
            return test(read(have), read(want))
        except ValueError:
            return False

    return compare


def _not(test: Test) -> Test:
    return lambda have, want: not test(have, want)


_ORDERS: Mapping[str, Callable[[float, float], bool]] = {
    "equals": lambda a, b: a == b,
    "notequals": lambda a, b: a != b,
    "lessthan": lambda a, b: a < b,
    "lessthanequals": lambda a, b: a <= b,
    "greaterthan": lambda a, b: a > b,
    "greaterthanequals": lambda a, b: a >= b,
}
_TESTS: Mapping[str, Test] = {
    "stringequals": lambda a, b: a == b,
    "stringnotequals": lambda a, b: a != b,
    "stringequalsignorecase": lambda a, b: a.lower() == b.lower(),
    "stringnotequalsignorecase": lambda a, b: a.lower() != b.lower(),
    "stringlike": _like,
    "stringnotlike": _not(_like),
    "arnequals": _like,
    "arnlike": _like,
    "arnnotequals": _not(_like),
    "arnnotlike": _not(_like),
    "bool": lambda a, b: a.lower() == b.lower(),
    "ipaddress": _in_network,
    "notipaddress": _not(_in_network),
    **{f"numeric{name}": _compare(float, test) for name, test in _ORDERS.items()},
    **{f"date{name}": _compare(_instant, test) for name, test in _ORDERS.items()},
}
_NEGATED = frozenset(name for name in _TESTS if "not" in name)
_CHECKS: Mapping[str, Callable[[str], object]] = {
    "bool": _bool,
    "null": _bool,
    "ipaddress": _network,
    "notipaddress": _network,
    **{name: float for name in _TESTS if name.startswith("numeric")},
    **{name: _instant for name in _TESTS if name.startswith("date")},
}
_WIDE_PREFIX = 8
"""AWS: ranges wider than /8 do not make a policy non-public."""


def _malformed(message: str) -> AwsError:
    return AwsError("MalformedPolicy", message, 400)
