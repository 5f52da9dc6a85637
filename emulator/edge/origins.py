"""Where the edge fetches: the website's bucket and the API's stage."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from email.utils import formatdate
from typing import Any, Protocol
from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from emulator.core.errors import AwsError
from emulator.edge.cache import Stored
from emulator.edge.distribution import ApiOrigin, BucketOrigin

KEY_BYTES_MAX = 1024


class ReaderLike(Protocol):
    """An open body."""

    def read(self) -> bytes:
        """All of it."""

    def close(self) -> None:
        """Close it."""


class BodyLike(Protocol):
    """The bytes of an object."""

    def open(self) -> ReaderLike:
        """Open it for reading."""


class EntryLike(Protocol):
    """What the edge reads of an S3 object; ``headers`` by their SDK member name."""

    @property
    def etag(self) -> str:
        """The ETag, with or without quotes."""

    @property
    def modified(self) -> float:
        """When it was written."""

    @property
    def headers(self) -> Mapping[str, str]:
        """``ContentType``, ``CacheControl``, ..."""

    @property
    def body(self) -> Any:
        """A BodyLike."""


ReadEntry = Callable[[str, str, str], Awaitable[EntryLike | None]]
"""``await read(bucket, key, arn)``: the object as that distribution may read it, or None."""

GatewayHandler = Callable[[str, str, str, Request], Awaitable[Response]]
"""``await handle(api_id, stage, path, request)``."""

_HEADERS = {
    "ContentType": "Content-Type",
    "CacheControl": "Cache-Control",
    "ContentDisposition": "Content-Disposition",
    "ContentEncoding": "Content-Encoding",
    "ContentLanguage": "Content-Language",
    "Expires": "Expires",
}
_ALWAYS_FORWARDED = frozenset({"accept", "content-length", "content-type", "transfer-encoding"})


async def from_bucket(
    read: ReadEntry, origin: BucketOrigin, uri: str, arn: str, now: float
) -> Stored:
    """Fetch a file for the distribution ``arn``, which may read what the bucket's policy allows.

    A missing file is S3's 403, since the distribution may not list the bucket.
    """
    key = unquote(origin.prefix + uri).lstrip("/")
    entry = None
    if key and len(key.encode("utf-8", "surrogateescape")) <= KEY_BYTES_MAX:
        try:
            entry = await read(origin.bucket, key, arn)
        except AwsError as error:
            return _s3_error(error.status, error.code, error.message, now)
    if entry is None:
        return _s3_error(403, "AccessDenied", "Access Denied", now)
    reader = entry.body.open()
    try:
        body = reader.read()
    finally:
        reader.close()
    etag = entry.etag if entry.etag.startswith('"') else f'"{entry.etag}"'
    headers = [(_HEADERS[n], v) for n, v in entry.headers.items() if n in _HEADERS]
    if not any(name == "Content-Type" for name, _ in headers):
        headers.append(("Content-Type", "binary/octet-stream"))
    headers += [
        ("ETag", etag),
        ("Last-Modified", formatdate(int(entry.modified), usegmt=True)),
        ("Accept-Ranges", "bytes"),
        ("Server", "AmazonS3"),
    ]
    return Stored(200, tuple(headers), body, now)


def api_request(request: Request, origin: ApiOrigin, via: str, forward_all: bool) -> Request:
    """The viewer's request as the API gets it; the body streams through."""
    viewer = request.client.host if request.client else ""
    kept = [
        (name, value)
        for name, value in request.headers.raw
        if name not in {b"host", b"via", b"x-forwarded-for", b"connection"}
        and (forward_all or name.decode("latin-1") in _ALWAYS_FORWARDED)
    ]
    chain = ", ".join(part for part in (request.headers.get("x-forwarded-for"), viewer) if part)
    kept += [
        (b"host", origin.domain.encode()),
        (b"via", via.encode()),
        (b"x-forwarded-for", chain.encode("latin-1")),
    ]
    scope: Scope = {**request.scope, "headers": kept}
    if not forward_all:
        scope["query_string"] = b""
    return Request(scope, request.receive)


def raw_path(request: Request) -> str:
    """The path as it came, percent-encoded, without the query string."""
    raw = request.scope.get("raw_path")
    if raw is None:
        return quote(request.scope["path"])
    text: str = raw.decode("latin-1")
    return text.partition("?")[0] or "/"


def _s3_error(status: int, code: str, message: str, now: float) -> Stored:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{_escaped(message)}</Message></Error>"
    )
    headers = (("Content-Type", "application/xml"), ("Server", "AmazonS3"))
    return Stored(status, headers, body.encode(), now)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
