"""A ledger store in memory, with the faults that a real one has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from system.ledger import codec
from system.ledger.errors import ConflictError, UncertainWriteError
from system.ledger.state import Ledger
from system.ledger.store import Patience, Stored

Fault = Literal["conflict", "lost reply", "lost request"] | None


class MemoryStore:
    """Keeps bytes, so that every write goes through the codec; faults are taken one a write."""

    def __init__(self, ledger: Ledger | None = None, faults: Iterable[Fault] = ()) -> None:
        self.body = codec.encode(ledger) if ledger else None
        self.version = 0
        self.writes = 0
        self._faults = iter(faults)

    def read(self) -> Stored | None:
        if self.body is None:
            return None
        return Stored(codec.decode(self.body), str(self.version))

    def write(self, ledger: Ledger, version: str | None) -> None:
        fault = next(self._faults, None)
        if fault == "lost request":
            raise UncertainWriteError(fault)
        if version != (None if self.body is None else str(self.version)) or fault == "conflict":
            raise ConflictError(version)
        self.body = codec.encode(ledger)
        self.version += 1
        self.writes += 1
        if fault == "lost reply":
            raise UncertainWriteError(fault)


def no_waiting(attempts: int = 12) -> Patience:
    return Patience(attempts=attempts, sleep=lambda _: None)
