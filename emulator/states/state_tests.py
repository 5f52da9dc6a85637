"""TestState: one state by itself, run once, with a look inside.

Source: https://docs.aws.amazon.com/step-functions/latest/apireference/API_TestState.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from emulator.core import ids
from emulator.core.bus import Caller
from emulator.core.errors import AwsError, NotSupported
from emulator.states import configurations, machine
from emulator.states.compiler import compile_definition, compile_state
from emulator.states.deadlines import Deadline
from emulator.states.diagnostics import UNSUPPORTED, Diagnostic
from emulator.states.documents import BYTES_MAX, dumps, loads, utf8_bytes
from emulator.states.executions import Engine, Execution
from emulator.states.faults import RUNTIME, TIMEOUT, StateFault
from emulator.states.history import History
from emulator.states.inspections import Inspection
from emulator.states.integrations.resources import REQUEST
from emulator.states.interpreter import Outcome, attempt, caught
from emulator.states.lanes import Lane, Visit
from emulator.states.mocks import Mock, invalid, read_context, read_mock
from emulator.states.scopes import Variables

TEST_MAX_S = 300.0
"""Longest run of a test (AWS's limit)."""
_NOT_HERE = ("mapIterationFailureCount", "mapItemReaderData")


class StateTests:
    """Runs states that are in no execution."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def test(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """TestState.

        Raises InvalidDefinition, InvalidExecutionInput, InvalidArn, ValidationException, and
        NotSupported for what this emulator refuses in definitions.
        """
        state = _state(params)
        mock = read_mock(params, state)
        _check(params, state, mock)
        inspection: Inspection | None = None
        text = params.get("input") or "{}"
        data = _document(text, "InvalidExecutionInput", "Invalid State Machine Execution Input")
        if (params.get("inspectionLevel") or "INFO") != "INFO":
            inspection = Inspection(state, text)
        lane = self._lane(params, text, data, caller)
        lane.variables.assign(_variables(params))
        visit = _TestedVisit(lane, state, data, read_context(params, state))
        answer, details = await self._answer(visit, mock, _retries(params))
        if inspection is not None:
            answer["inspectionData"] = inspection.data(lane.variables.values, details)
        return answer

    async def _answer(
        self, visit: Visit, mock: Mock | None, retries: int
    ) -> tuple[dict[str, Any], dict[str, int]]:
        try:
            async with Deadline(self._engine.clock, TEST_MAX_S, StateFault(TIMEOUT)):
                outcome = await attempt(visit, mock.run if mock else None)
            _assign(visit, outcome)
        except StateFault as fault:
            return _failed(visit, fault, retries)
        return {"status": "SUCCEEDED", **_goes_on(outcome)}, {}

    def _lane(self, params: dict[str, Any], text: str, data: Any, caller: Caller) -> Lane:
        engine = self._engine
        name, run = engine.new_id(), engine.new_id()
        machine_arn = ids.arn(
            "states", f"stateMachine:{name}", region=caller.region, account=caller.account
        )
        execution = Execution(
            arn=machine_arn.replace(":stateMachine:", ":express:") + f":{run}",
            name=run,
            machine_arn=machine_arn,
            role_arn=params.get("roleArn") or "",
            express=True,
            input_text=text,
            input=data,
            start_date=round(engine.clock.now(), 3),
            history=History(engine.clock, express=True),
        )
        return Lane(engine, execution, Variables(engine.queries))


class _TestedVisit(Visit):
    """A visit whose context object may be given."""

    __slots__ = ("_given",)

    def __init__(
        self, lane: Lane, state: machine.State, data: Any, given: dict[str, Any] | None
    ) -> None:
        super().__init__(lane, state, data)
        self._given = given

    def context(self) -> dict[str, Any]:
        """The given one, or one of an execution that nobody started."""
        if self._given is not None:
            return self._given
        made = super().context()
        execution = made["Execution"]
        execution.pop("RedriveCount", None)
        execution["RoleArn"] = execution["RoleArn"] or None
        return made


def _state(params: dict[str, Any]) -> machine.State:
    name = params.get("stateName")
    if name is None:
        state, problems = compile_state(params["definition"])
        _refuse(problems)
        if state is not None:
            return state
        raise AwsError("InvalidDefinition", "Invalid State Machine Definition")
    whole, problems = compile_definition(params["definition"], "STANDARD")
    _refuse(problems)
    if whole is not None:
        for state in _all_states(whole.group):
            if state.name == name:
                return state
    raise invalid("State not found in definition")


def _all_states(group: machine.StateGroup) -> Iterator[machine.State]:
    for state in group.states.values():
        yield state
        if isinstance(state, machine.ParallelState):
            for branch in state.branches:
                yield from _all_states(branch)
        if isinstance(state, machine.MapState):
            yield from _all_states(state.processor)


def _refuse(problems: list[Diagnostic]) -> None:
    if not problems:
        return
    if all(problem.code == UNSUPPORTED for problem in problems):
        raise NotSupported("; ".join(p.message.removesuffix(" is not supported") for p in problems))
    sentences = ", ".join(problem.sentence() for problem in problems)
    raise AwsError("InvalidDefinition", f"Invalid State Machine Definition: '{sentences}'")


def _check(params: dict[str, Any], state: machine.State, mock: Mock | None) -> None:
    """Refuse what AWS refuses to test without a mock, and what is not supported here."""
    for name in _NOT_HERE:
        if (params.get("stateConfiguration") or {}).get(name) is not None:
            raise NotSupported(f"stateConfiguration.{name} (distributed Map)")
    if params.get("roleArn") is not None:
        configurations.role_arn(params)
    if mock is not None:
        return
    if state.type in {"Map", "Parallel"}:
        raise AwsError(
            "InvalidDefinition",
            "TestState API does not support Map or Parallel states. Supported state types "
            "include: [Task, Wait, Pass, Succeed, Fail, Choice]",
        )
    if isinstance(state, machine.TaskState):
        if state.resource.mode != REQUEST:
            raise AwsError(
                "InvalidDefinition",
                "TestState API does not support the '.sync' and '.waitForTaskToken' service "
                "integration patterns",
            )
        if params.get("roleArn") is None:
            raise invalid("RoleArn must be specified when testing a Task state")


def _variables(params: dict[str, Any]) -> dict[str, Any]:
    text = params.get("variables")
    if text is None:
        return {}
    try:
        found = loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise invalid("Variables must be a JSON object")
    return found


def _document(text: str, code: str, what: str) -> Any:
    if utf8_bytes(text) > BYTES_MAX:
        raise AwsError(code, f"{what}: 'Invalid execution input.'")
    try:
        return loads(text)
    except (ValueError, RecursionError) as error:
        raise AwsError(code, f"{what}: '{error}'") from error


def _retries(params: dict[str, Any]) -> int:
    return int((params.get("stateConfiguration") or {}).get("retrierRetryCount") or 0)


def _assign(visit: Visit, outcome: Outcome) -> None:
    try:
        visit.lane.variables.assign(outcome.assigned or {})
    except ValueError as error:
        raise StateFault(RUNTIME, visit.cause(str(error))) from error


def _failed(visit: Visit, fault: StateFault, retries: int) -> tuple[dict[str, Any], dict[str, int]]:
    """The answer for a state that failed, and which of its handlers took the error."""
    details: dict[str, int] = {}
    for index, retrier in enumerate(visit.state.retry):
        if fault.matches(retrier.errors):
            details["retryIndex"] = index
            if retries < retrier.attempts_max:
                delay = retrier.delay_s(retries, lambda: 1.0)
                details["retryBackoffIntervalSeconds"] = round(delay)
                return {"status": "RETRIABLE", **fault.details()}, details
            break
    for index, catcher in enumerate(visit.state.catch):
        if fault.matches(catcher.errors):
            details["catchIndex"] = index
            try:
                outcome = caught(visit, catcher, fault)
                _assign(visit, outcome)
            except StateFault as second:
                return {"status": "FAILED", **second.details()}, details
            return {"status": "CAUGHT_ERROR", **fault.details(), **_goes_on(outcome)}, details
    return {"status": "FAILED", **fault.details()}, details


def _goes_on(outcome: Outcome) -> dict[str, Any]:
    found = {"output": dumps(outcome.output)}
    return found if outcome.next is None else {**found, "nextState": outcome.next}
