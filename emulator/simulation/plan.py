"""What happens in a world: visits, the operator's doings, and faults, all drawn from a seed.

A plan is data: the same plan is the same world, and one with parts left out is a smaller one. That
is how a failing seed shrinks to a short story.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from emulator.core.faults import Rule
from emulator.simulation.pace import Pace

RUNS_MAX = 20
HOUR_S = 3600.0
EPOCHS = (
    1_768_478_400.0,  # 2026-01-15T12:00:00Z, in the middle of a month
    1_769_902_200.0,  # 2026-01-31T23:30:00Z, half an hour before a period ends
    1_768_519_800.0,  # 2026-01-15T23:30:00Z, half an hour before a day ends
)
TASKS_SHOWN_S = 60.0
"""The functions take a task that ECS does not show for so long for one that they cannot see."""
SIZES = (64, 256, 512, 1024)
QUALITIES = ("draft", "good", "best")


@dataclass(frozen=True)
class Visit:
    """A visitor: uploads, starts a run, maybe starts it again, maybe stops it.

    Times are seconds: ``at`` from the world's beginning, the others from the start.
    ``other_input`` makes the second start one with other parameters.
    """

    at: float
    number: int
    quality: str
    size: int
    uploads: bool = True
    admitted: bool = True
    again_after: float | None = None
    other_input: bool = False
    stop_after: float | None = None

    def story(self) -> str:
        """The visit in a sentence."""
        parts = [f"visitor {self.number} starts a run ({self.quality}, {self.size} px)"]
        if not self.uploads:
            parts.append("without its picture")
        if self.again_after is not None:
            what = "another run under its id" if self.other_input else "it again"
            parts.append(f"and {what} {self.again_after:.1f} s later")
        if self.stop_after is not None:
            parts.append(f"and stops it {self.stop_after:.1f} s later")
        return f"{self.at:8.1f} s  " + " ".join(parts)


@dataclass(frozen=True)
class Operation:
    """Something that the operator does: a payload of update_budget, or reconcile."""

    at: float
    function: str
    payload: tuple[tuple[str, Any], ...] = ()

    def story(self) -> str:
        """The operation in a sentence."""
        given = ", ".join(f"{name} {value}" for name, value in self.payload)
        return f"{self.at:8.1f} s  the operator: {self.function} {given}".rstrip()


@dataclass(frozen=True)
class Trouble:
    """A fault rule that is set from ``at`` for ``seconds``."""

    at: float
    seconds: float
    rule: Rule

    def story(self) -> str:
        """The fault in a sentence."""
        document = self.rule.document()
        effect = document.pop("effect")
        target = f"{document.pop('service', '*')}:{document.pop('operation', '*')}"
        given = ", ".join(f"{name} {value}" for name, value in document.items())
        until = self.at + self.seconds
        return f"{self.at:8.1f} s  until {until:.1f} s: {effect} on {target} ({given})"


Happening = Visit | Operation | Trouble


@dataclass(frozen=True)
class Plan:
    """A world's story before it is lived."""

    seed: int
    epoch: float
    happenings: tuple[Happening, ...]
    pace: Pace = field(default_factory=Pace)

    @property
    def runs(self) -> int:
        """How many visitors come."""
        return sum(isinstance(h, Visit) for h in self.happenings)

    @property
    def troubles(self) -> list[Trouble]:
        """Its faults."""
        return [h for h in self.happenings if isinstance(h, Trouble)]

    @property
    def calm(self) -> bool:
        """Whether nothing goes wrong in it but pictures, painters, and visitors' minds."""
        return not self.troubles and self.pace.tasks_shown_after_s < TASKS_SHOWN_S

    def without(self, dropped: Sequence[int]) -> Plan:
        """The plan without the happenings at these places."""
        gone = set(dropped)
        kept = tuple(h for place, h in enumerate(self.happenings) if place not in gone)
        return replace(self, happenings=kept)

    def story(self) -> str:
        """All that happens, in order."""
        ordered = sorted(self.happenings, key=lambda h: h.at)
        return "\n".join([f"seed {self.seed}", *(h.story() for h in ordered)])


def draw(seed: int) -> Plan:
    """The plan of a seed."""
    rng = random.Random(seed)  # noqa: S311 (a simulation)
    span = rng.choice((60.0, 300.0, 1200.0, HOUR_S))
    happenings: list[Happening] = [
        Operation(0.0, "set_limit", draw_limits(rng)),
        *(_visit(rng, number, span) for number in range(1, rng.randint(1, RUNS_MAX) + 1)),
        *(_operation(rng, span) for _ in range(rng.choice((0, 0, 1, 3)))),
    ]
    visits = [h.at for h in happenings if isinstance(h, Visit)]
    happenings += [_trouble(rng, span, visits) for _ in range(rng.choice((0, 1, 3, 6, 12)))]
    pace = Pace(
        tasks_shown_after_s=rng.choice((0.0, 0.0, 0.0, 3.0, 20.0, 90.0)),
        executions_shown_after_s=rng.choice((0.0, 0.0, 0.5, 3.0)),
    )
    return Plan(seed, rng.choice(EPOCHS), tuple(happenings), pace)


def draw_limits(rng: random.Random) -> tuple[tuple[str, Any], ...]:
    """What the operator may set: a payload of set_limit."""
    return (
        ("limit_microusd", rng.choice((50_000, 200_000, 1_000_000, 10_000_000))),
        ("runs_in_flight_max", rng.choice((1, 2, 4, 8))),
        ("spend_per_day_max_microusd", rng.choice((100_000, 1_000_000, 10_000_000))),
    )


def _visit(rng: random.Random, number: int, span: float) -> Visit:
    again = rng.random() < 0.3  # noqa: PLR2004 (shares of visitors)
    return Visit(
        at=rng.uniform(0.0, span),
        number=number,
        quality=rng.choice(QUALITIES),
        size=rng.choice(SIZES),
        uploads=rng.random() < 0.95,  # noqa: PLR2004
        admitted=rng.random() < 0.2,  # noqa: PLR2004 (presigning is slow)
        again_after=rng.choice((0.0, 0.05, 1.0, 30.0, 400.0)) if again else None,
        other_input=again and rng.random() < 0.2,  # noqa: PLR2004
        stop_after=rng.choice((0.5, 5.0, 60.0, 200.0)) * rng.uniform(0.5, 1.5)
        if rng.random() < 0.25  # noqa: PLR2004
        else None,
    )


def _operation(rng: random.Random, span: float) -> Operation:
    at = rng.uniform(0.0, span)
    match rng.randrange(5):
        case 0:
            return Operation(at, "set_limit", draw_limits(rng))
        case 1:
            amount = ("amount_microusd", rng.choice((10_000, 1_000_000)))
            return Operation(at, "top_up", (("id", f"top-up-{rng.randrange(3)}"), amount))
        case 2:
            return Operation(at, "acknowledge_overrun")
        case 3:
            return Operation(at, "roll_over")
        case _:
            return Operation(at, "reconcile")


_ERRORS = {
    "s3": (("SlowDown", 503), ("InternalError", 500), ("RequestTimeout", 400)),
    "lambda": (("TooManyRequestsException", 429), ("ServiceException", 500)),
    "ecs": (("ThrottlingException", 400), ("ServerException", 500), ("ClientException", 400)),
    "states": (("ThrottlingException", 400), ("InternalServerError", 500)),
    "monitoring": (("InternalServiceFault", 500),),
}
_OPERATIONS = {
    "s3": ("*", "GetObject", "PutObject", "HeadObject"),
    "lambda": ("Invoke",),
    "ecs": ("*", "RunTask", "StopTask", "DescribeTasks", "ListTasks"),
    "states": ("*", "StartExecution", "DescribeExecution", "SendTask*", "SendTaskHeartbeat"),
    "monitoring": ("*",),
}
_CALLERS = ("*", "*", "*start-nst*", "*stop-nst*", "*update-budget*", "*/nst-task/*", "*run-nst*")
_TASK_TROUBLES = ("task_killed", "task_out_of_memory", "spot_interruption")
_CRASHES = ("crash_before", "crash_after")
_LOSSES = ("lost_request", "lost_reply", "duplicate")


def _trouble(rng: random.Random, span: float, visits: list[float]) -> Trouble:
    """Most faults begin about when somebody comes: that is when most is under way."""
    near = rng.choice(visits) + rng.choice((0.0, 0.0, 5.0, 60.0)) * rng.uniform(-0.2, 1.0)
    return Trouble(
        at=max(0.0, near) if rng.random() < 0.8 else rng.uniform(0.0, span),  # noqa: PLR2004
        seconds=rng.choice((10.0, 60.0, 300.0, 1800.0)),
        rule=draw_rule(rng),
    )


def draw_rule(rng: random.Random) -> Rule:
    """One fault of any kind."""
    chance = rng.choice((0.1, 0.3, 1.0))
    times = rng.choice((None, 1, 3))
    kind = rng.randrange(8)
    if kind == 0:
        return Rule(rng.choice(_TASK_TROUBLES), probability=chance, seconds=rng.uniform(0.0, 120.0))
    if kind == 1:
        off = rng.choice((-1, 1)) * rng.uniform(1.0, 60.0)
        return Rule("clock_skew", caller=rng.choice(_CALLERS), seconds=off)
    if kind == 2:  # noqa: PLR2004
        return Rule(
            "no_capacity", service="ecs", operation="RunTask", probability=chance, times=times
        )
    service = rng.choice(("s3", "s3", "lambda", "ecs", "ecs", "states", "states", "monitoring"))
    target: dict[str, Any] = {
        "service": service,
        "operation": rng.choice(_OPERATIONS[service]),
        "caller": rng.choice(_CALLERS),
        "probability": chance,
        "times": times,
    }
    if kind == 3:  # noqa: PLR2004
        return Rule(rng.choice(_CRASHES), **target)
    if kind == 4:  # noqa: PLR2004
        return Rule("delay", **target, seconds=rng.uniform(0.5, 20.0))
    if kind <= 6:  # noqa: PLR2004
        return Rule(rng.choice(_LOSSES), **target, seconds=rng.choice((0.0, 1.0, 30.0)))
    if service == "s3" and rng.random() < 0.3:  # noqa: PLR2004
        return Rule("conflict", **{**target, "operation": rng.choice(("*", "PutObject"))})
    code, status = rng.choice(_ERRORS[service])
    return Rule("error", **target, code=code, status=status)
