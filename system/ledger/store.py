"""Where the ledger is kept, as a port, and the loop that changes it by compare-and-swap."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from system.ledger.errors import (
    ConflictError,
    LedgerContentionError,
    LedgerMissingError,
    LedgerUnavailableError,
    UncertainWriteError,
)
from system.ledger.state import Ledger, check

ATTEMPTS_MAX = 12
BACKOFF_BASE_S, BACKOFF_MAX_S = 0.05, 0.8
"""The base is about what one try takes on AWS, a read and a write: shorter pauses only meet the
same writers again. All pauses together stay below the functions' timeout of 10 s."""

T = TypeVar("T")
Transition = Callable[[Ledger], tuple[Ledger, T]]
"""From a state to the next and an answer; pure, and harmless when applied to its own result."""


@dataclass(frozen=True)
class Stored:
    """A state as it was read, and the version that a write must be based on."""

    ledger: Ledger
    version: str


class LedgerStore(Protocol):
    """Keeps one ledger. Implementations must make ``write`` atomic."""

    def read(self) -> Stored | None:
        """The newest state; None when there is none.

        Raises LedgerCorruptError, StoreError.
        """

    def write(self, ledger: Ledger, version: str | None) -> None:
        """Replace the state of ``version`` (None: there must be none yet).

        Raises ConflictError, UncertainWriteError when it may have landed or not, StoreError,
        LedgerCorruptError for a state that breaks an invariant.
        """


@dataclass(frozen=True)
class Patience:
    """How often a lost compare-and-swap is tried again, and how the tries are spread."""

    attempts: int = ATTEMPTS_MAX
    rng: random.Random = random.SystemRandom()  # noqa: RUF009 (it has no state)
    sleep: Callable[[float], None] = time.sleep

    def pause(self, attempt: int) -> None:
        """Sleep at random up to a bound that doubles with each attempt (from 0)."""
        most = min(BACKOFF_MAX_S, BACKOFF_BASE_S * 2.0**attempt)
        self.sleep(self.rng.uniform(0.0, most))


def read(store: LedgerStore) -> Ledger:
    """The newest state; raises LedgerUnavailableError's kinds."""
    stored = store.read()
    if stored is None:
        raise LedgerMissingError("there is no ledger; an operator initialises one")
    return stored.ledger


def update(
    store: LedgerStore, transition: Transition[T], *, writer: str, patience: Patience | None = None
) -> T:
    """Apply a transition and store what comes of it; returns its answer.

    ``writer`` names this request: with it a write whose reply was lost is recognised when the
    state is read again, as long as nobody has written since; after that the transition's own
    idempotence holds. What the transition raises is passed on; nothing is written then. Raises
    LedgerMissingError, LedgerContentionError and the store's errors.
    """
    patience = patience or Patience()
    pending: tuple[Ledger, T] | None = None
    for attempt in range(patience.attempts):
        stored = _read_again(store, pending is not None)
        if stored is None:
            raise LedgerMissingError("there is no ledger; an operator initialises one")
        if pending is not None and stored.ledger == pending[0]:
            return pending[1]
        changed, answer = transition(stored.ledger)
        if changed == stored.ledger:
            return answer
        changed = replace(changed, sequence=stored.ledger.sequence + 1, writer=writer)
        check(changed)
        try:
            store.write(changed, stored.version)
        except (ConflictError, UncertainWriteError):
            # A conflict may be our own write, too: SDKs repeat a request whose reply was lost.
            pending = changed, answer
            patience.pause(attempt)
        else:
            return answer
    return _after_the_last(store, pending, patience.attempts)


def create(store: LedgerStore, ledger: Ledger) -> bool:
    """Store the first state; False when there is one already, which stays as it is."""
    if store.read() is not None:
        return False
    try:
        store.write(ledger, None)
    except ConflictError:
        found = store.read()
        return found is not None and found.ledger == ledger
    except UncertainWriteError as error:
        found = store.read()
        if found is None:
            raise LedgerUnavailableError("the ledger could not be stored") from error
        return found.ledger == ledger
    return True


def _read_again(store: LedgerStore, may_have_landed: bool) -> Stored | None:
    stored = store.read()
    if stored is None and may_have_landed:
        raise LedgerMissingError("the ledger has vanished")
    return stored


def _after_the_last(store: LedgerStore, pending: tuple[Ledger, T] | None, attempts: int) -> T:
    stored = store.read()
    if pending is not None and stored is not None and stored.ledger == pending[0]:
        return pending[1]
    raise LedgerContentionError(f"{attempts} attempts to change the ledger were lost to others")
