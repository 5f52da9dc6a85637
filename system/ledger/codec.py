"""The ledger as JSON.

Reading fails closed: anything unknown, missing, changed or out of balance is LedgerCorruptError,
never a guess.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from system.ledger.errors import LedgerCorruptError
from system.ledger.state import Closed, Ledger, PastPeriod, Reservation, check
from system.ledger.upgrades import UPGRADES
from system.prices import LEDGER_BYTES_MAX

SCHEMA = 1
BYTES_MAX = LEDGER_BYTES_MAX
"""The limits in ``state`` keep every ledger below this: it is what a run's price counts with, and
a third of what a DynamoDB item can hold."""

_DERIVED = ("reserved_microusd", "available_microusd")
_MEMBERS: Mapping[str, str] = {field.name: str(field.type) for field in fields(Ledger)}
"""The ledger's members and their annotations."""
_LISTS: Mapping[str, type[Any]] = {"open": Reservation, "closed": Closed, "past": PastPeriod}
_COLUMNS: Mapping[type[Any], tuple[str, ...]] = {
    kind: tuple(str(column.type) for column in fields(kind)) for kind in _LISTS.values()
}
"""The annotations of the cells of each kind of row."""

Row = TypeVar("Row")


def encode(ledger: Ledger) -> bytes:
    """The ledger's JSON with its derived sums and a checksum; raises LedgerCorruptError."""
    check(ledger)
    document: dict[str, Any] = {"schema": SCHEMA}
    for name in _MEMBERS:
        value = getattr(ledger, name)
        if name in _LISTS:
            document[name] = [list(vars(row).values()) for row in value]
        else:
            document[name] = list(value) if isinstance(value, tuple) else value
    for name in _DERIVED:
        document[name] = getattr(ledger, name)
    document["checksum"] = _checksum(document)
    body = _text(document).encode()
    if len(body) > BYTES_MAX:
        raise LedgerCorruptError(f"the ledger would have more than {BYTES_MAX} bytes")
    return body


def decode(body: bytes) -> Ledger:
    """The ledger in ``body``; raises LedgerCorruptError."""
    if len(body) > BYTES_MAX:
        raise LedgerCorruptError(f"the ledger has more than {BYTES_MAX} bytes")
    try:
        document = json.loads(body.decode("utf-8"), object_pairs_hook=_no_duplicates)
    except ValueError as error:
        raise LedgerCorruptError("the ledger is not JSON") from error
    if not isinstance(document, dict):
        raise LedgerCorruptError("the ledger is not an object")
    _verify(document)
    document = _upgraded(document)
    expected = {"schema", *_DERIVED, *_MEMBERS}
    if set(document) != expected:
        wrong = sorted(set(document) ^ expected)
        raise LedgerCorruptError(f"the ledger has other members than it should: {wrong[:5]}")
    ledger = _ledger(document)
    check(ledger)
    for name in _DERIVED:
        if document[name] != getattr(ledger, name):
            raise LedgerCorruptError(f"the ledger does not add up: {name}")
    return ledger


def _verify(document: dict[str, Any]) -> None:
    """Take the checksum out of the document; it speaks of the document as it was stored."""
    schema = document.get("schema")
    known = schema == SCHEMA or schema in UPGRADES
    if not isinstance(schema, int) or isinstance(schema, bool) or not known:
        raise LedgerCorruptError(f"the ledger's schema is {schema!r}; this code reads {SCHEMA}")
    if document.pop("checksum", None) != _checksum(document):
        raise LedgerCorruptError("the ledger's checksum does not fit")


def _upgraded(document: dict[str, Any]) -> dict[str, Any]:
    """The document in today's schema."""
    while document["schema"] != SCHEMA:
        before = document["schema"]
        try:
            document = UPGRADES[before](document)
        except (LookupError, TypeError, ValueError) as error:
            raise LedgerCorruptError(f"a ledger of schema {before} cannot be upgraded") from error
        if document.get("schema") != before + 1:
            raise LedgerCorruptError(f"the upgrade of schema {before} does not lead to the next")
    return document


def _ledger(document: Mapping[str, Any]) -> Ledger:
    values: dict[str, Any] = {}
    for name, annotation in _MEMBERS.items():
        value = document[name]
        if name in _LISTS:
            values[name] = tuple(_row(row, _LISTS[name]) for row in _list(value, name))
        elif name == "top_ups":
            values[name] = tuple(_typed(item, "str") for item in _list(value, name))
        else:
            values[name] = _typed(value, annotation)
    return Ledger(**values)


def _row(row: object, kind: type[Row]) -> Row:
    columns = _COLUMNS[kind]
    cells = _list(row, kind.__name__)
    if len(cells) != len(columns):
        raise LedgerCorruptError(f"a row of {kind.__name__} has {len(cells)} cells")
    return kind(*map(_typed, cells, columns))


def _list(value: object, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise LedgerCorruptError(f"{name} is not a list")
    return value


def _typed(value: Any, annotation: str) -> Any:
    """The value if it is of the annotated type: whole numbers, or text (and outcomes are text)."""
    if type(value) is not (int if annotation == "int" else str):
        raise LedgerCorruptError(f"{value!r:.40} is not {annotation}")
    return value


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a member is there twice")
    return document


def _checksum(document: Mapping[str, Any]) -> str:
    """SHA-256 of all members but itself: a bit that flipped or an edit by hand is found."""
    rest = {name: value for name, value in document.items() if name != "checksum"}
    return hashlib.sha256(_text(rest).encode()).hexdigest()


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
