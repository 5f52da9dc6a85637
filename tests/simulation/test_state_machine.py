"""Hypothesis in the place of the seeds: whatever is done in a world, in whatever order.

The same world, visitors, faults and invariants as in ``nst simulate``; here each step is
hypothesis's choice, and a failure shrinks to the few steps that it needs.
"""

from __future__ import annotations

from collections import Counter
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from emulator.simulation.pace import Pace
from emulator.simulation.plan import EPOCHS, QUALITIES, SIZES, Visit, draw_limits, draw_rule
from emulator.simulation.visitors import Visitor
from tests.mutations.mutations import MUTATIONS
from tests.simulation.living import LivingWorld

RANDOMS = st.randoms(use_true_random=False)
WAITS = st.sampled_from([0.0, 0.05, 1.0, 20.0])
"""How long one looks on after a step, in seconds: others act in the meantime, or do not."""
EXAMPLES, STEPS = 100, 40
BOUNDED = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    derandomize=True,  # the same worlds every time; ``nst simulate`` is for new ones
    database=None,
    suppress_health_check=list(HealthCheck),
)
NO_SHRINKING = settings(BOUNDED, phases=[Phase.generate], report_multiple_bugs=False)


class Life(RuleBasedStateMachine):
    """One world."""

    ends: ClassVar[Counter[str]] = Counter()
    """How the runs of all worlds ended."""
    visits = Bundle("visits")

    def __init__(self) -> None:
        super().__init__()
        self.living: LivingWorld | None = None
        self.faults: list[str] = []

    @property
    def world(self) -> LivingWorld:
        assert self.living is not None
        return self.living

    @initialize(
        seed=st.integers(0, 2**16),
        epoch=st.sampled_from(EPOCHS),
        tasks_shown_after_s=st.sampled_from([0.0, 3.0, 20.0]),
        executions_shown_after_s=st.sampled_from([0.0, 3.0]),
        limits=RANDOMS.map(draw_limits),
    )
    def deploy(self, seed, epoch, tasks_shown_after_s, executions_shown_after_s, limits) -> None:
        pace = Pace(
            tasks_shown_after_s=tasks_shown_after_s,
            executions_shown_after_s=executions_shown_after_s,
        )
        self.living = LivingWorld(seed, epoch, pace)
        self.set_limits(limits)

    @rule(
        target=visits,
        admitted=st.booleans(),
        uploads=st.sampled_from([True, True, True, False]),
        quality=st.sampled_from(QUALITIES),
        size=st.sampled_from(SIZES),
        starts=st.sampled_from([True, True, False]),
        wait_s=WAITS,
    )
    def come(self, *, admitted, uploads, quality, size, starts, wait_s):
        number = len(self.world.visitors) + 1
        visitor = self.world.visitor(Visit(0.0, number, quality, size, admitted=admitted))
        if not self.world.finish(visitor.arrive()):
            return multiple()
        if uploads:
            self.world.finish(visitor.upload())
        if starts:
            self.world.begin(visitor.start())
        self.world.wait(wait_s)
        return visitor

    @rule(visitor=visits)
    def upload_again(self, visitor: Visitor) -> None:
        self.world.begin(visitor.upload())

    @rule(visitor=visits, wait_s=WAITS)
    def start(self, visitor: Visitor, wait_s: float) -> None:
        self.world.begin(visitor.start())
        self.world.wait(wait_s)

    @rule(visitor=visits, wait_s=WAITS)
    def start_with_other_input(self, visitor: Visitor, wait_s: float) -> None:
        self.world.begin(visitor.start(other=True))
        self.world.wait(wait_s)

    @rule(visitor=visits, wait_s=WAITS)
    def stop(self, visitor: Visitor, wait_s: float) -> None:
        self.world.begin(visitor.stop())
        self.world.wait(wait_s)

    @rule(limits=RANDOMS.map(draw_limits))
    def set_limits(self, limits) -> None:
        self.world.operate("set_limit", **dict(limits))
        self.world.wait(1.0)

    @rule(number=st.integers(1, 3), amount=st.sampled_from([10_000, 1_000_000]), wait_s=WAITS)
    def top_up(self, number: int, amount: int, wait_s: float) -> None:
        self.world.operate("top_up", id=f"top-up-{number}", amount_microusd=amount)
        self.world.wait(wait_s)

    @rule(function=st.sampled_from(["roll_over", "acknowledge_overrun", "reconcile"]), wait_s=WAITS)
    def look_after_it(self, function: str, wait_s: float) -> None:
        self.world.operate(function)
        self.world.wait(wait_s)

    @rule(fault=RANDOMS.map(draw_rule))
    def break_something(self, fault) -> None:
        self.world.calm = False
        self.faults.append(self.world.world.faults.add(fault))

    @precondition(lambda self: self.faults)
    @rule(place=st.integers(0, 9))
    def mend_something(self, place: int) -> None:
        self.world.world.faults.remove(self.faults.pop(place % len(self.faults)))

    @precondition(lambda self: self.living and self.living.tasks())
    @rule(place=st.integers(0, 9), how=st.sampled_from(["kill", "exhaust_memory", "interrupt"]))
    def strike_a_task(self, place: int, how: str) -> None:
        self.world.calm = False
        tasks = self.world.tasks()
        self.world.strike(how, tasks[place % len(tasks)])

    @rule(seconds=st.sampled_from([1.0, 15.0, 60.0, 300.0, 1800.0]))
    def wait(self, seconds: float) -> None:
        self.world.wait(seconds)

    @invariant()
    def the_money_is_right(self) -> None:
        if self.living is not None:
            assert not self.living.violations, self.living.story()

    def teardown(self) -> None:
        if self.living is None:
            return
        try:
            if not self.living.violations:
                self.living.drain()
                Life.ends.update(self.living.audit.ends)
                self.the_money_is_right()
        finally:
            self.living.close()


def test_money_is_right_whatever_is_done_in_whatever_order() -> None:
    Life.ends.clear()
    run_state_machine_as_test(Life, settings=BOUNDED)
    # Without these it would prove little.
    assert Life.ends.total() > EXAMPLES / 2
    assert {"SUCCEEDED", "RunCancelled", "TaskStopped"} < set(Life.ends)


@pytest.mark.parametrize(
    ("bug", "shows"),
    [
        ("money is freed while the task stops", "money is freed only for tasks that are over"),
        ("a settled run can be reserved again", "a run's money is closed once"),
        ("nothing is ever refused", "no (more runs than may be in flight|reservation beyond)"),
        ("a settled run leaves no tombstone", "no reservation vanishes"),
    ],
)
def test_it_finds_what_the_seeds_find(bug: str, shows: str) -> None:
    mutation = next(m for m in MUTATIONS if m.name == bug)
    with mutation.patch(), pytest.raises(AssertionError, match=f"VIOLATED {shows}"):
        run_state_machine_as_test(Life, settings=NO_SHRINKING)
