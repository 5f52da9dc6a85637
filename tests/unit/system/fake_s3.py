"""S3 as the ledger and the functions use it, in memory: atomic conditional puts, and faults."""

from __future__ import annotations

import hashlib
import io
import threading
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError


def client_error(code: str, status: int, operation: str, **members: Any) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": code},
            "ResponseMetadata": {"HTTPStatusCode": status},
            **members,
        },
        operation,
    )


class FakeS3:
    """Objects by bucket and key. ``faults`` are used up by put_object, one a call:

    ``"409"`` refused, ``"500 before"`` and ``"500 after"`` the effect, ``"timeout after"`` it.
    """

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], tuple[bytes, str]] = {}
        self.faults: list[str | None] = []
        self.puts: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def get_object(self, **params: Any) -> dict[str, Any]:
        at = params["Bucket"], params["Key"]
        if at not in self.objects:
            raise client_error("NoSuchKey", 404, "GetObject")
        body, etag = self.objects[at]
        return {"Body": io.BytesIO(body), "ETag": etag, "ContentLength": len(body)}

    def head_object(self, **params: Any) -> dict[str, Any]:
        at = params["Bucket"], params["Key"]
        if at not in self.objects:
            raise client_error("404", 404, "HeadObject")
        return {"ContentLength": len(self.objects[at][0])}

    def put_object(self, **params: Any) -> dict[str, Any]:
        self.puts.append(params)
        fault = self.faults.pop(0) if self.faults else None
        if fault == "409":
            raise client_error("ConditionalRequestConflict", 409, "PutObject")
        if fault == "403":
            raise client_error("AccessDenied", 403, "PutObject")
        if fault == "500 before":
            raise client_error("InternalError", 500, "PutObject")
        at = params["Bucket"], params["Key"]
        with self._lock:
            there = self.objects.get(at)
            if params.get("IfNoneMatch") == "*" and there is not None:
                raise client_error("PreconditionFailed", 412, "PutObject")
            if "IfMatch" in params and there is None:
                raise client_error("NoSuchKey", 404, "PutObject")
            if "IfMatch" in params and there is not None and params["IfMatch"] != there[1]:
                raise client_error("PreconditionFailed", 412, "PutObject")
            body = bytes(params["Body"])
            etag = f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
            self.objects[at] = body, etag
        if fault == "500 after":
            raise client_error("InternalError", 500, "PutObject")
        if fault == "timeout after":
            raise ReadTimeoutError(endpoint_url="https://s3")
        return {"ETag": etag}
