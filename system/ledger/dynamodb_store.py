"""The ledger as one item of a DynamoDB table, changed by conditional puts.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ConditionExpressions.html

An item has at most 400 KB, which is what bounds the ledger's size (``codec.BYTES_MAX``).
"""

from __future__ import annotations

import hashlib
from typing import Any, NoReturn, Protocol

from system.ledger import codec
from system.ledger.errors import (
    ConflictError,
    LedgerCorruptError,
    StoreError,
    UncertainWriteError,
)
from system.ledger.sdk_errors import SERVER_ERROR, error_code, error_name, http_status
from system.ledger.state import Ledger
from system.ledger.store import Stored

ITEM = "ledger"
KEY_ATTRIBUTE = "id"
"""The table's partition key, a string."""

_CONFLICT = frozenset(
    {
        "ConditionalCheckFailedException",
        "TransactionConflictException",
        "ReplicatedWriteConflictException",
    }
)
_BUSY = frozenset(
    {"ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"}
)


class DynamoDbClient(Protocol):
    """The two calls of boto3's DynamoDB client that the store makes."""

    def get_item(self, **params: Any) -> dict[str, Any]:
        """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html."""

    def put_item(self, **params: Any) -> dict[str, Any]:
        """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html."""


class DynamoDbLedgerStore:
    """Keeps the ledger in ``table``; a version is the SHA-256 of the state's JSON.

    A number would do within one ledger's life. The digest also holds when an operator deletes the
    item and makes a new ledger, as S3's ETag does.
    """

    def __init__(self, client: DynamoDbClient, table: str, item: str = ITEM) -> None:
        self._client = client
        self._table = table
        self._item = item

    def read(self) -> Stored | None:
        """The newest state; None when there is none. Raises LedgerCorruptError, StoreError."""
        try:
            answer = self._client.get_item(
                TableName=self._table,
                Key={KEY_ATTRIBUTE: {"S": self._item}},
                # An eventually consistent read may be old: a refusal by it would be wrong.
                ConsistentRead=True,
            )
        except Exception as error:
            raise StoreError(f"the ledger cannot be read ({error_name(error)})") from error
        item = answer.get("Item")
        if item is None:
            return None
        try:
            body, version = bytes(item["state"]["B"]), item["version"]["S"]
        except (KeyError, TypeError) as error:
            raise LedgerCorruptError("the ledger's item has no state or no version") from error
        if version != _version(body):
            raise LedgerCorruptError("the ledger's version is not that of its state")
        return Stored(codec.decode(body), version)

    def write(self, ledger: Ledger, version: str | None) -> None:
        """Replace the state of ``version``; None: create it. Raises as the port says."""
        body = codec.encode(ledger)
        condition: dict[str, Any] = {
            "ConditionExpression": "attribute_not_exists(#key)",
            "ExpressionAttributeNames": {"#key": KEY_ATTRIBUTE},
        }
        if version is not None:
            condition = {
                "ConditionExpression": "#version = :expected",
                "ExpressionAttributeNames": {"#version": "version"},
                "ExpressionAttributeValues": {":expected": {"S": version}},
            }
        item = {
            KEY_ATTRIBUTE: {"S": self._item},
            "version": {"S": _version(body)},
            "state": {"B": body},
        }
        try:
            self._client.put_item(TableName=self._table, Item=item, **condition)
        except Exception as error:  # noqa: BLE001 (sorted by what DynamoDB said; all of it is raised)
            _raise(error)


def _raise(error: Exception) -> NoReturn:
    code, status = error_code(error), http_status(error)
    if code in _CONFLICT:
        raise ConflictError(str(code)) from error
    # A throttled write was not done; treating it as open costs one more read and is right, too.
    if status is None or status >= SERVER_ERROR or code in _BUSY:
        raise UncertainWriteError(error_name(error)) from error
    raise StoreError(f"the ledger cannot be written ({error_name(error)})") from error


def _version(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
