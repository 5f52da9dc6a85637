"""What every home of the ledger must do: one suite for S3 and DynamoDB, fakes and HTTP alike."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest

from system.ledger import codec, store, transitions
from system.ledger.errors import (
    ConflictError,
    LedgerContentionError,
    LedgerCorruptError,
    LedgerMissingError,
    LedgerRefusedError,
    StoreError,
)
from system.ledger.state import Ledger
from tests.unit.system.ledger_homes import Home
from tests.unit.system.memory_store import no_waiting

NOW = 1_793_000_000.0
MONTH = 31 * 86_400
RUN, OTHER, DIGEST = "e" * 32, "f" * 32, "5" * 64


def first(limit: int = 100_000) -> Ledger:
    return transitions.new_ledger(
        NOW, limit_microusd=limit, runs_in_flight_max=100, spend_per_day_max_microusd=limit
    )


def reserving(run: str = RUN, ceiling: int = 10) -> Any:
    return lambda ledger: transitions.reserve(
        ledger, NOW, run_id=run, digest=DIGEST, ceiling_microusd=ceiling, lease_s=60
    )


def settling(run: str, cost: int | None) -> Any:
    return lambda ledger: transitions.settle(ledger, NOW, run_id=run, cost_microusd=cost)


def do(place: Home, transition: Any, writer: str = "w") -> Any:
    return store.update(place.store, transition, writer=writer, patience=no_waiting())


def test_an_empty_home_has_no_ledger_and_a_change_makes_none(place: Home) -> None:
    assert place.store.read() is None
    with pytest.raises(LedgerMissingError):
        do(place, reserving())
    assert place.store.read() is None


def test_a_ledger_is_made_once(place: Home) -> None:
    assert store.create(place.store, first(5))
    assert not store.create(place.store, first(7))
    assert store.read(place.store).limit_microusd == 5


@pytest.mark.parametrize("fault", ["lost reply", "broken after"])
def test_a_ledger_is_made_once_though_the_reply_is_lost(place: Home, fault: str) -> None:
    place.client.faults = [fault]
    assert store.create(place.store, first(5))
    assert store.read(place.store).limit_microusd == 5


def test_what_was_written_comes_back_and_each_state_has_a_version_of_its_own(place: Home) -> None:
    store.create(place.store, first())
    before = place.store.read()
    assert before is not None
    changed, _ = reserving()(before.ledger)
    place.store.write(changed, before.version)
    after = place.store.read()
    assert after is not None
    assert after.ledger == changed
    assert after.version != before.version


def test_a_write_on_an_old_version_conflicts_and_changes_nothing(place: Home) -> None:
    store.create(place.store, first())
    old = place.store.read()
    assert old is not None
    do(place, reserving())
    kept = place.raw()
    with pytest.raises(ConflictError):
        place.store.write(replace(old.ledger, limit_microusd=1), old.version)
    with pytest.raises(ConflictError):
        place.store.write(first(1), None)
    assert place.raw() == kept


def test_a_write_on_a_ledger_that_is_gone_conflicts(place: Home) -> None:
    with pytest.raises(ConflictError):
        place.store.write(first(), '"0123456789abcdef0123456789abcdef"')
    assert place.store.read() is None


@pytest.mark.parametrize("fault", ["conflict", "busy", "broken", "broken after", "lost reply"])
def test_a_fault_changes_neither_the_answer_nor_the_state(place: Home, fault: str) -> None:
    store.create(place.store, first())
    place.client.faults = [fault]
    assert do(place, reserving()).fresh
    kept = store.read(place.store)
    assert [r.run_id for r in kept.open] == [RUN]
    assert kept.sequence == 2


def test_every_write_is_conditional(place: Home) -> None:
    store.create(place.store, first())
    place.client.faults = ["conflict", "lost reply"]
    do(place, reserving())
    assert len(place.client.writes) == 3
    assert all(place.conditional(write) for write in place.client.writes)


def test_a_refusal_is_said_and_not_tried_again(place: Home) -> None:
    store.create(place.store, first())
    place.client.faults = ["refused"]
    with pytest.raises(StoreError, match="AccessDenied"):
        do(place, reserving())
    assert len(place.client.writes) == 2


def test_attempts_that_are_all_lost_are_said(place: Home) -> None:
    store.create(place.store, first())
    place.client.faults = ["conflict"] * 12
    with pytest.raises(LedgerContentionError):
        do(place, reserving())
    assert store.read(place.store) == first()


@pytest.mark.parametrize("body", [b"", b"{}", b'{"limit": 1e9}', b"\xff\x00"])
def test_a_corrupt_ledger_fails_closed_and_is_not_overwritten(place: Home, body: bytes) -> None:
    place.plant(body)
    for attempt in (
        lambda: store.read(place.store),
        lambda: do(place, reserving()),
        lambda: store.create(place.store, first()),
    ):
        with pytest.raises(LedgerCorruptError):
            attempt()
    assert place.raw() == body


def test_a_flipped_bit_fails_closed(place: Home) -> None:
    store.create(place.store, first(4_096))
    place.plant(place.raw().replace(b"4096", b"8192"))
    with pytest.raises(LedgerCorruptError):
        store.read(place.store)


def test_every_operation_and_its_repetition(place: Home) -> None:
    """A month of the ledger: each operation once, and each once more without effect."""
    store.create(place.store, first(1_000))

    def twice(transition: Any) -> list[Any]:
        return [do(place, transition, f"w{n}") for n in range(2)]

    def plain(change: Any) -> Any:
        return lambda ledger: (change(ledger), None)

    assert [a.outcome for a in twice(reserving(RUN, 300))] == ["reserved", "already_reserved"]
    assert [a.outcome for a in twice(reserving(OTHER, 200))] == ["reserved", "already_reserved"]
    assert [a.outcome for a in twice(settling(RUN, 350))] == ["settled", "already_over"]
    assert store.read(place.store).overrun_microusd == 50
    with pytest.raises(LedgerRefusedError):
        do(place, reserving("1" * 32))
    releasing = lambda ledger: transitions.release(ledger, NOW, run_id=OTHER)  # noqa: E731
    assert [a.outcome for a in twice(releasing)] == ["released", "already_over"]
    twice(plain(lambda ledger: transitions.top_up(ledger, NOW, request_id="t", amount_microusd=40)))
    twice(plain(lambda ledger: transitions.set_limit(ledger, NOW, runs_in_flight_max=1)))
    twice(plain(lambda ledger: transitions.acknowledge_overrun(ledger, NOW)))
    kept = store.read(place.store)
    sums = kept.limit_microusd, kept.spent_microusd, kept.reserved_microusd, kept.available_microusd
    assert sums == (1_040, 350, 0, 690)
    assert kept.sequence == 1 + 6  # nothing to acknowledge: the top-up has done so
    twice(plain(lambda ledger: transitions.roll_over(ledger, NOW + MONTH)))
    kept = store.read(place.store)
    assert (kept.limit_microusd, kept.spent_microusd) == (1_000, 0)
    assert [p.spent_microusd for p in kept.past] == [350]


def test_the_largest_ledger_there_can_be_is_kept(place: Home, largest_ledger: Ledger) -> None:
    place.store.write(largest_ledger, None)
    assert store.read(place.store) == largest_ledger
    assert len(place.raw()) <= codec.BYTES_MAX


def test_writers_at_once_lose_nothing(place: Home) -> None:
    store.create(place.store, first())
    failed: list[BaseException] = []

    def work(writer: int) -> None:
        kept, patience = place.another(), no_waiting(300)
        try:
            for n in range(3):
                run = f"{writer * 100 + n:032x}"
                store.update(kept, reserving(run), writer=f"{run}-r", patience=patience)
                store.update(kept, settling(run, 7), writer=f"{run}-s", patience=patience)
        except BaseException as error:  # noqa: BLE001 (a thread's failure fails the test below)
            failed.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    done = store.read(place.store)
    assert (done.spent_microusd, done.reserved_microusd) == (6 * 3 * 7, 0)
    assert done.sequence == 1 + 6 * 3 * 2
