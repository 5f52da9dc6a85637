"""What AWS would charge for what happened in a world, by a model of its own.

It shares no code and no figure with the ledger's prices: it counts the calls that services
answered, and reads the times of tasks from ECS's events. What it cannot know it leaves out, so that
a bill is never more than AWS's: a ledger that charges less than the bill has lost money.

Prices of us-east-1 without free tiers, from AWS's price list
(https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/price-changes.html names its API):
Fargate Linux/x86 by the second and a minute at least, from the image pull to the stop
(https://aws.amazon.com/fargate/pricing/); a public address by the hour
(https://aws.amazon.com/vpc/pricing/); https://aws.amazon.com/s3/pricing/;
https://aws.amazon.com/lambda/pricing/; https://aws.amazon.com/step-functions/pricing/.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from emulator.core.bus import BusCall, Proceed

VCPU_SECOND = Decimal("0.04048") / 3600
GB_SECOND = Decimal("0.004445") / 3600
ADDRESS_SECOND = Decimal("0.005") / 3600
PUT_REQUEST = Decimal("0.000005")
GET_REQUEST = Decimal("0.0000004")
TRANSITION = Decimal("0.000025")
EXPRESS_REQUEST = Decimal("0.000001")
GB_MONTH = Decimal("0.023")
TRANSFER_GB = Decimal("0.09")
LAMBDA_REQUEST = Decimal("0.0000002")
LAMBDA_GB_SECOND = Decimal("0.0000133334")
BILLED_SECONDS_MIN = 60
MICRO = Decimal(1_000_000)
EXPRESS_MACHINES = ("admit-run", "start-run", "reconcile")

PUTS = frozenset({"PutObject", "CopyObject", "PostObject", "ListObjectsV2", "ListObjects"})
FREE = frozenset({"DeleteObject", "DeleteObjects"})

_RUN_ID = re.compile(rb"[0-9a-f]{32}")
_CURRENT: ContextVar[str | None] = ContextVar("nst_billed_run", default=None)
"""The run that the function is invoked for in whose calls we are."""


@dataclass
class TaskBill:
    """A task as ECS's events tell of it."""

    run_id: str
    arn: str
    vcpus: Decimal
    memory_gb: Decimal
    pulled_at: float | None = None
    stopped_at: float | None = None

    @property
    def over(self) -> bool:
        """Whether it is STOPPED."""
        return self.stopped_at is not None

    def usd(self, now: float) -> Decimal:
        """What it costs so far."""
        if self.pulled_at is None:
            return Decimal(0)
        seconds = math.ceil((self.stopped_at or now) - self.pulled_at - 1e-6)
        rate = self.vcpus * VCPU_SECOND + self.memory_gb * GB_SECOND + ADDRESS_SECOND
        return rate * max(BILLED_SECONDS_MIN, seconds)


@dataclass
class Bill:
    """Counts by run; None counts what belongs to no run (schedules, operators)."""

    now: Callable[[], float]
    memory_gb: Decimal = Decimal("0.25")
    tasks: dict[str, TaskBill] = field(default_factory=dict)
    calls: dict[str | None, Counter[str]] = field(default_factory=dict)
    lambda_seconds: dict[str | None, float] = field(default_factory=dict)

    async def around(self, call: BusCall, proceed: Proceed) -> dict[str, Any]:
        """The bus's middleware behind the faults: what comes here is answered, and paid."""
        run = _run_of(call) or _CURRENT.get()
        if (call.service, call.operation) != ("lambda", "Invoke"):
            answer = await proceed()
            self._count(run, call)
            return answer
        token = _CURRENT.set(run)
        began = self.now()
        try:
            return await proceed()
        finally:
            _CURRENT.reset(token)
            self._count(run, call)
            spent = self.lambda_seconds.get(run, 0.0)
            self.lambda_seconds[run] = spent + self.now() - began

    async def hear(self, event: dict[str, Any]) -> None:
        """The bus's subscriber: times of tasks."""
        if event.get("source") != "aws.ecs":
            return
        detail = event["detail"]
        task = self.tasks.setdefault(
            detail["taskArn"],
            TaskBill(
                str(detail.get("startedBy", "")),
                detail["taskArn"],
                Decimal(detail["cpu"]) / 1024,
                Decimal(detail["memory"]) / 1024,
            ),
        )
        if detail.get("pullStartedAt") and task.pulled_at is None:
            task.pulled_at = self.now()
        if detail["lastStatus"] == "STOPPED":
            task.stopped_at = self.now()

    def tasks_of(self, run_id: str) -> list[TaskBill]:
        """The tasks that were placed for a run."""
        return [task for task in self.tasks.values() if task.run_id == run_id]

    def tasks_microusd(self, run_id: str) -> int:
        """What a run's tasks cost alone, rounded down."""
        usd = sum((task.usd(self.now()) for task in self.tasks_of(run_id)), Decimal(0))
        return int((usd * MICRO).to_integral_value(ROUND_FLOOR))

    def microusd(self, run_id: str | None, transitions: int = 0) -> int:
        """What a run cost, rounded down: never more than AWS's bill."""
        counts = self.calls.get(run_id, Counter())
        usd = TRANSITION * transitions
        usd += PUT_REQUEST * counts["put"] + GET_REQUEST * counts["get"]
        usd += LAMBDA_REQUEST * counts["lambda"] + EXPRESS_REQUEST * counts["express"]
        usd += LAMBDA_GB_SECOND * self.memory_gb * Decimal(self.lambda_seconds.get(run_id, 0.0))
        for task in self.tasks_of(run_id) if run_id else ():
            usd += task.usd(self.now())
        return int((usd * MICRO).to_integral_value(ROUND_FLOOR))

    def _count(self, run: str | None, call: BusCall) -> None:
        kind = _kind(call)
        if kind is not None:
            self.calls.setdefault(run, Counter())[kind] += 1


def ceiling_microusd(deadline_s: float, vcpus: Decimal, memory_gb: Decimal) -> int:
    """What a task alone may cost that uses all of its times; a reservation must not be less.

    Four minutes to start, its deadline, half a minute to finish and half a minute to stop: the
    figures of docs/contracts.md.
    """
    rate = vcpus * VCPU_SECOND + memory_gb * GB_SECOND + ADDRESS_SECOND
    seconds = Decimal(240 + 30 + 30) + Decimal(deadline_s)
    return int((rate * seconds * MICRO).to_integral_value(ROUND_FLOOR))


def besides_microusd(longest: int, upload_bytes: int, days: int) -> int:
    """What every run is charged besides its task at least, since it may use so much of it.

    ``longest`` is the most transitions that its workflow can make; five uploads of
    ``upload_bytes`` and four masks of two megabytes may lie for ``days``, and a painting of three
    megabytes is fetched once.
    """
    usd = TRANSITION * longest
    stored = 5 * upload_bytes + 4 * 2 * 1024 * 1024
    usd += GB_MONTH * Decimal(stored) / 10**9 * Decimal(days) / 31
    usd += TRANSFER_GB * Decimal(3 * 1024 * 1024) / 10**9
    return int((usd * MICRO).to_integral_value(ROUND_FLOOR))


def longest_transitions(states: dict[str, Any]) -> int:
    """Every state of a definition once, and all retries that it allows."""
    retries = [r.get("MaxAttempts", 3) for s in states.values() for r in s.get("Retry", ())]
    ends = sum(state["Type"] in {"Succeed", "Fail"} for state in states.values())
    return int(len(states) - max(0, ends - 1) - 1 + sum(retries))


def transitions(events: list[dict[str, Any]]) -> int:
    """Transitions of a standard execution: states entered, and every retry."""
    types = Counter(event["type"] for event in events)
    entered = sum(n for kind, n in types.items() if kind.endswith("StateEntered"))
    return entered + max(0, types["TaskScheduled"] - types["TaskStateEntered"])


def _kind(call: BusCall) -> str | None:
    if call.service == "s3":
        if call.operation in FREE:
            return None
        return "put" if call.operation in PUTS else "get"
    if call.service == "lambda":
        return "lambda"
    if call.service == "states" and call.operation in {"StartExecution", "StartSyncExecution"}:
        machine = str(call.params.get("stateMachineArn", ""))
        return "express" if machine.endswith(EXPRESS_MACHINES) else None
    return None


def _run_of(call: BusCall) -> str | None:
    """The run that a call names in a key, a payload or an input."""
    if call.service == "s3":
        text = str(call.params.get("Key", "")).encode()
    elif call.service == "lambda":
        text = bytes(call.params.get("Payload") or b"")
        if b'"sweep"' in text:
            return None
    elif call.operation in {"StartExecution", "StartSyncExecution"}:
        text = str(call.params.get("input", "")).encode()
    else:
        return None
    if call.service == "lambda" or call.operation.startswith("Start"):
        try:
            document = json.loads(text or b"{}")
        except ValueError:
            return None
        return _named(document)
    found = _RUN_ID.search(text)
    return found[0].decode() if found else None


def _named(document: Any) -> str | None:
    if not isinstance(document, dict):
        return None
    for inner in (
        document,
        document.get("run"),
        document.get("body"),
        document.get("pathParameters"),
    ):
        if isinstance(inner, dict) and isinstance(inner.get("run_id"), str):
            return str(inner["run_id"])
    return None
