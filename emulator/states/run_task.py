"""Task states: call the resource, wait for the job or the callback, within the time limits."""

from __future__ import annotations

import asyncio
from typing import Any

from emulator.core.clock import Clock
from emulator.states import machine
from emulator.states.deadlines import Deadline
from emulator.states.documents import too_large
from emulator.states.faults import (
    DATA_LIMIT_EXCEEDED,
    HEARTBEAT_TIMEOUT,
    TASK_FAILED,
    TIMEOUT,
    StateFault,
)
from emulator.states.integrations.calls import CallContext
from emulator.states.integrations.handlers import Handler, handler_of
from emulator.states.integrations.resources import SYNC, TOKEN, Resource
from emulator.states.interpreter import RUNNERS, Outcome, conclude, limited
from emulator.states.lanes import Lane, Visit
from emulator.states.tokens import Callback

STOP_REASON = "The Step Functions execution that ran it ended"


async def run_task(visit: Visit) -> Outcome:
    """One attempt of a Task state."""
    state, lane = visit.state, visit.lane
    if not isinstance(state, machine.TaskState):
        raise TypeError(state.type)
    tokens = lane.engine.tokens
    callback: Callback | None = None
    if state.resource.mode == TOKEN:
        callback = tokens.issue(lane.execution.arn)
        visit.token = callback.token
    try:
        view = visit.view()
        parameters = view.data
        if state.parameters is not None:
            parameters = limited(visit, state.parameters(view))
        elif state.jsonata and state.resource.kind != "function":
            parameters = {}
        timeout = state.timeout_s(view) if state.timeout_s else None
        heartbeat = state.heartbeat_s(view) if state.heartbeat_s else None
        call = _Call(lane, state.resource, parameters, callback)
        call.scheduled(timeout, heartbeat)
        result = await call.run(timeout, heartbeat)
    finally:
        if callback is not None:
            tokens.close(callback)
    return conclude(visit, view, result)


class _Call:
    """One call, with the events that it leaves in the history."""

    def __init__(
        self, lane: Lane, resource: Resource, parameters: Any, callback: Callback | None
    ) -> None:
        self._lane = lane
        self._resource = resource
        self._callback = callback
        self._handler: Handler = handler_of(resource)
        self._parameters = self._handler.complete(resource, parameters)
        engine = lane.engine
        self._context = CallContext(
            engine.bus,
            engine.clock,
            lane.execution.caller(engine.new_id()),
            engine.jobs,
            engine.background,
        )

    @property
    def _bare(self) -> bool:
        return self._resource.kind == "function"

    def _names(self) -> dict[str, Any]:
        return {
            "resource": self._resource.resource,
            "resourceType": self._resource.resource_type,
        }

    def _emit(self, what: str, details: dict[str, Any]) -> None:
        if self._bare:
            self._lane.emit(f"LambdaFunction{what}", details or None)
        else:
            self._lane.emit(f"Task{what}", {**self._names(), **details})

    def scheduled(self, timeout: int | None, heartbeat: int | None) -> None:
        """Note that the call is going to be made."""
        details: dict[str, Any] = (
            {"input": self._parameters, "resource": self._resource.text}
            if self._bare
            else {"parameters": self._parameters, "region": self._lane.execution.region}
        )
        if timeout is not None:
            details["timeoutInSeconds"] = timeout
        if heartbeat is not None:
            details["heartbeatInSeconds"] = heartbeat
        self._emit("Scheduled", details)

    async def run(self, timeout_s: int | None, heartbeat: int | None) -> Any:
        """Make the call and wait for what it is to wait for; gives the result."""
        self._emit("Started", {})
        clock: Clock = self._lane.engine.clock
        try:
            async with (
                Deadline(clock, timeout_s, StateFault(TIMEOUT)),
                Deadline(
                    clock, heartbeat, StateFault(TIMEOUT, None, frozenset({HEARTBEAT_TIMEOUT}))
                ) as silence,
            ):
                if self._callback is not None:
                    self._callback.on_heartbeat = silence.renew
                result = await self._result()
        except StateFault as fault:
            timed_out = fault.error == TIMEOUT
            self._emit("TimedOut" if timed_out else "Failed", fault.details())
            raise
        self._emit("Succeeded", {"output": result})
        return result

    async def _result(self) -> Any:
        if self._callback is not None:
            return await self._called_back(self._callback)
        submitted = await self._handler.submit(self._context, self._resource, self._parameters)
        if self._resource.mode == SYNC:
            submitted = await self._finished(submitted)
        return self._limited(submitted)

    async def _finished(self, submitted: Any) -> Any:
        self._emit("Submitted", {"output": submitted})
        over = False
        try:
            result = await self._handler.finish(self._context, self._resource, submitted)
            over = True
        except StateFault as fault:
            over = fault.error == TASK_FAILED
            raise
        finally:
            if not over:
                self._context.background.start(
                    self._handler.stop(self._context, submitted, STOP_REASON)
                )
        return result

    async def _called_back(self, callback: Callback) -> Any:
        """The callback may come before the request is answered: then it decides."""
        request = asyncio.get_running_loop().create_task(
            self._handler.submit(self._context, self._resource, self._parameters)
        )
        try:
            await asyncio.wait({request, callback.outcome}, return_when=asyncio.FIRST_COMPLETED)
            if request.done():
                self._emit("Submitted", {"output": self._limited(request.result())})
        finally:
            _abandon(request)
        return self._limited(await callback.outcome)

    def _limited(self, result: Any) -> Any:
        if too_large(result):
            name = self._resource.text if self._bare else self._resource.resource_type
            raise StateFault(
                DATA_LIMIT_EXCEEDED,
                f"The state/task '{name}' returned a result with a size exceeding the maximum "
                "number of bytes service limit.",
            )
        return result


def _abandon(request: asyncio.Task[Any]) -> None:
    if request.done():
        if not request.cancelled():
            request.exception()
    else:
        request.cancel()


RUNNERS["Task"] = run_task
