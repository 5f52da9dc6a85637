"""Compression, conditions and ranges: how one stored answer serves many requests.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/ServingCompressedFiles.html
"""

from __future__ import annotations

import gzip
import re
from dataclasses import replace
from email.utils import parsedate_to_datetime

from emulator.edge.cache import Stored

COMPRESS_BYTES_MIN, COMPRESS_BYTES_MAX = 1_000, 10_000_000
COMPRESSIBLE = frozenset(
    {
        "application/javascript",
        "application/json",
        "application/manifest+json",
        "application/problem+json",
        "application/wasm",
        "application/xml",
        "font/otf",
        "font/ttf",
        "image/svg+xml",
        "text/css",
        "text/csv",
        "text/html",
        "text/javascript",
        "text/markdown",
        "text/plain",
        "text/xml",
    }
)
_RANGE = re.compile(r"^bytes=(\d{0,18})-(\d{0,18})$")
_OK = 200


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether the viewer takes gzip (``q=0`` says no)."""
    for part in accept_encoding.lower().split(","):
        name, _, rest = part.partition(";")
        if name.strip() in {"gzip", "*"}:
            return re.fullmatch(r"\s*q=0(\.0*)?\s*", rest) is None
    return False


def compressed(stored: Stored) -> Stored:
    """The answer as gzip, where CloudFront would compress it; its ETag becomes a weak one."""
    kind = stored.header("content-type").partition(";")[0].strip().lower()
    fits = COMPRESS_BYTES_MIN <= len(stored.body) <= COMPRESS_BYTES_MAX
    if stored.status != _OK or kind not in COMPRESSIBLE or not fits:
        return stored
    if stored.header("content-encoding"):
        return stored
    headers = [
        (name, f"W/{value}" if name.lower() == "etag" and not value.startswith("W/") else value)
        for name, value in stored.headers
    ]
    headers += [("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding")]
    body = gzip.compress(stored.body, compresslevel=6, mtime=0)
    return replace(stored, headers=tuple(headers), body=body)


def not_modified(stored: Stored, if_none_match: str, if_modified_since: str) -> bool:
    """Whether the viewer has this answer already; the ETag outweighs the date."""
    if stored.status != _OK:
        return False
    if if_none_match:
        tag = _opaque(stored.header("etag"))
        asked = {_opaque(part) for part in if_none_match.split(",")}
        return bool(tag) and (tag in asked or "*" in asked)
    modified = stored.header("last-modified")
    if not if_modified_since or not modified:
        return False
    try:
        return parsedate_to_datetime(modified) <= parsedate_to_datetime(if_modified_since)
    except (ValueError, TypeError):
        return False


def part_of(size: int, range_header: str) -> tuple[int, int] | None:
    """``[start, stop)`` of a Range header; None when the whole is to be sent.

    More than one range, and what is no range, gets the whole, as RFC 9110 allows. A range that
    cannot be satisfied raises ValueError.
    """
    found = _RANGE.match(range_header.strip())
    if found is None or found[0] == "bytes=-":
        return None
    if not found[1]:
        start, stop = max(0, size - int(found[2])), size
        if int(found[2]) == 0:
            raise ValueError(range_header)
    else:
        start = int(found[1])
        stop = min(size, int(found[2]) + 1) if found[2] else size
        if found[2] and int(found[2]) < start:
            return None
    if start >= size:
        raise ValueError(range_header)
    return start, stop


def _opaque(tag: str) -> str:
    return tag.strip().removeprefix("W/")
