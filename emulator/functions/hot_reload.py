"""Hot reload: a function whose code is a directory of the developer's own.

The convention is LocalStack's: ``Code={"S3Bucket": "hot-reload", "S3Key": "/absolute/path"}``. What
moto keeps of such a function is a small zip that names the directory. Sandboxes run the directory's
files in place, and a sandbox started before the last change of any of them is not used again.
"""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from pathlib import Path

from emulator.core.errors import AwsError

BUCKET = "hot-reload"

_POINTER = ".emulator-hot-reload"
_POINTER_BYTES_MAX = 8192
"""A zip with a pointer is small; larger ones are not even opened to look for it."""

FILES_MAX = 20_000
"""A directory with more files is refused: each call looks at all of them."""


def package(key: str) -> bytes:
    """The zip that stands for the directory ``key``.

    Raises InvalidParameterValueException when it is not an absolute path of a directory.
    """
    path = Path(key if key.startswith("/") else f"/{key}")
    if not path.is_dir():
        raise AwsError(
            "InvalidParameterValueException",
            f"Hot reload needs the absolute path of a directory as S3Key; {key!r} is none.",
        )
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr(zipfile.ZipInfo(_POINTER), str(path))
    return held.getvalue()


def directory(code: bytes) -> Path | None:
    """The directory that a function's zip stands for; None for one that is the code itself."""
    if len(code) > _POINTER_BYTES_MAX or _POINTER.encode() not in code:
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(code)) as archive:
            return Path(archive.read(_POINTER).decode())
    except (zipfile.BadZipFile, KeyError):
        return None


def digest(root: Path) -> str:
    """What changes when any file below ``root`` does: names, sizes and times of change.

    Raises InvalidParameterValueException when the directory is gone or has too many files.
    """
    seen: list[str] = []
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(f for f in folders if f != "__pycache__" and not f.startswith("."))
        for name in sorted(files):
            path = os.path.join(folder, name)  # noqa: PTH118 - a Path for each file is too slow
            try:
                status = os.stat(path)  # noqa: PTH116 - as above
            except FileNotFoundError:  # deleted since, or a link to nothing
                continue
            seen.append(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\0{status.st_ino}")
        if len(seen) > FILES_MAX:
            raise AwsError(
                "InvalidParameterValueException",
                f"The hot-reload directory {root} has more than {FILES_MAX} files.",
            )
    if not root.is_dir():
        raise AwsError(
            "InvalidParameterValueException", f"The hot-reload directory {root} is gone."
        )
    return hashlib.sha256("\n".join(seen).encode()).hexdigest()
