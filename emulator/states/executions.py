"""An execution: its record, and what the interpreter needs while it runs."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from emulator.core.bus import Bus, Caller
from emulator.core.clock import Clock, iso
from emulator.core.credentials import session_arn
from emulator.states.history import History
from emulator.states.integrations.calls import Background
from emulator.states.integrations.jobs import Jobs
from emulator.states.machines import Revision
from emulator.states.queries import QueryEngine
from emulator.states.tokens import Tokens

RUNNING = "RUNNING"
SUCCEEDED = "SUCCEEDED"
FAILED = "FAILED"
TIMED_OUT = "TIMED_OUT"
ABORTED = "ABORTED"
STATUSES = (SUCCEEDED, TIMED_OUT, "PENDING_REDRIVE", ABORTED, FAILED, RUNNING)


@dataclass(frozen=True)
class Engine:
    """What all executions share."""

    bus: Bus
    clock: Clock
    queries: QueryEngine
    tokens: Tokens
    jobs: Jobs
    background: Background
    rng: random.Random
    new_id: Callable[[], str]


@dataclass(slots=True, eq=False)
class Execution:
    """An execution, running or over.

    ``machine_arn``, ``role_arn`` and the rest are as they were when it started; ``revision`` is
    None for one that was found in the journal. ``input_text`` is the input as it was given. Times
    are epoch seconds.
    """

    arn: str
    name: str
    machine_arn: str
    role_arn: str
    express: bool
    input_text: str
    input: Any
    start_date: float
    history: History
    revision: Revision | None = None
    trace_header: str | None = None
    status: str = RUNNING
    stop_date: float | None = None
    output: str | None = None
    error: str | None = None
    cause: str | None = None
    task: asyncio.Task[None] | None = field(default=None, repr=False)
    ending: str | None = None
    """ABORTED or TIMED_OUT, once it was decided that the interpreter has to stop."""

    @property
    def account(self) -> str:
        """The account it runs in."""
        return self.arn.split(":")[4]

    @property
    def region(self) -> str:
        """The region it runs in."""
        return self.arn.split(":")[3]

    def caller(self, request_id: str) -> Caller:
        """Who its tasks call other services as: a session of its role, named like it."""
        return Caller(
            self.account,
            self.region,
            session_arn(self.role_arn, self.name),
            request_id=request_id,
            role_arn=self.role_arn,
        )

    def context(self) -> dict[str, Any]:
        """The parts of the context object that do not change while it runs."""
        mine = {
            "Id": self.arn,
            "Input": self.input,
            "StartTime": iso(self.start_date),
            "Name": self.name,
            "RoleArn": self.role_arn,
        }
        return {
            "Execution": mine if self.express else {**mine, "RedriveCount": 0},
            "StateMachine": {
                "Id": self.machine_arn,
                "Name": self.machine_arn.rsplit(":", 1)[-1],
            },
        }

    def summary(self) -> dict[str, Any]:
        """As ListExecutions has it."""
        found: dict[str, Any] = {
            "executionArn": self.arn,
            "stateMachineArn": self.machine_arn,
            "name": self.name,
            "status": self.status,
            "startDate": self.start_date,
            "redriveCount": 0,
        }
        if self.stop_date is not None:
            found["stopDate"] = self.stop_date
        return found

    def description(self) -> dict[str, Any]:
        """As DescribeExecution has it."""
        found = {
            **self.summary(),
            "input": self.input_text,
            "inputDetails": {"included": True},
            "redriveStatus": "NOT_REDRIVABLE",
            "redriveStatusReason": f"Execution is {self.status} and cannot be redriven",
        }
        if self.status in {FAILED, TIMED_OUT, ABORTED}:
            found["redriveStatusReason"] = "Redrive is not supported by this emulator"
        if self.trace_header is not None:
            found["traceHeader"] = self.trace_header
        if self.output is not None:
            found["output"] = self.output
            found["outputDetails"] = {"included": True}
        for name in ("error", "cause"):
            value = getattr(self, name)
            if value is not None:
                found[name] = value
        return found
