"""The task's side of the storage bucket: orders and marks, pictures, event logs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from system import runs
from worker.service.aws import S3Client, error_code

CHUNK_BYTES = 65_536
DOCUMENT_BYTES_MAX = 262_144
LOG_BYTES_MAX = 4_194_304
MISSING = frozenset({"NoSuchKey", "404", "NotFound"})


class ObjectMissingError(Exception):
    """There is no object at this key."""


class ObjectTooLargeError(Exception):
    """The object has more bytes than the reader bears."""


@dataclass(frozen=True)
class StoredLog:
    """An event log as it stood in S3: its text and the ETag to ask for a newer one."""

    text: str
    etag: str


class Storage:
    """Reads and writes of the service. All methods raise botocore's errors when S3 does not do."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def order(self, run_id: str) -> dict[str, Any] | None:
        """The start order as ``start_nst`` wrote it; None when there is none."""
        return self._document(runs.start_order_key(run_id))

    def watch_token(self, run_id: str) -> str | None:
        """The second callback token; None while the workflow has not written it."""
        document = self._document(runs.watch_key(run_id))
        token = document.get("task_token") if document else None
        return token if isinstance(token, str) and token else None

    def cancelled(self, run_id: str) -> bool:
        """Whether the cancel mark is there."""
        try:
            self._client.head_object(Bucket=self._bucket, Key=runs.cancel_key(run_id))
        except ClientError as error:
            if error_code(error) in MISSING:
                return False
            raise
        return True

    def fetch(self, key: str, bytes_max: int, check: Callable[[], None]) -> bytes:
        """The object at ``key``, read in pieces; ``check`` may raise between two of them.

        Raises ObjectMissingError, and ObjectTooLargeError beyond ``bytes_max``: the size is
        counted, whatever the object's headers say.
        """
        body = self._get(key)["Body"]
        pieces: list[bytes] = []
        size = 0
        try:
            for piece in body.iter_chunks(CHUNK_BYTES):
                check()
                size += len(piece)
                if size > bytes_max:
                    raise ObjectTooLargeError(key)
                pieces.append(piece)
        finally:
            body.close()
        return b"".join(pieces)

    def log(self, run_id: str, etag: str | None = None) -> StoredLog | None:
        """The event log of any run; None when it still has ``etag``.

        Raises ObjectMissingError when the run has none.
        """
        condition = {} if etag is None else {"IfNoneMatch": etag}
        try:
            answer = self._get(runs.events_key(run_id), **condition)
        except ClientError as error:
            if error_code(error) in ("304", "NotModified"):
                return None
            raise
        text = _read(answer["Body"], LOG_BYTES_MAX, "the event log")
        return StoredLog(text, str(answer["ETag"]))

    def put_log(self, run_id: str, text: str) -> None:
        """Replace the event log."""
        self._put(runs.events_key(run_id), text.encode(), "application/jsonl", "no-cache")

    def put_preview(self, run_id: str, jpeg: bytes) -> str:
        """Replace the preview; returns its key."""
        key = runs.preview_key(run_id)
        self._put(key, jpeg, "image/jpeg", "no-cache")
        return key

    def put_result(self, run_id: str, png: bytes) -> str:
        """Store the painting; returns its key. It never changes, but it is deleted after days."""
        key = runs.result_key(run_id)
        self._put(key, png, "image/png", "private, max-age=86400, immutable")
        return key

    def _put(self, key: str, body: bytes, content_type: str, cache_control: str) -> None:
        self._client.put_object(
            Bucket=self._bucket,
            Key=key,
            Body=body,
            ContentType=content_type,
            CacheControl=cache_control,
        )

    def _get(self, key: str, **conditions: str) -> dict[str, Any]:
        try:
            return self._client.get_object(Bucket=self._bucket, Key=key, **conditions)
        except ClientError as error:
            if error_code(error) in MISSING:
                raise ObjectMissingError(key) from error
            raise

    def _document(self, key: str) -> dict[str, Any] | None:
        try:
            body = self._get(key)["Body"]
        except ObjectMissingError:
            return None
        document = json.loads(_read(body, DOCUMENT_BYTES_MAX, key))
        if not isinstance(document, dict):
            raise ValueError(f"{key} is not a JSON object")  # noqa: TRY004 (a value, not a type)
        return document


def _read(body: Any, bytes_max: int, what: str) -> str:
    try:
        content: bytes = body.read(bytes_max + 1)
    finally:
        body.close()
    if len(content) > bytes_max:
        raise ObjectTooLargeError(what)
    return content.decode()
