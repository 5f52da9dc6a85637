"""The ledger's size has a bound, and no sequence of operations gets past it."""

from __future__ import annotations

import contextlib
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from system import prices
from system.ledger import codec, transitions
from system.ledger.errors import LedgerRefusedError
from system.ledger.state import (
    CLOSED_MAX,
    ID_CHARS_MAX,
    OPEN_MAX,
    PAST_MAX,
    RUNS_IN_FLIGHT_LIMIT,
    TOP_UPS_MAX,
    Ledger,
    check,
)

NOW = 1_793_000_000.0
DIGEST = "d" * 64
DYNAMODB_ITEM_BYTES_MAX = 400 * 1024


def test_the_largest_ledger_there_can_be_fits(largest_ledger: Ledger) -> None:
    """All lists full, all numbers of the most digits, all ids of the most characters."""
    assert len(largest_ledger.open) == OPEN_MAX == RUNS_IN_FLIGHT_LIMIT
    assert len(largest_ledger.closed) == CLOSED_MAX
    assert len(largest_ledger.top_ups) == TOP_UPS_MAX
    assert len(largest_ledger.past) == PAST_MAX + OPEN_MAX
    assert {len(name) for name in largest_ledger.top_ups} == {ID_CHARS_MAX}
    check(largest_ledger)
    size = len(codec.encode(largest_ledger))
    assert 100_000 < size <= codec.BYTES_MAX == prices.LEDGER_BYTES_MAX
    assert size * 3 < DYNAMODB_ITEM_BYTES_MAX


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "settle", "release", "top up", "month"]), st.integers(0, 1_200)
    ),
    max_size=400,
)


@given(steps=STEPS, starts_full=st.booleans())
@settings(max_examples=60, deadline=None)
def test_no_sequence_of_operations_gets_past_the_bounds(
    steps: list[tuple[str, int]], starts_full: bool
) -> None:
    ledger, now = _full() if starts_full else _empty(), NOW
    for step, number in steps:
        run = f"{number:032x}"
        with contextlib.suppress(LedgerRefusedError):
            if step == "reserve":
                ledger, _ = transitions.reserve(
                    ledger, now, run_id=run, digest=DIGEST, ceiling_microusd=1, lease_s=1
                )
            elif step == "settle":
                ledger, _ = transitions.settle(ledger, now, run_id=run, cost_microusd=1)
            elif step == "release":
                ledger, _ = transitions.release(ledger, now, run_id=run)
            elif step == "top up":
                ledger = transitions.top_up(ledger, now, request_id=run, amount_microusd=1)
            else:
                now += 31 * 86_400
                ledger = transitions.roll_over(ledger, now)
        check(ledger)
        assert len(ledger.open) <= OPEN_MAX
        assert len(ledger.closed) <= CLOSED_MAX
        assert len(ledger.past) <= PAST_MAX + OPEN_MAX
        assert len(ledger.top_ups) <= TOP_UPS_MAX
    assert len(codec.encode(ledger)) <= codec.BYTES_MAX


def test_a_run_that_settles_after_years_does_not_corrupt_what_is_kept() -> None:
    """Thirty open runs, each of a month of its own: more months than are kept for their own sake.

    Once their runs are settled the surplus months must go, or the ledger would be refused.
    """
    ledger, months = _empty(), PAST_MAX + 6
    for month in range(months):
        now = NOW + month * 31 * 86_400
        ledger, _ = transitions.reserve(
            ledger, now, run_id=f"{month:032x}", digest=DIGEST, ceiling_microusd=5, lease_s=1
        )
    ledger = transitions.roll_over(ledger, NOW + months * 31 * 86_400)
    assert len(ledger.past) == months
    check(ledger)
    for month in range(months):
        ledger, settled = transitions.settle(ledger, NOW, run_id=f"{month:032x}", cost_microusd=3)
        assert settled.charged_microusd == 3
        check(ledger)
    assert len(ledger.past) == PAST_MAX
    assert {p.spent_microusd for p in ledger.past} == {3}


def _empty() -> Ledger:
    return transitions.new_ledger(
        NOW,
        limit_microusd=10**9,
        runs_in_flight_max=RUNS_IN_FLIGHT_LIMIT,
        spend_per_day_max_microusd=10**9,
    )


def _full() -> Ledger:
    """At every bound but one short of it in none."""
    ledger = _empty()
    for number in range(CLOSED_MAX):
        run = f"{number + 2_000:032x}"
        ledger, _ = transitions.reserve(
            ledger, NOW, run_id=run, digest=DIGEST, ceiling_microusd=1, lease_s=1
        )
        ledger, _ = transitions.release(ledger, NOW, run_id=run)
    for number in range(OPEN_MAX):
        ledger, _ = transitions.reserve(
            ledger, NOW, run_id=f"{number:032x}", digest=DIGEST, ceiling_microusd=1, lease_s=1
        )
    return replace(ledger, top_ups=tuple(f"t{number}" for number in range(TOP_UPS_MAX)))
