"""What each operation of the ledger does, one sentence a test."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from system.ledger import transitions
from system.ledger.errors import LedgerRefusedError
from system.ledger.state import Ledger, renews_at

NOW = datetime(2026, 11, 30, 23, 59, 0, tzinfo=UTC).timestamp()
A, B, C = ("a" * 32, "b" * 32, "c" * 32)
DIGEST, OTHER = "1" * 64, "2" * 64


def ledger(limit: int = 1_000, flight: int = 2, day: int = 900) -> Ledger:
    return transitions.new_ledger(
        NOW, limit_microusd=limit, runs_in_flight_max=flight, spend_per_day_max_microusd=day
    )


def reserve(
    state: Ledger, run: str, ceiling: int = 100, digest: str = DIGEST, at: float = NOW
) -> tuple[Ledger, transitions.Reserved]:
    return transitions.reserve(
        state, at, run_id=run, digest=digest, ceiling_microusd=ceiling, lease_s=600
    )


def refused_with(state: Ledger, run: str, ceiling: int = 100, digest: str = DIGEST) -> str:
    with pytest.raises(LedgerRefusedError) as caught:
        reserve(state, run, ceiling, digest)
    assert len(str(caught.value)) > 20
    return caught.value.error_name


def test_a_reservation_holds_the_ceiling_until_its_lease_ends() -> None:
    state, answer = reserve(ledger(), A, 300)
    assert (answer.outcome, answer.fresh, answer.lease_until) == ("reserved", True, NOW + 600)
    assert (state.available_microusd, state.reserved_microusd) == (700, 300)


def test_the_same_request_again_holds_nothing_more() -> None:
    state, first = reserve(ledger(), A)
    again, answer = reserve(state, A)
    assert again == state
    assert (answer.outcome, answer.fresh) == ("already_reserved", False)
    assert answer.lease_until == first.lease_until
    assert refused_with(state, A, digest=OTHER) == "RunConflict"


def test_a_run_that_is_over_stays_over() -> None:
    state, _ = reserve(ledger(), A)
    state, _ = transitions.settle(state, NOW, run_id=A, cost_microusd=60)
    again, answer = reserve(state, A)
    assert again == state
    assert (answer.outcome, answer.fresh, answer.lease_until) == ("over", False, None)
    assert refused_with(state, A, digest=OTHER) == "RunConflict"


def test_nothing_starts_that_does_not_fit() -> None:
    state, _ = reserve(ledger(), A, 600)
    assert refused_with(state, B, 401) == "BudgetExhausted"
    state, _ = reserve(ledger(day=400), A, 300)
    assert refused_with(state, B, 101) == "DailyLimitReached"
    state, _ = reserve(state, B, 100)
    assert refused_with(state, C, 1) == "TooManyRuns"


def test_settling_charges_the_real_cost_once() -> None:
    state, _ = reserve(ledger(), A, 300)
    state, answer = transitions.settle(state, NOW, run_id=A, cost_microusd=120)
    assert (answer.outcome, answer.charged_microusd) == ("settled", 120)
    assert (state.spent_microusd, state.available_microusd) == (120, 880)
    again, answer = transitions.settle(state, NOW, run_id=A, cost_microusd=999)
    assert again == state
    assert (answer.outcome, answer.charged_microusd) == ("already_over", 120)
    assert transitions.settle(state, NOW, run_id=B, cost_microusd=1)[1].outcome == "unknown_run"


def test_an_unknown_cost_is_the_ceiling() -> None:
    state, _ = reserve(ledger(), A, 300)
    state, answer = transitions.settle(state, NOW, run_id=A, cost_microusd=None)
    assert (answer.charged_microusd, answer.overrun_microusd) == (300, 0)
    assert state.available_microusd == 700


def test_cost_above_the_ceiling_is_charged_and_blocks_until_somebody_looks() -> None:
    state, _ = reserve(ledger(), A, 300)
    state, answer = transitions.settle(state, NOW, run_id=A, cost_microusd=350)
    assert (answer.charged_microusd, answer.overrun_microusd) == (350, 50)
    assert state.spent_microusd == 350
    assert refused_with(state, B, 1) == "BudgetExhausted"
    assert reserve(transitions.acknowledge_overrun(state, NOW), B, 1)[1].fresh
    topped = transitions.top_up(state, NOW, request_id="t", amount_microusd=1)
    assert reserve(topped, B, 1)[1].fresh


def test_a_release_charges_nothing_once() -> None:
    state, _ = reserve(ledger(), A, 300)
    state, answer = transitions.release(state, NOW, run_id=A)
    assert answer.outcome == "released"
    assert (state.available_microusd, state.spent_microusd) == (1_000, 0)
    assert transitions.release(state, NOW, run_id=A) == (
        state,
        transitions.Released("already_over"),
    )
    assert transitions.release(state, NOW, run_id=B)[1].outcome == "unknown_run"
    assert transitions.settle(state, NOW, run_id=A, cost_microusd=9)[1].charged_microusd == 0


def test_a_limit_below_what_is_spent_is_accepted_and_nothing_starts() -> None:
    state, _ = reserve(ledger(), A, 300)
    state = transitions.set_limit(state, NOW, limit_microusd=100)
    assert state.available_microusd == -200
    assert refused_with(state, B, 1) == "BudgetExhausted"


def test_a_top_up_counts_once_and_for_this_period_only() -> None:
    state = transitions.top_up(ledger(), NOW, request_id="t", amount_microusd=500)
    state = transitions.top_up(state, NOW, request_id="t", amount_microusd=500)
    assert state.limit_microusd == 1_500
    assert transitions.roll_over(state, NOW + 3_600).limit_microusd == 1_000
    with pytest.raises(ValueError, match="more than"):
        transitions.top_up(state, NOW, request_id="u", amount_microusd=10**12)


def test_an_open_reservation_settles_in_the_period_that_made_it() -> None:
    state, _ = reserve(ledger(), A, 300)
    later = NOW + 120
    state = transitions.roll_over(state, later)
    assert (state.period, state.limit_microusd, state.available_microusd) == (
        "2026-12",
        1_000,
        1_000,
    )
    state, answer = transitions.settle(state, later, run_id=A, cost_microusd=200)
    assert answer.outcome == "settled"
    assert (state.spent_microusd, state.day_spent_microusd) == (0, 0)
    [november] = state.past
    assert (november.period, november.spent_microusd) == ("2026-11", 200)


def test_a_late_clock_does_not_bring_back_a_period_or_a_day() -> None:
    state = transitions.roll_over(ledger(), NOW + 120)
    assert transitions.roll_over(state, NOW) == state
    assert reserve(state, A, at=NOW)[0].open[0].period == "2026-12"


def test_yesterdays_spending_does_not_count_today() -> None:
    state, _ = reserve(ledger(day=300), A, 300)
    state, _ = transitions.settle(state, NOW, run_id=A, cost_microusd=300)
    assert refused_with(state, B, 1) == "DailyLimitReached"
    assert reserve(state, B, 300, at=NOW + 120)[1].fresh


def test_periods_renew_at_the_first_of_the_next_month() -> None:
    assert renews_at("2026-11") == int(datetime(2026, 12, 1, tzinfo=UTC).timestamp())
    assert renews_at("2026-12") == int(datetime(2027, 1, 1, tzinfo=UTC).timestamp())


@pytest.mark.parametrize("wrong", [0, -1, True, 10**13])
def test_amounts_that_are_none_are_refused(wrong: int) -> None:
    with pytest.raises(ValueError, match="amount"):
        reserve(ledger(), A, wrong)
