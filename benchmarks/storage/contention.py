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
from system.ledger.state import Ledger
from system.ledger.store import LedgerStore, Patience

CEILING, COST = 10, 7
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
    """Each writer reserves and settles ``changes`` / 2 runs of its own; all begin each together.

    Beginning together is what makes them collide. A writer that went on by itself at once would
    only meet others that are pausing: in the system every change is an invocation of its own.
    Raises what a writer raised.
    """
    found = Contention()
    # No limit but the size's: what is measured is the compare-and-swap, not the budget.
    limits = {"limit_microusd": 10**9, "spend_per_day_max_microusd": 10**9}
    stores = [make() for _ in range(writers)]
    first = transitions.new_ledger(time.time(), runs_in_flight_max=100, **limits)
    if not store.create(stores[0], first):
        raise RuntimeError("there is a ledger already")
    reported: dict[str, int] = {}
    failed: list[BaseException] = []
    lock = threading.Lock()
    together = threading.Barrier(writers)

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
        try:
            kept.read()  # connections are not what is measured
            turns(number, kept)
        except BaseException as error:  # noqa: BLE001 (raised below)
            failed.append(error)
            together.abort()

    def turns(number: int, kept: LedgerStore) -> None:
        for turn in range(changes // 2):
            run = f"{number:016x}{turn:016x}"

            def reserve(ledger: Any, run: str = run) -> Any:
                return transitions.reserve(
                    ledger, time.time(), run_id=run, digest=DIGEST, ceiling_microusd=CEILING,
                    lease_s=600,
                )  # fmt: skip

            def settle(ledger: Any, run: str = run) -> Any:
                return transitions.settle(ledger, time.time(), run_id=run, cost_microusd=COST)

            together.wait()
            if change(kept, f"{run}-r", reserve):
                with lock:
                    reported[run] = CEILING
            together.wait()
            if run in reported and change(kept, f"{run}-s", settle):
                with lock:
                    reported[run] = COST

    workers = [threading.Thread(target=work, args=pair) for pair in enumerate(stores)]
    begin = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    found.seconds = time.perf_counter() - begin
    if failed:
        raise failed[0]
    found.unaccounted = _unaccounted(store.read(stores[0]), reported)
    return found


def _unaccounted(ledger: Ledger, reported: dict[str, int]) -> int:
    """How many of the changes that were reported the ledger does not have, or has beside them."""
    waiting = {run for run, cost in reported.items() if cost == CEILING}
    settled = len(reported) - len(waiting)
    held = {kept.run_id for kept in ledger.open}
    return len(held ^ waiting) + abs(ledger.spent_microusd - settled * COST) // COST


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
