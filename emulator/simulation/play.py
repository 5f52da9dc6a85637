"""Lives a plan to its end and looks whether the money is right."""

from __future__ import annotations

import asyncio
import gc
import json
import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from emulator.core.bus import BusCall, Proceed
from emulator.core.errors import AwsError
from emulator.core.virtual_clock import run
from emulator.settings import Settings
from emulator.simulation import bill as bills
from emulator.simulation.bill import Bill
from emulator.simulation.control_plane import ControlPlane
from emulator.simulation.habits import Habits
from emulator.simulation.inspector import Inspector, Violation
from emulator.simulation.plan import Operation, Plan, Trouble, Visit
from emulator.simulation.visitors import STYLE, Visitor, operate
from emulator.simulation.world import World
from system import stack

SETTLED_WITHIN_S = 2 * 3600.0
"""After the last fault: lease, reconcile's interval, and a task that hangs are long over."""
LOOK_S = 60.0
GC_THRESHOLD = 50_000
SENTENCE_CHARS_MIN = 10
SILENCE_S_MAX = 31.0
"""The workflow's heartbeat, and what a call may take."""
ORDINARY_ENDS = frozenset({None, "PictureRefused", "WorkerFailed", "WorkerLost", "RunCancelled"})
"""How a run may end where nothing goes wrong but pictures and painters."""
TRACE_LINES_MAX = 5_000

_RUN_ID = re.compile(r"[0-9a-f]{32}")


@dataclass
class Report:
    """What became of a plan."""

    plan: Plan
    violations: list[Violation] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)
    calls: int = 0
    runs: int = 0
    """Executions of run-nst that there were."""
    ends: list[str] = field(default_factory=list)
    """How they ended: SUCCEEDED, or the error's name."""
    virtual_s: float = 0.0
    reserved_microusd: int = 0
    charged_microusd: int = 0
    billed_microusd: int = 0

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


def play(plan: Plan, habits: Habits | None = None) -> Report:
    """Live ``plan``; ends at the first violation."""

    async def main() -> Report:
        world = World(control_plane(), plan.seed, epoch=plan.epoch, pace=plan.pace, habits=habits)
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
        self._bill = Bill(world.clock.now)
        self._inspector = Inspector(
            self._bill,
            world.clock.now,
            plan.epoch,
            world.values["budget_bucket"],
            self._violated,
            self._tell,
        )
        self._besides = _besides_microusd(world)
        self._visitors = [
            Visitor(world, h, self._tell) for h in plan.happenings if isinstance(h, Visit)
        ]

    async def play(self) -> Report:
        """Live it."""
        world, report = self._world, self._report
        body = await world.read("budget", "ledger.json")
        if body is None:
            raise RuntimeError("a world was deployed without a ledger")
        self._inspector.adopt(body)
        world.bus.use(self._counted)
        world.bus.use(self._bill.around)
        world.bus.use(self._inspector.around)
        world.bus.subscribe(self._bill.hear)
        world.bus.subscribe(self._hear)
        await world.call(
            "s3", "PutObject", Bucket=world.values["storage_bucket"], Key=f"gallery/{STYLE}.jpg",
            Body=b"a picture",
        )  # fmt: skip
        acting = asyncio.get_running_loop().create_task(self._act())
        over = asyncio.get_running_loop().create_task(self._over.wait())
        await asyncio.wait({acting, over}, return_when=asyncio.FIRST_COMPLETED)
        for task in (acting, over):
            task.cancel()
        await asyncio.gather(acting, over, return_exceptions=True)
        if acting.done() and not acting.cancelled():
            acting.result()
        report.virtual_s = world.clock.now() - self._plan.epoch
        report.reserved_microusd = sum(self._inspector.ceilings.values())
        report.charged_microusd = sum(self._inspector.charged.values())
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
        await self._settle()
        await self._look_back()

    async def _trouble(self, trouble: Trouble) -> None:
        await self._world.clock.sleep(trouble.at)
        ident = self._world.faults.add(trouble.rule)
        await self._world.clock.sleep(trouble.seconds)
        for known in self._world.faults.rules():
            if known["id"] == ident:
                self._tell(f"fault {trouble.rule.effect} struck {known['struck']} times")
        self._world.faults.remove(ident)

    async def _settle(self) -> None:
        """Let time pass until nothing is reserved, no task lives and no execution runs."""
        end = self._world.clock.now() + SETTLED_WITHIN_S
        while self._world.clock.now() < end:
            books = self._inspector.books
            tasks = any(not task.over for task in self._bill.tasks.values())
            if books is not None and not books.open and not tasks and not await self._running():
                return
            await self._world.clock.sleep(LOOK_S)

    async def _running(self) -> bool:
        return bool(await self._executions("RUNNING"))

    async def _executions(self, status: str | None = None) -> list[dict[str, Any]]:
        given: dict[str, Any] = {"stateMachineArn": self._world.values["run_nst_arn"]}
        if status is not None:
            given["statusFilter"] = status
        answer = await self._world.call("states", "ListExecutions", **given, maxResults=1000)
        return list(answer["executions"])

    async def _look_back(self) -> None:
        """What must be true at the end."""
        inspector, books = self._inspector, self._inspector.books
        if books is not None and books.open:
            inspector.violated("at the end nothing is reserved", f"{sorted(books.open)} are open")
        for task in self._bill.tasks.values():
            if not task.over:
                inspector.violated("at the end no task runs", f"that of run {task.run_id} does")
        findings = self._world.metrics.points
        if findings and self._plan.calm:
            inspector.violated("without faults reconcile finds nothing", f"it found {findings}")
        executions = {e["name"]: e for e in await self._executions()}
        self._report.runs = len(executions)
        for name, execution in executions.items():
            await self._look_at(name, execution["executionArn"])
        for visitor in self._visitors:
            if visitor.accepted and visitor.run_id not in executions:
                inspector.violated(
                    "a run that was accepted has an execution", f"run {visitor.run_id} has none"
                )

    async def _look_at(self, run_id: str, arn: str) -> None:
        inspector, world = self._inspector, self._world
        found = await world.call("states", "DescribeExecution", executionArn=arn)
        self._report.ends.append(str(found.get("error") or found["status"]))
        complaint = await self._unreadable(run_id, found)
        if complaint:
            inspector.violated("a visitor can read how a run ended", f"run {run_id}: {complaint}")
        if self._plan.calm and found.get("error") not in ORDINARY_ENDS:
            inspector.violated(
                "without faults runs end as they should", f"run {run_id}: {found.get('error')}"
            )
        if run_id not in inspector.charged:
            inspector.violated("a run is charged exactly once", f"run {run_id} never was")
            return
        history = await world.call(
            "states", "GetExecutionHistory", executionArn=arn, maxResults=1000
        )
        self._look_at_silence(run_id, history["events"])
        billed = self._bill.microusd(run_id, bills.transitions(history["events"]))
        charged = inspector.charged[run_id]
        self._report.billed_microusd += billed
        task = self._bill.tasks_microusd(run_id)
        if run_id not in inspector.released and charged < task + self._besides:
            inspector.violated(
                "a run is charged its task and what it may use besides",
                f"run {run_id}: {charged} charged, its task alone cost {task}, and the rest may "
                f"cost {self._besides}",
            )
        if billed > charged:
            inspector.violated(
                "a run is charged what AWS bills for it",
                f"run {run_id}: {billed} billed, {charged} charged",
            )

    def _look_at_silence(self, run_id: str, events: list[dict[str, Any]]) -> None:
        """A task that watched over falls silent: the workflow does not wait long for it."""
        watch = [e for e in events if e.get("taskScheduledEventDetails", {}).get("resource", "")
                 .startswith("putObject")]  # fmt: skip
        ends = [e for e in events if e["id"] > watch[0]["id"]] if watch else []
        over = [e for e in ends if e["type"] in {"TaskTimedOut", "TaskFailed", "TaskSucceeded"}]
        if over:
            since = max(watch[0]["timestamp"], self._inspector.signs.get(run_id, 0.0))
            silent_s = over[0]["timestamp"] - since
            if silent_s > SILENCE_S_MAX:
                self._inspector.violated(
                    "a silent task is given up", f"run {run_id} waited {silent_s:.0f} s for it"
                )

    async def _unreadable(self, run_id: str, found: dict[str, Any]) -> str | None:
        status = found["status"]
        if status == "SUCCEEDED":
            result = await self._world.read("storage", f"runs/{run_id}/result.png")
            return None if result is not None else "it succeeded without a painting"
        if status != "FAILED":
            return f"it is {status}"
        try:
            problem = json.loads(found["cause"])
            sentence, kind = problem["detail"], problem["type"]
        except (KeyError, ValueError, TypeError):
            return f"its cause is no problem document: {found.get('cause')!r:.200}"
        readable = isinstance(sentence, str) and len(sentence) >= SENTENCE_CHARS_MIN
        return None if readable and kind.startswith("urn:nst:problem:") else f"it says {sentence!r}"

    async def _counted(self, _: BusCall, proceed: Proceed) -> dict[str, Any]:
        self._report.calls += 1
        return await proceed()

    async def _hear(self, event: dict[str, Any]) -> None:
        detail = event["detail"]
        if event["source"] == "aws.ecs":
            why = f" ({detail['stoppedReason']})" if "stoppedReason" in detail else ""
            self._tell(f"the task of run {detail.get('startedBy')} is {detail['lastStatus']}{why}")
        elif event["source"] == "aws.states":
            why = f" ({detail['error']})" if detail.get("error") else ""
            self._tell(f"the execution of run {detail['name']} is {detail['status']}{why}")

    def _tell(self, line: str) -> None:
        if len(self._report.trace) < TRACE_LINES_MAX:
            at = self._world.clock.now() - self._plan.epoch
            self._report.trace.append(f"{at:8.1f} s  {line}")

    def _violated(self, violation: Violation) -> None:
        self._report.violations.append(violation)
        self._over.set()


def _besides_microusd(world: World) -> int:
    definition = json.loads(stack.workflow("run-nst.asl.json", world.values))
    return bills.besides_microusd(
        bills.longest_transitions(definition["States"]),
        int(world.declared["function_environment"]["MAX_UPLOAD_BYTES"]),
        max(rule.get("days", 0) for rule in world.declared["buckets"]["storage"]["expire"]),
    )


def failure_of(plan: Plan) -> str | None:
    """The name of the invariant that a plan violates, if it does."""
    try:
        return play(plan).name
    except AwsError as error:
        return f"the world broke: {error}"
