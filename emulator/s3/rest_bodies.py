"""Bodies of PUT requests: announced, plain or chunked, with checksums behind them."""

from __future__ import annotations

from emulator.core.errors import AwsError
from emulator.core.sigv4 import Verified
from emulator.s3 import chunked, digests
from emulator.s3.objects import Write
from emulator.s3.rest import Rest


def announced(rest: Rest) -> tuple[int, str | None]:
    """The length of the payload, and the algorithm of a trailing checksum."""
    headers = rest.headers
    if headers.get("x-amz-content-sha256") in chunked.KINDS:
        text = headers.get("x-amz-decoded-content-length", "")
        if not (text.isascii() and text.isdigit()):
            raise no_length()
        trailer = headers.get("x-amz-trailer")
        if trailer is None:
            return int(text), None
        algorithm = trailer.strip().lower().removeprefix("x-amz-checksum-").upper()
        if algorithm not in digests.ALGORITHMS:
            raise digests.unknown(algorithm)
        return int(text), algorithm
    length = rest.length()
    if length is None:
        raise no_length()
    return length, None


async def take_body(
    rest: Rest, write: Write, trailer: str | None, size: int, verified: Verified | None
) -> None:
    """Read the body into ``write``; a trailing checksum becomes an expected one."""
    intake = write.intake
    kind = rest.headers.get("x-amz-content-sha256", "")
    if kind not in chunked.KINDS:
        async for piece in rest.pieces():
            intake.write(piece)
    else:
        decoder = chunked.Decoder(kind, verified)
        async for piece in rest.pieces():
            for part in decoder.feed(piece):
                if intake.size + len(part) > size:
                    raise incomplete()
                intake.write(part)
        decoder.finish()
        if trailer is not None:
            value = decoder.trailers.get(f"x-amz-checksum-{trailer.lower()}")
            if value is None:
                raise AwsError(
                    "MalformedTrailerError",
                    "The request contained trailing data that was not well-formed or did not "
                    "conform to our published schema.",
                )
            write.expected[trailer] = digests.checked(trailer, value)
    if intake.size != size:
        raise incomplete()


def incomplete() -> AwsError:
    """400 IncompleteBody."""
    return AwsError(
        "IncompleteBody",
        "You did not provide the number of bytes specified by the Content-Length HTTP header",
    )


def no_length() -> AwsError:
    """411 MissingContentLength."""
    return AwsError("MissingContentLength", "You must provide the Content-Length HTTP header.", 411)
