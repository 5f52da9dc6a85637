"""The ``aws-chunked`` encoding of bodies, signed or not, with trailing checksums.

Source: "Signature Calculations for the Authorization Header: Transferring Payload in Multiple
Chunks" and "... including trailing headers" of the Amazon S3 API Reference.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from emulator.core.errors import AwsError
from emulator.core.sigv4 import Verified, chunk_signature
from emulator.s3 import errors

LINE_BYTES_MAX = 1024
"""A chunk's header line (size and signature) or a trailer's line."""
TRAILERS_MAX = 10
SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
KINDS = frozenset({SIGNED, SIGNED_TRAILER, UNSIGNED_TRAILER})


class Decoder:
    """Takes pieces of the encoded body, gives pieces of the payload; then has the trailers.

    ``seed`` is the request's own signature for the signed kinds, and None for the unsigned one.
    """

    def __init__(self, kind: str, seed: Verified | None) -> None:
        self.trailers: dict[str, str] = {}
        self._signed = kind in {SIGNED, SIGNED_TRAILER}
        if self._signed and seed is None:
            raise errors.invalid_request("A body of signed chunks needs a signed request.")
        self._seed = seed
        self._previous = seed.signature if seed is not None else ""
        self._has_trailer = kind != SIGNED
        self._state = "size"
        self._line = b""
        self._left = 0
        self._digest = hashlib.sha256()
        self._signature = ""
        self._canonical = b""
        self._trailer_signature = ""

    @property
    def finished(self) -> bool:
        """Whether the last chunk and all trailers have come."""
        return self._state == "end"

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decode a piece."""
        at = 0
        while at < len(data):
            if self._state == "data":
                piece = data[at : at + self._left]
                at += len(piece)
                self._left -= len(piece)
                if self._signed:
                    self._digest.update(piece)
                yield piece
                if not self._left:
                    self._end_chunk()
                    self._state = "gap"
                continue
            if self._state == "end":
                raise _incomplete()
            end = data.find(b"\n", at)
            stop = len(data) if end < 0 else end + 1
            self._line += data[at:stop]
            at = stop
            if len(self._line) > LINE_BYTES_MAX:
                raise _incomplete()
            if end >= 0:
                line, self._line = self._line.rstrip(b"\r\n"), b""
                self._take(line)

    def finish(self) -> None:
        """Check that the body was whole; raises IncompleteBody."""
        # The final empty line after the trailers is left out by some clients.
        if self._state == "trailer" and not self._line:
            self._end_trailers()
        if self._state != "end":
            raise _incomplete()

    def _take(self, line: bytes) -> None:
        if self._state == "gap":
            if line:
                raise _incomplete()
            self._state = "size"
        elif self._state == "size":
            self._take_size(line)
        elif self._state == "last":
            if line:
                raise _incomplete()
            self._state = "end"
        elif line:
            self._take_trailer(line)
        else:
            self._end_trailers()

    def _take_size(self, line: bytes) -> None:
        size, _, extension = line.partition(b";")
        try:
            self._left = int(size, 16)
        except ValueError as error:
            raise _incomplete() from error
        if self._left < 0:
            raise _incomplete()
        name, _, value = extension.partition(b"=")
        self._signature = value.decode("latin-1") if name == b"chunk-signature" else ""
        if self._left:
            self._state = "data"
            return
        self._end_chunk()
        self._state = "trailer" if self._has_trailer else "last"

    def _take_trailer(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        header, text = name.decode("latin-1").strip().lower(), value.decode("latin-1").strip()
        if header == "x-amz-trailer-signature":
            self._trailer_signature = text
            return
        if len(self.trailers) >= TRAILERS_MAX or not header:
            raise _incomplete()
        self.trailers[header] = text
        self._canonical += f"{header}:{text}\n".encode("latin-1")

    def _end_chunk(self) -> None:
        if self._signed:
            empty = hashlib.sha256().hexdigest()
            self._check("PAYLOAD", f"{empty}\n{self._digest.hexdigest()}", self._signature)
            self._digest = hashlib.sha256()

    def _end_trailers(self) -> None:
        if self._signed:
            digest = hashlib.sha256(self._canonical).hexdigest()
            self._check("TRAILER", digest, self._trailer_signature)
        self._state = "end"

    def _check(self, what: str, rest: str, given: str) -> None:
        assert self._seed is not None  # noqa: S101 (signed bodies have a seed)
        self._previous = chunk_signature(self._seed, what, self._previous, rest, given)


def _incomplete() -> AwsError:
    return AwsError(
        "IncompleteBody",
        "You did not provide the number of bytes specified by the Content-Length HTTP header",
    )
