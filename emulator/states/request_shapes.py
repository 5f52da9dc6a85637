"""Checks the parameters of a call against the API's own model, as AWS does before all else.

Types give SerializationException; missing members, unknown values of enums, lengths and ranges
give ValidationException. Members whose contents have an error of their own (InvalidName,
InvalidArn, InvalidToken, ...) are left to those who know it. Source of the rules: the service
model; https://docs.aws.amazon.com/step-functions/latest/apireference/CommonErrors.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from emulator.core.errors import AwsError
from emulator.core.models import service_model
from emulator.states.executions import STATUSES

_OWN_ERRORS = frozenset({"Name", "TaskToken", "SensitiveData"})
"""Shapes of text whose length is not checked here."""
_MAY_BE_EMPTY = frozenset({"Definition"})
"""Recorded on AWS: an empty definition is one with a problem, not one that is too short."""
_ENUM_ORDER = {"ExecutionStatus": STATUSES}
"""Where AWS names the values in another order than its model has."""


def check(operation: str, params: dict[str, Any]) -> None:
    """Raises SerializationException or ValidationException.

    For a call that the API does not have: UnknownOperationException.
    """
    model = service_model("stepfunctions")
    if operation not in model.operation_names:
        raise AwsError("UnknownOperationException", f"The operation {operation} does not exist")
    problems = list(_structure(model.operation_model(operation).input_shape, params, ""))
    if problems:
        plural = "s" if len(problems) > 1 else ""
        raise AwsError(
            "ValidationException",
            f"{len(problems)} validation error{plural} detected: {'; '.join(problems)}",
        )


def _structure(shape: Any, value: dict[str, Any], where: str) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield _problem("null", _path(where, name), "not be null")
    for name, member in shape.members.items():
        if value.get(name) is not None:
            yield from _value(member, value[name], _path(where, name))


def _value(shape: Any, value: Any, where: str) -> Iterator[str]:
    kind = shape.type_name
    if kind == "structure":
        yield from _structure(shape, _typed(value, dict, where, "an object"), where)
    elif kind == "list":
        for index, item in enumerate(_typed(value, list, where, "an array"), start=1):
            yield from _value(shape.member, item, f"{where}.{index}.member")
    elif kind == "boolean":
        _typed(value, bool, where, "a boolean")
    elif kind in {"integer", "long"}:
        yield from _number(shape, _typed(value, int, where, "an integer"), where)
    elif kind == "string":
        yield from _text(shape, _typed(value, str, where, "a string"), where)


def _typed(value: Any, wanted: type, where: str, what: str) -> Any:
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise AwsError("SerializationException", f"'{where}' must be {what}")
    return value


def _number(shape: Any, value: int, where: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and value < least:
        yield _problem(f"'{value}'", where, f"have value greater than or equal to {least}")
    if most is not None and value > most:
        yield _problem(f"'{value}'", where, f"have value less than or equal to {most}")


def _text(shape: Any, value: str, where: str) -> Iterator[str]:
    shown = "" if shape.metadata.get("sensitive") else f"'{value}'"
    if shape.enum and value not in shape.enum:
        values = ", ".join(_ENUM_ORDER.get(shape.name, shape.enum))
        yield _problem(shown, where, f"satisfy enum value set: [{values}]")
    if shape.name in _OWN_ERRORS:
        return
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max")
    if len(value) < least and shape.name not in _MAY_BE_EMPTY:
        yield _problem(shown, where, f"have length greater than or equal to {least}")
    if most is not None and len(value) > most:
        yield _problem(shown, where, f"have length less than or equal to {most}")


def _path(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _problem(shown: str, where: str, rule: str) -> str:
    value = f"Value {shown} at" if shown else "Value at"
    return f"{value} '{where}' failed to satisfy constraint: Member must {rule}"
