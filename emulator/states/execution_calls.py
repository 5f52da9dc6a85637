"""API calls on executions and on waiting tasks.

Source: https://docs.aws.amazon.com/step-functions/latest/apireference/
"""

from __future__ import annotations

import math
from typing import Any

from emulator.core.bus import Caller
from emulator.core.errors import AwsError, NotSupported
from emulator.states import requests
from emulator.states.documents import BYTES_MAX, loads, utf8_bytes
from emulator.states.executions import ABORTED, RUNNING, SUCCEEDED, Engine, Execution
from emulator.states.history import History
from emulator.states.machine_calls import MachineCalls
from emulator.states.machines import StateMachine, revision_members
from emulator.states.runs import EXECUTIONS_KEPT_MAX, Runs

BILLED_STEP_MS = 100
BILLED_MEMORY_MB = 64


class ExecutionCalls:
    """The calls on executions; express ones are answered and forgotten."""

    def __init__(self, engine: Engine, machines: MachineCalls, runs: Runs) -> None:
        self._engine = engine
        self._machines = machines
        self._runs = runs

    async def start(self, params: dict[str, Any], _caller: Caller) -> dict[str, Any]:
        """StartExecution. Standard: the same name and input while it runs is the same start."""
        machine = self._machines.find_active(params["stateMachineArn"])
        await self._assume(machine)
        execution = self._new(machine, params)
        known = self._runs.find(execution.arn)
        if known is not None:
            if known.status == RUNNING and known.input_text == execution.input_text:
                return {"executionArn": known.arn, "startDate": known.start_date}
            raise AwsError("ExecutionAlreadyExists", f"Execution Already Exists: '{execution.arn}'")
        self._make_room()
        self._runs.start(execution, machine.revision)
        return {"executionArn": execution.arn, "startDate": execution.start_date}

    async def start_sync(self, params: dict[str, Any], _caller: Caller) -> dict[str, Any]:
        """StartSyncExecution: express only; answers when the execution is over."""
        machine = self._machines.find_active(params["stateMachineArn"])
        if not machine.express:
            raise AwsError(
                "StateMachineTypeNotSupported",
                "This operation is not supported by this type of state machine",
            )
        await self._assume(machine)
        execution = self._new(machine, params)
        self._runs.start(execution, machine.revision)
        await self._runs.finished(execution)
        if execution.stop_date is None:
            raise AwsError("ServiceUnavailable", "The emulator is stopping", 503)
        return _sync_answer(execution, with_data=params.get("includedData") != "METADATA_ONLY")

    async def stop(self, params: dict[str, Any], _caller: Caller) -> dict[str, Any]:
        """StopExecution; of one that is over it changes nothing."""
        execution = self._find(params)
        if execution.status == RUNNING:
            self._runs.end(execution, ABORTED, params.get("error"), params.get("cause"))
        return {"stopDate": execution.stop_date}

    async def describe(self, params: dict[str, Any], _caller: Caller) -> dict[str, Any]:
        """DescribeExecution."""
        found = self._find(params).description()
        if params.get("includedData") == "METADATA_ONLY":
            for name in ("input", "output"):
                if found.pop(name, None) is not None:
                    found[f"{name}Details"] = {"included": False}
        return found

    async def describe_machine(self, params: dict[str, Any], _caller: Caller) -> dict[str, Any]:
        """DescribeStateMachineForExecution: the definition that the execution runs."""
        execution = self._find(params)
        if execution.revision is None:
            raise AwsError(
                "ExecutionDoesNotExist",
                f"Execution Does Not Exist: '{execution.arn}' (it ran before the emulator started; "
                "its definition is not kept)",
            )
        return {
            "stateMachineArn": execution.machine_arn,
            "name": execution.machine_arn.rsplit(":", 1)[-1],
            "updateDate": execution.revision.updated,
            **revision_members(execution.revision),
        }

    async def list(self, params: dict[str, Any], _caller: Caller) -> dict[str, Any]:
        """ListExecutions, newest first: running ones by their start, others by their stop."""
        if params.get("mapRunArn"):
            raise NotSupported("mapRunArn (distributed Map)")
        if params.get("stateMachineArn") is None:
            raise AwsError(
                "ValidationException", "Exactly one of stateMachineArn and mapRunArn is required"
            )
        machine = self._machines.find(params["stateMachineArn"])
        if machine.express:
            raise AwsError(
                "StateMachineTypeNotSupported",
                "This operation is not supported by this type of state machine",
            )
        wanted = params.get("statusFilter")
        # Nothing is ever redriven here: RedriveExecution is refused.
        none = params.get("redriveFilter") == "REDRIVEN"
        executions = [
            execution
            for execution in self._runs.of_machine(machine.arn)
            if wanted in {None, execution.status} and not none
        ]
        chosen, token = requests.page(executions, params, _recency, newest_first=True)
        found: dict[str, Any] = {"executions": [execution.summary() for execution in chosen]}
        return found if token is None else {**found, "nextToken": token}

    async def list_map_runs(self, params: dict[str, Any], _caller: Caller) -> dict[str, Any]:
        """ListMapRuns: there are none, since a distributed Map is refused."""
        self._find(params)
        return {"mapRuns": []}

    async def history(self, params: dict[str, Any], _caller: Caller) -> dict[str, Any]:
        """GetExecutionHistory."""
        execution = self._find(params)
        with_data = params.get("includeExecutionData") is not False
        chosen, token = requests.page(
            range(1, len(execution.history) + 1),
            params,
            lambda event_id: event_id,
            newest_first=bool(params.get("reverseOrder")),
        )
        events = [execution.history.render(number - 1, with_data=with_data) for number in chosen]
        return {"events": events} if token is None else {"events": events, "nextToken": token}

    async def task_success(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """SendTaskSuccess."""
        await self._may_tell("SendTaskSuccess", params, caller)
        self._engine.tokens.succeed(params.get("taskToken"), params.get("output"))
        return {}

    async def task_failure(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """SendTaskFailure."""
        await self._may_tell("SendTaskFailure", params, caller)
        self._engine.tokens.fail(params.get("taskToken"), params.get("error"), params.get("cause"))
        return {}

    async def task_heartbeat(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """SendTaskHeartbeat."""
        await self._may_tell("SendTaskHeartbeat", params, caller)
        self._engine.tokens.heartbeat(params.get("taskToken"))
        return {}

    async def _assume(self, machine: StateMachine) -> None:
        """Raise AccessDeniedException unless the workflow's role trusts Step Functions."""
        role = machine.revision.role_arn
        if not await self._engine.bus.trusts(role, "states.amazonaws.com", machine.arn):
            raise AwsError(
                "AccessDeniedException",
                "Neither the global service principal states.amazonaws.com, nor the regional one "
                "is authorized to assume the provided role.",
            )

    async def _may_tell(self, operation: str, params: dict[str, Any], caller: Caller) -> None:
        """Raise AccessDeniedException unless the caller may tell of tasks of the workflow."""
        machine = self._engine.tokens.machine_of(params.get("taskToken"))
        if machine is not None:
            await self._engine.bus.require("states", caller, f"states:{operation}", machine)

    def _find(self, params: dict[str, Any]) -> Execution:
        arn = requests.arn(params["executionArn"], "execution")
        execution = self._runs.find(arn)
        if execution is None:
            raise AwsError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
        return execution

    def _new(self, machine: StateMachine, params: dict[str, Any]) -> Execution:
        given = params.get("name")
        name = requests.resource_name(given) if given is not None else self._engine.new_id()
        text = params.get("input")
        text = "{}" if text is None else text
        kind = "express" if machine.express else "execution"
        arn = machine.arn.replace(":stateMachine:", f":{kind}:") + f":{name}"
        if machine.express:
            arn += f":{self._engine.new_id()}"
        return Execution(
            arn=arn,
            name=name,
            machine_arn=machine.arn,
            role_arn=machine.revision.role_arn,
            express=machine.express,
            input_text=text,
            input=_input(text),
            start_date=round(self._engine.clock.now(), 3),
            history=History(self._engine.clock, express=machine.express),
            trace_header=params.get("traceHeader"),
        )

    def _make_room(self) -> None:
        known = self._runs.known
        if len(known) < EXECUTIONS_KEPT_MAX:
            return
        over = next((e for e in known.values() if e.status != RUNNING), None)
        if over is None:
            raise AwsError(
                "ExecutionLimitExceeded",
                f"There are {EXECUTIONS_KEPT_MAX} running executions already",
            )
        self._runs.forget(over)


def _recency(execution: Execution) -> list[Any]:
    return [execution.stop_date or execution.start_date, execution.start_date, execution.arn]


def _input(text: str) -> Any:
    if not text or utf8_bytes(text) > BYTES_MAX:
        raise AwsError(
            "InvalidExecutionInput",
            "Invalid State Machine Execution Input: 'Invalid execution input.'",
        )
    try:
        return loads(text)
    except (ValueError, RecursionError) as error:
        raise AwsError(
            "InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'"
        ) from error


def _sync_answer(execution: Execution, *, with_data: bool) -> dict[str, Any]:
    stop = execution.stop_date or execution.start_date
    spent_ms = (stop - execution.start_date) * 1000
    found: dict[str, Any] = {
        "executionArn": execution.arn,
        "stateMachineArn": execution.machine_arn,
        "name": execution.name,
        "startDate": execution.start_date,
        "stopDate": stop,
        "status": execution.status,
        "inputDetails": {"included": with_data},
        "outputDetails": {"included": with_data},
        "billingDetails": {
            "billedDurationInMilliseconds": max(
                BILLED_STEP_MS, math.ceil(spent_ms / BILLED_STEP_MS) * BILLED_STEP_MS
            ),
            "billedMemoryUsedInMB": BILLED_MEMORY_MB,
        },
    }
    if with_data:
        found["input"] = execution.input_text
    if with_data and execution.status == SUCCEEDED:
        found["output"] = execution.output
    if execution.trace_header is not None:
        found["traceHeader"] = execution.trace_header
    for name in ("error", "cause"):
        value = getattr(execution, name)
        if value is not None:
            found[name] = value
    return found
