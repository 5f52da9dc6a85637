"""Payload templates: fields whose parts are computed, compiled to functions of a View.

JSONPath: members whose name ends in ``.$`` hold a path or an intrinsic function. JSONata: strings
in ``{% %}`` hold an expression.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulator.states import queries
from emulator.states.documents import dumps
from emulator.states.faults import PARAMETER_PATH_FAILURE, PathFault, QueryFault
from emulator.states.intrinsics import is_intrinsic, parse_intrinsic
from emulator.states.paths import parse_path
from emulator.states.scopes import View

Template = Callable[[View], Any]

NESTING_MAX = 200


def is_expression(value: Any) -> bool:
    """Whether a string holds a JSONata expression."""
    return isinstance(value, str) and value.startswith("{%") and value.endswith("%}")


def check_delimiters(value: str) -> None:
    """Refuse text that opens an expression without closing it, or the other way round.

    Raises ValueError. Source:
    https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
    """
    if value.startswith("{%") != value.endswith("%}"):
        raise ValueError(f"a JSONata expression starts with '{{%' and ends with '%}}': {value!r}")


def expression_of(value: str) -> str:
    """What stands between the delimiters."""
    return value[2:-2].strip()


def query_template(value: Any, location: str) -> Template:
    """Compile a template of JSONata; ``location`` is its field (``Output/price``).

    The result raises QueryFault, also for an expression that has no value.
    """
    compiled = _query(value, location, 0)
    return compiled if callable(compiled) else lambda _view: compiled


def path_template(value: Any, error: str = PARAMETER_PATH_FAILURE) -> Template:
    """Compile a template of JSONPath; the result raises PathFault with ``error``."""
    compiled = _path(value, error, 0)
    return compiled if callable(compiled) else lambda _view: compiled


def path_value(text: str, field: str, error: str = PARAMETER_PATH_FAILURE) -> Template:
    """Compile one path or intrinsic function, as after a name that ends in ``.$``."""
    if is_intrinsic(text):
        return parse_intrinsic(text)
    path = parse_path(text)

    def evaluate(view: View) -> Any:
        try:
            return path.read(view.data, view.context, view.variables.values)
        except PathFault as fault:
            document = view.context() if path.root == "$$" else view.data
            raise PathFault(
                f"The JSONPath '{text}' specified for the field '{field}' could not be found in "
                f"the input '{dumps(document)}'",
                error,
            ) from fault

    return evaluate


def _query(value: Any, location: str, depth: int) -> Any:
    if depth > NESTING_MAX:
        raise ValueError(f"{location} is nested more than {NESTING_MAX} levels deep")
    if is_expression(value):
        return query_value(expression_of(value), location)
    if isinstance(value, str):
        check_delimiters(value)
    if isinstance(value, dict):
        members = {k: _query(v, f"{location}/{k}", depth + 1) for k, v in value.items()}
        return _object(members, value)
    if isinstance(value, list):
        items = [_query(v, f"{location}[{i}]", depth + 1) for i, v in enumerate(value)]
        return _array(items, value)
    return value


def query_value(expression: str, location: str) -> Template:
    """Compile one expression; raises ValueError for its syntax."""
    queries.parse(expression)

    def evaluate(view: View) -> Any:
        result = view.query(expression, location)
        if result is queries.NOTHING:
            raise QueryFault(
                f"The JSONata expression '{expression}' specified for the field '{location}' "
                "returned nothing (undefined).",
                location,
            )
        return result

    return evaluate


def _path(value: Any, error: str, depth: int) -> Any:
    if depth > NESTING_MAX:
        raise ValueError(f"a template is nested more than {NESTING_MAX} levels deep")
    if isinstance(value, dict):
        members: dict[str, Any] = {}
        for key, member in value.items():
            if not key.endswith(".$"):
                members[key] = _path(member, error, depth + 1)
                continue
            if not isinstance(member, str):
                message = f"the value of '{key}' must be a path or an intrinsic function"
                raise ValueError(message)  # noqa: TRY004 (a diagnostic)
            if key[:-2] in value:
                raise ValueError(f"'{key[:-2]}' is given twice, once as '{key}'")
            members[key[:-2]] = path_value(member, key, error)
        return _object(members, value)
    if isinstance(value, list):
        return _array([_path(item, error, depth + 1) for item in value], value)
    return value


def _object(members: dict[str, Any], constant: dict[str, Any]) -> Any:
    computed = [(key, member) for key, member in members.items() if callable(member)]
    if not computed:
        return constant

    def evaluate(view: View) -> dict[str, Any]:
        made = dict(members)
        for key, member in computed:
            made[key] = member(view)
        return made

    return evaluate


def _array(items: list[Any], constant: list[Any]) -> Any:
    computed = [(index, item) for index, item in enumerate(items) if callable(item)]
    if not computed:
        return constant

    def evaluate(view: View) -> list[Any]:
        made = list(items)
        for index, item in computed:
            made[index] = item(view)
        return made

    return evaluate
