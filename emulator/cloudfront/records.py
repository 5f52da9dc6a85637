"""Versioned records: what CloudFront keeps of a policy, a function or a distribution.

Every change makes a new ETag, and a change must name the one it was based on:
https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_UpdateDistribution.html
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from emulator.core.clock import Clock
from emulator.core.errors import AwsError

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
RECORDS_MAX = 1_000


def new_id(letter: str = "E") -> str:
    """An id such as ``E1A2B3C4D5E6F7``."""
    return letter + "".join(secrets.choice(_ALPHABET) for _ in range(13))


@dataclass
class Record:
    """One versioned thing; ``config`` is its configuration as it was sent."""

    id: str
    config: dict[str, Any]
    modified: datetime
    etag: str = field(default_factory=new_id)
    managed: bool = False
    tags: dict[str, str] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)


class Records:
    """All records of one kind; ``missing`` is the error code for an id that is not there."""

    def __init__(self, clock: Clock, missing: str, what: str) -> None:
        self._clock = clock
        self._missing = missing
        self._what = what
        self._known: dict[str, Record] = {}

    def __iter__(self) -> Iterator[Record]:
        return iter(list(self._known.values()))

    def now(self) -> datetime:
        """The time as the serializer wants it: UTC without a zone."""
        return datetime.fromtimestamp(self._clock.now(), UTC).replace(tzinfo=None)

    def add(self, record_id: str, config: dict[str, Any], *, managed: bool = False) -> Record:
        """Keep a new record; raises AwsError when there are too many."""
        if len(self._known) >= RECORDS_MAX:
            raise AwsError(f"TooMany{self._what}s", f"At most {RECORDS_MAX} of them.")
        record = Record(record_id, config, self.now(), managed=managed)
        self._known[record_id] = record
        return record

    def get(self, record_id: str) -> Record:
        """A record; raises AwsError 404."""
        found = self._known.get(record_id)
        if found is None:
            raise AwsError(self._missing, f"The specified {self._what} does not exist.", 404)
        return found

    def update(self, record_id: str, if_match: str | None, config: dict[str, Any]) -> Record:
        """Replace a configuration; raises AwsError 404, InvalidIfMatchVersion, 412."""
        record = self.matched(record_id, if_match, "Update")
        record.config, record.modified, record.etag = config, self.now(), new_id()
        return record

    def remove(self, record_id: str, if_match: str | None) -> Record:
        """Forget a record; raises as ``update``."""
        record = self.matched(record_id, if_match, "Delete")
        del self._known[record_id]
        return record

    def matched(self, record_id: str, if_match: str | None, change: str) -> Record:
        """A record that may be changed by one who saw ``if_match``."""
        record = self.get(record_id)
        if record.managed:
            raise AwsError(f"Illegal{change}", "A managed policy cannot be changed or deleted.")
        if not if_match:
            raise AwsError("InvalidIfMatchVersion", "The If-Match version is missing or not valid.")
        if if_match != record.etag:
            raise AwsError(
                "PreconditionFailed",
                "The request failed because it didn't meet the preconditions in one or more "
                "request-header fields.",
                412,
            )
        return record
