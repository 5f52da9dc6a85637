"""Compiles the fields that several types of state share."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from emulator.states import machine
from emulator.states.diagnostics import Diagnostics
from emulator.states.documents import dumps, is_number, type_name
from emulator.states.fault_handlers import compile_catch, compile_retry
from emulator.states.faults import PARAMETER_PATH_FAILURE, RUNTIME, PathFault, QueryFault
from emulator.states.paths import parse_path, parse_reference
from emulator.states.scopes import View
from emulator.states.templates import (
    Template,
    check_delimiters,
    expression_of,
    is_expression,
    path_template,
    path_value,
    query_template,
    query_value,
)
from emulator.states.timestamps import parse_timestamp

VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,79}\Z")
WAIT_MAX_S = 99_999_999
TIMESTAMP_MAX_S = 2_147_483_647
"""How far off a timestamp may be: AWS was recorded taking 24,855 days and refusing one more."""
_WHOLE = re.compile(r"-?\d{1,10}", re.ASCII)
Made = TypeVar("Made")


class FieldCompiler:
    """Reads the fields of one state; what is wrong goes to ``problems`` and gives None.

    ``outer`` are the variables of outer scopes, which this state must not assign.
    """

    def __init__(
        self,
        name: str,
        document: dict[str, Any],
        location: str,
        problems: Diagnostics,
        *,
        outer: frozenset[str],
        jsonata: bool,
    ) -> None:
        self.name = name
        self.document = document
        self.location = location
        self.outer = outer
        self.problems = problems
        self.jsonata = jsonata

    def common(self) -> dict[str, Any]:
        """The constructor's arguments that all types of state share."""
        document, jsonata = self.document, self.jsonata
        made: dict[str, Any] = {
            "name": self.name,
            "type": document["Type"],
            "jsonata": jsonata,
            "next": document.get("Next"),
            "assign": self.template("Assign"),
            "output": self.template("Output"),
            "parameters": self.template("Arguments" if jsonata else "Parameters"),
            "result_selector": self.template("ResultSelector"),
            "input_path": self._data_path("InputPath"),
            "output_path": self._data_path("OutputPath"),
        }
        if "ResultPath" in document:
            made["discard"] = document["ResultPath"] is None
            if not made["discard"]:
                made["result_path"] = self.guarded("ResultPath", parse_reference)
        made["retry"] = self.guarded("Retry", compile_retry) or ()
        made["catch"] = self.guarded("Catch", lambda v: compile_catch(v, self)) or ()
        return made

    def template(self, name: str) -> Template | None:
        """A payload template, or None when the state has no such field."""
        return self.template_in(self.document, name, "")

    def template_in(self, document: dict[str, Any], name: str, where: str) -> Template | None:
        """`template` of a part of the state (a rule, a catcher) at ``where`` in it."""
        if name not in document:
            return None
        field = f"{where}/{name}" if where else name
        value = document[name]
        try:
            if name == "Assign":
                self._check_assign(value)
            if self.jsonata:
                return query_template(value, field)
            # States.ParameterPathFailure is documented for payload templates. Recorded on AWS is
            # States.Runtime where nothing could catch it anyway.
            catchable = name != "Assign" and self.document["Type"] != "Pass"
            return path_template(value, PARAMETER_PATH_FAILURE if catchable else RUNTIME)
        except ValueError as error:
            self.problems.add_error(f"{self.location}/{field}", error)
            return None

    def number(self, name: str, least: int, most: int) -> machine.WholeNumber | None:
        """A whole number: a constant, ``<name>Path``, or a JSONata expression."""
        path = f"{name}Path"
        if name in self.document and path in self.document:
            self.problems.add(self.location, f"Use either '{name}' or '{path}', not both")
        if path in self.document and not self.jsonata:
            return self.guarded(path, lambda value: whole_number_path(path, value, least, most))
        return self.guarded(
            name, lambda value: whole_number(name, value, least, most, jsonata=self.jsonata)
        )

    def guarded(self, name: str, compile_value: Callable[[Any], Made]) -> Made | None:
        """``compile_value`` of a field; None without the field or when it is wrong."""
        if name not in self.document:
            return None
        try:
            return compile_value(self.document[name])
        except ValueError as error:
            self.problems.add_error(f"{self.location}/{name}", error)
            return None

    def _data_path(self, name: str) -> Template | None:
        if name not in self.document:
            return None
        if self.document[name] is None:
            return lambda _view: {}
        return self.guarded(name, data_path)

    def _check_assign(self, value: Any) -> None:
        if not isinstance(value, dict):
            raise ValueError("must be an object")  # noqa: TRY004 (a diagnostic)
        for key in value:
            name = key[:-2] if key.endswith(".$") and not self.jsonata else key
            if not VARIABLE_NAME.match(name) or name == "states":
                raise ValueError(f"'{name}' is not a valid variable name")
            if name in self.outer:
                raise ValueError(f"'{name}' is a variable of an outer scope and cannot be assigned")


def data_path(value: Any) -> Template:
    """InputPath, OutputPath and ItemsPath: a path that must find something."""
    if not isinstance(value, str):
        raise ValueError("must be a path")  # noqa: TRY004 (a diagnostic)
    path = parse_path(value)
    return lambda view: path.read(view.data, view.context, view.variables.values)


def whole_number(
    name: str, value: Any, least: int, most: int, *, jsonata: bool
) -> machine.WholeNumber:
    """A constant, or an expression where the language allows it."""
    if jsonata and is_expression(value):
        expression = expression_of(value)
        compiled = query_value(expression, name)
        return lambda view: _checked(compiled(view), expression, name, least, most)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"must be an integer from {least} to {most}")
    return lambda _view: value


def whole_number_path(name: str, value: Any, least: int, most: int) -> machine.WholeNumber:
    """A path (``TimeoutSecondsPath``) to a whole number."""
    compiled = data_path(value)

    def read(view: View) -> int:
        found = _digits(compiled(view))
        if not is_number(found) or found != int(found):
            shown = found if isinstance(found, str) else dumps(found)
            raise PathFault(
                f'The {name} field refers to value "{shown}" which is not a valid integer: {value}'
            )
        if not least <= found <= most:
            raise PathFault(f"The {name} field refers to a value out of range: {value} == {found}")
        return int(found)

    return read


def _digits(found: Any) -> Any:
    """A whole number written as text is one, as recorded on AWS (for MaxConcurrencyPath)."""
    return int(found) if isinstance(found, str) and _WHOLE.fullmatch(found) else found


def query_condition(value: Any, location: str) -> machine.Rule:
    """The Condition of a Choice rule: a boolean or an expression that gives one."""
    if isinstance(value, bool):
        return lambda _view: value
    if not is_expression(value):
        raise ValueError("'Condition' must be a boolean or a JSONata expression")
    expression = expression_of(value)
    compiled = query_value(expression, location)

    def test(view: View) -> bool:
        found = compiled(view)
        if not isinstance(found, bool):
            raise unexpected(expression, location, "boolean", found)
        return found

    return test


def text_field(name: str, value: Any, *, jsonata: bool) -> Template:
    """Error and Cause of a Fail state, with their Path forms."""
    if not isinstance(value, str):
        raise ValueError("must be a string")  # noqa: TRY004 (a diagnostic)
    if name.endswith("Path"):
        compiled = path_value(value, name, RUNTIME)
        return lambda view: _text(compiled(view), name)
    if jsonata and is_expression(value):
        expression = expression_of(value)
        compiled = query_value(expression, name)

        def evaluate(view: View) -> str:
            found = compiled(view)
            if not isinstance(found, str):
                raise unexpected(expression, name, "string", found)
            return found

        return evaluate
    if jsonata:
        check_delimiters(value)
    return lambda _view: value


def wait_field(name: str, value: Any, *, jsonata: bool) -> Callable[[View, float], float]:
    """The one field of a Wait state; gives the time to wait for."""
    if name == "Seconds":
        seconds = whole_number(name, value, 0, WAIT_MAX_S, jsonata=jsonata)
        return lambda view, now: now + seconds(view)
    if name == "Timestamp":
        if jsonata and is_expression(value):
            compiled = query_value(expression_of(value), name)
            return lambda view, now: _limited(_query_time(compiled(view)), now)
        at = parse_timestamp(value) if isinstance(value, str) else None
        if at is None:
            raise ValueError(f"must be an ISO-8601 extended offset date-time: {value!r}")
        return lambda _view, now: _limited(at, now)
    read = data_path(value)
    if name == "SecondsPath":
        return lambda view, now: now + _wait_seconds(read(view), value)
    return lambda view, now: _limited(_wait_time(read(view), value), now)


def _wait_seconds(found: Any, path: str) -> int:
    if not isinstance(found, int) or isinstance(found, bool):
        shown = found if isinstance(found, str) else dumps(found)
        raise PathFault(
            f"The SecondsPath parameter cannot be parsed as a long value: {path} == {shown}"
        )
    if found < 0:
        raise PathFault(f"The SecondsPath parameter references a negative value: {path} == {found}")
    if found > WAIT_MAX_S:
        raise PathFault("Wait state delay is too long.")
    return found


def _wait_time(found: Any, path: str) -> float:
    at = parse_timestamp(found) if isinstance(found, str) else None
    if at is None:
        shown = found if isinstance(found, str) else dumps(found)
        raise PathFault(
            "The TimestampPath parameter does not reference a valid ISO-8601 extended offset "
            f"date-time format string: {path} == {shown}"
        )
    return at


def _query_time(found: Any) -> float:
    at = parse_timestamp(found) if isinstance(found, str) else None
    if at is None:
        shown = found if isinstance(found, str) else dumps(found)
        raise QueryFault(
            "The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format "
            f"string: {shown}",
            "Timestamp",
            evaluated=True,
        )
    return at


def _limited(at: float, now: float) -> float:
    if at - now > TIMESTAMP_MAX_S:
        raise PathFault("Wait state delay is too long.")
    return at


def _checked(found: Any, expression: str, name: str, least: int, most: int) -> int:
    if not is_number(found) or found != int(found):
        raise unexpected(expression, name, "integer", found)
    if not least <= found <= most:
        raise QueryFault(
            f"The JSONata expression '{expression}' specified for the field '{name}' returned a "
            f"value out of range: {found}",
            name,
        )
    return int(found)


def _text(found: Any, name: str) -> str:
    if not isinstance(found, str):
        raise PathFault(f"The {name} field refers to a value that is not a string: {dumps(found)}")
    return found


def unexpected(expression: str, location: str, wanted: str, found: Any) -> QueryFault:
    """The fault of an expression that gives another type than its field needs."""
    return QueryFault(
        f"The JSONata expression '{expression}' specified for the field '{location}' returned an "
        f"unexpected result type. Expected '{wanted}', but was '{type_name(found)}' for value: "
        f"{dumps(found)}",
        location,
    )
