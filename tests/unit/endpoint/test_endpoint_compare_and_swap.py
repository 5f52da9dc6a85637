"""Compare-and-swap through boto3 over HTTP, from many threads at once: no update is lost.

Emulators lose updates in exactly this place. One round each here; ``python -m benchmarks.storage``
runs twenty.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from benchmarks.storage import counters
from benchmarks.storage.contention import contend, ledgers
from benchmarks.storage.counters import race
from emulator.settings import Settings
from emulator.stack import Stack

THREADS, ADDITIONS = 16, 20


@pytest.fixture(scope="module")
def aws_url() -> Iterator[str]:
    with Stack(replace(Settings(), aws_port=0, edge_port=0, bare=True)) as stack:
        yield stack.aws_url


@pytest.mark.fidelity(
    area="S3",
    feature="Conditional PUT is atomic: of writers with one ETag exactly one succeeds",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html",
)
def test_sixteen_threads_lose_no_update_in_s3(aws_url: str) -> None:
    done = race(counters.counters("s3", aws_url, "cas"), threads=THREADS, additions=ADDITIONS)
    assert (done.acknowledged, done.counted) == (THREADS * ADDITIONS,) * 2
    assert done.conflicts > THREADS, "the threads never met: this proves nothing"


@pytest.mark.fidelity(
    area="DynamoDB",
    feature="PutItem with a ConditionExpression is atomic",
    source="https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"
    "Expressions.ConditionExpressions.html",
    note="moto answers; it runs on one lane, which is what makes it atomic",
)
def test_sixteen_threads_lose_no_update_in_dynamodb(aws_url: str) -> None:
    done = race(counters.counters("dynamodb", aws_url, "cas"), threads=THREADS, additions=ADDITIONS)
    assert (done.acknowledged, done.counted) == (THREADS * ADDITIONS,) * 2
    assert done.conflicts > THREADS, "the threads never met: this proves nothing"


def test_the_race_finds_a_store_that_checks_and_then_writes() -> None:
    """What the two tests above would see of a store without a lock."""

    class Careless:
        value = 0

        def read(self) -> tuple[int, Any]:
            return self.value, self.value

        def write(self, value: int, seen: Any) -> None:
            if self.value == seen:
                time.sleep(0)  # hands over to another thread, between check and write
                self.value = value

    shared = Careless()
    assert race(lambda: shared, threads=THREADS, additions=50).lost > 0


@pytest.mark.parametrize("service", ["s3", "dynamodb"])
def test_ten_writers_of_one_ledger_are_all_accounted_for(service: str, aws_url: str) -> None:
    """The functions' own store, patience and pauses; figures are the benchmark's matter."""
    found = contend(ledgers(service, aws_url, "contended"), writers=10, changes=4)
    assert found.unaccounted == 0
    assert len(found.attempts) + found.gave_up >= 40
    assert max(found.attempts) > 1, "the writers never met: this proves nothing"


def test_the_account_finds_a_store_that_forgets_a_write(aws_url: str) -> None:
    """A store that reports a write as done and does not make it."""
    made = ledgers("s3", aws_url, "forgetful")
    writes: list[int] = []

    def careless() -> Any:
        kept = made()
        write = kept.write

        def forget(ledger: Any, version: str | None) -> None:
            writes.append(1)
            if len(writes) != 4:
                write(ledger, version)

        kept.write = forget  # type: ignore[method-assign]
        return kept

    assert contend(careless, writers=1, changes=8).unaccounted > 0
