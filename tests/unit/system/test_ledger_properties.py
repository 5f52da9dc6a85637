"""The ledger under any interleaving of operations, duplicates, clocks and lost replies."""

from __future__ import annotations

import contextlib
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from system.ledger import codec, store, transitions
from system.ledger.errors import LedgerContentionError, LedgerRefusedError
from system.ledger.state import Ledger, check, period_of
from tests.unit.system.memory_store import MemoryStore, no_waiting

START = 1_793_000_000.0  # 2026-10-26: a period ends within the world's time
RUNS = [f"{n:032x}" for n in range(6)]
DIGESTS = ["a" * 64, "b" * 64]
FAULTS = st.sampled_from([None, None, None, "conflict", "lost reply", "lost request"])


class World(RuleBasedStateMachine):
    """The ledger behind a faulty store, beside a model that keeps every charge it was told of."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.requests = 0
        self.faults: list[Any] = []
        first = transitions.new_ledger(
            self.now,
            limit_microusd=1_000,
            runs_in_flight_max=3,
            spend_per_day_max_microusd=700,
        )
        self.limits = {first.period: 1_000}
        self.store = MemoryStore(first, iter(self._next_fault, "never"))
        self.ceilings: dict[str, int] = {}
        self.charges: dict[str, int] = {}
        self.over: set[str] = set()

    def _next_fault(self) -> Any:
        return self.faults.pop(0) if self.faults else None

    def update(self, transition: Any) -> Any:
        self.requests += 1
        return store.update(
            self.store, transition, writer=f"request-{self.requests}", patience=no_waiting()
        )

    @property
    def ledger(self) -> Ledger:
        return store.read(self.store)

    @rule(faults=st.lists(FAULTS, max_size=4))
    def break_the_store(self, faults: list[Any]) -> None:
        self.faults = faults

    @rule(seconds=st.sampled_from([1, 3_600, 90_000, 600_000, -120]))
    def pass_time(self, seconds: int) -> None:
        """Also backwards: another writer's clock."""
        self.now += seconds

    @rule(
        run=st.sampled_from(RUNS),
        digest=st.sampled_from(DIGESTS),
        ceiling=st.integers(1, 400),
    )
    def reserve(self, run: str, digest: str, ceiling: int) -> None:
        before = transitions.roll_over(self.ledger, self.now)
        try:
            answer = self.update(
                lambda ledger: transitions.reserve(
                    ledger,
                    self.now,
                    run_id=run,
                    digest=digest,
                    ceiling_microusd=ceiling,
                    lease_s=600,
                )
            )
        except LedgerRefusedError as refused:
            if refused.error_name != "RunConflict":
                assert before.reservation(run) is None
            return
        if answer.fresh:
            assert before.reservation(run) is None
            assert run not in self.over
            assert ceiling <= before.available_microusd
            assert len(before.open) < before.runs_in_flight_max
            assert before.overrun_microusd == 0
            today = before.day_spent_microusd + before.day_reserved_microusd
            assert today + ceiling <= before.spend_per_day_max_microusd
            self.ceilings[run] = ceiling

    @rule(run=st.sampled_from(RUNS), cost=st.none() | st.integers(0, 450))
    def settle(self, run: str, cost: int | None) -> None:
        held = self.ledger.reservation(run)
        answer = self.update(
            lambda ledger: transitions.settle(ledger, self.now, run_id=run, cost_microusd=cost)
        )
        if answer.outcome == "settled":
            assert held is not None
            assert run not in self.over, "charged twice"
            self.over.add(run)
            expected = self.ceilings[run] if cost is None else cost
            assert answer.charged_microusd == expected
            assert answer.overrun_microusd == max(0, expected - self.ceilings[run])
            self.charges[run] = expected
        elif answer.outcome == "already_over":
            assert run in self.over
            assert answer.charged_microusd == self.charges.get(run, 0)

    @rule(run=st.sampled_from(RUNS))
    def release(self, run: str) -> None:
        answer = self.update(lambda ledger: transitions.release(ledger, self.now, run_id=run))
        if answer.outcome == "released":
            assert run not in self.over
            self.over.add(run)

    @rule(amount=st.integers(1, 500), request=st.sampled_from(["x", "y", "z"]))
    def top_up(self, amount: int, request: str) -> None:
        known = request in self.ledger.top_ups

        def change(ledger: Ledger) -> tuple[Ledger, None]:
            return transitions.top_up(
                ledger, self.now, request_id=request, amount_microusd=amount
            ), None

        before = transitions.roll_over(self.ledger, self.now).limit_microusd
        self.update(change)
        assert self.ledger.limit_microusd == before + (0 if known else amount)

    @rule(limit=st.integers(0, 2_000))
    def set_limit(self, limit: int) -> None:
        self.update(
            lambda ledger: (transitions.set_limit(ledger, self.now, limit_microusd=limit), None)
        )
        assert self.ledger.limit_microusd == limit

    @rule()
    def acknowledge(self) -> None:
        self.update(lambda ledger: (transitions.acknowledge_overrun(ledger, self.now), None))

    @invariant()
    def the_sums_hold(self) -> None:
        ledger = self.ledger
        check(ledger)
        total = ledger.available_microusd + ledger.reserved_microusd + ledger.spent_microusd
        assert ledger.limit_microusd == total

    @invariant()
    def every_charge_is_booked_once_and_in_some_period(self) -> None:
        ledger = self.ledger
        spent = ledger.spent_microusd + sum(p.spent_microusd for p in ledger.past)
        assert spent == sum(self.charges.values())
        held = {r.run_id: r.ceiling_microusd for r in ledger.open}
        assert held == {r: c for r, c in self.ceilings.items() if r not in self.over}

    @invariant()
    def what_is_stored_can_be_read(self) -> None:
        assert codec.decode(codec.encode(self.ledger)) == self.ledger

    @invariant()
    def periods_never_go_back(self) -> None:
        assert self.ledger.period >= period_of(START)


World.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestWorld = World.TestCase


def test_every_write_lost_to_others_is_said_and_changes_nothing() -> None:
    ledger = transitions.new_ledger(
        START, limit_microusd=10, runs_in_flight_max=1, spend_per_day_max_microusd=10
    )
    kept = MemoryStore(ledger, iter(["conflict"] * 12))
    with contextlib.suppress(LedgerContentionError):
        store.update(
            kept,
            lambda now: (transitions.set_limit(now, START, limit_microusd=5), None),
            writer="w",
            patience=no_waiting(),
        )
        raise AssertionError("a write that lost every time was reported as done")
    assert store.read(kept) == ledger
