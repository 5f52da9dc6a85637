"""Compare-and-swap: what is reported as done is done once, whatever the store does."""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from system.ledger import codec, store, transitions
from system.ledger.errors import (
    ConflictError,
    LedgerContentionError,
    LedgerCorruptError,
    LedgerMissingError,
    LedgerUnavailableError,
    StoreError,
    UncertainWriteError,
)
from system.ledger.s3_store import KEY, S3LedgerStore
from system.ledger.state import Ledger
from system.ledger.store import Patience, Stored
from tests.unit.system.fake_s3 import FakeS3, client_error
from tests.unit.system.memory_store import MemoryStore, no_waiting

NOW = 1_793_000_000.0
RUN, DIGEST = "e" * 32, "5" * 64


def first(limit: int = 100_000) -> Ledger:
    return transitions.new_ledger(
        NOW, limit_microusd=limit, runs_in_flight_max=100, spend_per_day_max_microusd=limit
    )


def reserving(run: str = RUN) -> Any:
    return lambda ledger: transitions.reserve(
        ledger, NOW, run_id=run, digest=DIGEST, ceiling_microusd=10, lease_s=60
    )


@pytest.mark.parametrize("fault", ["409", "500 before", "500 after", "timeout after"])
def test_a_fault_of_s3_changes_neither_the_answer_nor_the_state(fault: str) -> None:
    s3 = FakeS3()
    kept = S3LedgerStore(s3, "budget")
    assert store.create(kept, first())
    s3.faults = [fault]
    answer = store.update(kept, reserving(), writer="w", patience=no_waiting())
    assert answer.fresh
    assert [r.run_id for r in store.read(kept).open] == [RUN]
    assert store.read(kept).sequence == 2


def test_every_write_is_conditional() -> None:
    s3 = FakeS3()
    kept = S3LedgerStore(s3, "budget")
    store.create(kept, first())
    store.update(kept, reserving(), writer="w", patience=no_waiting())
    assert s3.puts[0]["IfNoneMatch"] == "*"
    assert s3.puts[1]["IfMatch"]
    assert all(("IfMatch" in put) != ("IfNoneMatch" in put) for put in s3.puts)
    assert {put["Key"] for put in s3.puts} == {"ledger.json"}


def test_a_lost_reply_under_another_writers_change_holds_the_money_once() -> None:
    """The transition is applied again on top of both: idempotent by run id."""

    class Busy(MemoryStore):
        def write(self, ledger: Ledger, version: str | None) -> None:
            super().write(ledger, version)
            if self.writes == 1:
                theirs, _ = reserving("f" * 32)(ledger)
                super().write(theirs, str(self.version))
                raise UncertainWriteError("lost reply")

    kept = Busy(first())
    answer = store.update(kept, reserving(), writer="w", patience=no_waiting())
    assert answer.outcome == "already_reserved"
    assert store.read(kept).reserved_microusd == 20


def test_two_identical_requests_are_told_apart_by_their_writer() -> None:
    """The second must not take the first one's write for its own."""

    class Raced(MemoryStore):
        def write(self, ledger: Ledger, version: str | None) -> None:
            if self.writes == 0:
                super().write(codec.decode(codec.encode(ledger_by("other"))), version)
                raise ConflictError("412")
            super().write(ledger, version)

    def ledger_by(writer: str) -> Ledger:
        return replace(reserving()(first())[0], sequence=2, writer=writer)

    kept = Raced(first())
    answer = store.update(kept, reserving(), writer="mine", patience=no_waiting())
    assert (answer.outcome, answer.fresh) == ("already_reserved", False)


def test_a_change_that_changes_nothing_is_not_written() -> None:
    kept = MemoryStore(reserving()(first())[0])
    assert store.update(kept, reserving(), writer="w").outcome == "already_reserved"
    assert kept.writes == 0


def test_the_last_attempt_may_have_landed_too() -> None:
    kept = MemoryStore(first(), iter(["conflict", "lost reply"]))
    assert store.update(kept, reserving(), writer="w", patience=no_waiting(2)).fresh


def test_attempts_are_bounded_and_spread() -> None:
    slept: list[float] = []
    kept = MemoryStore(first(), iter(["conflict"] * 5))
    patience = Patience(attempts=5, rng=random.Random(1), sleep=slept.append)
    with pytest.raises(LedgerContentionError):
        store.update(kept, reserving(), writer="w", patience=patience)
    assert len(slept) == 5
    assert all(0 <= s <= min(0.8, 0.05 * 2**n) for n, s in enumerate(slept))
    assert store.read(kept) == first()


def test_a_missing_ledger_fails_closed_and_is_not_made_by_the_way() -> None:
    kept = S3LedgerStore(FakeS3(), "budget")
    with pytest.raises(LedgerMissingError):
        store.read(kept)
    with pytest.raises(LedgerMissingError):
        store.update(kept, reserving(), writer="w")
    assert kept.read() is None


def test_a_corrupt_ledger_fails_closed_and_is_not_overwritten() -> None:
    s3 = FakeS3()
    s3.put_object(Bucket="budget", Key=KEY, Body=b'{"limit": 1e9}')
    kept = S3LedgerStore(s3, "budget")
    with pytest.raises(LedgerCorruptError):
        store.update(kept, reserving(), writer="w")
    with pytest.raises(LedgerCorruptError):
        store.create(kept, first())
    assert s3.objects["budget", KEY][0] == b'{"limit": 1e9}'


def test_a_refusal_of_s3_is_said_and_not_tried_again() -> None:
    s3 = FakeS3()
    kept = S3LedgerStore(s3, "budget")
    store.create(kept, first())
    s3.faults = ["403"]
    with pytest.raises(StoreError, match="AccessDenied"):
        store.update(kept, reserving(), writer="w", patience=no_waiting())
    assert len(s3.puts) == 2


def test_a_read_that_fails_is_unavailable() -> None:
    class Down(FakeS3):
        def get_object(self, **_: Any) -> dict[str, Any]:
            raise client_error("AccessDenied", 403, "GetObject")

    with pytest.raises(LedgerUnavailableError, match="AccessDenied"):
        store.read(S3LedgerStore(Down(), "budget"))


@pytest.mark.parametrize("fault", [None, "500 after", "timeout after"])
def test_a_ledger_is_made_once(fault: str | None) -> None:
    s3 = FakeS3()
    kept = S3LedgerStore(s3, "budget")
    s3.faults = [fault]
    assert store.create(kept, first(5))
    assert not store.create(kept, first(7))
    assert store.read(kept).limit_microusd == 5


def test_a_vanished_ledger_is_not_made_anew_in_the_middle_of_a_change() -> None:
    class Vanishing(MemoryStore):
        def read(self) -> Stored | None:
            return super().read() if self.writes == 0 and not self.gone else None

        def write(self, ledger: Ledger, version: str | None) -> None:
            self.gone = True
            raise ConflictError(version)

        gone = False

    with pytest.raises(LedgerMissingError):
        store.update(Vanishing(first()), reserving(), writer="w", patience=no_waiting())


@pytest.fixture
def eager_threads() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("eager_threads")
def test_many_writers_lose_nothing() -> None:
    kept = S3LedgerStore(FakeS3(), "budget")
    store.create(kept, first())
    failed: list[BaseException] = []

    def work(writer: int) -> None:
        try:
            for n in range(6):
                run = f"{writer * 100 + n:032x}"
                patience = no_waiting(200)
                store.update(kept, reserving(run), writer=f"{run}-r", patience=patience)
                store.update(
                    kept,
                    lambda ledger, run=run: transitions.settle(
                        ledger, NOW, run_id=run, cost_microusd=7
                    ),
                    writer=f"{run}-s",
                    patience=patience,
                )
        except BaseException as error:  # noqa: BLE001 (a thread's failure fails the test below)
            failed.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    done = store.read(kept)
    assert (done.spent_microusd, done.reserved_microusd) == (8 * 6 * 7, 0)
    assert done.sequence == 1 + 8 * 6 * 2
