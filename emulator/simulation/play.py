"""Lives a plan to its end and looks whether the money is right."""

from __future__ import annotations

import asyncio
import gc
import re
from dataclasses import dataclass, field
from functools import cache

from emulator.core.errors import AwsError
from emulator.core.timings import FAST, Timings
from emulator.core.virtual_clock import run
from emulator.settings import Settings
from emulator.simulation.audit import Audit
from emulator.simulation.control_plane import ControlPlane
from emulator.simulation.habits import Habits
from emulator.simulation.inspector import Violation
from emulator.simulation.plan import Operation, Plan, Trouble, Visit
from emulator.simulation.visitors import Visitor, operate
from emulator.simulation.world import World

GC_THRESHOLD = 50_000
TRACE_LINES_MAX = 5_000

_RUN_ID = re.compile(r"[0-9a-f]{32}")


@dataclass
class Report:
    """What became of a plan."""

    plan: Plan
    violations: list[Violation] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)
    calls: int = 0
    ends: list[str] = field(default_factory=list)
    """How the executions of run-nst ended: SUCCEEDED, or the error's name."""
    met: dict[Trouble, tuple[int, int]] = field(default_factory=dict)
    """How many calls each fault was for, and how many of them it struck."""
    alarms: int = 0
    """How often reconcile raised its alarm."""
    virtual_s: float = 0.0
    reserved_microusd: int = 0
    charged_microusd: int = 0
    billed_microusd: int = 0

    @property
    def runs(self) -> int:
        """Executions of run-nst that there were."""
        return len(self.ends)

    @property
    def name(self) -> str | None:
        """The name of the first violation."""
        return self.violations[0].name if self.violations else None

    def story(self) -> str:
        """The plan, and what happened in its world, with short names of runs."""
        lines = [self.plan.story(), "", *self.trace, *(str(v) for v in self.violations)]
        names: dict[str, str] = {}

        def short(found: re.Match[str]) -> str:
            return names.setdefault(found[0], f"#{len(names) + 1}")

        return _RUN_ID.sub(short, "\n".join(lines))


@cache
def control_plane() -> ControlPlane:
    """One for the whole process."""
    return ControlPlane(Settings())


def settle_memory() -> None:
    """What is loaded stays for ever: the garbage collector need not walk through moto each time.

    For programs that live many worlds, once everything is loaded.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)


def play(plan: Plan, habits: Habits | None = None, timings: Timings = FAST) -> Report:
    """Live ``plan``, at the pace of AWS if ``timings`` are its; ends at the first violation."""

    async def main() -> Report:
        world = World(
            control_plane(),
            plan.seed,
            epoch=plan.epoch,
            pace=plan.pace,
            habits=habits,
            timings=timings,
        )
        async with world:
            return await _Stage(world, plan).play()

    return run(main)


class _Stage:
    """A plan on its world."""

    def __init__(self, world: World, plan: Plan) -> None:
        self._world = world
        self._plan = plan
        self._report = Report(plan)
        self._over = asyncio.Event()
        self._audit = Audit(world, self._violated, self._tell)
        self._visitors = [
            Visitor(world, h, self._tell) for h in plan.happenings if isinstance(h, Visit)
        ]

    async def play(self) -> Report:
        """Live it."""
        world, report, audit = self._world, self._report, self._audit
        await audit.begin()
        acting = asyncio.get_running_loop().create_task(self._act())
        over = asyncio.get_running_loop().create_task(self._over.wait())
        await asyncio.wait({acting, over}, return_when=asyncio.FIRST_COMPLETED)
        for task in (acting, over):
            task.cancel()
        await asyncio.gather(acting, over, return_exceptions=True)
        if acting.done() and not acting.cancelled():
            acting.result()
        report.virtual_s = world.clock.now() - self._plan.epoch
        report.calls = audit.calls
        report.alarms = len(world.metrics.points)
        report.ends = audit.ends
        report.reserved_microusd = sum(audit.inspector.ceilings.values())
        report.charged_microusd = sum(audit.inspector.charged.values())
        report.billed_microusd = audit.billed_microusd
        return report

    async def _act(self) -> None:
        world, doings = self._world, [visitor.live() for visitor in self._visitors]
        for happening in self._plan.happenings:
            if isinstance(happening, Operation):
                doings.append(operate(world, happening, self._tell))
            elif isinstance(happening, Trouble):
                doings.append(self._trouble(happening))
        await asyncio.gather(*doings)
        world.faults.clear()
        await self._audit.settle()
        await self._audit.look_back(self._visitors, calm=self._plan.calm)

    async def _trouble(self, trouble: Trouble) -> None:
        await self._world.clock.sleep(trouble.at)
        ident = self._world.faults.add(trouble.rule)
        await self._world.clock.sleep(trouble.seconds)
        for known in self._world.faults.rules():
            if known["id"] == ident:
                self._tell(f"fault {trouble.rule.effect} struck {known['struck']} times")
                self._report.met[trouble] = (known["met"], known["struck"])
        self._world.faults.remove(ident)

    def _tell(self, line: str) -> None:
        if len(self._report.trace) < TRACE_LINES_MAX:
            at = self._world.clock.now() - self._plan.epoch
            self._report.trace.append(f"{at:8.1f} s  {line}")

    def _violated(self, violation: Violation) -> None:
        self._report.violations.append(violation)
        self._over.set()


def failure_of(plan: Plan) -> str | None:
    """The name of the invariant that a plan violates, if it does."""
    try:
        return play(plan).name
    except AwsError as error:
        return f"the world broke: {error}"
