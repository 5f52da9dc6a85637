"""A world that lives on only as far as it is told to, for tests that act in it step by step."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar

from emulator.core.virtual_clock import VirtualLoop
from emulator.simulation.audit import Audit
from emulator.simulation.inspector import Violation
from emulator.simulation.pace import Pace
from emulator.simulation.plan import Operation, Visit
from emulator.simulation.play import control_plane
from emulator.simulation.visitors import Visitor, operate
from emulator.simulation.world import World

T = TypeVar("T")


class LivingWorld:
    """A deployed world with its audit, on a loop of its own; time passes in its methods only."""

    def __init__(self, seed: int, epoch: float, pace: Pace) -> None:
        self._runner = asyncio.Runner(loop_factory=VirtualLoop)
        self._doings: list[asyncio.Task[None]] = []
        self._began = epoch
        self.violations: list[Violation] = []
        self.trace: list[str] = []
        self.visitors: list[Visitor] = []
        self.calm = True
        """Whether nothing has gone wrong but pictures, painters, and visitors' minds."""
        self.world, self.audit = self._run(self._begin(seed, epoch, pace))

    async def _begin(self, seed: int, epoch: float, pace: Pace) -> tuple[World, Audit]:
        world = World(control_plane(), seed, epoch=epoch, pace=pace)
        await world.__aenter__()
        audit = Audit(world, self.violations.append, lambda line: self._tell(world, line))
        await audit.begin()
        return world, audit

    def visitor(self, visit: Visit) -> Visitor:
        """One who comes; what comes of it is for the visitor's methods."""
        found = Visitor(self.world, visit, lambda line: self._tell(self.world, line))
        self.visitors.append(found)
        return found

    def operate(self, function: str, **payload: Any) -> None:
        """Have the operator do something."""
        operation = Operation(0.0, function, tuple(payload.items()))
        self.begin(operate(self.world, operation, lambda line: self._tell(self.world, line)))

    def begin(self, doing: Coroutine[Any, Any, Any]) -> None:
        """Have somebody do something while time passes."""
        self._doings.append(self._runner.get_loop().create_task(doing))

    def finish(self, doing: Coroutine[Any, Any, T]) -> T:
        """Let time pass until something is done."""
        return self._run(doing)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self._run(self.world.clock.sleep(seconds))

    def tasks(self) -> list[str]:
        """The ARNs of the tasks that are not over."""
        return [arn for arn, task in self.audit.bill.tasks.items() if not task.over]

    def strike(self, how: str, task_arn: str) -> None:
        """Have a task killed, out of memory, or interrupted (the methods of TasksService)."""

        async def act() -> None:
            getattr(self.world.tasks, how)(task_arn)

        self._run(act())

    def drain(self) -> None:
        """Without further faults: let all that goes on end, and look back."""
        self.world.faults.clear()
        self._run(self._drain())

    async def _drain(self) -> None:
        await asyncio.gather(*self._doings)
        await self.audit.settle()
        await self.audit.look_back(self.visitors, calm=self.calm)

    def close(self) -> None:
        """End it."""
        try:
            self._run(self._end())
        finally:
            self._runner.close()

    async def _end(self) -> None:
        for doing in self._doings:
            doing.cancel()
        await asyncio.gather(*self._doings, return_exceptions=True)
        await self.world.__aexit__()

    def story(self) -> str:
        """What happened, and what was wrong with it."""
        return "\n".join([*self.trace, *(str(v) for v in self.violations)])

    def _run(self, doing: Awaitable[T]) -> T:
        async def main() -> T:
            return await doing

        return self._runner.run(main())

    def _tell(self, world: World, line: str) -> None:
        self.trace.append(f"{world.clock.now() - self._began:8.1f} s  {line}")
