"""Conditions of policies: operators over the facts of a request.

Source: "IAM JSON policy elements: Condition operators" and "Multivalued context keys".
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from emulator.core.errors import AwsError, NotSupported
from emulator.core.policy.patterns import filled, key_of, matches, wildcard

_CALLER_KEYS = frozenset(
    {"aws:principalaccount", "aws:principalarn", "aws:sourceaccount", "aws:sourcearn",
     "aws:sourceip"}
)  # fmt: skip

Values = tuple[str, ...]
Test = Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class Keys:
    """The condition keys that requests of a kind carry: names and beginnings of names."""

    names: frozenset[str]
    prefixes: tuple[str, ...] = ()

    def __contains__(self, key: str) -> bool:
        """Whether requests can have ``key`` (as ``key_of`` writes it)."""
        return key in self.names or key.startswith(self.prefixes)


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator on one key.

    ``known`` tells whether requests here carry the key at all; ``variables`` whether a value
    names facts of the request.
    """

    operator: str
    key: str
    values: Values
    quantifier: str
    if_exists: bool
    known: bool = True
    variables: bool = False

    def holds(self, context: Mapping[str, Any]) -> bool:
        """Whether the request's facts satisfy it."""
        raw = context.get(self.key)
        if isinstance(raw, str) and self.operator != "null":
            return self._fits(raw, context)
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
        quantified = all if self.quantifier == "forallvalues" else any
        return quantified(self._fits(have, context) for have in given)

    def _fits(self, have: str, context: Mapping[str, Any]) -> bool:
        """Whether one value of the request satisfies it: any test, or all of a negated operator."""
        negated = self.operator in _NEGATED
        for want in self.values:
            if self._test(have, want, context) is not negated:
                return not negated
        return negated

    def _test(self, have: str, want: str, context: Mapping[str, Any]) -> bool:
        if self.variables and "${" in want:
            negated = self.operator in _NEGATED
            if self.operator in _PATTERNS:
                return matches(want, have, context, variables=True) is not negated
            known = filled(want, context)
            if known is None:
                return negated
            want = known
        return _TESTS[self.operator](have, want)

    def fixes_caller(self) -> bool:
        """Whether it ties the request to callers with a fixed value (for "is it public")."""
        if self.key not in _CALLER_KEYS or self.operator in _NEGATED or self.if_exists:
            return False
        if self.operator == "null":
            return False
        if self.key == "aws:sourceip":
            return all(_network(value).prefixlen >= _WIDE_PREFIX for value in self.values)
        return all(value.strip("*?") == value for value in self.values)


def parse(
    raw: Any, keys: Keys, *, variables: bool = False, refuse: str | None = None
) -> tuple[Condition, ...]:
    """Read a Condition element.

    Raises MalformedPolicy. With ``refuse`` (what the policy is, "a bucket policy") a key that no
    request has and a variable that is not looked at are refused by name: NotSupported.
    """
    if not isinstance(raw, dict):
        raise _malformed("Invalid Condition")
    return tuple(
        _condition(operator, key, values, keys, variables=variables, refuse=refuse)
        for operator, tests in raw.items()
        for key, values in _items(tests)
    )


def _items(tests: Any) -> list[tuple[str, Any]]:
    if not isinstance(tests, dict):
        raise _malformed("Invalid Condition")
    return list(tests.items())


def _condition(
    operator: str, key: str, raw: Any, keys: Keys, *, variables: bool, refuse: str | None
) -> Condition:
    quantifier, name = "", operator.lower()
    if ":" in name:
        quantifier, _, name = name.partition(":")
        if quantifier not in {"forallvalues", "foranyvalue"}:
            raise _malformed(f"Invalid Condition type : {operator}")
    if_exists = name.endswith("ifexists")
    name = name.removesuffix("ifexists")
    if name != "null" and name not in _TESTS:
        raise _malformed(f"Invalid Condition type : {operator}")
    lowered = key_of(key)
    known = lowered in keys
    if not known and refuse:
        raise NotSupported(f"the condition key {key} in {refuse}")
    values = tuple(_text(value) for value in (raw if isinstance(raw, list) else [raw]))
    if not values:
        raise _malformed("Invalid Condition: no values")
    named = any("${" in value for value in values)
    if named and refuse and not variables:
        raise NotSupported(f"a policy variable in {refuse}'s Condition")
    check = _CHECKS.get(name)
    for value in values if check else ():
        if named and variables and "${" in value:
            continue
        try:
            check(value)  # type: ignore[misc]
        except ValueError as error:
            raise _malformed(f"Invalid value {value} for {operator}") from error
    return Condition(
        name, lowered, values, quantifier, if_exists, known, variables=named and variables
    )


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


def _arn_like(have: str, want: str) -> bool:
    """Part by part: a wildcard does not reach over a colon, but in the last of the six parts."""
    if want == "*":
        return True
    given, wanted = have.split(":", 5), want.split(":", 5)
    if len(given) != len(wanted):
        return False
    return all(_like(one, other) for one, other in zip(given, wanted, strict=True))


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
    "arnequals": _arn_like,
    "arnlike": _arn_like,
    "arnnotequals": _not(_arn_like),
    "arnnotlike": _not(_arn_like),
    "binaryequals": lambda a, b: a == b,
    "bool": lambda a, b: a.lower() == b.lower(),
    "ipaddress": _in_network,
    "notipaddress": _not(_in_network),
    **{f"numeric{name}": _compare(float, test) for name, test in _ORDERS.items()},
    **{f"date{name}": _compare(_instant, test) for name, test in _ORDERS.items()},
}
_PATTERNS = frozenset(name for name in _TESTS if name.endswith("like") or name.startswith("arn"))
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
