"""Runs states: enter, do, retry or catch, exit, next."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from emulator.states import machine
from emulator.states.documents import dumps, too_large
from emulator.states.faults import (
    DATA_LIMIT_EXCEEDED,
    NO_CHOICE_MATCHED,
    QUERY_EVALUATION_ERROR,
    RESULT_PATH_MATCH_FAILURE,
    RUNTIME,
    PathFault,
    QueryFault,
    StateFault,
)
from emulator.states.lanes import Lane, Visit
from emulator.states.machine import State, StateGroup
from emulator.states.paths import Path
from emulator.states.scopes import View
from emulator.states.templates import Template


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a visit ends: the output, where it goes on (None: nowhere), what it assigned."""

    output: Any
    next: str | None
    assigned: dict[str, Any] | None = None


Runner = Callable[[Visit], Awaitable[Outcome]]


async def run_group(lane: Lane, group: StateGroup, data: Any) -> Any:
    """Run a group from its first state to a terminal one; gives the output.

    Raises StateFault when a state fails and nothing catches it.
    """
    name: str | None = group.start_at
    while name is not None:
        state = group.states[name]
        lane.state = state
        outcome = await _run_state(lane, state, data)
        lane.state = None
        data, name = outcome.output, outcome.next
    return data


async def _run_state(lane: Lane, state: State, data: Any) -> Outcome:
    visit = Visit(lane, state, data)
    await lane.give_way()
    attempts = [0] * len(state.retry)
    while True:
        try:
            outcome = await attempt(visit)
            break
        except StateFault as fault:
            delay = _retry_delay(visit, fault, attempts)
            if delay is None:
                outcome = _catch(visit, fault)
                break
        await lane.engine.clock.sleep(delay)
        visit.retries += 1
        visit.token = None
    details: dict[str, Any] = {"name": state.name, "output": outcome.output}
    if outcome.assigned:
        details["assigned"] = outcome.assigned
        try:
            lane.variables.assign(outcome.assigned)
        except ValueError as error:
            raise StateFault(RUNTIME, visit.cause(str(error))) from error
    lane.emit(f"{state.type}StateExited", details)
    return outcome


async def attempt(visit: Visit, run: Runner | None = None) -> Outcome:
    """One attempt, by ``run`` instead of the state's own runner if that is given.

    Faults of fields get the state's name and become StateFaults.
    """
    visit.failed_inside = False
    try:
        outcome = await (run or RUNNERS[visit.state.type])(visit)
    except QueryFault as fault:
        raise _evaluation_failed(visit, fault) from fault
    except PathFault as fault:
        raise StateFault(fault.error, visit.cause(str(fault))) from fault
    if too_large(outcome.output):
        raise StateFault(
            DATA_LIMIT_EXCEEDED,
            f"The state/task '{visit.state.name}' returned a result with a size exceeding the "
            "maximum number of bytes service limit.",
        )
    return outcome


def _evaluation_failed(visit: Visit, fault: QueryFault) -> StateFault:
    """Note the event EvaluationFailed; gives the fault to raise."""
    lane, cause = visit.lane, visit.cause(str(fault))
    details = {"error": QUERY_EVALUATION_ERROR, "cause": cause, "state": visit.state.name}
    if fault.location:
        details["location"] = fault.location
    # As recorded on AWS: right after entering, the event follows what came before the state, unless
    # it is only the field that cannot take the value.
    early = lane.previous == visit.entered and not fault.evaluated
    previous = visit.entered_previous if early else lane.previous
    lane.previous = lane.note("EvaluationFailed", previous, details)
    return StateFault(QUERY_EVALUATION_ERROR, cause)


def _retry_delay(visit: Visit, fault: StateFault, attempts: list[int]) -> float | None:
    for index, retrier in enumerate(visit.state.retry):
        if fault.matches(retrier.errors):
            if attempts[index] >= retrier.attempts_max:
                return None
            attempts[index] += 1
            return retrier.delay_s(attempts[index] - 1, visit.lane.engine.rng.random)
    return None


def _catch(visit: Visit, fault: StateFault) -> Outcome:
    if visit.failed_inside:
        visit.lane.emit(f"{visit.state.type}StateFailed")
    for catcher in visit.state.catch:
        if fault.matches(catcher.errors):
            return caught(visit, catcher, fault)
    raise fault


def caught(visit: Visit, catcher: machine.Catcher, fault: StateFault) -> Outcome:
    """The outcome of a state whose ``fault`` is for ``catcher``; raises StateFault."""
    try:
        return _caught(visit, catcher, fault)
    except QueryFault as failed:
        raise _evaluation_failed(visit, failed) from failed
    except PathFault as failed:
        raise StateFault(failed.error, visit.cause(str(failed))) from failed


def _caught(visit: Visit, catcher: machine.Catcher, fault: StateFault) -> Outcome:
    error = fault.output()
    if visit.state.jsonata:
        view = View(
            visit.lane.engine.queries,
            visit.lane.variables,
            visit.context,
            visit.data,
            {"input": visit.data, "errorOutput": error},
        )
        output = catcher.output(view) if catcher.output else error
        return Outcome(output, catcher.next, _assigned(catcher.assign, view))
    view = visit.view().with_data(error)
    return Outcome(
        _placed(catcher.result_path, visit.data, error, discard=catcher.discard),
        catcher.next,
        _assigned(catcher.assign, view),
    )


def limited(visit: Visit, parameters: Any) -> Any:
    """``parameters`` of a state, when they are not over the limit on payloads.

    Source: States.DataLimitExceeded in
    https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
    """
    if too_large(parameters):
        raise StateFault(
            DATA_LIMIT_EXCEEDED,
            f"The state/task '{visit.state.name}' was given an input with a size exceeding the "
            "maximum number of bytes service limit.",
        )
    return parameters


def conclude(visit: Visit, view: View, result: Any) -> Outcome:
    """The outcome of a state that has a result (Pass, Task, Parallel, Map)."""
    state = visit.state
    if state.jsonata:
        seen = view.with_states(result=result)
        output = state.output(seen) if state.output else result
        return Outcome(output, state.next, _assigned(state.assign, seen))
    seen = view.with_data(result)
    if state.result_selector is not None:
        result = state.result_selector(seen)
        seen = view.with_data(result)
    assigned = _assigned(state.assign, seen)
    output = _placed(state.result_path, visit.data, result, discard=state.discard)
    return Outcome(_output_path(state, view, output), state.next, assigned)


def passed_on(state: State, view: View, next_state: str | None) -> Outcome:
    """The outcome of a state that hands its input on (Choice, Wait, Succeed)."""
    return _passed(state, view, next_state, state.output, state.assign)


def _passed(
    state: State,
    view: View,
    next_state: str | None,
    output: Template | None,
    assign: Template | None,
) -> Outcome:
    if state.jsonata:
        made = output(view) if output else view.data
        return Outcome(made, next_state, _assigned(assign, view))
    return Outcome(_output_path(state, view, view.data), next_state, _assigned(assign, view))


def _output_path(state: State, view: View, output: Any) -> Any:
    return output if state.output_path is None else state.output_path(view.with_data(output))


def _assigned(assign: Template | None, view: View) -> dict[str, Any] | None:
    return None if assign is None else assign(view)


def _placed(path: Path | None, document: Any, result: Any, *, discard: bool) -> Any:
    if discard:
        return document
    if path is None:
        return result
    try:
        return path.put(document, result)
    except PathFault as fault:
        raise PathFault(
            f'Unable to apply step "{path.text}" to input {dumps(document)}',
            RESULT_PATH_MATCH_FAILURE,
        ) from fault


async def _run_pass(visit: Visit) -> Outcome:
    state, view = visit.state, visit.view()
    if state.jsonata:
        output = state.output(view) if state.output else visit.data
        return Outcome(output, state.next, _assigned(state.assign, view))
    result = view.data
    if isinstance(state, machine.PassState) and state.has_result:
        result = state.result
    elif state.parameters is not None:
        result = state.parameters(view)
    return conclude(visit, view, result)


async def _run_succeed(visit: Visit) -> Outcome:
    return passed_on(visit.state, visit.view(), None)


async def _run_fail(visit: Visit) -> Outcome:
    state, view = visit.state, visit.view()
    if not isinstance(state, machine.FailState):
        raise TypeError(state.type)
    error = state.error(view) if state.error else None
    raise StateFault(error, state.cause(view) if state.cause else None)


async def _run_choice(visit: Visit) -> Outcome:
    state, view = visit.state, visit.view()
    if not isinstance(state, machine.ChoiceState):
        raise TypeError(state.type)
    for rule in state.choices:
        if rule.condition(view):
            return _passed(state, view, rule.next, rule.output, rule.assign)
    if state.default is None:
        raise StateFault(
            NO_CHOICE_MATCHED,
            visit.cause("Failed to transition out of the state. No choice matched."),
        )
    return passed_on(state, view, state.default)


async def _run_wait(visit: Visit) -> Outcome:
    state, view, clock = visit.state, visit.view(), visit.lane.engine.clock
    if not isinstance(state, machine.WaitState):
        raise TypeError(state.type)
    now = clock.now()
    await clock.sleep(state.until(view, now) - now)
    return passed_on(state, view, state.next)


RUNNERS: dict[str, Runner] = {
    "Pass": _run_pass,
    "Succeed": _run_succeed,
    "Fail": _run_fail,
    "Choice": _run_choice,
    "Wait": _run_wait,
}
"""By type of state; the modules of the larger types add theirs."""

__all__ = ["RUNNERS", "Outcome", "conclude", "limited", "run_group"]
