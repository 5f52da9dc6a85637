"""The ledger as one object in an S3 bucket, changed by S3's conditional writes.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

from __future__ import annotations

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

KEY = "ledger.json"

_MISSING = frozenset({"NoSuchKey", "404", "NotFound"})
_CONFLICT = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict", "409"})


class S3Client(Protocol):
    """The two calls of boto3's S3 client that the store makes.

    ``put_object`` must send ``IfMatch`` and ``IfNoneMatch`` as the headers of these names.
    """

    def get_object(self, **params: Any) -> dict[str, Any]:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html."""

    def put_object(self, **params: Any) -> dict[str, Any]:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html."""


class S3LedgerStore:
    """Keeps the ledger at ``key`` of ``bucket``; a version is the object's ETag."""

    def __init__(self, client: S3Client, bucket: str, key: str = KEY) -> None:
        self._client = client
        self._bucket = bucket
        self._key = key

    def read(self) -> Stored | None:
        """The newest state; None when there is none. Raises LedgerCorruptError, StoreError."""
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._key)
            body = answer["Body"].read(codec.BYTES_MAX + 1)
        except Exception as error:
            if error_code(error) in _MISSING:
                return None
            raise StoreError(f"the ledger cannot be read ({error_name(error)})") from error
        etag = answer.get("ETag")
        if not isinstance(etag, str) or not etag:
            raise LedgerCorruptError("the ledger has no ETag to base a write on")
        return Stored(codec.decode(body), etag)

    def write(self, ledger: Ledger, version: str | None) -> None:
        """Replace the state of ``version``; None: create it. Raises as the port says."""
        condition = {"IfNoneMatch": "*"} if version is None else {"IfMatch": version}
        body = codec.encode(ledger)
        try:
            self._client.put_object(
                Bucket=self._bucket,
                Key=self._key,
                Body=body,
                ContentType="application/json",
                **condition,
            )
        except Exception as error:  # noqa: BLE001 (sorted by what S3 said; all of it is raised)
            _raise(error)


def _raise(error: Exception) -> NoReturn:
    code, status = error_code(error), http_status(error)
    if code in _CONFLICT or code in _MISSING:
        # Missing: an If-Match on an object that is gone; the next read says so.
        raise ConflictError(str(code)) from error
    if status is None or status >= SERVER_ERROR or code in ("RequestTimeout", "SlowDown"):
        raise UncertainWriteError(error_name(error)) from error
    raise StoreError(f"the ledger cannot be written ({error_name(error)})") from error
