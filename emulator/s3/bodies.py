"""Bodies of objects: small ones in memory, large ones in files; and how they are taken in."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Protocol, Self

from emulator.s3 import digests, errors

MEMORY_BYTES_MAX = 1024 * 1024
"""A body beyond this goes to a file while it arrives."""
CHUNK_BYTES = 256 * 1024
"""Bodies leave in pieces of this size."""


class Reader:
    """A range of a body that is open for reading; ``close`` it when done."""

    __slots__ = ("_data", "_file", "_left", "size")

    def __init__(self, size: int, data: bytes | None = None, file: IO[bytes] | None = None) -> None:
        self.size = size
        self._left = size
        self._data = data
        self._file = file

    def read(self) -> bytes:
        """All of the range at once, and close."""
        if self._data is not None:
            return self._data
        assert self._file is not None  # noqa: S101 (one of the two is always there)
        try:
            return self._file.read(self._left)
        finally:
            self.close()

    def __iter__(self) -> Iterator[bytes]:
        """The range in pieces of CHUNK_BYTES."""
        if self._data is not None:
            for at in range(0, len(self._data), CHUNK_BYTES):
                yield self._data[at : at + CHUNK_BYTES]
            return
        assert self._file is not None  # noqa: S101 (as above)
        while self._left:
            piece = self._file.read(min(CHUNK_BYTES, self._left))
            if not piece:
                raise OSError("the file of a body is shorter than its header says")
            self._left -= len(piece)
            yield piece

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Body(Protocol):
    """The bytes of an object."""

    @property
    def size(self) -> int:
        """Length in bytes."""

    def open(self, start: int = 0, stop: int | None = None) -> Reader:
        """Open ``[start, stop)``. A body that is replaced meanwhile can be read to its end."""

    def release(self) -> None:
        """Give up what it holds; readers that are open go on."""


class MemoryBody:
    """A body in memory."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data

    @property
    def size(self) -> int:
        """Length in bytes."""
        return len(self.data)

    def open(self, start: int = 0, stop: int | None = None) -> Reader:
        """Open ``[start, stop)``."""
        data = self.data if start == 0 and stop is None else self.data[start:stop]
        return Reader(len(data), data=data)

    def release(self) -> None:
        """Nothing is held."""


class FileBody:
    """A body in a file, from ``offset`` on."""

    __slots__ = ("_size", "offset", "path")

    def __init__(self, path: Path, offset: int, size: int) -> None:
        self.path = path
        self.offset = offset
        self._size = size

    @property
    def size(self) -> int:
        """Length in bytes."""
        return self._size

    def open(self, start: int = 0, stop: int | None = None) -> Reader:
        """Open ``[start, stop)``; the file stays readable when it is unlinked or replaced."""
        end = self._size if stop is None else stop
        file = self.path.open("rb")
        file.seek(self.offset + start)
        return Reader(end - start, file=file)

    def release(self) -> None:
        """Unlink the file."""
        self.path.unlink(missing_ok=True)


class Spool(Protocol):
    """Where large bodies go while they arrive."""

    @property
    def directory(self) -> Path:
        """The directory; asked for with the first of them."""


class Intake:
    """Takes a body in: measures it, digests it, spools it to a file beyond MEMORY_BYTES_MAX.

    ``reserve`` bytes at the file's start are left for a header. ``algorithms`` are computed beside
    the MD5 of the ETag; ``size_max`` is enforced as the bytes come (EntityTooLarge).
    """

    __slots__ = (
        "_digests",
        "_file",
        "_md5",
        "_parts",
        "_reserve",
        "_sha256",
        "_spool",
        "path",
        "size",
        "size_max",
    )

    def __init__(
        self,
        spool: Spool,
        *,
        reserve: int = 0,
        size_max: int,
        algorithms: Iterable[str] = (),
        payload_sha256: bool = False,
    ) -> None:
        self.size = 0
        self.size_max = size_max
        self.path: Path | None = None
        self._spool = spool
        self._reserve = reserve
        self._parts: list[bytes] = []
        self._file: IO[bytes] | None = None
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256() if payload_sha256 else None
        self._digests = {name: digests.running(name) for name in algorithms}

    def write(self, data: bytes) -> None:
        """Take a piece in."""
        self.size += len(data)
        if self.size > self.size_max:
            raise errors.entity_too_large(self.size, self.size_max)
        self._md5.update(data)
        if self._sha256 is not None:
            self._sha256.update(data)
        for digest in self._digests.values():
            digest.update(data)
        if self._file is not None:
            self._file.write(data)
        elif self.size <= MEMORY_BYTES_MAX:
            self._parts.append(data)
        else:
            self._spill(data)

    def md5(self) -> bytes:
        """The MD5 of what came."""
        return self._md5.digest()

    def payload_sha256(self) -> str:
        """The hexadecimal SHA-256 of what came (when asked for)."""
        return self._sha256.hexdigest() if self._sha256 is not None else ""

    def checksums(self) -> dict[str, str]:
        """The checksums that were asked for, in base64, by algorithm."""
        return {name: digests.encode(found.digest()) for name, found in self._digests.items()}

    def data(self) -> bytes | None:
        """The body, when it stayed in memory."""
        if self.path is not None:
            return None
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)

    def close(self) -> None:
        """Finish writing: the file, if any, is complete."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def discard(self) -> None:
        """Throw away what came; harmless after the body was committed."""
        self.close()
        self._parts.clear()
        if self.path is not None:
            self.path.unlink(missing_ok=True)
            self.path = None

    def take_path(self) -> Path | None:
        """Hand the file over: ``discard`` no longer removes it."""
        path, self.path = self.path, None
        return path

    def _spill(self, data: bytes) -> None:
        self.path = self._spool.directory / uuid.uuid4().hex
        self._file = self.path.open("wb")
        if self._reserve:
            self._file.write(b" " * self._reserve)
        for part in self._parts:
            self._file.write(part)
        self._parts.clear()
        self._file.write(data)
