"""The service scheduler: as many tasks as a service wants, registered with its target groups.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_services.html. A task that ends is
replaced; one that keeps failing is replaced more and more slowly
(https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-throttle-logic.html).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from emulator.core.bus import Bus, Caller
from emulator.core.clock import Clock
from emulator.core.errors import AwsError
from emulator.ecs.service import TasksService

log = logging.getLogger("emulator.ecs")

LOOK_S = 0.1
"""Between two looks at whether a new task listens."""
PAUSE_MIN_S, PAUSE_MAX_S = 1.0, 60.0
"""Before a task that failed is replaced; doubled each time until one has listened."""


class Slot:
    """One place of a deployment: a task, and the next one when it ends."""

    def __init__(  # noqa: PLR0917 (one place makes it)
        self,
        tasks: TasksService,
        bus: Bus,
        clock: Clock,
        params: dict[str, Any],
        groups: list[str],
        caller: Caller,
        steady: Callable[[], None],
    ) -> None:
        self._tasks = tasks
        self._bus = bus
        self._clock = clock
        self._params = params
        self._groups = groups
        self._caller = caller
        self._steady = steady
        self._ending = asyncio.Event()
        self._reason = ""
        self._target: dict[str, Any] | None = None
        self.task_arn: str | None = None
        self.serving = False
        """Whether its task runs, and listens where a target group expects it to."""
        self.failures = 0
        self._life = asyncio.create_task(self._live())

    @property
    def status(self) -> str:
        """The status of its task."""
        return self._tasks.status(self.task_arn) if self.task_arn else "PENDING"

    async def end(self, reason: str) -> None:
        """Take the task out of its target groups, stop it, and start no other."""
        self._reason = reason
        self._ending.set()
        await self._deregister()
        self._end_task()
        await self._life

    def _end_task(self) -> None:
        if self.task_arn is not None:
            self._tasks.end(self.task_arn, "ServiceSchedulerInitiated", self._reason)

    async def abandon(self) -> None:
        """The emulator ends: leave everything as it is."""
        self._life.cancel()
        await asyncio.gather(self._life, return_exceptions=True)

    async def _live(self) -> None:
        pause_s = PAUSE_MIN_S
        while not self._ending.is_set():
            try:
                served = await self._one_task()
            except AwsError as error:
                log.warning("a service's task cannot be started: %s", error)
                served = False
            if self._ending.is_set():
                return
            self.failures += not served
            pause_s = PAUSE_MIN_S if served else min(pause_s * 2, PAUSE_MAX_S)
            await self._pause(pause_s)

    async def _one_task(self) -> bool:
        """Run a task to its end; says whether it has served at all."""
        answer = await self._tasks.call("RunTask", dict(self._params), self._caller)
        if not answer["tasks"]:
            return False
        self.task_arn = str(answer["tasks"][0]["taskArn"])
        over = asyncio.create_task(self._tasks.ended(self.task_arn))
        try:
            while not over.done() and not self._ending.is_set() and not await self._serves():
                await self._clock.sleep(LOOK_S)
            served = self.serving
            if served:
                self._steady()
            if self._ending.is_set():
                # asked to end while the task was being started: nobody knew its name then
                self._end_task()
            await over
            return served
        finally:
            over.cancel()
            await self._deregister()

    async def _serves(self) -> bool:
        assert self.task_arn is not None  # noqa: S101 (set before)
        if self._tasks.status(self.task_arn) != "RUNNING":
            return False
        if self._groups:
            address = self._tasks.address(self.task_arn)
            if address is None:
                return False
            target = {"Id": address[0], "Port": address[1]}
            for group in self._groups:
                await self._targets("RegisterTargets", group, target)
            self._target = target
        self.serving = True
        return True

    async def _deregister(self) -> None:
        self.serving = False
        target, self._target = self._target, None
        if target is None:
            return
        for group in self._groups:
            try:
                await self._targets("DeregisterTargets", group, target)
            except AwsError as error:
                log.info("a target group is gone already: %s", error)

    async def _targets(self, operation: str, group: str, target: dict[str, Any]) -> None:
        params = {"TargetGroupArn": group, "Targets": [target]}
        await self._bus.call("elbv2", operation, params, self._caller)

    async def _pause(self, seconds: float) -> None:
        timer = self._clock.call_later(seconds, (passed := asyncio.Event()).set)
        waits = [asyncio.create_task(event.wait()) for event in (passed, self._ending)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
            for wait in waits:
                wait.cancel()
