"""A request to S3's REST API, its address, its body; and the responses."""

from __future__ import annotations

import base64
import calendar
import hashlib
import re
import secrets
from collections.abc import AsyncIterator, Mapping
from email.utils import formatdate, parsedate
from typing import Any
from urllib.parse import parse_qsl, unquote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from emulator.core.errors import AwsError
from emulator.core.sigv4 import RequestFacts
from emulator.s3 import digests, errors
from emulator.s3.bodies import Reader
from emulator.s3.ranges import is_digest
from emulator.s3.xmltext import DOCUMENT_BYTES_MAX, document

QUERY_FIELDS_MAX = 100
DRAIN_BYTES_MAX = 64 * 1024 * 1024
"""How much of a refused body is read and dropped, so that the client hears the answer.

Closing a connection with bytes unread resets it, and a browser then shows no reason at all."""

_VIRTUAL_HOST = re.compile(
    r"(?P<bucket>.+)\.s3(?:\.dualstack)?(?:[.-](?P<region>[a-z]{2}(?:-[a-z]+)+-\d))?"
    r"\.(?:localhost\.localstack\.cloud|amazonaws\.com|localhost)",
    re.ASCII,
)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class Rest:
    """One HTTP request: method, bucket, key, query, headers, and its body to be read."""

    __slots__ = (
        "_finished",
        "_receive",
        "bucket",
        "expects",
        "headers",
        "host",
        "key",
        "method",
        "query",
        "raw_path",
        "scope",
        "values",
    )

    def __init__(self, request: Request) -> None:
        scope = request.scope
        self.scope = scope
        self._receive: Receive = request.receive
        self._finished = False
        self.method: str = scope["method"]
        headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            text = name.decode("latin-1")
            if text in headers:
                headers[text] += "," + value.decode("latin-1")
            else:
                headers[text] = value.decode("latin-1")
        self.headers = headers
        self.host = headers.get("host", "").partition(":")[0].lower()
        self.expects = headers.get("expect", "").lower() == "100-continue"
        self.raw_path: str = (scope.get("raw_path") or b"/").decode("latin-1")
        self.query: list[tuple[str, str]] = []
        self.values: dict[str, str] = {}
        self.bucket: str | None = None
        self.key: str | None = None

    def address(self) -> None:
        """Find bucket, key and query; raises InvalidURI for what cannot be decoded."""
        raw = self.scope["query_string"]
        try:
            if raw:
                self.query = parse_qsl(
                    raw.decode("latin-1"),
                    keep_blank_values=True,
                    errors="strict",
                    max_num_fields=QUERY_FIELDS_MAX,
                )
                self.values = dict(self.query)
            path = unquote(self.raw_path, errors="strict")
        except ValueError as error:
            raise AwsError("InvalidURI", "Couldn't parse the specified URI.") from error
        found = _VIRTUAL_HOST.fullmatch(self.host) if ".s3" in self.host else None
        if found:
            self.bucket, self.key = found["bucket"], path[1:] or None
            return
        bucket, _, key = path[1:].partition("/")
        self.bucket, self.key = bucket or None, key or None

    def facts(self) -> RequestFacts:
        """What the signature is made of."""
        return RequestFacts(self.method, self.raw_path, self.query, self.headers)

    def length(self) -> int | None:
        """The announced length of the body; None when it is not announced."""
        text = self.headers.get("content-length")
        if text is None:
            return None
        if not (text.isascii() and text.isdigit()):
            raise errors.invalid_argument("Content-Length", text, "Invalid Content-Length")
        return int(text)

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes; raises ClientDisconnect when the client goes away."""
        while not self._finished:
            message = await self._receive()
            if message["type"] != "http.request":
                raise ClientDisconnect
            self._finished = not message.get("more_body", False)
            self.expects = False
            body = message.get("body", b"")
            if body:
                yield body

    async def document(self, most: int = DOCUMENT_BYTES_MAX) -> bytes:
        """A small body as a whole; MalformedXML beyond ``most`` bytes."""
        parts, size = [], 0
        async for piece in self.pieces():
            size += len(piece)
            if size > most:
                raise errors.malformed_xml()
            parts.append(piece)
        body = b"".join(parts)
        self._check(body)
        return body

    def _check(self, body: bytes) -> None:
        """A document must be what was signed, and what its checksums say."""
        signed = self.headers.get("x-amz-content-sha256", "")
        if is_digest(signed) and signed != hashlib.sha256(body).hexdigest():
            raise AwsError(
                "XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
            )
        if self.headers.get("x-amz-checksum-type") or "uploadId" in self.values:
            return  # a completion's checksum is the object's, not the document's
        for algorithm in digests.ALGORITHMS:
            value = self.headers.get(f"x-amz-checksum-{algorithm.lower()}")
            if value is not None and value != digests.of_bytes(algorithm, (body,)):
                raise digests.mismatch(algorithm)
        md5 = self.headers.get("content-md5")
        if md5 is not None and md5 != digests.of_bytes("MD5", (body,)):
            raise AwsError(
                "BadDigest", "The Content-MD5 you specified did not match what we received."
            )

    async def drain(self) -> bool:
        """Drop what is left of the body, within limits; False: the connection must be closed."""
        if self._finished:
            return True
        length = self.headers.get("content-length")
        if length == "0" or (length is None and "transfer-encoding" not in self.headers):
            return True
        if self.expects:
            # Nothing was asked for yet, and the client will not send it after an error.
            return False
        dropped = 0
        async for piece in self.pieces():
            dropped += len(piece)
            if dropped > DRAIN_BYTES_MAX:
                return False
        return True


class Answer(Response):
    """A response whose headers are given ready, as S3 sends them."""

    def __init__(
        self,
        status: int,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        length: int | None = None,
    ) -> None:
        self.status_code = status
        self.body = body
        self.background = None
        raw = [(k.lower().encode("latin-1"), _value(v)) for k, v in (headers or {}).items()]
        if status not in {204, 304}:
            size = len(body) if length is None else length
            raw.append((b"content-length", str(size).encode()))
        self.raw_headers = raw

    def add(self, headers: Mapping[str, str]) -> None:
        """Add headers."""
        self.raw_headers.extend(
            (k.lower().encode("latin-1"), _value(v)) for k, v in headers.items()
        )


class BodyAnswer(Answer):
    """A response that streams an open body."""

    def __init__(self, status: int, reader: Reader, headers: Mapping[str, str]) -> None:
        super().__init__(status, b"", headers, length=reader.size)
        self._reader = reader

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the head, then the body in pieces; the body is closed whatever happens."""
        del scope, receive
        with self._reader as reader:
            await send(
                {
                    "type": "http.response.start",
                    "status": self.status_code,
                    "headers": self.raw_headers,
                }
            )
            for piece in reader:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})


def xml(root: str, members: dict[str, Any], status: int = 200) -> Answer:
    """A document as a response."""
    return Answer(status, document(root, members), XML_TYPE)


def error_answer(error: AwsError, request_id: str, host_id: str, *, head: bool) -> Answer:
    """An error as S3 answers it; HEAD and 304 have no document."""
    headers: dict[str, str] = {}
    fields = dict(error.fields)
    marker = fields.pop("DeleteMarkerVersionId", None)
    if marker is not None:
        headers["x-amz-delete-marker"] = "true"
        headers["x-amz-version-id"] = str(marker)
    if "Region" in fields:
        # For those who cannot read a document: SDKs find a bucket's region by a HEAD.
        headers["x-amz-bucket-region"] = str(fields["Region"])
    if error.status == 304:  # noqa: PLR2004 (Not Modified)
        headers["etag"] = fields["ETag"]
        headers["last-modified"] = formatdate(float(fields["LastModified"]), usegmt=True)
        return Answer(304, b"", headers)
    if head:
        # A HEAD has no document; the type is S3's, the length must not say there is one.
        return Answer(error.status, b"", {**headers, **XML_TYPE})
    members = {
        "Code": error.code,
        "Message": error.message,
        **{name: str(value) for name, value in fields.items()},
        "RequestId": request_id,
        "HostId": host_id,
    }
    body = document("Error", members, namespace=False)
    return Answer(error.status, body, {**headers, **XML_TYPE})


def host_id() -> str:
    """A value for ``x-amz-id-2``."""
    return base64.b64encode(secrets.token_bytes(48)).decode()


def http_time(text: str) -> float | None:
    """An HTTP date as epoch seconds; None for one that cannot be read (it is then ignored)."""
    parsed = parsedate(text)
    return float(calendar.timegm(parsed)) if parsed is not None else None


def _value(text: str) -> bytes:
    # As S3 sends what cannot stand in a header, line breaks above all: an RFC 2047 encoded word.
    if not _CONTROL.search(text):
        try:
            return text.encode("latin-1")
        except UnicodeEncodeError:
            pass
    return b"=?UTF-8?B?" + base64.b64encode(text.encode()) + b"?="


XML_TYPE = {"content-type": "application/xml"}
