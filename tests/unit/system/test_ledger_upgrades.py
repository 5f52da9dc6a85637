"""A ledger of an older schema becomes one of today's while runs are open, and money stays put.

Only one schema has ever been stored, so the older one here is made up: it had dollars as cents,
knew no overrun, and its reservations had no day.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from system.ledger import codec, store, transitions, upgrades
from system.ledger.errors import LedgerCorruptError
from tests.unit.system.ledger_homes import Home
from tests.unit.system.memory_store import no_waiting

NOW = 1_793_000_000.0
OLD = codec.SCHEMA - 1
RUN, LATER, DIGEST = "e" * 32, "f" * 32, "5" * 64


def old_document(**changes: Any) -> bytes:
    """A ledger of the made-up schema with one open run that holds 3 cents."""
    document: dict[str, Any] = {
        "schema": OLD,
        "period": "2026-10",
        "limit_cents": 10,
        "spent_cents": 2,
        "open": [[RUN, DIGEST, 3, int(NOW) - 5, int(NOW) + 600]],
        "sequence": 41,
        **changes,
    }
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    document["checksum"] = hashlib.sha256(text.encode()).hexdigest()
    return json.dumps(document).encode()


def upgrade(old: dict[str, Any]) -> dict[str, Any]:
    day = f"{old['period']}-26"
    rows = [
        [run, digest, cents * 10_000, at, until, old["period"], day]
        for run, digest, cents, at, until in old["open"]
    ]
    limit, spent = old["limit_cents"] * 10_000, old["spent_cents"] * 10_000
    reserved = sum(row[2] for row in rows)
    return {
        "schema": codec.SCHEMA,
        "period": old["period"],
        "day": day,
        "limit_microusd": limit,
        "base_limit_microusd": limit,
        "runs_in_flight_max": 4,
        "spend_per_day_max_microusd": limit,
        "spent_microusd": spent,
        "day_spent_microusd": spent,
        "overrun_microusd": 0,
        "open": rows,
        "closed": [],
        "past": [],
        "top_ups": [],
        "sequence": old["sequence"],
        "writer": "upgrade",
        "reserved_microusd": reserved,
        "available_microusd": limit - spent - reserved,
    }


@pytest.fixture
def _upgrades(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(upgrades.UPGRADES, OLD, upgrade)


@pytest.mark.usefixtures("_upgrades")
def test_an_open_run_goes_on_over_the_upgrade_and_is_settled_once(place: Home) -> None:
    place.plant(old_document())
    kept = store.read(place.store)
    assert (kept.reserved_microusd, kept.available_microusd) == (30_000, 50_000)
    assert json.loads(place.raw())["schema"] == OLD, "reading does not write"

    def settle(ledger: Any) -> Any:
        return transitions.settle(ledger, NOW, run_id=RUN, cost_microusd=12_345)

    for outcome in ("settled", "already_over"):
        answer = store.update(place.store, settle, writer="w", patience=no_waiting())
        assert (answer.outcome, answer.charged_microusd) == (outcome, 12_345)
    assert json.loads(place.raw())["schema"] == codec.SCHEMA
    kept = store.read(place.store)
    assert (kept.spent_microusd, kept.available_microusd) == (32_345, 67_655)
    assert kept.sequence == 42


@pytest.mark.usefixtures("_upgrades")
def test_two_writers_over_the_upgrade_both_count(place: Home) -> None:
    """The second has read the old document, too: it loses and tries again on the new one."""
    place.plant(old_document())
    other = place.another()
    interfered: list[bool] = []

    def reserve(run: str) -> Any:
        return lambda ledger: transitions.reserve(
            ledger, NOW, run_id=run, digest=DIGEST, ceiling_microusd=10_000, lease_s=60
        )

    def slow(ledger: Any) -> Any:
        if not interfered:
            interfered.append(True)
            store.update(other, reserve(LATER), writer="other", patience=no_waiting())
        return reserve("1" * 32)(ledger)

    assert store.update(place.store, slow, writer="slow", patience=no_waiting()).fresh
    kept = store.read(place.store)
    assert {held.run_id for held in kept.open} == {RUN, LATER, "1" * 32}
    assert kept.available_microusd == 30_000


def test_a_schema_that_this_code_does_not_know_fails_closed(place: Home) -> None:
    """Older code beside newer code, or a ledger from a time that never was."""
    for body in (old_document(), old_document(schema=codec.SCHEMA + 1)):
        place.plant(body)
        with pytest.raises(LedgerCorruptError, match="schema"):
            store.update(place.store, lambda ledger: (ledger, None), writer="w")
        assert place.raw() == body


@pytest.mark.usefixtures("_upgrades")
@pytest.mark.parametrize(
    "changes",
    [
        {"open": [[RUN, DIGEST, 3]]},
        {"open": 7},
        {"limit_cents": "ten"},
        {"open": [[RUN, DIGEST, -3, 1, 2]]},
        {"period": "October"},
    ],
)
def test_an_older_ledger_that_makes_no_sense_fails_closed(changes: dict[str, Any]) -> None:
    with pytest.raises(LedgerCorruptError):
        codec.decode(old_document(**changes))


@pytest.mark.usefixtures("_upgrades")
def test_the_checksum_of_an_older_ledger_is_checked_before_it_is_read() -> None:
    with pytest.raises(LedgerCorruptError, match="checksum"):
        codec.decode(old_document().replace(b'"limit_cents": 10', b'"limit_cents": 90'))


def test_a_step_that_does_not_lead_to_the_next_schema_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(upgrades.UPGRADES, OLD, lambda old: {**old})
    with pytest.raises(LedgerCorruptError, match="next"):
        codec.decode(old_document())


def test_every_step_from_the_first_schema_to_todays_is_there() -> None:
    assert sorted(upgrades.UPGRADES) == list(range(1, codec.SCHEMA))
