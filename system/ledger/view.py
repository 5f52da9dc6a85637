"""The ledger as visitors and the reconcile workflow see it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from system import money, prices, problems, runs
from system.ledger import transitions
from system.ledger.state import Ledger, renews_at

SIZES = (256, 512, 768, 1024)
"""The sizes whose ceilings the view names; any other size costs at most what the next one does."""


def least_ceiling_microusd(rate: prices.Rates) -> int:
    """The ceiling of the cheapest run there is: less money than this starts nothing."""
    return prices.run_ceiling_microusd(rate, prices.DEADLINE_MIN_S)


def budget(ledger: Ledger, now: float, rate: prices.Rates) -> dict[str, Any]:
    """The budget view of ``GET /api/budget``; amounts in micro-dollars.

    ``run_ceiling_microusd`` and ``runs_left`` speak of the cheapest run, ``ceilings_microusd`` of
    each quality and size.
    """
    ledger = transitions.roll_over(ledger, now)
    ceiling = least_ceiling_microusd(rate)
    refused = transitions.refusal(ledger, ceiling)
    amounts = {
        "limit": ledger.limit_microusd,
        "spent": ledger.spent_microusd,
        "reserved": ledger.reserved_microusd,
        "available": ledger.available_microusd,
        "run_ceiling": ceiling,
    }
    return {
        **{f"{name}_microusd": amount for name, amount in amounts.items()},
        "display": {name: money.display(amount) for name, amount in amounts.items()},
        "ceilings_microusd": ceilings(rate),
        "runs_left": max(0, ledger.available_microusd // ceiling),
        "runs_in_flight": len(ledger.open),
        "runs_in_flight_max": ledger.runs_in_flight_max,
        "accepting": refused is None,
        "reason": None if refused is None else problems.kind_of(refused.error_name).code,
        "period": ledger.period,
        "renews_at": f"{datetime.fromtimestamp(renews_at(ledger.period), UTC):%Y-%m-%dT%H:%M:%SZ}",
    }


def measures(ledger: Ledger, now: float, rate: prices.Rates) -> dict[str, int]:
    """The ledger as metrics, by their names; ``docs/operations.md`` says what watches them."""
    ledger = transitions.roll_over(ledger, now)
    return {
        "SpentMicrousd": ledger.spent_microusd,
        "AvailableMicrousd": ledger.available_microusd,
        "OverrunMicrousd": ledger.overrun_microusd,
        "BudgetSpentPercent": spent_percent(ledger, least_ceiling_microusd(rate)),
        "RunsInFlight": len(ledger.open),
    }


def spent_percent(ledger: Ledger, least_microusd: int) -> int:
    """How much of the period's limit is spent, in whole percent, rounded down.

    100 as soon as what is not spent pays for no run, however much is left by name.
    """
    if ledger.limit_microusd - ledger.spent_microusd < least_microusd:
        return max(100, 100 * ledger.spent_microusd // max(1, ledger.limit_microusd))
    return 100 * ledger.spent_microusd // ledger.limit_microusd


def ceilings(rate: prices.Rates) -> dict[str, dict[str, int]]:
    """Quality, or ``instant`` -> size -> the most that such a run can cost, in micro-dollars."""
    return {
        work: {
            str(size): prices.run_ceiling_microusd(rate, prices.deadline_s(work, size))
            for size in SIZES
        }
        for work in runs.WORKS
    }


def open_runs(ledger: Ledger, now: float, run_id: str | None = None) -> list[dict[str, Any]]:
    """The open reservations, oldest first; with a run id, that run's or none."""
    return [
        {
            "run_id": held.run_id,
            "digest": held.digest,
            "ceiling_microusd": held.ceiling_microusd,
            "reserved_at": held.reserved_at,
            "lease_until": held.lease_until,
            "expired": now >= held.lease_until,
        }
        for held in ledger.open
        if run_id is None or held.run_id == run_id
    ]
