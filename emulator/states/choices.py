"""Choice rules of JSONPath: comparison operators and And, Or, Not.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/state-choice.html and
https://states-language.net/spec.html#choice-state
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

from emulator.states.documents import is_number
from emulator.states.faults import PathFault
from emulator.states.machine import Rule
from emulator.states.paths import Path, parse_path
from emulator.states.scopes import View
from emulator.states.timestamps import parse_timestamp

NESTING_MAX = 50

Compare = Callable[[Any, Any], bool]

_ORDER: dict[str, Compare] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "GreaterThan": operator.gt,
    "LessThanEquals": operator.le,
    "GreaterThanEquals": operator.ge,
}


def _of_kind(compare: Compare, admits: Callable[[Any], bool]) -> Compare:
    """A comparison that is false when an operand is of another kind."""
    return lambda left, right: admits(left) and admits(right) and compare(left, right)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_boolean(value: Any) -> bool:
    return isinstance(value, bool)


def _is_timestamp(value: Any) -> bool:
    return isinstance(value, str) and parse_timestamp(value) is not None


def _by_time(compare: Compare) -> Compare:
    def compare_times(left: Any, right: Any) -> bool:
        if not isinstance(left, str) or not isinstance(right, str):
            return False
        at, other = parse_timestamp(left), parse_timestamp(right)
        return at is not None and other is not None and compare(at, other)

    return compare_times


def _comparisons() -> dict[str, tuple[Compare, Callable[[Any], bool]]]:
    made: dict[str, tuple[Compare, Callable[[Any], bool]]] = {
        "BooleanEquals": (_of_kind(operator.eq, _is_boolean), _is_boolean)
    }
    for name, compare in _ORDER.items():
        made[f"String{name}"] = (_of_kind(compare, _is_text), _is_text)
        made[f"Numeric{name}"] = (_of_kind(compare, is_number), is_number)
        made[f"Timestamp{name}"] = (_by_time(compare), _is_timestamp)
    return made


COMPARISONS = _comparisons()
"""By name: the comparison, and which constants it admits. Each has a form with ``Path``."""

TYPE_TESTS: dict[str, Callable[[Any], bool]] = {
    "IsNull": lambda value: value is None,
    "IsNumeric": is_number,
    "IsString": _is_text,
    "IsBoolean": _is_boolean,
    "IsTimestamp": _is_timestamp,
}


def compile_rule(document: Any, depth: int = 0) -> Rule:
    """Compile a data test expression (the rule without Next and Assign).

    Raises ValueError; the result raises PathFault when its variable is not there.
    """
    if depth > NESTING_MAX:
        raise ValueError(f"Choice rules nest at most {NESTING_MAX} levels")
    if not isinstance(document, dict):
        raise ValueError("a Choice rule must be an object")  # noqa: TRY004 (a diagnostic)
    document = {name: value for name, value in document.items() if name != "Comment"}
    if "Not" in document:
        _only(document, {"Not"})
        inner = compile_rule(document["Not"], depth + 1)
        return lambda view: not inner(view)
    for name, combine in (("And", all), ("Or", any)):
        if name in document:
            _only(document, {name})
            return _composite(document[name], combine, name, depth)
    return _test(document)


def _composite(parts: Any, combine: Callable[..., bool], name: str, depth: int) -> Rule:
    if not isinstance(parts, list) or not parts:
        raise ValueError(f"'{name}' must be a non-empty array")
    rules = [compile_rule(part, depth + 1) for part in parts]
    return lambda view: combine(rule(view) for rule in rules)


def _only(document: dict[str, Any], allowed: set[str]) -> None:
    extra = set(document) - allowed
    if extra:
        raise ValueError(f"'{min(extra)}' does not belong to this Choice rule")


def _test(document: dict[str, Any]) -> Rule:
    operators = [name for name in document if name != "Variable"]
    if "Variable" not in document or len(operators) != 1:
        raise ValueError("a Choice rule needs 'Variable' and exactly one comparison operator")
    path = parse_path(_text(document["Variable"], "Variable"))
    name, operand = operators[0], document[operators[0]]
    if name == "IsPresent":
        wanted = _boolean(operand, name)
        return lambda view: _present(path, view) is wanted
    if name in TYPE_TESTS:
        test, expected = TYPE_TESTS[name], _boolean(operand, name)
        return lambda view: test(_read(path, view)) is expected
    if name == "StringMatches":
        pattern = _pattern(_text(operand, name))
        return lambda view: _matches(pattern, _read(path, view))
    if name.endswith("Path") and name[:-4] in COMPARISONS:
        compare = COMPARISONS[name[:-4]][0]
        other = parse_path(_text(operand, name))
        return lambda view: compare(_read(path, view), _read(other, view))
    if name not in COMPARISONS:
        raise ValueError(f"there is no comparison operator '{name}'")
    compare, admits = COMPARISONS[name]
    if not admits(operand):
        raise ValueError(f"'{name}' does not take {operand!r}")
    return lambda view: compare(_read(path, view), operand)


def _read(path: Path, view: View) -> Any:
    try:
        return path.read(view.data, view.context, view.variables.values)
    except PathFault as fault:
        raise PathFault(
            f"Invalid path '{path.text}': The choice state's condition path references an "
            "invalid value."
        ) from fault


def _present(path: Path, view: View) -> bool:
    try:
        found = path.read(view.data, view.context, view.variables.values)
    except PathFault:
        return False
    return path.keys is not None or bool(found)


def _pattern(text: str) -> re.Pattern[str]:
    parts = re.findall(r"\\.|\*|[^\\*]+|\\$", text, re.DOTALL)
    made = [".*" if p == "*" else re.escape(re.sub(r"^\\([\\*])$", r"\1", p)) for p in parts]
    return re.compile("".join(made), re.DOTALL)


def _matches(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"'{name}' must be a string")  # noqa: TRY004 (a diagnostic)
    return value


def _boolean(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"'{name}' must be a boolean")  # noqa: TRY004 (a diagnostic)
    return value
