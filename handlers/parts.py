"""What a function works with, in one place, so that tests and simulations can give their own."""

from __future__ import annotations

import functools
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from handlers import log
from handlers.aws import Clients
from system import surroundings
from system.ledger.s3_store import S3LedgerStore
from system.ledger.store import LedgerStore, Patience
from system.settings import Environment


@dataclass(frozen=True)
class Parts:
    """The environment, the AWS clients by service name, the time, and the ledger's patience.

    ``token_hex`` makes ids that nobody can guess, ``write`` takes the lines of the log.
    """

    environment: Environment
    client: Callable[[str], Any]
    now: Callable[[], float] = time.time
    patience: Patience = field(default_factory=Patience)
    token_hex: Callable[[int], str] = secrets.token_hex
    write: Callable[[str], None] = log.print_line

    def ledger(self) -> LedgerStore:
        """Where the ledger is kept."""
        if self.environment.budget_store == "dynamodb":
            # Imported for those who chose it: with S3 a cold start does not pay for it.
            from system.ledger.dynamodb_store import DynamoDbLedgerStore  # noqa: PLC0415

            return DynamoDbLedgerStore(self.client("dynamodb"), self.environment.budget_table)
        return S3LedgerStore(self.client("s3"), self.environment.budget_bucket)


def from_environment() -> Parts:
    """The parts of this process: made once, used by all its invocations.

    Inside of a program that runs functions on its own time, the parts that it gives.
    """
    given = surroundings.CURRENT.get()
    if given is None:
        return _of_process()
    return Parts(
        Environment(given.variables),
        given.client,
        given.now,
        Patience(rng=given.rng, sleep=given.sleep),
        given.token_hex,
        given.write,
    )


@functools.cache
def _of_process() -> Parts:
    environment = Environment(os.environ)
    return Parts(environment, Clients(environment))


LEDGER = "ledger"


def warm(*services: str) -> None:
    """Make the clients of ``services`` in Lambda's init phase; does nothing anywhere else.

    ``LEDGER`` stands for the service that keeps the ledger.

    The init phase has a whole CPU and its time is not the visitor's; boto3 takes longer to import
    and to read its models than everything that a function does with them.
    """
    if "AWS_LAMBDA_RUNTIME_API" in os.environ:
        parts = from_environment()
        for service in services:
            parts.client(parts.environment.budget_store if service == LEDGER else service)
