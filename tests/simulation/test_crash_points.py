"""For every effect of a run, a failure before it and after it: exhaustively, not at random."""

from __future__ import annotations

from functools import cache

import pytest

from emulator.core.faults import Rule
from emulator.simulation.habits import Habits
from emulator.simulation.plan import EPOCHS, Plan, Trouble, Visit
from emulator.simulation.play import Report, play

CALM = Habits(refused=0.0, failed=0.0, hung=0.0)
VISIT = Visit(1.0, 1, "draft", 64, admitted=False)
PARTS = 4
EFFECTS = ("crash_before", "crash_after", "lost_request", "lost_reply", "duplicate")
NAMED = frozenset(
    {
        *("SUCCEEDED", "NoCapacity", "TaskRefused", "WorkerLost", "TaskStopped", "WorkerFailed"),
        *("InternalError", "RunCancelled"),
    }
)


def live(effect: str | None = None, nth: int = 1) -> Report:
    """One run from upload to settled, with a fault at its nth call."""
    faults = () if effect is None else (Trouble(0.0, 3600.0, Rule(effect, nth=nth, seconds=2.0)),)
    return play(Plan(1, EPOCHS[0], (VISIT, *faults)), CALM)


@cache
def calls_of_a_run() -> int:
    report = live()
    assert report.ends == ["SUCCEEDED"]
    # The last look at the world, when all is over, counts a few as well.
    return report.calls


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("effect", EFFECTS)
def test_money_is_right_and_the_end_readable_wherever_it_fails(effect: str, part: int) -> None:
    for nth in range(1 + part, calls_of_a_run() + 1, PARTS):
        report = live(effect, nth)
        assert not report.violations, f"{effect} at call {nth}\n{report.story()}"
        assert set(report.ends) <= NAMED, f"{effect} at call {nth}: {report.ends}"


def test_there_are_many_crash_points() -> None:
    assert calls_of_a_run() > 40


def test_a_crash_point_is_met() -> None:
    """Without it the tests above would prove nothing."""
    failed = [live("crash_before", nth).ends for nth in range(1, 30)]
    assert any(ends != ["SUCCEEDED"] for ends in failed)
