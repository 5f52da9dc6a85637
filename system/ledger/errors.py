"""The ledger's errors: two trees, one for what it refuses and one for what it cannot do."""

from __future__ import annotations


class LedgerRefusedError(Exception):
    """The ledger does not allow this; ``error_name`` is the name in ``docs/contracts.md``."""

    def __init__(self, error_name: str, message: str) -> None:
        super().__init__(message)
        self.error_name = error_name


class LedgerUnavailableError(Exception):
    """The ledger cannot be read or changed now. Nothing may start: it fails closed."""


class LedgerMissingError(LedgerUnavailableError):
    """There is no ledger; an operator initialises one."""


class LedgerCorruptError(LedgerUnavailableError):
    """What is stored is not a ledger, or one whose sums do not add up."""


class LedgerContentionError(LedgerUnavailableError):
    """Every compare-and-swap was lost to another writer."""


class StoreError(LedgerUnavailableError):
    """The store refused or failed for good."""


class ConflictError(Exception):
    """Another writer was faster: the version that a write was based on is not the newest."""


class UncertainWriteError(Exception):
    """The store did not answer a write: it may have landed or not."""
