"""Code of functions on disk: zips unpacked once, and the packages that Lambda's runtime brings.

AWS's Python runtimes bring boto3 and the runtime client. Here they come from the emulator's own
environment, but only they and what they need: a directory of links keeps out everything else that
is installed there (torch, the project itself), which AWS would not have either.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import io
import re
import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from emulator.core.errors import AwsError
from emulator.functions.definition import Function
from emulator.functions.settings import FunctionsSettings

RUNTIME_DISTRIBUTIONS = ("awslambdaric", "boto3")


@dataclass(frozen=True)
class Code:
    """A function's code on disk: the names at its top, and whether it speaks of the SDK."""

    root: Path
    names: frozenset[str]
    sdk: bool


class CodeStore:
    """Unpacked code below ``root``, one directory per function and digest."""

    def __init__(self, root: Path, settings: FunctionsSettings) -> None:
        self._root = root
        self._settings = settings
        self._unpacking: dict[str, asyncio.Task[Code]] = {}
        self._runtime: asyncio.Task[Path] | None = None

    async def unpacked(self, function: Function) -> Code:
        """The function's code; unpacked on the first call.

        Raises InvalidZipFileException (502, as AWS) for code that cannot be unpacked.
        """
        if function.source is not None:
            return await asyncio.to_thread(look_at, function.source)
        digest = re.sub(r"[^A-Za-z0-9]", "_", function.code_sha256)
        place = f"{function.account}-{function.region}-{function.name}-{digest}"
        under_way = self._unpacking.get(place)
        if under_way is None or (under_way.done() and under_way.exception() is not None):
            target = self._root / "code" / place
            under_way = asyncio.create_task(
                asyncio.to_thread(_unpack, function.code, target, self._settings)
            )
            self._unpacking[place] = under_way
        return await asyncio.shield(under_way)

    async def runtime(self) -> Path:
        """The directory with boto3 and the runtime client."""
        if self._runtime is None:
            self._runtime = asyncio.create_task(
                asyncio.to_thread(link_runtime, self._root / "runtime")
            )
        return await asyncio.shield(self._runtime)


def link_runtime(target: Path) -> Path:
    """Fill ``target`` with links to the distributions of Lambda's runtime and what they need."""
    target.mkdir(parents=True, exist_ok=True)
    seen: set[str] = set()
    todo = list(RUNTIME_DISTRIBUTIONS)
    while todo:
        name = _canonical(todo.pop())
        if name in seen:
            continue
        seen.add(name)
        distribution = importlib.metadata.distribution(name)
        todo += [_required(r) for r in distribution.requires or [] if "extra ==" not in r]
        for top in {f.parts[0] for f in distribution.files or [] if f.parts[0] not in _NOT_LINKED}:
            link = target / top
            if not link.exists():
                link.symlink_to(Path(str(distribution.locate_file(top))).resolve())
    return target


_NOT_LINKED = frozenset({"..", "__pycache__"})


def _required(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def look_at(root: Path) -> Code:
    """What a directory of code holds."""
    names = frozenset(entry.name.partition(".")[0] for entry in root.iterdir())
    return Code(root, names, sdk=any(_speaks_of_sdk(path) for path in root.rglob("*.py")))


def _speaks_of_sdk(path: Path) -> bool:
    text = path.read_bytes() if path.is_file() else b""
    return b"boto3" in text or b"botocore" in text


def _unpack(code: bytes, target: Path, settings: FunctionsSettings) -> Code:
    try:
        with zipfile.ZipFile(io.BytesIO(code)) as archive:
            entries = archive.infolist()
            _check(entries, settings)
            for entry in entries:
                path = target / entry.filename
                if entry.is_dir():
                    path.mkdir(parents=True, exist_ok=True)
                    continue
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(archive.read(entry))
                path.chmod(((entry.external_attr >> 16) & 0o777) | 0o444)
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError) as error:
        raise _invalid(str(error)) from error
    target.mkdir(parents=True, exist_ok=True)
    return look_at(target)


def _check(entries: list[zipfile.ZipInfo], settings: FunctionsSettings) -> None:
    if len(entries) > settings.unpacked_files_max:
        raise _invalid(f"it has more than {settings.unpacked_files_max} files")
    if sum(e.file_size for e in entries) > settings.unpacked_bytes_max:
        raise _invalid(f"it is larger than {settings.unpacked_bytes_max} bytes unpacked")
    for entry in entries:
        path = PurePosixPath(entry.filename)
        if path.is_absolute() or ".." in path.parts:
            raise _invalid(f"the path {entry.filename!r} leads out of it")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise _invalid(f"{entry.filename!r} is a symbolic link")


def _invalid(why: str) -> AwsError:
    return AwsError(
        "InvalidZipFileException", f"Lambda could not unzip the deployment package: {why}.", 502
    )
