"""The three accounts of a world side by side, and what must be true of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from emulator.core.bus import BusCall, Proceed
from emulator.core.errors import AwsError, NoReply
from emulator.simulation import bill as bills
from emulator.simulation.bill import Bill
from emulator.simulation.gateway import Gateway
from emulator.simulation.inspector import Inspector, Violation
from emulator.simulation.visitors import STYLE, Visitor
from emulator.simulation.world import World
from system import runs, stack

SETTLED_WITHIN_S = 2 * 3600.0
"""After the last fault: lease, reconcile's interval, and a task that hangs are long over."""
LOOK_S = 60.0
SENTENCE_CHARS_MIN = 10
SILENCE_S_MAX = 31.0
"""The workflow's heartbeat, and what a call may take."""
ORDINARY_ENDS = frozenset({None, "PictureRefused", "WorkerFailed", "WorkerLost", "RunCancelled"})
"""How a run may end where nothing goes wrong but pictures and painters."""


class Audit:
    """Watches a world from its beginning.

    ``on_violation`` is called for each invariant that does not hold, ``tell`` for each thing that
    happens, as a sentence.
    """

    def __init__(
        self,
        world: World,
        on_violation: Callable[[Violation], None],
        tell: Callable[[str], None],
    ) -> None:
        self._world = world
        self._tell = tell
        self._gateway = Gateway(world)
        self._besides = _besides_microusd(world)
        self.bill = Bill(world.clock.now)
        self.inspector = Inspector(
            self.bill,
            world.clock.now,
            world.clock.now(),
            world.values["budget_bucket"],
            on_violation,
            tell,
        )
        self.calls = 0
        """Those that were answered, one way or the other."""
        self.ends: list[str] = []
        """How runs ended, once it has looked back: SUCCEEDED, or the error's name."""
        self.billed_microusd = 0

    async def begin(self) -> None:
        """Begin, in a world that has just been deployed; puts the house style there."""
        world = self._world
        body = await world.read("budget", "ledger.json")
        if body is None:
            raise RuntimeError("a world was deployed without a ledger")
        self.inspector.adopt(body)
        world.bus.use(self._counted)
        world.bus.use(self.bill.around)
        world.bus.use(self.inspector.around)
        world.bus.subscribe(self.bill.hear)
        world.bus.subscribe(self._hear)
        await world.call(
            "s3", "PutObject", Bucket=world.values["storage_bucket"], Key=f"gallery/{STYLE}.jpg",
            Body=b"a picture",
        )  # fmt: skip

    async def settle(self) -> None:
        """Let time pass until nothing is reserved, no task lives and no execution runs."""
        end = self._world.clock.now() + SETTLED_WITHIN_S
        while self._world.clock.now() < end:
            books = self.inspector.books
            tasks = any(not task.over for task in self.bill.tasks.values())
            idle = books is not None and not books.open and not tasks
            if idle and not await self._executions("RUNNING"):
                return
            await self._world.clock.sleep(LOOK_S)

    async def look_back(self, visitors: Iterable[Visitor], *, calm: bool) -> None:
        """What must be true at the end; ``calm``: where nothing went wrong but painters."""
        inspector, books = self.inspector, self.inspector.books
        if books is not None and books.open:
            inspector.violated("at the end nothing is reserved", f"{sorted(books.open)} are open")
        for task in self.bill.tasks.values():
            if not task.over:
                inspector.violated("at the end no task runs", f"that of run {task.run_id} does")
        findings = self._world.metrics.points
        if findings and calm:
            inspector.violated("without faults reconcile finds nothing", f"it found {findings}")
        executions = await self._executions()
        for run_id in executions:
            await self._look_at(run_id, calm=calm)
        for visitor in visitors:
            for document in visitor.refusals:
                if complaint := _complaint(document):
                    inspector.violated("a visitor can read why something is refused", complaint)
            if visitor.accepted and visitor.run_id not in executions:
                inspector.violated(
                    "a run that was accepted has an execution", f"run {visitor.run_id} has none"
                )

    async def _executions(self, status: str | None = None) -> list[str]:
        """The run ids of executions of run-nst."""
        given: dict[str, Any] = {"stateMachineArn": self._world.values["run_nst_arn"]}
        if status is not None:
            given["statusFilter"] = status
        answer = await self._world.call("states", "ListExecutions", **given, maxResults=1000)
        return [str(execution["name"]) for execution in answer["executions"]]

    async def _look_at(self, run_id: str, *, calm: bool) -> None:
        inspector, world = self.inspector, self._world
        try:
            found = await self._gateway.state(run_id)
            complaint = await self._unreadable(run_id, found)
        except AwsError as error:
            found, complaint = {"status": error.code}, str(error)
        self.ends.append(str(found.get("error") or found["status"]))
        if complaint:
            inspector.violated("a visitor can read how a run ended", f"run {run_id}: {complaint}")
            return
        if calm and found.get("error") not in ORDINARY_ENDS:
            inspector.violated(
                "without faults runs end as they should", f"run {run_id}: {found.get('error')}"
            )
        if run_id not in inspector.charged:
            inspector.violated("a run is charged exactly once", f"run {run_id} never was")
            return
        history = await world.call(
            "states", "GetExecutionHistory", executionArn=found["executionArn"], maxResults=1000
        )
        self._look_at_silence(run_id, history["events"])
        billed = self.bill.microusd(run_id, bills.transitions(history["events"]))
        charged = inspector.charged[run_id]
        self.billed_microusd += billed
        task = self.bill.tasks_microusd(run_id)
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
            since = max(watch[0]["timestamp"], self.inspector.signs.get(run_id, 0.0))
            silent_s = over[0]["timestamp"] - since
            if silent_s > SILENCE_S_MAX:
                self.inspector.violated(
                    "a silent task is given up", f"run {run_id} waited {silent_s:.0f} s for it"
                )

    async def _unreadable(self, run_id: str, found: dict[str, Any]) -> str | None:
        status = found["status"]
        if status == "SUCCEEDED":
            return await self._unseen(run_id)
        if status != "FAILED":
            return f"it is {status}"
        try:
            return _complaint(json.loads(found["cause"]))
        except (KeyError, ValueError, TypeError):
            return f"its cause is no problem document: {found.get('cause')!r:.200}"

    async def _unseen(self, run_id: str) -> str | None:
        """What keeps a visitor from the painting, whose link get_upload_url has signed."""
        values = self._world.values
        signed = self._world.session("get-upload-url", values["get_upload_url_name"])
        place = {"Bucket": values["storage_bucket"], "Key": runs.result_key(run_id)}
        try:
            await self._world.call("s3", "GetObject", signed, **place)
        except (AwsError, NoReply) as error:
            return f"it succeeded without a painting: {error}"
        return None

    async def _counted(self, _: BusCall, proceed: Proceed) -> dict[str, Any]:
        self.calls += 1
        return await proceed()

    async def _hear(self, event: dict[str, Any]) -> None:
        detail = event["detail"]
        if event["source"] == "aws.ecs":
            why = f" ({detail['stoppedReason']})" if "stoppedReason" in detail else ""
            self._tell(f"the task of run {detail.get('startedBy')} is {detail['lastStatus']}{why}")
        elif event["source"] == "aws.states":
            why = f" ({detail['error']})" if detail.get("error") else ""
            self._tell(f"the execution of run {detail['name']} is {detail['status']}{why}")


def _complaint(problem: Any) -> str | None:
    """What is wrong with a problem document; None for one that a visitor can read."""
    members = problem if isinstance(problem, dict) else {}
    sentence, kind = members.get("detail"), str(members.get("type"))
    if not isinstance(sentence, str) or len(sentence) < SENTENCE_CHARS_MIN:
        return f"it says {sentence!r}"
    return None if kind.startswith("urn:nst:problem:") else f"it is of the type {kind}"


def _besides_microusd(world: World) -> int:
    definition = json.loads(stack.workflow("run-nst.asl.json", world.values))
    return bills.besides_microusd(
        bills.longest_transitions(definition["States"]),
        int(world.declared["function_environment"]["MAX_UPLOAD_BYTES"]),
        max(rule.get("days", 0) for rule in world.declared["buckets"]["storage"]["expire"]),
    )
