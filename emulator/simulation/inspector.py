"""The invariants of money: after every write of the ledger and every start of a task.

The inspector reads the stored ledger as JSON, by itself, and compares it with the state before,
with the tasks that ECS's events tell of, and with the bill.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from emulator.core.bus import BusCall, Proceed
from emulator.simulation.bill import Bill, ceiling_microusd

LEDGER_KEY = "ledger.json"


@dataclass(frozen=True)
class Violation:
    """An invariant that did not hold: its name, the second, and what was seen."""

    name: str
    at: float
    seen: str

    def __str__(self) -> str:
        """As one line of a story."""
        return f"{self.at:8.1f} s  VIOLATED {self.name}: {self.seen}"


@dataclass(frozen=True)
class Books:
    """The stored ledger, as much of it as money needs."""

    document: dict[str, Any]
    open: dict[str, dict[str, Any]]
    closed: dict[str, dict[str, Any]]

    @classmethod
    def read(cls, body: bytes) -> Books:
        """From the object's bytes."""
        document = json.loads(body)
        held = ("run_id", "digest", "ceiling", "reserved_at", "lease_until", "period", "day")
        over = ("run_id", "digest", "outcome", "charged", "overrun", "closed_at")
        return cls(
            document,
            {row[0]: dict(zip(held, row, strict=False)) for row in document["open"]},
            {row[0]: dict(zip(over, row, strict=False)) for row in document["closed"]},
        )

    def amount(self, name: str) -> int:
        """One of the document's sums."""
        return int(self.document[f"{name}_microusd"])

    def spent(self) -> dict[str, int]:
        """What was spent in each period that it knows."""
        past = {row[0]: int(row[2]) for row in self.document["past"]}
        return past | {self.document["period"]: self.amount("spent")}


@dataclass
class Inspector:
    """Watches; ``violations`` are what it found, ``on_violation`` is called for each."""

    bill: Bill
    now: Callable[[], float]
    epoch: float
    budget_bucket: str
    on_violation: Callable[[Violation], None]
    tell: Callable[[str], None]
    books: Books | None = None
    charged: dict[str, int] = field(default_factory=dict)
    """What each run was charged, once its money was closed."""
    ceilings: dict[str, int] = field(default_factory=dict)
    released: set[str] = field(default_factory=set)
    deadlines: dict[str, float] = field(default_factory=dict)
    placed: dict[str, str] = field(default_factory=dict)
    """Task ARN -> its run."""
    signs: dict[str, float] = field(default_factory=dict)
    """When each run's task last showed that it lives."""

    async def around(self, call: BusCall, proceed: Proceed) -> dict[str, Any]:
        """The bus's innermost middleware: sees effects as they happen."""
        answer = await proceed()
        if call.service == "s3":
            if (
                call.operation == "PutObject"
                and call.params.get("Bucket") == self.budget_bucket
                and call.params.get("Key") == LEDGER_KEY
            ):
                self._ledger(Books.read(bytes(call.params["Body"])))
        elif (call.service, call.operation) == ("states", "StartExecution"):
            self._execution(call)
        elif (call.service, call.operation) == ("states", "SendTaskHeartbeat"):
            self.signs[call.caller.principal.rsplit("/", 1)[-1]] = self.now()
        elif (call.service, call.operation) == ("ecs", "RunTask"):
            for task in answer.get("tasks", []):
                size = (Decimal(task["cpu"]) / 1024, Decimal(task["memory"]) / 1024)
                self._placed(task["taskArn"], str(task.get("startedBy", "")), size)
        return answer

    def violated(self, name: str, seen: str) -> None:
        """Note a violation."""
        self.on_violation(Violation(name, self.now() - self.epoch, seen))

    def adopt(self, body: bytes) -> None:
        """The ledger as it was deployed."""
        self.books = Books.read(body)

    def _execution(self, call: BusCall) -> None:
        if not str(call.params.get("stateMachineArn", "")).endswith("run-nst"):
            return
        given = json.loads(call.params["input"])
        self.deadlines[str(call.params["name"])] = float(given["deadline_s"])

    def _placed(self, task_arn: str, run_id: str, size: tuple[Decimal, Decimal]) -> None:
        """No run starts without its ceiling reserved; ``size`` is in vCPU and GB."""
        if task_arn in self.placed:
            return
        self.placed[task_arn] = run_id
        held = self.books.open.get(run_id) if self.books else None
        if held is None:
            self.violated(
                "a task starts only with its ceiling reserved", f"run {run_id} holds none"
            )
            return
        deadline = self.deadlines.get(run_id)
        if deadline is None:
            self.violated("a task starts only for a run's execution", f"run {run_id} has none")
            return
        least = ceiling_microusd(deadline, *size)
        if held["ceiling"] < least:
            self.violated(
                "a reservation is not less than its task's ceiling",
                f"run {run_id} holds {held['ceiling']}, its task may cost {least}",
            )
        if sum(known == run_id for known in self.placed.values()) > 1:
            self.violated("a run has one task at most", f"run {run_id} has a second one")

    def _ledger(self, new: Books) -> None:
        old, self.books = self.books, new
        self._sums(new)
        if old is None:
            return
        sequence = new.document["sequence"]
        if sequence != old.document["sequence"] + 1:
            self.violated(
                "no write of the ledger is lost",
                f"write {sequence} follows write {old.document['sequence']}",
            )
        for run_id in new.open.keys() - old.open.keys():
            self._reserved(old, new, run_id)
        for run_id in old.open.keys() - new.open.keys():
            self._closed(old, new, run_id)
        for run_id, over in old.closed.items():
            if new.closed.get(run_id, over) != over:
                self.violated("what is charged stays charged", f"run {run_id} changed")
        self._charges(old, new)

    def _sums(self, books: Books) -> None:
        held = sum(
            r["ceiling"] for r in books.open.values() if r["period"] == books.document["period"]
        )
        if books.amount("reserved") != held:
            self.violated("reserved is the sum of what runs hold", f"{books.document}")
        parts = books.amount("available") + books.amount("reserved") + books.amount("spent")
        if books.amount("limit") != parts:
            self.violated("limit = available + reserved + spent", f"{books.document}")

    def _reserved(self, old: Books, new: Books, run_id: str) -> None:
        held = new.open[run_id]
        self.tell(f"the ledger holds {held['ceiling']} for run {run_id}")
        self.ceilings[run_id] = held["ceiling"]
        if run_id in self.charged or run_id in self.released:
            self.violated("a run's money is closed once", f"run {run_id} is open again")
        if new.amount("available") < 0:
            self.violated("no reservation beyond the limit", f"{new.amount('available')} available")
        if len(new.open) > int(new.document["runs_in_flight_max"]):
            self.violated("no more runs than may be in flight", f"{len(new.open)} are")
        if old.amount("overrun") > 0:
            self.violated("nothing starts after an overrun", f"run {run_id} does")

    def _closed(self, old: Books, new: Books, run_id: str) -> None:
        held, over = old.open[run_id], new.closed.get(run_id)
        if over is None:
            self.violated("no reservation vanishes", f"run {run_id} is gone")
            return
        self.tell(f"the ledger: run {run_id} {over['outcome']}, charged {over['charged']}")
        if run_id in self.charged or run_id in self.released:
            self.violated("a run is charged exactly once", f"run {run_id} is closed again")
        if over["outcome"] == "released":
            self.released.add(run_id)
        self.charged[run_id] = over["charged"]
        if over["charged"] < held["ceiling"]:
            alive = [t for t in self.bill.tasks_of(run_id) if not t.over]
            if alive:
                self.violated(
                    "money is freed only for tasks that are over",
                    f"run {run_id} was charged {over['charged']} of {held['ceiling']} while its "
                    "task was there",
                )
        if (
            over["charged"] > held["ceiling"]
            and over["overrun"] != over["charged"] - held["ceiling"]
        ):
            self.violated("cost beyond the ceiling is overrun", f"run {run_id}: {over}")

    def _charges(self, old: Books, new: Books) -> None:
        """What is spent grows by what was charged, in the period of the reservation."""
        before, after = old.spent(), new.spent()
        expected = dict(before)
        for run_id in old.open.keys() & new.closed.keys():
            period = old.open[run_id]["period"]
            expected[period] = expected.get(period, 0) + new.closed[run_id]["charged"]
        for period, amount in after.items():
            if amount != expected.get(period, 0):
                self.violated(
                    "what is spent is what runs were charged",
                    f"{amount} in {period} where {expected.get(period, 0)} was charged",
                )
