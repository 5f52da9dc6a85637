"""Mocks of TestState: a result or an error that stands for what the state would have called.

Source: https://docs.aws.amazon.com/step-functions/latest/apireference/API_MockInput.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from emulator.core.errors import AwsError
from emulator.states import machine
from emulator.states.documents import is_number, loads
from emulator.states.faults import StateFault
from emulator.states.integrations.resources import REQUEST, Resource
from emulator.states.interpreter import Outcome, conclude
from emulator.states.lanes import Visit

MOCKABLE = frozenset({"Task", "Parallel", "Map"})
_CONTEXT_FIELDS = {
    "Execution": {"Id", "Input", "Name", "RoleArn", "StartTime", "RedriveCount", "RedriveTime"},
    "State": {"EnteredTime", "Name", "RetryCount"},
    "StateMachine": {"Id", "Name"},
    "Task": {"Token"},
}
_NOT_TEXT = frozenset({"Input", "RedriveCount", "RetryCount"})


@dataclass(frozen=True)
class Mock:
    """What the state's call gives: ``result``, or ``fault``."""

    result: Any = None
    fault: StateFault | None = None

    async def run(self, visit: Visit) -> Outcome:
        """One attempt of the state, in which nothing is called."""
        state, view = visit.state, visit.view()
        if isinstance(state, machine.MapState):
            if state.items is not None:
                state.items(view)
            if state.concurrency is not None:
                state.concurrency(view)
        elif state.parameters is not None:
            state.parameters(view)
        if self.fault is not None:
            raise self.fault
        return conclude(visit, view, self.result)


def read_mock(params: dict[str, Any], state: machine.State) -> Mock | None:
    """The mock of a call of TestState, or None; raises ValidationException."""
    given = params.get("mock")
    if given is None:
        if params.get("context") is not None:
            raise invalid("A context object may only be specified when a mock is specified")
        return None
    if state.type not in MOCKABLE:
        raise invalid(f"State type '{state.type}' is not supported when a mock is specified")
    if params.get("revealSecrets"):
        raise invalid("TestState does not support RevealSecrets when a mock is specified.")
    error = given.get("errorOutput")
    if (given.get("result") is None) == (error is None):
        raise invalid(
            "A test mock should have only one of the following fields: [result, errorOutput]."
        )
    if error is not None:
        return Mock(fault=StateFault(error.get("error"), error.get("cause")))
    result = _parsed(given["result"], "Mocked result must be valid JSON")
    _check_result(state, result, given.get("fieldValidationMode") or "STRICT")
    return Mock(result)


def read_context(params: dict[str, Any], state: machine.State) -> dict[str, Any] | None:
    """The context object of a call of TestState, or None; raises ValidationException."""
    text = params.get("context")
    if text is None:
        return None
    context = _parsed(text, "Context object must be valid JSON")
    if not isinstance(context, dict):
        raise _bad_context("it must be a JSON object")
    if "Map" in context:
        raise _bad_context("'Map' field is not supported when mocking a Context object")
    waits = isinstance(state, machine.TaskState) and state.resource.mode != REQUEST
    if "Task" in context and not waits:
        raise _bad_context(
            "Context object contains 'Task' when state is not a Task state with a '.sync' or "
            "'.waitForTaskToken' service integration pattern"
        )
    for name, part in context.items():
        allowed = _CONTEXT_FIELDS.get(name)
        if allowed is None:
            raise _bad_context(f"Field '{name}' is not allowed")
        for field, value in (part if isinstance(part, dict) else {}).items():
            if field not in allowed:
                raise _bad_context(f"Field '{field}' is not allowed")
            if field not in _NOT_TEXT and not isinstance(value, str):
                raise _bad_context(f"{name}.{field} must be a string")
    return context


def _check_result(state: machine.State, result: Any, mode: str) -> None:
    if isinstance(state, machine.MapState | machine.ParallelState):
        if not isinstance(result, list):
            raise invalid("Mocked result must be an array.")
        if isinstance(state, machine.ParallelState) and len(result) != len(state.branches):
            raise invalid(
                "Mocked result must contain the same number of items as number of Parallel "
                "branches."
            )
    elif isinstance(state, machine.TaskState) and mode != "NONE":
        problem = next(_problems_of(state.resource, result, strict=mode == "STRICT"), None)
        if problem is not None:
            raise invalid(f"Mock result schema validation error: {problem}")


def _problems_of(resource: Resource, result: Any, *, strict: bool) -> Iterator[str]:
    # What a job or a callback gives is not what the operation answers.
    shape = resource.operation and resource.operation.model.output_shape
    if shape is None or resource.mode != REQUEST:
        return
    parsed = {"Payload"} if resource.kind == "optimised" else set()
    if isinstance(result, dict):
        result = {name: value for name, value in result.items() if name not in parsed}
    yield from _problems(shape, result, "result", strict=strict)


def _problems(shape: Any, value: Any, name: str, *, strict: bool) -> Iterator[str]:
    kind = shape.type_name
    if kind == "structure":
        yield from _in_structure(shape, value, name, strict=strict)
    elif kind == "list":
        if not isinstance(value, list):
            yield f"Field '{name}' must be an array"
            return
        for item in value:
            yield from _problems(shape.member, item, name, strict=strict)
    elif kind == "map":
        if not isinstance(value, dict):
            yield f"Field '{name}' must be an object"
            return
        for key, item in value.items():
            yield from _problems(shape.value, item, key, strict=strict)
    elif kind == "boolean":
        if not isinstance(value, bool):
            yield f"Field '{name}' must be a boolean"
    elif kind in {"integer", "long", "float", "double"}:
        yield from _in_number(shape, value, name)
    else:
        yield from _in_text(shape, value, name)


def _in_structure(shape: Any, value: Any, name: str, *, strict: bool) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"Field '{name}' must be an object"
        return
    members = {member[:1].upper() + member[1:]: member for member in shape.members}
    for shown, member in members.items():
        if strict and member in shape.required_members and shown not in value:
            yield f"Required field '{shown}' is missing"
    for shown, item in value.items():
        if shown in members and item is not None:
            yield from _problems(shape.members[members[shown]], item, shown, strict=strict)


def _in_number(shape: Any, value: Any, name: str) -> Iterator[str]:
    if not is_number(value):
        yield f"Field '{name}' must be a number"
    elif value < shape.metadata.get("min", value):
        yield f"Field '{name}' is less than the minimum value"
    elif value > shape.metadata.get("max", value):
        yield f"Field '{name}' exceeds the maximum value"


def _in_text(shape: Any, value: Any, name: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"Field '{name}' must be a string"
    elif shape.type_name == "string" and shape.enum and value not in shape.enum:
        yield f"Field '{name}' is not an expected value"
    elif len(value) < shape.metadata.get("min", 0):
        yield f"Field '{name}' is smaller than the minimum length"
    elif len(value) > shape.metadata.get("max", len(value)):
        yield f"Field '{name}' exceeds the maximum length"


def _parsed(text: str, message: str) -> Any:
    try:
        return loads(text)
    except (ValueError, RecursionError):
        raise invalid(message) from None


def _bad_context(what: str) -> AwsError:
    return invalid(f"Invalid Context object provided: {what}")


def invalid(message: str) -> AwsError:
    """ValidationException, as TestState words it."""
    return AwsError("ValidationException", message)
