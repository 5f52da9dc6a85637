"""Byte ranges and parts of an object, and other small forms in headers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from emulator.core.errors import AwsError
from emulator.s3 import errors
from emulator.s3.model import ObjectEntry
from emulator.s3.params import integer

_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


def of(entry: ObjectEntry, params: Mapping[str, Any]) -> tuple[int, int]:
    """``[start, stop)`` that a GET or HEAD asks for.

    A range that makes no sense as a header is ignored (RFC 9110, 14.2); several ranges are, as S3
    does, not taken: the whole object is sent. 416 InvalidRange when nothing can be sent.
    """
    if "PartNumber" in params:
        if "Range" in params:
            raise errors.invalid_request("Cannot specify both Range header and partNumber")
        return _part(entry, params["PartNumber"])
    text = params.get("Range")
    found = _RANGE.fullmatch(text.strip()) if text is not None else None
    if found is None or (not found[1] and not found[2]):
        return 0, entry.size
    span = _span(found[1], found[2], entry.size)
    if span is None:
        return 0, entry.size
    start, stop = span
    if start >= entry.size or start >= stop:
        raise AwsError(
            "InvalidRange",
            "The requested range is not satisfiable",
            416,
            {"ActualObjectSize": entry.size, "RangeRequested": text},
        )
    return start, stop


def is_partial(params: Mapping[str, Any], size: int) -> bool:
    """Whether the answer to these parameters is a 206."""
    if "PartNumber" in params:
        return True
    text = params.get("Range")
    found = _RANGE.fullmatch(text.strip()) if text is not None else None
    return (
        found is not None
        and bool(found[1] or found[2])
        and (_span(found[1], found[2], size) is not None)
    )


def copy_range(text: str, size: int) -> tuple[int, int]:
    """``[start, stop)`` of ``x-amz-copy-source-range`` (``bytes=first-last``)."""
    found = _RANGE.fullmatch(text)
    if not found or not found[1] or not found[2] or int(found[1]) > int(found[2]):
        raise errors.invalid_argument(
            "x-amz-copy-source-range",
            text,
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first "
            "and last are the zero-based offsets of the first and last bytes to copy",
        )
    if int(found[2]) >= size:
        raise errors.invalid_argument(
            "x-amz-copy-source-range",
            text,
            f"Range specified is not valid for source object of size: {size}",
        )
    return int(found[1]), int(found[2]) + 1


def is_digest(text: str) -> bool:
    """Whether ``x-amz-content-sha256`` names a digest (not one of its keywords)."""
    return _DIGEST.fullmatch(text) is not None


def _span(first: str, last: str, size: int) -> tuple[int, int] | None:
    if not first:
        return max(0, size - int(last)), size
    if last and int(last) < int(first):
        return None
    return int(first), min(int(last) + 1, size) if last else size


def _part(entry: ObjectEntry, raw: Any) -> tuple[int, int]:
    number = integer(raw, "partNumber")
    if not entry.parts:
        if number == 1:
            return 0, entry.size
        raise _no_part(number, 1)
    if not 1 <= number <= len(entry.parts):
        raise _no_part(number, len(entry.parts))
    start = sum(int(part["size"]) for part in entry.parts[: number - 1])
    return start, start + int(entry.parts[number - 1]["size"])


def _no_part(number: int, count: int) -> AwsError:
    return AwsError(
        "InvalidPartNumber",
        "The requested partnumber is not satisfiable",
        416,
        {"ActualPartCount": count, "PartNumberRequested": number},
    )
