"""The ledger's state: integer micro-dollars, frozen, and the invariants that always hold.

A *period* is a calendar month in UTC (``2026-11``). ``limit = available + reserved + spent`` speaks
of the current period; reservations of an earlier one are settled there, in ``past``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from system.ledger.errors import LedgerCorruptError
from system.money import MICROUSD_MAX, is_amount

RUNS_IN_FLIGHT_LIMIT = 100
OPEN_MAX = RUNS_IN_FLIGHT_LIMIT
CLOSED_MAX = 512
"""Tombstones of runs that are over, so that a late duplicate of a request finds its outcome."""
PAST_MAX = 24
"""Besides those that an open reservation still has to settle in."""
TOP_UPS_MAX = 64
ID_CHARS_MAX = 128

Outcome = Literal["settled", "released"]
OUTCOMES: tuple[Outcome, ...] = ("settled", "released")

_PERIOD = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
_DAY = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")
_RUN_ID = re.compile(r"[0-9a-f]{32}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_REQUEST_ID = re.compile(rf"[!#-\[\]-~]{{1,{ID_CHARS_MAX}}}")


@dataclass(frozen=True)
class Reservation:
    """Money held for a run: its ceiling. Times are whole epoch seconds; ``day`` is UTC's."""

    run_id: str
    digest: str
    ceiling_microusd: int
    reserved_at: int
    lease_until: int
    period: str
    day: str


@dataclass(frozen=True)
class Closed:
    """The tombstone of a run whose money is settled or released."""

    run_id: str
    digest: str
    outcome: Outcome
    charged_microusd: int
    overrun_microusd: int
    closed_at: int


@dataclass(frozen=True)
class PastPeriod:
    """A period that is over; its open reservations still settle here."""

    period: str
    limit_microusd: int
    spent_microusd: int


@dataclass(frozen=True)
class Ledger:
    """The whole state.

    ``limit_microusd`` is this period's (top-ups included), ``base_limit_microusd`` that of the
    periods to come. ``overrun_microusd`` is cost beyond reservations that no operator has
    acknowledged: while there is any, nothing starts. ``sequence`` and ``writer`` name the write.
    """

    period: str
    day: str
    limit_microusd: int
    base_limit_microusd: int
    runs_in_flight_max: int
    spend_per_day_max_microusd: int
    spent_microusd: int = 0
    day_spent_microusd: int = 0
    overrun_microusd: int = 0
    open: tuple[Reservation, ...] = ()
    closed: tuple[Closed, ...] = ()
    past: tuple[PastPeriod, ...] = ()
    top_ups: tuple[str, ...] = ()
    sequence: int = 1
    writer: str = ""

    @property
    def reserved_microusd(self) -> int:
        """What this period's open reservations hold."""
        return sum(r.ceiling_microusd for r in self.open if r.period == self.period)

    @property
    def available_microusd(self) -> int:
        """What is left; negative when an operator has set the limit below it."""
        return self.limit_microusd - self.reserved_microusd - self.spent_microusd

    @property
    def day_reserved_microusd(self) -> int:
        """What today's open reservations hold."""
        return sum(r.ceiling_microusd for r in self.open if r.day == self.day)

    def reservation(self, run_id: str) -> Reservation | None:
        """The open reservation of a run."""
        return next((r for r in self.open if r.run_id == run_id), None)

    def tombstone(self, run_id: str) -> Closed | None:
        """What became of a run's money, if it is over and not yet forgotten."""
        return next((c for c in self.closed if c.run_id == run_id), None)


def period_of(now: float) -> str:
    """The period of a moment."""
    return f"{datetime.fromtimestamp(now, UTC):%Y-%m}"


def day_of(now: float) -> str:
    """The day (UTC) of a moment."""
    return f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d}"


def is_request_id(value: object) -> bool:
    """Whether a value can name a top-up: printable ASCII without spaces, quotes, backslashes.

    Such a text has as many bytes in JSON as characters, which bounds the ledger's size.
    """
    return isinstance(value, str) and _REQUEST_ID.fullmatch(value) is not None


def renews_at(period: str) -> int:
    """When the period after ``period`` begins, in epoch seconds."""
    year, month = (int(part) for part in period.split("-"))
    year, month = (year + 1, 1) if month == 12 else (year, month + 1)  # noqa: PLR2004 (December)
    return int(datetime(year, month, 1, tzinfo=UTC).timestamp())


def check(ledger: Ledger) -> None:
    """Raise LedgerCorruptError unless every invariant holds that one state can show."""
    for complaint in _complaints(ledger):
        raise LedgerCorruptError(f"the ledger is corrupt: {complaint}")


def _complaints(ledger: Ledger) -> Iterator[str]:
    if not _PERIOD.fullmatch(ledger.period) or not _DAY.fullmatch(ledger.day):
        yield "its period or day is no date"
    amounts = {
        "limit": ledger.limit_microusd,
        "base limit": ledger.base_limit_microusd,
        "daily limit": ledger.spend_per_day_max_microusd,
        "spent": ledger.spent_microusd,
        "spent today": ledger.day_spent_microusd,
        "overrun": ledger.overrun_microusd,
    }
    for name, amount in amounts.items():
        if not is_amount(amount):
            yield f"{name} is no amount from 0 to {MICROUSD_MAX}"
    if not 0 <= ledger.runs_in_flight_max <= RUNS_IN_FLIGHT_LIMIT:
        yield f"runs_in_flight_max is not from 0 to {RUNS_IN_FLIGHT_LIMIT}"
    if ledger.sequence < 1 or len(ledger.writer) > ID_CHARS_MAX:
        yield "its sequence or writer is out of range"
    if not all(map(is_request_id, ledger.top_ups)):
        yield "a top-up has no proper id"
    yield from _complaints_of_runs(ledger)
    yield from _complaints_of_past(ledger)


def _complaints_of_runs(ledger: Ledger) -> Iterator[str]:
    for size, most, name in (
        (len(ledger.open), OPEN_MAX, "open runs"),
        (len(ledger.closed), CLOSED_MAX, "closed runs"),
        (len(ledger.top_ups), TOP_UPS_MAX, "top-ups"),
    ):
        if size > most:
            yield f"it has more than {most} {name}"
    names = [r.run_id for r in ledger.open] + [c.run_id for c in ledger.closed]
    if len(set(names)) != len(names):
        yield "a run is in it twice"
    digests = [r.digest for r in ledger.open] + [c.digest for c in ledger.closed]
    if not all(map(_RUN_ID.fullmatch, names)) or not all(map(_DIGEST.fullmatch, digests)):
        yield "a run has no proper id or digest"
    for held in ledger.open:
        if not is_amount(held.ceiling_microusd) or held.ceiling_microusd == 0:
            yield f"run {held.run_id} holds no proper amount"
        if not 0 <= held.reserved_at < held.lease_until:
            yield f"run {held.run_id} has no proper lease"
        if not _DAY.fullmatch(held.day) or held.day > ledger.day:
            yield f"run {held.run_id} is of a day to come"
    for over in ledger.closed:
        if over.outcome not in OUTCOMES or over.closed_at < 0:
            yield f"run {over.run_id} has no proper outcome"
        if not is_amount(over.charged_microusd) or not is_amount(over.overrun_microusd):
            yield f"run {over.run_id} was charged no proper amount"
        if over.overrun_microusd > over.charged_microusd:
            yield f"run {over.run_id} has more overrun than cost"
        if over.outcome == "released" and over.charged_microusd:
            yield f"run {over.run_id} was released and charged"


def _complaints_of_past(ledger: Ledger) -> Iterator[str]:
    periods = [p.period for p in ledger.past]
    if len(set(periods) - {held.period for held in ledger.open}) > PAST_MAX:
        yield f"it has more than {PAST_MAX} past periods that nothing settles in"
    if periods != sorted(set(periods)) or any(p >= ledger.period for p in periods):
        yield "its past periods are not in order"
    for past in ledger.past:
        if not _PERIOD.fullmatch(past.period):
            yield "a past period is no month"
        if not is_amount(past.limit_microusd) or not is_amount(past.spent_microusd):
            yield f"the period {past.period} has no proper amounts"
    known = {*periods, ledger.period}
    for held in ledger.open:
        if held.period not in known:
            yield f"run {held.run_id} is of an unknown period"
