"""Checksums of objects: the algorithms, running digests, and checksums of whole uploads.

Source: "Checking object integrity for data uploads in Amazon S3". The cyclic redundancy checks come
from anycrc; AWS's own library would do, but its presence makes botocore sign in another way.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from typing import Protocol

import anycrc  # type: ignore[import-untyped]

from emulator.core.errors import AwsError, NotSupported
from emulator.s3 import errors

ALGORITHMS = ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256", "SHA512", "MD5")
"""What is computed and checked; the xxHash family is refused by name."""
REFUSED = ("XXHASH64", "XXHASH3", "XXHASH128")
LINEAR = frozenset({"CRC32", "CRC32C", "CRC64NVME"})
"""Checksums of a whole can be made from those of its parts."""
DEFAULT = "CRC64NVME"
"""What S3 computes when the client sends none."""

_SIZES = {
    "CRC32": 4,
    "CRC32C": 4,
    "CRC64NVME": 8,
    "SHA1": 20,
    "SHA256": 32,
    "SHA512": 64,
    "MD5": 16,
}


_MODELS = {
    "CRC32": anycrc.Model("CRC32"),
    "CRC32C": anycrc.Model("CRC32C"),
    "CRC64NVME": anycrc.Model("CRC64-NVME"),
}


class Running(Protocol):
    """A digest under way."""

    def update(self, data: bytes, /) -> None:
        """Take more data in."""

    def digest(self) -> bytes:
        """The value so far, big endian."""


class _Crc:
    """A cyclic redundancy check as a running digest."""

    def __init__(self, algorithm: str) -> None:
        self._model = _MODELS[algorithm]
        self._size = _SIZES[algorithm]
        self._value = self._model.calc(b"")

    def update(self, data: bytes, /) -> None:
        self._value = self._model.calc(data, self._value)

    def digest(self) -> bytes:
        return int(self._value).to_bytes(self._size, "big")


def running(algorithm: str) -> Running:
    """A fresh digest of ``algorithm``; NotSupported for the refused ones."""
    if algorithm in LINEAR:
        return _Crc(algorithm)
    if algorithm in {"SHA1", "SHA256", "SHA512", "MD5"}:
        return hashlib.new(algorithm.lower(), usedforsecurity=False)
    raise unknown(algorithm)


def unknown(algorithm: str) -> AwsError:
    """The error for an algorithm that is not computed here."""
    if algorithm in REFUSED:
        return NotSupported(f"the checksum algorithm {algorithm}")
    return errors.invalid_request("Checksum algorithm provided is unsupported.")


def checked(algorithm: str, value: str) -> str:
    """``value`` if it is a well-formed base64 checksum of ``algorithm``; else InvalidRequest."""
    try:
        raw = base64.b64decode(value, validate=True)
    except ValueError:
        raw = b""
    if len(raw) != _SIZES.get(algorithm, -1):
        raise errors.invalid_request(
            f"Value for x-amz-checksum-{algorithm.lower()} header is invalid."
        )
    return value


def encode(raw: bytes) -> str:
    """A digest as S3 writes it."""
    return base64.b64encode(raw).decode()


def mismatch(algorithm: str) -> AwsError:
    """400 BadDigest for a checksum that does not hold."""
    return AwsError(
        "BadDigest",
        f"The {algorithm} you specified did not match the calculated checksum.",
        400,
    )


def composite(algorithm: str, parts: Iterable[str]) -> str:
    """The checksum of the parts' checksums: ``<base64>-<count>``."""
    digest = running(algorithm)
    count = 0
    for part in parts:
        digest.update(base64.b64decode(part))
        count += 1
    return f"{encode(digest.digest())}-{count}"


def whole(algorithm: str, parts: Iterable[tuple[str, int]]) -> str:
    """The full-object checksum from ``(checksum, size)`` of the parts (LINEAR algorithms)."""
    model = _MODELS[algorithm]
    value = model.calc(b"")
    for checksum, size in parts:
        value = model.combine(value, int.from_bytes(base64.b64decode(checksum), "big"), size)
    return encode(int(value).to_bytes(_SIZES[algorithm], "big"))


def of_bytes(algorithm: str, chunks: Iterable[bytes]) -> str:
    """The checksum of a body that lies ready."""
    digest = running(algorithm)
    for chunk in chunks:
        digest.update(chunk)
    return encode(digest.digest())
