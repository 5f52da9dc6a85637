"""The functions' zips: what a function imports, and the same bytes for the same sources.

A zip holds the function's module and every module of ``handlers`` and ``system`` that it reaches by
imports, which are read from the sources and not by running them. The SDK is the runtime's.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import io
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

FUNCTIONS = ("read_budget", "get_upload_url", "update_budget", "start_nst", "stop_nst")
PACKAGES = ("handlers", "system")
DATA = {"system.gallery": ("system/gallery.json",)}
"""Module -> the files it reads, where they are part of the sources."""

ROOT = Path(__file__).resolve().parent.parent

# The earliest time that a zip can name; a real one would make every build differ.
_TIMESTAMP = (1980, 1, 1, 0, 0, 0)
_READABLE = 0o100644 << 16
_UNIX = 3


def build_zip(name: str) -> bytes:
    """The zip of a function of ``FUNCTIONS``; raises ValueError for another name."""
    if name not in FUNCTIONS:
        raise ValueError(f"there is no function {name!r}; there are {', '.join(FUNCTIONS)}")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path in files(name):
            entry = zipfile.ZipInfo(path, _TIMESTAMP)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = _UNIX
            entry.external_attr = _READABLE
            archive.writestr(entry, (ROOT / path).read_bytes(), compresslevel=9)
    return out.getvalue()


def write(folder: Path) -> dict[str, str]:
    """Write ``<function>.zip`` for every function into ``folder``; gives their hashes by name."""
    folder.mkdir(parents=True, exist_ok=True)
    hashes = {}
    for name in FUNCTIONS:
        body = build_zip(name)
        (folder / f"{name}.zip").write_bytes(body)
        hashes[name] = sha256(body)
    return hashes


def files(name: str) -> list[str]:
    """The paths (from the sources' root) that a function's zip holds, in their order there."""
    modules = _reached(f"handlers.{name}")
    paths = {_path(module) for module in modules}
    paths |= {file for module in modules for file in DATA.get(module, ()) if (ROOT / file).exists()}
    return sorted(paths)


def sha256(body: bytes) -> str:
    """The hash of a zip, in hexadecimal."""
    return hashlib.sha256(body).hexdigest()


def _reached(module: str) -> set[str]:
    reached: set[str] = set()
    waiting = [module]
    while waiting:
        current = waiting.pop()
        if current in reached:
            continue
        reached.add(current)
        if "." in current:
            waiting.append(current.rpartition(".")[0])
        waiting.extend(_imported((ROOT / _path(current)).read_text(encoding="utf-8")))
    return reached


@cache  # functions share most of their modules
def _imported(source: str) -> tuple[str, ...]:
    """The modules of ours that a module imports anywhere in it."""
    return tuple(_imports(ast.parse(source)))


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            if name.partition(".")[0] in PACKAGES and _is_module(name):
                yield name


def _is_module(name: str) -> bool:
    path = ROOT / name.replace(".", "/")
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def _path(module: str) -> str:
    path = module.replace(".", "/")
    return f"{path}.py" if (ROOT / f"{path}.py").is_file() else f"{path}/__init__.py"


def main() -> None:
    """``python -m system.artifacts --out build/zips``: write the zips and print their hashes."""
    parser = argparse.ArgumentParser(description="Build the functions' zips.")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "zips")
    for name, digest in write(parser.parse_args().out).items():
        print(f"{digest}  {name}.zip")  # noqa: T201 - it is a command


if __name__ == "__main__":
    main()
