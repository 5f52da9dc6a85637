"""Failure thresholds of a Map: ToleratedFailureCount, ToleratedFailurePercentage, their Path forms.

They are the distributed Map's, and AWS takes them in an inline one, too: their values are checked
there, and have no effect. Source:
https://docs.aws.amazon.com/step-functions/latest/dg/maprun-fail-threshold.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulator.states.compile_fields import FieldCompiler, data_path, unexpected
from emulator.states.documents import dumps, is_number
from emulator.states.faults import PathFault
from emulator.states.scopes import View
from emulator.states.templates import expression_of, is_expression, query_value

Check = Callable[[View], None]
"""Evaluates a threshold; raises PathFault or QueryFault for a value that cannot be one."""

COUNT = "ToleratedFailureCount"
PERCENTAGE = "ToleratedFailurePercentage"
PERCENTAGE_MAX = 100


def compile_thresholds(fields: FieldCompiler) -> tuple[Check, ...]:
    """The checks of a Map's thresholds; what is wrong goes to the compiler's problems."""
    found = []
    for name in (COUNT, PERCENTAGE):
        path = f"{name}Path"
        if name in fields.document and path in fields.document:
            fields.problems.add(fields.location, f"Use either '{name}' or '{path}', not both")
        found.append(fields.guarded(name, _compiler(name, jsonata=fields.jsonata)))
        if not fields.jsonata:
            found.append(fields.guarded(path, _path_compiler(name, path)))
    return tuple(check for check in found if check is not None)


def _compiler(name: str, *, jsonata: bool) -> Callable[[Any], Check]:
    def compile_value(value: Any) -> Check:
        if jsonata and is_expression(value):
            expression = expression_of(value)
            compiled = query_value(expression, name)
            return lambda view: _check_result(name, expression, compiled(view))
        if not _is_kind(name, value):
            raise ValueError(f"must be {_kind(name)}")
        _check_range(name, value, ValueError)
        return lambda _view: None

    return compile_value


def _path_compiler(name: str, path: str) -> Callable[[Any], Check]:
    def compile_path(value: Any) -> Check:
        read = data_path(value)

        def check(view: View) -> None:
            found = read(view)
            if not _is_kind(name, found):
                shown = found if isinstance(found, str) else dumps(found)
                raise PathFault(
                    f'The {path} field refers to value "{shown}" which is not a valid '
                    f"{'integer' if name == COUNT else 'float'}: {value}"
                )
            _check_range(name, found, PathFault)

        return check

    return compile_path


def _check_result(name: str, expression: str, found: Any) -> None:
    if not _is_kind(name, found):
        raise unexpected(expression, name, "integer" if name == COUNT else "number", found)
    _check_range(name, found, PathFault)


def _check_range(name: str, found: float, fault: type[Exception]) -> None:
    if name == COUNT and found < 0:
        raise fault(f"{name} cannot be negative.")
    if name == PERCENTAGE and not 0 <= found <= PERCENTAGE_MAX:
        raise fault(f"{name} must be between 0 and 100.")


def _is_kind(name: str, value: Any) -> bool:
    return is_number(value) and (name == PERCENTAGE or value == int(value))


def _kind(name: str) -> str:
    return "an integer" if name == COUNT else "a number"
