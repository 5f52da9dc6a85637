"""Writers of one ledger at once: how often each has to try, and whether anything is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.storage.counters import client
from system.ledger import store, transitions
from system.ledger.dynamodb_store import DynamoDbLedgerStore
from system.ledger.errors import LedgerContentionError
from system.ledger.s3_store import S3LedgerStore
from system.ledger.store import LedgerStore, Patience

CEILING = 10
INVOCATIONS_MAX = 4
"""The first, and the workflows' three retries."""
DIGEST = "d" * 64


@dataclass
class Contention:
    """What the writers met.

    ``attempts`` has one figure for each change that was made. ``gave_up``: how often all attempts
    of one invocation were lost, which it said, so that its workflow tried again. ``unaccounted``:
    changes that were reported as done and are not in the ledger, or are there and were not
    reported.
    """

    seconds: float = 0.0
    attempts: list[int] = field(default_factory=list)
    gave_up: int = 0
    unaccounted: int = 0

    def percentile(self, share: float) -> int:
        """Attempts that ``share`` of the changes needed at most."""
        ordered = sorted(self.attempts)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class _Counting:
    """Patience that counts its pauses: there is one after each attempt that was lost."""

    def __init__(self) -> None:
        self.pauses = 0
        self.patience = Patience(sleep=self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.pauses += 1
        time.sleep(seconds)


def contend(make: Callable[[], LedgerStore], *, writers: int, changes: int) -> Contention:
    """Each writer reserves and settles ``changes`` / 2 runs of its own, as fast as it can."""
    found = Contention()
    # No limit but the size's: what is measured is the compare-and-swap, not the budget.
    limits = {"limit_microusd": 10**9, "spend_per_day_max_microusd": 10**9}
    stores = [make() for _ in range(writers)]
    first = transitions.new_ledger(time.time(), runs_in_flight_max=100, **limits)
    if not store.create(stores[0], first):
        raise RuntimeError("there is a ledger already")
    reported: dict[str, int] = {}
    lock = threading.Lock()
    start = threading.Barrier(writers + 1)

    def change(kept: LedgerStore, writer: str, transition: Any) -> bool:
        for _ in range(INVOCATIONS_MAX):
            counting = _Counting()
            try:
                store.update(kept, transition, writer=writer, patience=counting.patience)
            except LedgerContentionError:
                with lock:
                    found.gave_up += 1
                continue
            with lock:
                found.attempts.append(counting.pauses + 1)
            return True
        return False

    def work(number: int, kept: LedgerStore) -> None:
        kept.read()  # connections are not what is measured
        start.wait()
        for turn in range(changes // 2):
            run = f"{number:016x}{turn:016x}"

            def reserve(ledger: Any, run: str = run) -> Any:
                return transitions.reserve(
                    ledger, time.time(), run_id=run, digest=DIGEST, ceiling_microusd=CEILING,
                    lease_s=600,
                )  # fmt: skip

            def settle(ledger: Any, run: str = run) -> Any:
                return transitions.settle(ledger, time.time(), run_id=run, cost_microusd=7)

            if change(kept, f"{run}-r", reserve):
                with lock:
                    reported[run] = CEILING
                if change(kept, f"{run}-s", settle):
                    with lock:
                        reported[run] = 7

    workers = [threading.Thread(target=work, args=pair) for pair in enumerate(stores)]
    for worker in workers:
        worker.start()
    start.wait()
    begin = time.perf_counter()
    for worker in workers:
        worker.join()
    found.seconds = time.perf_counter() - begin
    ledger = store.read(stores[0])
    booked = {held.run_id: held.ceiling_microusd for held in ledger.open}
    spent = ledger.spent_microusd
    settled = sum(cost for cost in reported.values() if cost != CEILING)
    waiting = {run for run, cost in reported.items() if cost == CEILING}
    found.unaccounted = len(set(booked) ^ waiting) + abs(spent - settled) // 7
    return found


def ledgers(service: str, url: str, name: str) -> Callable[[], LedgerStore]:
    """Make an empty bucket or table ``name``; each call gives a store with a client of its own."""
    first = client(service, url)
    if service == "s3":
        first.create_bucket(Bucket=name)
        return lambda: S3LedgerStore(client("s3", url), name)
    first.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return lambda: DynamoDbLedgerStore(client("dynamodb", url), name)
