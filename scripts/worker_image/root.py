"""Second step of the image: a file system with what the worker needs, and nothing else.

``python3 root.py IMAGE``, where IMAGE holds the packages and our own code already, copies the
interpreter, its standard library and the shared libraries that all these name to the same places
below IMAGE. There is no shell, no package manager and no pip in it. What a scanner needs to know
stays: Debian's records of the packages that files were taken from.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from packages import is_elf

USER = 10001
STANDARD_LIBRARY_LESS = (
    *("__pycache__", "site-packages", "dist-packages", "test", "tests", "config-*", "*.a"),
    *("ensurepip", "idlelib", "lib2to3", "pydoc_data", "tkinter", "turtledemo", "turtle.py"),
    *("venv", "distutils", "sqlite3", "dbm", "curses", "EXTERNALLY-MANAGED"),
    *("_tkinter*", "_test*", "readline.*", "_curses*", "_dbm.*", "_gdbm.*", "nis.*", "_sqlite3.*"),
)


def main() -> None:
    """Assemble the root file system."""
    image = Path(sys.argv[1])
    for kind in ("lib64", "lib", "bin", "sbin"):
        if Path("/", kind).is_symlink():  # one /usr, as Debian has it
            (image / "usr" / kind).mkdir(parents=True, exist_ok=True)
            (image / kind).symlink_to(Path("/", kind).readlink())
    interpreter(image)
    taken = set(libraries(image))
    for path in sorted(taken):
        copy(path, image)
    configuration(image)
    records(taken | {Path(sys.executable).resolve()}, image)
    for path in [image, *image.rglob("*")]:
        if not path.is_symlink():  # readable for all, whatever the builder's umask was
            mode = 0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644
            if path.stat().st_mode & 0o7777 != mode:
                path.chmod(mode)
    (image / "tmp").chmod(0o1777)


def interpreter(image: Path) -> None:
    """Copy Python and its standard library."""
    for name in {sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib")}:
        shutil.copytree(
            name,
            image / name.lstrip("/"),
            symlinks=True,
            ignore=shutil.ignore_patterns(*STANDARD_LIBRARY_LESS),
            dirs_exist_ok=True,
        )
    program = Path(sys.executable).resolve()
    copy(program, image)
    name = image / str(Path(sys.executable).parent).lstrip("/") / "python3"
    if not name.exists():
        name.parent.mkdir(parents=True, exist_ok=True)
        name.symlink_to(program)


def libraries(image: Path) -> Iterator[Path]:
    """The base's shared libraries that programs and libraries of the image name."""
    for path in sorted(image.rglob("*")):
        if path.is_symlink() or not path.is_file() or not is_elf(path):
            continue
        listed = subprocess.run(["ldd", str(path)], check=False, capture_output=True, text=True)
        for line in listed.stdout.splitlines():
            name, _, found = line.strip().partition(" => ")
            if "not found" in found:
                raise SystemExit(f"{path} needs {name}, which the base image lacks")
            place = (found or name).split(" (")[0].strip()
            if place.startswith("/") and not place.startswith(str(image)):
                yield Path(place)


def copy(path: Path, image: Path) -> None:
    """Copy a file to its place in the image under the name that asks for it."""
    place = path.parent.resolve() / path.name
    goal = image / str(place).lstrip("/")
    if not goal.exists():
        goal.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path.resolve(), goal)


def configuration(image: Path) -> None:
    """The few files that the C library reads."""
    etc = image / "etc"
    etc.mkdir(exist_ok=True)
    (image / "tmp").mkdir()
    (etc / "passwd").write_text(f"nst:x:{USER}:{USER}::/nst:/nonexistent\n", encoding="utf-8")
    (etc / "group").write_text(f"nst:x:{USER}:\n", encoding="utf-8")
    (etc / "nsswitch.conf").write_text("hosts: files dns\n", encoding="utf-8")
    shutil.copy2("/etc/os-release", etc / "os-release")
    if Path("/etc/ld.so.conf").exists():
        shutil.copy2("/etc/ld.so.conf", etc)
        shutil.copytree("/etc/ld.so.conf.d", etc / "ld.so.conf.d")
    subprocess.run(["ldconfig", "-r", str(image)], check=True)


def records(taken: set[Path], image: Path) -> None:
    """Keep Debian's record of each package that a file came from, where scanners look."""
    places = [str(path.parent.resolve() / path.name) for path in sorted(taken)]
    places += [place.removeprefix("/usr") for place in places]  # as recorded before /usr was one
    found = subprocess.run(["dpkg", "-S", *places], check=False, capture_output=True, text=True)
    folder = image / "var/lib/dpkg/status.d"
    folder.mkdir(parents=True)
    for package in sorted({line.rpartition(": ")[0] for line in found.stdout.splitlines()}):
        if "," in package or package.startswith("diversion"):
            continue
        record = subprocess.run(["dpkg", "-s", package], check=True, capture_output=True)
        (folder / package.partition(":")[0]).write_bytes(record.stdout)


if __name__ == "__main__":
    main()
