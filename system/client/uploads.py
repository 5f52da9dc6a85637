"""A picture sent straight to the bucket, by presigned POST.

The file is streamed, never held in memory. The fields go first, the file last:
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx

from system.client import errors
from system.client.transport import Answer, Transport, read

ERROR_BYTES_MAX = 65_536
FIELDS_MAX = 40

_CODE = re.compile(rb"<Code>([A-Za-z]{1,80})</Code>")
_WHY = {
    "EntityTooLarge": "it is larger than this system allows",
    "EntityTooSmall": "it is empty",
    "AccessDenied": "the permission to upload has expired or does not fit; ask for a new run",
    "ExpiredToken": "the permission to upload has expired; ask for a new run",
}


@dataclass(frozen=True)
class Post:
    """A presigned POST: where to send one picture, and the fields to send with it."""

    url: str
    fields: Mapping[str, str]

    @classmethod
    def parse(cls, document: Any) -> Post:
        """``{"url", "fields"}``; raises BadAnswerError."""
        if not isinstance(document, Mapping):
            raise errors.BadAnswerError("The answer has no address to upload to.")
        url, fields = document.get("url"), document.get("fields")
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            raise errors.BadAnswerError("The answer has no address to upload to.")
        if not isinstance(fields, Mapping) or len(fields) > FIELDS_MAX:
            raise errors.BadAnswerError("The answer has no fields to upload with.")
        return cls(url, {str(name): str(value) for name, value in fields.items()})


class _Counted:
    """A file whose reading is counted; httpx needs ``read``, ``seek``, ``tell`` and ``fileno``."""

    def __init__(self, file: IO[bytes], on_progress: Callable[[int], None]) -> None:
        self._file = file
        self._on_progress = on_progress

    def read(self, size: int = -1) -> bytes:
        chunk = self._file.read(size)
        self._on_progress(self._file.tell())
        return chunk

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def fileno(self) -> int:
        return self._file.fileno()


def upload(
    transport: Transport,
    post: Post,
    path: Path,
    on_progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Send a file; ``on_progress`` gets the bytes read so far (from 0 again when repeated).

    Repeating is harmless: the key is fixed, and so the same picture replaces itself. Raises
    UploadFailedError, UnreachableError, and OSError when the file cannot be read.
    """

    def attempt() -> Answer:
        with path.open("rb") as file:
            counted: Any = _Counted(file, on_progress)
            files = {"file": ("picture", counted, "application/octet-stream")}
            with transport.http.stream(
                "POST", post.url, data=dict(post.fields), files=files
            ) as answer:
                return Answer(answer.status_code, answer.headers, read(answer, ERROR_BYTES_MAX))

    answer = transport.repeat(attempt, post.url, again=True)
    if answer.status not in {httpx.codes.OK, httpx.codes.CREATED, httpx.codes.NO_CONTENT}:
        found = _CODE.search(answer.body)
        code = found[1].decode() if found else ""
        why = _WHY.get(code, f"the bucket answered {answer.status} {code}".rstrip())
        raise errors.UploadFailedError(
            f"{path.name} was not taken: {why}.", status=answer.status, code=code
        )
