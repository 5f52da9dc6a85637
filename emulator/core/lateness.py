"""Eventual consistency: what was just made is not seen yet."""

from __future__ import annotations

from typing import Any

from emulator.core.bus import BusCall, Proceed
from emulator.core.clock import Clock
from emulator.core.errors import AwsError


class Lateness:
    """The bus's middleware that hides young tasks and executions from those who look.

    ``tasks_s`` and ``executions_s``: how young, in seconds.
    """

    def __init__(self, clock: Clock, *, tasks_s: float, executions_s: float) -> None:
        self._clock = clock
        self._tasks_s = tasks_s
        self._executions_s = executions_s
        self._made: dict[str, float] = {}

    async def around(self, call: BusCall, proceed: Proceed) -> dict[str, Any]:
        """Answer as one who does not know yet."""
        if call.service == "states" and self._executions_s > 0:
            return await self._states(call, proceed)
        if call.service == "ecs" and self._tasks_s > 0:
            return await self._ecs(call, proceed)
        return await proceed()

    async def _states(self, call: BusCall, proceed: Proceed) -> dict[str, Any]:
        if call.operation == "DescribeExecution":
            arn = str(call.params.get("executionArn"))
            if self._young(arn, self._executions_s):
                raise AwsError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
        answer = await proceed()
        if call.operation == "StartExecution":
            self._note(str(answer["executionArn"]))
        return answer

    async def _ecs(self, call: BusCall, proceed: Proceed) -> dict[str, Any]:
        answer, late_s = await proceed(), self._tasks_s
        if call.operation == "RunTask":
            for task in answer["tasks"]:
                self._note(task["taskArn"])
        elif call.operation == "ListTasks":
            return {
                **answer,
                "taskArns": [a for a in answer["taskArns"] if not self._young(a, late_s)],
            }
        elif call.operation == "DescribeTasks":
            shown = [t for t in answer["tasks"] if not self._young(t["taskArn"], late_s)]
            hidden = [t["taskArn"] for t in answer["tasks"] if self._young(t["taskArn"], late_s)]
            missing = [{"arn": arn, "reason": "MISSING"} for arn in hidden]
            return {**answer, "tasks": shown, "failures": [*answer["failures"], *missing]}
        return answer

    def _note(self, arn: str) -> None:
        """Remember when it was made first: asked for again, it does not become young."""
        self._made.setdefault(arn, self._clock.now())

    def _young(self, arn: str, seconds: float) -> bool:
        made = self._made.get(arn)
        return made is not None and self._clock.now() - made < seconds
