"""Runs executions: starts them, ends them, tells EventBridge and the journal."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from emulator.core.bus import Measure
from emulator.core.clock import iso
from emulator.core.journal import Journal
from emulator.states import run_branches, run_task
from emulator.states.documents import dumps, loads
from emulator.states.executions import (
    ABORTED,
    FAILED,
    RUNNING,
    SUCCEEDED,
    TIMED_OUT,
    Engine,
    Execution,
)
from emulator.states.faults import RUNTIME, StateFault
from emulator.states.history import History
from emulator.states.interpreter import run_group
from emulator.states.lanes import Lane
from emulator.states.machines import Revision
from emulator.states.scopes import Variables

log = logging.getLogger("emulator.states")

EXPRESS_MAX_S = 300.0
"""Longest run of an express execution (AWS's limit)."""
STANDARD_MAX_S = 31_536_000.0
"""Longest run of a standard execution (a year)."""
EXECUTIONS_KEPT_MAX = 20_000
"""Executions that are kept; beyond it the oldest finished one is forgotten."""
RETENTION_S = 90 * 86_400.0
"""How long a closed execution is kept, and its name taken (AWS's limit)."""
KILLED = "The emulator was killed while this execution was running"
JOURNAL_KIND = "execution"

_OUTCOMES = {
    SUCCEEDED: "ExecutionsSucceeded",
    FAILED: "ExecutionsFailed",
    TIMED_OUT: "ExecutionsTimedOut",
    ABORTED: "ExecutionsAborted",
}
"""Metrics of ended executions, by their status."""

_RUNNERS = (run_branches, run_task)  # importing them makes their types of state known


class Runs:
    """The executions of the service, by ARN. Express executions are known while they run."""

    def __init__(self, engine: Engine, journal: Journal) -> None:
        self._engine = engine
        self._journal = journal
        self._unfinished: set[Execution] = set()
        self._when_over: list[Callable[[Execution], None]] = []
        self.known: dict[str, Execution] = {}
        for arn, record in journal.load(JOURNAL_KIND).items():
            self.known[arn] = _restored(arn, record, engine)

    def on_over(self, listener: Callable[[Execution], None]) -> None:
        """Call ``listener`` with each execution that ended."""
        self._when_over.append(listener)

    def find(self, arn: str) -> Execution | None:
        """An execution by its ARN; those closed 90 days ago are forgotten."""
        execution = self.known.get(arn)
        if execution is not None and self._expired(execution):
            self.forget(execution)
            return None
        return execution

    def of_machine(self, machine_arn: str) -> list[Execution]:
        """The executions of a standard machine that are kept."""
        found = [e for e in self.known.values() if e.machine_arn == machine_arn]
        return [execution for execution in found if not self._expired(execution)]

    def running_of(self, machine_arn: str) -> list[Execution]:
        """The executions of a machine that are not over."""
        return [e for e in self._unfinished if e.machine_arn == machine_arn]

    def end_at_next_state(self, machine_arn: str) -> bool:
        """Abort each running execution of a machine when it enters its next state.

        Tells whether there are any.
        """
        running = self.running_of(machine_arn)
        for execution in running:
            execution.history.before_next_state(partial(self.end, execution, ABORTED, None, None))
        return bool(running)

    def _expired(self, execution: Execution) -> bool:
        stop = execution.stop_date
        return stop is not None and self._engine.clock.now() - stop > RETENTION_S

    def start(self, execution: Execution, revision: Revision) -> None:
        """Let ``execution`` run by itself."""
        execution.revision = revision
        execution.history.add(
            "ExecutionStarted",
            0,
            {"input": execution.input, "roleArn": execution.role_arn},
        )
        if not execution.express:
            self.known[execution.arn] = execution
            self._remember(execution)
            self._publish(execution)
        self._unfinished.add(execution)
        self._measure(execution, "ExecutionsStarted", 1, "Count")
        execution.task = asyncio.get_running_loop().create_task(self._run(execution, revision))

    def end(self, execution: Execution, status: str, error: Any, cause: Any) -> None:
        """End a running execution from outside (ABORTED or TIMED_OUT).

        Its status and history say so at once; its lanes end behind.
        """
        execution.ending = status
        execution.error, execution.cause = error, cause
        details = StateFault(error, cause).details()
        kind = "ExecutionAborted" if status == ABORTED else "ExecutionTimedOut"
        execution.history.add(kind, 0, details)
        execution.history.close()
        if execution.task is not None:
            execution.task.cancel()
        self._over(execution, status)

    async def finished(self, execution: Execution) -> None:
        """Wait for the end of ``execution``."""
        if execution.task is not None:
            await asyncio.wait({execution.task})

    async def recover(self) -> int:
        """End executions that a kill of the emulator left RUNNING; gives their number."""
        lost = [
            execution
            for execution in self.known.values()
            if execution.status == RUNNING and execution.task is None
        ]
        for execution in lost:
            self.end(execution, ABORTED, None, KILLED)
        return len(lost)

    async def stop(self) -> None:
        """Stop all that runs, without a trace: to the journal this is a kill."""
        tasks = [e.task for e in self._unfinished if e.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, execution: Execution, revision: Revision) -> None:
        engine, group = self._engine, revision.machine.group
        longest = EXPRESS_MAX_S if execution.express else STANDARD_MAX_S
        seconds = min(revision.machine.timeout_s or longest, longest)
        timer = engine.clock.call_later(seconds, lambda: self.end(execution, TIMED_OUT, None, None))
        lane = Lane(engine, execution, Variables(engine.queries))
        try:
            output = await run_group(lane, group, execution.input)
        except StateFault as fault:
            # One that was ended from outside has its last event and status already.
            if execution.ending is None:
                self._failed(execution, lane, fault)
        except asyncio.CancelledError:
            # Ended from outside (`end` has noted it), or the whole emulator stops.
            return
        except Exception:
            log.exception("the interpreter broke in %s", execution.arn)
            cause = "The emulator's interpreter broke; its log has the details."
            self._failed(execution, lane, StateFault(RUNTIME, cause))
        else:
            execution.output = dumps(output)
            execution.history.add("ExecutionSucceeded", lane.previous, {"output": output})
            self._over(execution, SUCCEEDED)
        finally:
            timer.cancel()
            self._unfinished.discard(execution)

    def _failed(self, execution: Execution, lane: Lane, fault: StateFault) -> None:
        execution.error, execution.cause = fault.error, fault.cause
        execution.history.add("ExecutionFailed", lane.previous, fault.details())
        self._over(execution, FAILED)

    def _over(self, execution: Execution, status: str) -> None:
        execution.status = status
        execution.stop_date = round(self._engine.clock.now(), 3)
        self._unfinished.discard(execution)
        took = (execution.stop_date - execution.start_date) * 1000
        self._measure(execution, _OUTCOMES[status], 1, "Count")
        self._measure(execution, "ExecutionTime", took, "Milliseconds")
        if not execution.express:
            self._remember(execution)
            self._publish(execution)
        for listener in self._when_over:
            listener(execution)

    def _remember(self, execution: Execution) -> None:
        self._journal.put(
            JOURNAL_KIND,
            execution.arn,
            {
                "machine": execution.machine_arn,
                "role": execution.role_arn,
                "input": execution.input_text,
                "start": execution.start_date,
                "status": execution.status,
                "stop": execution.stop_date,
                "output": execution.output,
                "error": execution.error,
                "cause": execution.cause,
            },
        )

    def forget(self, execution: Execution) -> None:
        """Drop a finished execution from memory and journal."""
        self.known.pop(execution.arn, None)
        self._journal.put(JOURNAL_KIND, execution.arn, None)

    def _measure(self, execution: Execution, name: str, value: float, unit: str) -> None:
        """A metric of the execution's state machine.

        Source: https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html
        """
        bus = self._engine.bus
        if bus.metered:
            of_machine = (("StateMachineArn", execution.machine_arn),)
            account, region = execution.account, execution.region
            bus.measure(Measure(account, region, "AWS/States", name, value, unit, of_machine))

    def _publish(self, execution: Execution) -> None:
        """The status change event of EventBridge.

        Source: https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
        """
        described = execution.description()
        stop = execution.stop_date
        detail = {
            "executionArn": execution.arn,
            "stateMachineArn": execution.machine_arn,
            "name": execution.name,
            "status": execution.status,
            "startDate": round(execution.start_date * 1000),
            "stopDate": None if stop is None else round(stop * 1000),
            "input": execution.input_text,
            "output": execution.output,
            "stateMachineVersionArn": None,
            "stateMachineAliasArn": None,
            "redriveCount": 0,
            "redriveDate": None,
            "redriveStatus": described["redriveStatus"],
            "redriveStatusReason": described["redriveStatusReason"],
            "inputDetails": {"included": True},
            "outputDetails": None if execution.output is None else {"included": True},
            "error": execution.error,
            "cause": execution.cause,
        }
        self._engine.bus.publish(
            {
                "version": "0",
                "id": self._engine.new_id(),
                "detail-type": "Step Functions Execution Status Change",
                "source": "aws.states",
                "account": execution.account,
                "time": iso(self._engine.clock.now()),
                "region": execution.region,
                "resources": [execution.arn],
                "detail": detail,
            }
        )


def _restored(arn: str, record: dict[str, Any], engine: Engine) -> Execution:
    """An execution from the journal. Of its history only start and end are known."""
    try:
        data = loads(record["input"])
    except json.JSONDecodeError:
        data = {}
    execution = Execution(
        arn=arn,
        name=arn.rsplit(":", 1)[-1],
        machine_arn=record["machine"],
        role_arn=record["role"],
        express=False,
        input_text=record["input"],
        input=data,
        start_date=record["start"],
        history=History(engine.clock, express=False),
        status=record["status"],
        stop_date=record["stop"],
        output=record["output"],
        error=record["error"],
        cause=record["cause"],
    )
    history = execution.history
    history.add("ExecutionStarted", 0, {"input": data, "roleArn": execution.role_arn})
    details = StateFault(execution.error, execution.cause).details()
    if execution.status == SUCCEEDED and execution.output is not None:
        history.add("ExecutionSucceeded", 0, {"output": loads(execution.output)})
    elif execution.status != RUNNING:
        ends = {FAILED: "ExecutionFailed", TIMED_OUT: "ExecutionTimedOut"}
        history.add(ends.get(execution.status, "ExecutionAborted"), 0, details)
    return execution
