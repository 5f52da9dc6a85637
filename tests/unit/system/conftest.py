"""An emulator in this process, without the system in it, for what needs real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from emulator.settings import Settings
from emulator.stack import Stack
from system.ledger.state import (
    CLOSED_MAX,
    ID_CHARS_MAX,
    OPEN_MAX,
    PAST_MAX,
    RUNS_IN_FLIGHT_LIMIT,
    TOP_UPS_MAX,
    Closed,
    Ledger,
    PastPeriod,
    Reservation,
)
from system.money import MICROUSD_MAX
from tests.unit.system.ledger_homes import Home, home


@pytest.fixture(scope="session")
def aws_url() -> Iterator[str]:
    """The endpoint of a bare emulator."""
    with Stack(replace(Settings(), aws_port=0, edge_port=0, bare=True)) as stack:
        yield stack.aws_url


@pytest.fixture(params=["s3", "dynamodb", "s3 over HTTP", "dynamodb over HTTP"])
def place(request: pytest.FixtureRequest) -> Iterator[Home]:
    """An empty home of a ledger."""
    kind, _, http = request.param.partition(" ")
    url = request.getfixturevalue("aws_url") if http else None
    with home(kind, url) as made:
        yield made


@pytest.fixture(scope="session")
def largest_ledger() -> Ledger:
    """The largest state that passes the ledger's own check: every list and every number full."""
    months = [f"{year}-{month:02d}" for year in range(2026, 2040) for month in range(1, 13)]
    past, period = months[: PAST_MAX + OPEN_MAX], months[PAST_MAX + OPEN_MAX]
    most, late = MICROUSD_MAX, 9_999_999_999
    return Ledger(
        period=period,
        day=f"{period}-28",
        limit_microusd=most,
        base_limit_microusd=most,
        runs_in_flight_max=RUNS_IN_FLIGHT_LIMIT,
        spend_per_day_max_microusd=most,
        spent_microusd=most,
        day_spent_microusd=most,
        overrun_microusd=most,
        open=tuple(
            Reservation(
                f"{n:032x}", "d" * 64, most, late - 1, late, past[PAST_MAX + n], f"{past[n]}-28"
            )
            for n in range(OPEN_MAX)
        ),
        closed=tuple(
            Closed(f"{n + OPEN_MAX:032x}", "d" * 64, "settled", most, most, late)
            for n in range(CLOSED_MAX)
        ),
        past=tuple(PastPeriod(name, most, most) for name in past),
        top_ups=tuple(f"{n:0{ID_CHARS_MAX}d}" for n in range(TOP_UPS_MAX)),
        sequence=10**12,
        writer="w" * ID_CHARS_MAX,
    )
