"""For every effect of a run, a failure before it and after it: exhaustively, not at random.

Each flow is one short story of a run, from its visitor's first call to the last look of reconcile.
It is lived once for every call in it and every way in which a call can fail.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import pytest

from emulator.core.bus import BusCall, Proceed
from emulator.core.faults import Rule
from emulator.simulation.audit import Audit
from emulator.simulation.habits import Habits
from emulator.simulation.plan import EPOCHS, Happening, Operation, Plan, Trouble, Visit, draw
from emulator.simulation.play import Report, play
from system import problems

QUICK = Habits(refused=0.0, failed=0.0, hung=0.0, share_of_deadline=(0.05, 0.05))
HANGS = replace(QUICK, hung=1.0)
REFUSES = replace(QUICK, refused=1.0)
NEVER = 10**9
EFFECTS = ("crash_before", "crash_after", "lost_request", "lost_reply", "duplicate")
READABLE = {"SUCCEEDED", *problems.table()}


@dataclass(frozen=True)
class Flow:
    """What happens without the failure, in how many seconds, and how its run ends then."""

    happenings: tuple[Happening, ...]
    seconds: float
    ends: tuple[str, ...]
    habits: Habits = QUICK

    def live(self, effect: str = "delay", nth: int = NEVER) -> tuple[Report, Trouble]:
        """Its report, and the failure at its nth call."""
        rule = Rule(effect, nth=nth, seconds=2.0)
        failure = Trouble(0.0, self.seconds, rule)
        # The failure comes first: of several faults that could meet a call the first one does.
        plan = Plan(1, EPOCHS[0], (failure, *self.happenings))
        return play(plan, self.habits), failure


def visit(**more: object) -> Visit:
    return Visit(1.0, 1, "draft", 64, **{"admitted": False, **more})  # type: ignore[arg-type]


def meanwhile(effect: str, lasting_s: float, **more: object) -> Trouble:
    return Trouble(0.0, lasting_s, Rule(effect, **more))  # type: ignore[arg-type]


FLOWS = {
    "a run": Flow((visit(),), 330.0, ("SUCCEEDED",)),
    "admitted, started twice, stopped": Flow(
        (visit(admitted=True, again_after=0.05, stop_after=12.0),), 240.0, ("RunCancelled",)
    ),
    "refused": Flow(
        (
            Operation(0.0, "set_limit", (("limit_microusd", 20_000),)),
            visit(again_after=1.0, other_input=True),
            Visit(40.0, 2, "best", 1024, admitted=False),
            Visit(41.0, 3, "draft", 64, uploads=False, admitted=False),
        ),
        200.0,
        ("SUCCEEDED",),
    ),
    "a picture that is none": Flow((visit(),), 200.0, ("PictureRefused",), REFUSES),
    "silent": Flow((visit(),), 330.0, ("WorkerLost",), HANGS),
    "killed before it reports": Flow(
        (visit(), meanwhile("task_killed", 200.0, seconds=0.1)), 240.0, ("TaskStopped",)
    ),
    "without capacity": Flow(
        (visit(), meanwhile("no_capacity", 200.0, service="ecs")), 240.0, ("NoCapacity",)
    ),
    "placed without an answer": Flow(
        (visit(), meanwhile("lost_reply", 200.0, service="ecs", operation="RunTask")),
        400.0,
        ("NoCapacity",),
    ),
    "reserved and never started": Flow(
        (
            visit(),
            meanwhile("lost_request", 200.0, service="states", operation="StartExecution",
                      caller="*start-run*"),
        ),
        1900.0,
        (),
    ),
    "the operator's day": Flow(
        (
            Operation(1.0, "set_limit", (("limit_microusd", 500_000),)),
            Operation(2.0, "top_up", (("id", "a"), ("amount_microusd", 10_000))),
            Operation(3.0, "acknowledge_overrun"),
            Operation(4.0, "roll_over"),
            Operation(5.0, "reconcile"),
        ),
        60.0,
        (),
    ),
}  # fmt: skip


@cache
def calls_of(name: str) -> int:
    """How many calls a flow makes, all of them in the time in which they can fail."""
    flow = FLOWS[name]
    report, failure = flow.live()
    assert not report.violations, report.story()
    assert tuple(report.ends) == flow.ends
    assert report.virtual_s < flow.seconds + 10, "it was not over"
    met, struck = report.met[failure]
    assert not struck
    return met


@pytest.mark.parametrize("effect", EFFECTS)
@pytest.mark.parametrize("name", FLOWS)
def test_money_is_right_and_the_end_readable_wherever_it_fails(name: str, effect: str) -> None:
    for nth in range(1, calls_of(name) + 1):
        report, failure = FLOWS[name].live(effect, nth)
        assert not report.violations, f"{effect} at call {nth}\n{report.story()}"
        assert set(report.ends) <= READABLE, f"{effect} at call {nth}: {report.ends}"
        assert report.met[failure][1] == 1, f"{effect} never met call {nth}"


def test_a_failure_changes_how_a_run_ends() -> None:
    """Without it the test above would prove nothing."""
    failed = [FLOWS["a run"].live("crash_before", nth)[0].ends for nth in range(1, 30)]
    assert any(ends != ["SUCCEEDED"] for ends in failed)


@pytest.fixture
def kinds(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """The kinds of calls that are made by parts of the system: role, operation, function."""
    found: set[str] = set()

    async def counted(self: Audit, call: BusCall, proceed: Proceed) -> dict[str, object]:
        if ":assumed-role/" in call.caller.principal:
            role = call.caller.principal.split("/")[1]
            about = call.params.get("FunctionName", "").rsplit(":", 1)[-1]
            found.add(f"{role}: {call.service}:{call.operation} {about}".rstrip())
        return await real(self, call, proceed)

    real = Audit._counted
    monkeypatch.setattr(Audit, "_counted", counted)
    return found


def test_no_kind_of_call_that_seeds_make_is_left_out(kinds: set[str]) -> None:
    for flow in FLOWS.values():
        flow.live()
    covered = set(kinds)
    kinds.clear()
    for seed in range(30):
        play(draw(seed))
    assert len(kinds) > 40
    assert kinds <= covered, kinds - covered
