"""What live events cost: a load balancer and one small instance that are there all month.

Prices: ``system/prices.py`` (list prices, their date and sources).
"""

from __future__ import annotations

from fractions import Fraction

from system.money import round_up
from system.prices import REGIONS, Architecture, rates

MONTH_HOURS = 31 * 24
FOLLOW_EVERY_S = 1
"""An instance reads the log of a run that somebody follows this often (the worker's Timings)."""


def month_microusd(
    *, region: str, architecture: Architecture, cpu_units: int, memory_mib: int, followed: int
) -> dict[str, int]:
    """What they cost in a month of 31 days, whoever comes: by part, in micro-dollars.

    One instance of ``cpu_units`` and ``memory_mib`` behind an internal load balancer; at most one
    capacity unit, since the stage's throttle lets fewer connections through, and ``followed`` runs
    at any time. A VPC link of version 2 costs nothing by itself. Raises KeyError for a region
    without prices.
    """
    prices = REGIONS[region]
    task = rates(
        region=region, architecture=architecture, cpu_units=cpu_units, memory_mib=memory_mib
    )
    reads = prices.s3_get * Fraction(followed * 3600, FOLLOW_EVERY_S)
    return {
        "load balancer": round_up(prices.balancer_hour * MONTH_HOURS),
        "its capacity unit, when it is busy": round_up(prices.balancer_unit_hour * MONTH_HOURS),
        "instance": round_up(task.task_s * 3600 * MONTH_HOURS),
        "reads of event logs, when all runs are followed": round_up(reads * MONTH_HOURS),
    }
