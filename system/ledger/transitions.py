"""What can happen to the ledger. Every transition is pure: state in, state and answer out.

All are idempotent: by run id (reserve, settle, release), by the id of the request (top up), by
their outcome (set limits, acknowledge, roll over). Periods and days only ever go forward, whatever
a writer's clock says.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from system.ledger.errors import LedgerRefusedError
from system.ledger.state import (
    CLOSED_MAX,
    ID_CHARS_MAX,
    OPEN_MAX,
    PAST_MAX,
    TOP_UPS_MAX,
    Closed,
    Ledger,
    Outcome,
    PastPeriod,
    Reservation,
    day_of,
    is_request_id,
    period_of,
)
from system.money import MICROUSD_MAX, display, is_amount


@dataclass(frozen=True)
class Reserved:
    """``over``: the run was settled or released before; then there is no lease."""

    outcome: Literal["reserved", "already_reserved", "over"]
    lease_until: int | None

    @property
    def fresh(self) -> bool:
        """Whether this very request made the reservation."""
        return self.outcome == "reserved"


@dataclass(frozen=True)
class Settled:
    """What a run was charged; ``overrun_microusd`` is the part above its ceiling."""

    outcome: Literal["settled", "already_over", "unknown_run"]
    charged_microusd: int
    overrun_microusd: int


@dataclass(frozen=True)
class Released:
    """Whether the reservation was freed without a charge."""

    outcome: Literal["released", "already_over", "unknown_run"]


def new_ledger(
    now: float, *, limit_microusd: int, runs_in_flight_max: int, spend_per_day_max_microusd: int
) -> Ledger:
    """A ledger that nothing was spent from."""
    return Ledger(
        period=period_of(now),
        day=day_of(now),
        limit_microusd=limit_microusd,
        base_limit_microusd=limit_microusd,
        runs_in_flight_max=runs_in_flight_max,
        spend_per_day_max_microusd=spend_per_day_max_microusd,
    )


def roll_over(ledger: Ledger, now: float) -> Ledger:
    """The ledger in the period and on the day of ``now``; unchanged when it is there already.

    What is left of a period does not go over to the next, and top-ups end with theirs.
    """
    period, day = period_of(now), day_of(now)
    if day > ledger.day:
        ledger = replace(ledger, day=day, day_spent_microusd=0)
    if period <= ledger.period:
        return ledger
    ended = PastPeriod(ledger.period, ledger.limit_microusd, ledger.spent_microusd)
    return replace(
        ledger,
        period=period,
        limit_microusd=ledger.base_limit_microusd,
        spent_microusd=0,
        past=_bounded_past((*ledger.past, ended), ledger.open),
    )


def refusal(ledger: Ledger, ceiling_microusd: int) -> LedgerRefusedError | None:
    """Why one more run with this ceiling may not start; None when it may."""
    if ledger.overrun_microusd > 0:
        return LedgerRefusedError(
            "BudgetExhausted",
            "A run has cost more than was set aside for it, so nothing is started until an "
            "operator has looked into it.",
        )
    if len(ledger.open) >= min(ledger.runs_in_flight_max, OPEN_MAX):
        return LedgerRefusedError(
            "TooManyRuns",
            "As many paintings as can be made at once are being made; please try again soon.",
        )
    if ceiling_microusd > ledger.available_microusd:
        return LedgerRefusedError(
            "BudgetExhausted",
            f"A run may cost {display(ceiling_microusd)} and this period's budget has "
            f"{display(max(0, ledger.available_microusd))} left; it renews next month.",
        )
    today = ledger.day_spent_microusd + ledger.day_reserved_microusd
    if today + ceiling_microusd > ledger.spend_per_day_max_microusd:
        return LedgerRefusedError(
            "DailyLimitReached",
            "Today's share of the budget is spent or reserved; please come back tomorrow.",
        )
    return None


def reserve(
    ledger: Ledger, now: float, *, run_id: str, digest: str, ceiling_microusd: int, lease_s: int
) -> tuple[Ledger, Reserved]:
    """Hold the ceiling of a run.

    Raises LedgerRefusedError: RunConflict, BudgetExhausted, DailyLimitReached, TooManyRuns.
    """
    if not is_amount(ceiling_microusd) or ceiling_microusd == 0 or lease_s <= 0:
        raise ValueError("a reservation holds an amount above 0 for a time above 0")
    ledger = roll_over(ledger, now)
    held, over = ledger.reservation(run_id), ledger.tombstone(run_id)
    for known in (held, over):
        if known is not None and known.digest != digest:
            raise LedgerRefusedError(
                "RunConflict",
                "This run was started before with other pictures or parameters; ask for a new run.",
            )
    if held is not None:
        return ledger, Reserved("already_reserved", held.lease_until)
    if over is not None:
        return ledger, Reserved("over", None)
    refused = refusal(ledger, ceiling_microusd)
    if refused is not None:
        raise refused
    made = Reservation(
        run_id=run_id,
        digest=digest,
        ceiling_microusd=ceiling_microusd,
        reserved_at=int(now),
        lease_until=int(now) + lease_s,
        period=ledger.period,
        day=ledger.day,
    )
    return replace(ledger, open=(*ledger.open, made)), Reserved("reserved", made.lease_until)


def settle(
    ledger: Ledger, now: float, *, run_id: str, cost_microusd: int | None
) -> tuple[Ledger, Settled]:
    """Charge a run's real cost and free the rest; ``None``: unknown, so the ceiling is charged.

    Cost above the ceiling is charged too, and booked as overrun.
    """
    if cost_microusd is not None and not is_amount(cost_microusd):
        raise ValueError("a cost is an amount from 0")
    ledger = roll_over(ledger, now)
    held = ledger.reservation(run_id)
    if held is None:
        over = ledger.tombstone(run_id)
        if over is None:
            return ledger, Settled("unknown_run", 0, 0)
        return ledger, Settled("already_over", over.charged_microusd, over.overrun_microusd)
    charged = held.ceiling_microusd if cost_microusd is None else cost_microusd
    overrun = max(0, charged - held.ceiling_microusd)
    ledger = _close(ledger, now, held, "settled", charged=charged, overrun=overrun)
    return ledger, Settled("settled", charged, overrun)


def release(ledger: Ledger, now: float, *, run_id: str) -> tuple[Ledger, Released]:
    """Free a reservation without a charge: for a run that provably never began."""
    ledger = roll_over(ledger, now)
    held = ledger.reservation(run_id)
    if held is None:
        return ledger, Released("already_over" if ledger.tombstone(run_id) else "unknown_run")
    return _close(ledger, now, held, "released"), Released("released")


def top_up(ledger: Ledger, now: float, *, request_id: str, amount_microusd: int) -> Ledger:
    """Add to this period's limit, once for each ``request_id``; it also acknowledges overruns."""
    if not is_amount(amount_microusd) or amount_microusd == 0:
        raise ValueError("a top-up is an amount above 0")
    if not is_request_id(request_id):
        raise ValueError(
            f"the id of a top-up is 1 to {ID_CHARS_MAX} printable ASCII characters without spaces, "
            "quotes and backslashes"
        )
    ledger = roll_over(ledger, now)
    if request_id in ledger.top_ups:
        return ledger
    if ledger.limit_microusd + amount_microusd > MICROUSD_MAX:
        raise ValueError(f"the limit would be more than {display(MICROUSD_MAX)}")
    return replace(
        ledger,
        limit_microusd=ledger.limit_microusd + amount_microusd,
        overrun_microusd=0,
        top_ups=(*ledger.top_ups, request_id)[-TOP_UPS_MAX:],
    )


def set_limit(
    ledger: Ledger,
    now: float,
    *,
    limit_microusd: int | None = None,
    runs_in_flight_max: int | None = None,
    spend_per_day_max_microusd: int | None = None,
) -> Ledger:
    """Set this and the coming periods' limits; what is None stays as it is.

    A limit below what is spent and reserved is accepted: available is negative, nothing starts.
    """
    ledger = roll_over(ledger, now)
    if limit_microusd is not None:
        ledger = replace(ledger, limit_microusd=limit_microusd, base_limit_microusd=limit_microusd)
    if runs_in_flight_max is not None:
        ledger = replace(ledger, runs_in_flight_max=runs_in_flight_max)
    if spend_per_day_max_microusd is not None:
        ledger = replace(ledger, spend_per_day_max_microusd=spend_per_day_max_microusd)
    return ledger


def acknowledge_overrun(ledger: Ledger, now: float) -> Ledger:
    """An operator has seen the overrun: runs may start again."""
    return replace(roll_over(ledger, now), overrun_microusd=0)


def _close(
    ledger: Ledger,
    now: float,
    held: Reservation,
    outcome: Outcome,
    *,
    charged: int = 0,
    overrun: int = 0,
) -> Ledger:
    # The moment is the writer's, but never before the reservation: clocks differ.
    closed_at = max(int(now), held.reserved_at)
    stone = Closed(held.run_id, held.digest, outcome, charged, overrun, closed_at)
    ledger = replace(
        ledger,
        open=tuple(r for r in ledger.open if r.run_id != held.run_id),
        closed=(*ledger.closed, stone)[-CLOSED_MAX:],
        overrun_microusd=ledger.overrun_microusd + overrun,
    )
    if held.day == ledger.day:
        ledger = replace(ledger, day_spent_microusd=ledger.day_spent_microusd + charged)
    if held.period == ledger.period:
        return replace(ledger, spent_microusd=ledger.spent_microusd + charged)
    past = tuple(
        replace(p, spent_microusd=p.spent_microusd + charged) if p.period == held.period else p
        for p in ledger.past
    )
    return replace(ledger, past=_bounded_past(past, ledger.open))


def _bounded_past(
    past: tuple[PastPeriod, ...], still_open: tuple[Reservation, ...]
) -> tuple[PastPeriod, ...]:
    """The newest periods, and of older ones those that a reservation still has to settle in."""
    needed = {r.period for r in still_open}
    surplus = len(past) - PAST_MAX
    kept = []
    for period in past:
        if surplus > 0 and period.period not in needed:
            surplus -= 1
        else:
            kept.append(period)
    return tuple(kept)
