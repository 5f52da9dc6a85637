"""Faults by rule: what goes wrong with calls, with tasks, and with clocks.

A rule says which calls it is for (service, operation and caller, as patterns with ``*``), when (a
probability, or the nth such call) and what happens. `Faults.around` stands on the bus, so that
every service can be made to fail and none knows of it.
"""

from __future__ import annotations

import asyncio
import fnmatch
import itertools
import random
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Protocol

from emulator.core import conditional_writes
from emulator.core.bus import BusCall, Caller, Proceed
from emulator.core.clock import Clock
from emulator.core.errors import AwsError, NoReply, NotSupported, ProcessCrash

CALL_EFFECTS = (
    "error",
    "delay",
    "lost_request",
    "lost_reply",
    "duplicate",
    "crash_before",
    "crash_after",
    "no_capacity",
    "conflict",
)
"""``lost_request``: no answer and no effect; ``lost_reply``: no answer, but the effect.

``conflict`` meets S3's conditional writes and no other call: 409 ConditionalRequestConflict.
"""
TASK_EFFECTS = ("task_killed", "task_out_of_memory", "spot_interruption")
"""They meet a task ``seconds`` after it began to run; ``caller`` is matched with its startedBy."""
EFFECTS = (*CALL_EFFECTS, *TASK_EFFECTS, "clock_skew")

NO_CAPACITY = "RESOURCE:CAPACITY"
STATUS_MIN, STATUS_MAX = 400, 599
SECONDS_MAX = 7 * 86_400.0
RULES_MAX = 1_000


class RuleError(ValueError):
    """A rule makes no sense; the message says why."""


@dataclass(frozen=True)
class Rule:
    """One fault.

    ``nth`` (from 1) makes the nth matching call the only one that it meets; ``times`` is how often
    it may strike. ``begin`` and ``end`` bound it in epoch seconds. ``code``, ``status`` and
    ``message`` are an ``error``'s; ``seconds`` those of ``delay``, ``duplicate``, of a task's
    effect and of ``clock_skew``.
    """

    effect: str
    service: str = "*"
    operation: str = "*"
    caller: str = "*"
    probability: float = 1.0
    nth: int | None = None
    times: int | None = None
    begin: float | None = None
    end: float | None = None
    code: str = "InternalServerError"
    status: int = 500
    message: str = "A fault that was asked for."
    seconds: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what could never strike, or strike as nothing."""
        for complaint in self._complaints():
            raise RuleError(complaint)

    def _complaints(self) -> list[str]:
        found = []
        if self.effect not in EFFECTS:
            found.append(f"there is no effect {self.effect!r}; there are {', '.join(EFFECTS)}")
        if not 0 < self.probability <= 1:
            found.append("probability must be above 0 and at most 1")
        for name in ("nth", "times"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or value < 1):
                found.append(f"{name} must be a whole number from 1")
        if not STATUS_MIN <= self.status <= STATUS_MAX:
            found.append(f"status must be from {STATUS_MIN} to {STATUS_MAX}")
        if not abs(self.seconds) <= SECONDS_MAX:
            found.append(f"seconds must be at most {SECONDS_MAX:.0f}")
        if self.seconds < 0 and self.effect != "clock_skew":
            found.append("only a clock can be off by less than 0 seconds")
        if self.effect in ("delay", "clock_skew") and not self.seconds:
            found.append(f"{self.effect} needs seconds")
        if self.effect == "conflict" and not self._meets_conditional_writes():
            names = ", ".join(conditional_writes.OPERATIONS)
            found.append(f"conflict is for conditional writes of s3 ({names})")
        return found

    def _meets_conditional_writes(self) -> bool:
        operations = conditional_writes.OPERATIONS
        return _matches(self.service, "s3") and any(_matches(self.operation, o) for o in operations)

    @classmethod
    def parse(cls, document: object) -> Rule:
        """A rule from JSON; raises RuleError."""
        if not isinstance(document, Mapping):
            raise RuleError("a rule is an object")
        known = {field.name for field in fields(cls)}
        unknown = sorted(str(name) for name in document if name not in known)
        if unknown:
            raise RuleError(
                f"a rule has no member {unknown[0]!r}; it has {', '.join(sorted(known))}"
            )
        try:
            return cls(**document)
        except TypeError as error:
            raise RuleError(
                f"a rule has an effect, and members of proper types ({error})"
            ) from None

    def document(self) -> dict[str, Any]:
        """As JSON, without what is left at its default."""
        defaults = {field.name: field.default for field in fields(self)}
        return {k: v for k, v in asdict(self).items() if k == "effect" or v != defaults[k]}

    def meets(self, service: str, operation: str, caller: str) -> bool:
        """Whether it is for such a call."""
        return (
            _matches(self.service, service)
            and _matches(self.operation, operation)
            and _matches(self.caller, caller)
        )


def _matches(pattern: str, value: str) -> bool:
    return pattern in {"*", value} or fnmatch.fnmatchcase(value, pattern)


class TaskControl(Protocol):
    """What can happen to a task that runs."""

    def kill(self, task_arn: str) -> None:
        """Kill its containers."""

    def exhaust_memory(self, task_arn: str) -> None:
        """Kill its containers for want of memory."""

    def interrupt(self, task_arn: str) -> None:
        """Take its Spot capacity away."""


@dataclass
class _Set:
    id: str
    rule: Rule
    met: int = 0
    struck: int = 0


class Faults:
    """The rules that are set. ``around`` goes on the bus, ``hear`` listens to its events.

    ``crashes`` says whose processes can crash (in-process functions and tasks: they see
    ProcessCrash); without it rules that crash are refused.
    """

    def __init__(
        self,
        clock: Clock,
        rng: random.Random | None = None,
        *,
        tasks: TaskControl | None = None,
        crashes: Callable[[Caller], bool] | None = None,
    ) -> None:
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311 (no secret)
        self._tasks = tasks
        self._crashes = crashes
        self._ids = itertools.count(1)
        self._set: dict[str, _Set] = {}
        self._background: set[asyncio.Task[Any]] = set()

    @property
    def any(self) -> bool:
        """Whether a rule is set."""
        return bool(self._set)

    def add(self, rule: Rule) -> str:
        """Set a rule; returns its id.

        Raises RuleError beyond RULES_MAX, NotSupported for effects that nothing here can have.
        """
        if len(self._set) >= RULES_MAX:
            raise RuleError(f"there are {RULES_MAX} rules already")
        if rule.effect.startswith("crash") and self._crashes is None:
            raise NotSupported("a crash of a process of its own (kill the task instead)")
        if rule.effect in TASK_EFFECTS and self._tasks is None:
            raise NotSupported(f"the fault {rule.effect} without tasks")
        if rule.effect == "clock_skew" and self._crashes is None:
            raise NotSupported("a clock that is off in a process of its own")
        ident = str(next(self._ids))
        self._set[ident] = _Set(ident, rule)
        return ident

    def remove(self, ident: str) -> bool:
        """Take a rule back; False when there is none of that id."""
        return self._set.pop(ident, None) is not None

    def clear(self) -> int:
        """Take all rules back; returns how many there were."""
        count = len(self._set)
        self._set.clear()
        return count

    def rules(self) -> list[dict[str, Any]]:
        """The rules as JSON, with their ids, the calls they met and how often they struck."""
        return [
            {"id": known.id, **known.rule.document(), "met": known.met, "struck": known.struck}
            for known in self._set.values()
        ]

    def skew(self, caller: Caller) -> float:
        """How many seconds the clock of the caller's machine is off."""
        if not self._set:
            return 0.0
        found = [k for k in self._of("clock_skew") if k.rule.meets("*", "*", caller.principal)]
        return sum(known.rule.seconds for known in found if self._strikes(known))

    def repeats(self, call: BusCall) -> bool:
        """Whether a rule may deliver a call again: then what it carries must be kept."""
        return any(_is_for(known.rule, call) for known in self._of("duplicate"))

    async def around(self, call: BusCall, proceed: Proceed) -> dict[str, Any]:
        """The bus's middleware: at most one effect besides delays meets a call."""
        if not self._set:
            return await proceed()
        for known in [k for k in self._set.values() if k.rule.effect in CALL_EFFECTS]:
            rule = known.rule
            if not _is_for(rule, call) or not self._strikes(known):
                continue
            if rule.effect == "delay":
                await self._clock.sleep(rule.seconds)
                continue
            return await self._struck(rule, call, proceed)
        return await proceed()

    async def hear(self, event: dict[str, Any]) -> None:
        """The bus's subscriber: a task that begins to run may be struck later."""
        if event.get("source") != "aws.ecs" or self._tasks is None or not self._set:
            return
        detail = event["detail"]
        if detail.get("lastStatus") != "RUNNING" or detail.get("desiredStatus") != "RUNNING":
            return
        strike = {
            "task_killed": self._tasks.kill,
            "task_out_of_memory": self._tasks.exhaust_memory,
            "spot_interruption": self._tasks.interrupt,
        }
        for effect, act in strike.items():
            for known in self._of(effect):
                meets = known.rule.meets("ecs", "RunTask", str(detail.get("startedBy", "")))
                if meets and self._strikes(known):
                    arn = detail["taskArn"]
                    self._clock.call_later(known.rule.seconds, _Act(act, arn))

    async def stop(self) -> None:
        """End the duplicates that are under way."""
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)

    async def _struck(self, rule: Rule, call: BusCall, proceed: Proceed) -> dict[str, Any]:
        effect = rule.effect
        if effect == "error":
            raise AwsError(rule.code, rule.message, rule.status)
        if effect == "no_capacity":
            if (call.service, call.operation) == ("ecs", "RunTask"):
                return {"tasks": [], "failures": [{"reason": NO_CAPACITY}]}
            return await proceed()
        if effect == "conflict":
            condition = conditional_writes.condition_of(call.params) or ""
            raise conditional_writes.conflict(condition, str(call.params["Key"]))
        if effect == "duplicate":
            return await self._twice(rule, proceed)
        if effect in {"lost_reply", "crash_after"}:
            await proceed()
        if effect.startswith("crash") and self._crashes is not None and self._crashes(call.caller):
            raise ProcessCrash
        raise NoReply(f"no reply from {call.service}:{call.operation}: a fault that was asked for")

    async def _twice(self, rule: Rule, proceed: Proceed) -> dict[str, Any]:
        """The same delivery again, behind the first one; its answer goes to nobody."""

        async def again() -> None:
            await self._clock.sleep(rule.seconds)
            await proceed()

        task = asyncio.get_running_loop().create_task(again())
        self._background.add(task)
        task.add_done_callback(self._forget)
        return await proceed()

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._background.discard(task)
        if not task.cancelled():
            task.exception()  # the second delivery may fail; nobody waits for it

    def _of(self, effect: str) -> list[_Set]:
        return [known for known in self._set.values() if known.rule.effect == effect]

    def _strikes(self, known: _Set) -> bool:
        """Count a call that a rule is for; whether it is met by the fault."""
        rule, now = known.rule, self._clock.now()
        if (rule.begin is not None and now < rule.begin) or (
            rule.end is not None and now >= rule.end
        ):
            return False
        known.met += 1
        if rule.nth is not None and known.met != rule.nth:
            return False
        if rule.times is not None and known.struck >= rule.times:
            return False
        if rule.probability < 1 and self._rng.random() >= rule.probability:
            return False
        known.struck += 1
        return True


def _is_for(rule: Rule, call: BusCall) -> bool:
    if not rule.meets(call.service, call.operation, call.caller.principal):
        return False
    if rule.effect != "conflict":
        return True
    can_conflict = call.service == "s3" and call.operation in conditional_writes.OPERATIONS
    return can_conflict and conditional_writes.condition_of(call.params) is not None


@dataclass(frozen=True)
class _Act:
    act: Callable[[str], None]
    task_arn: str

    def __call__(self) -> None:
        self.act(self.task_arn)
