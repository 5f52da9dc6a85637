"""The worker's image: built by the Docker engine, of packages that this machine's pip finds.

The engine needs no way to a package index, and no certificate or setting of this machine gets into
the image. What is in it, and how, stands in ``Dockerfile`` and ``scripts/worker_image``.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from system import engine
from system.engine import EngineError

ROOT = Path(__file__).resolve().parent.parent.parent
WHEELS = ROOT / "build" / "wheels"
TAG = "nst-worker"
BASE = "python:3.12-slim"
PLATFORMS = {"X86_64": "linux/amd64", "ARM64": "linux/arm64"}
"""The engine's names of the architectures that a task definition has."""
FACTS = "import json, os, sys; print(json.dumps([*sys.version_info[:2], os.uname().machine]))"
GLIBC_MINOR_MAX = 36
"""Of Debian 12, the oldest base that has Python 3.11: wheels may need any C library up to it."""
SAID_LINES_MAX = 40
BUILD_S_MAX = 1_800

Say = Callable[[str], None]


@dataclass(frozen=True)
class Base:
    """What wheels must fit: the interpreter of the base image, and its machine."""

    python: tuple[int, int]
    machine: str

    def pip_options(self) -> list[str]:
        """Options that make pip choose for this interpreter instead of its own."""
        old_names = {"x86_64": ["manylinux2014", "manylinux2010", "manylinux1"]}
        names = old_names.get(self.machine, ["manylinux2014"])
        names += [f"manylinux_2_{minor}" for minor in range(5, GLIBC_MINOR_MAX + 1)]
        version = ".".join(map(str, self.python))
        return [
            *("--only-binary=:all:", "--python-version", version, "--implementation", "cp"),
            *(f"--platform={name}_{self.machine}" for name in names),
        ]


def build(
    tag: str = TAG,
    base: str = BASE,
    platform: str | None = None,
    *,
    wheels: Path | None = None,
    say: Say = lambda _: None,
) -> str:
    """Build the image and name it ``tag``; returns its id. Raises EngineError.

    ``platform`` None is the engine's own. ``wheels`` is a folder with the packages; without it pip
    downloads them, with the settings that it has here.
    """
    client = engine.connect(BUILD_S_MAX)
    try:
        _have(client, base, platform)
        facts = _facts(client, base, platform)
        say(f"packages for Python {'.'.join(map(str, facts.python))} on {facts.machine}")
        _fetch(facts) if wheels is None else _take(wheels)
        say(f"building {tag} on {base}")
        return _built(client, tag, base, platform)
    finally:
        client.close()


def _have(client: Any, base: str, platform: str | None) -> None:
    """Pull the base image where the engine has none."""
    from docker.errors import DockerException, ImageNotFound  # noqa: PLC0415 (an extra)

    try:
        client.images.get(base)
    except ImageNotFound:
        try:
            client.images.pull(base, platform=platform)
        except DockerException as error:
            raise EngineError(
                f"The base image {base} cannot be pulled ({engine.explanation(error)}). Name one "
                "that the engine has or may pull: nst image --base IMAGE (any Debian with Python "
                "3.11 or newer and pip; scripts/base_image makes one)."
            ) from error


def _facts(client: Any, base: str, platform: str | None) -> Base:
    from docker.errors import DockerException  # noqa: PLC0415 (an extra)

    try:
        said = client.containers.run(
            base, ["-c", FACTS], entrypoint=["python3"], platform=platform, remove=True
        )
    except DockerException as error:
        raise EngineError(
            f"The base image {base} has no Python 3 ({engine.explanation(error)})."
        ) from error
    major, minor, machine = json.loads(said)
    return Base((int(major), int(minor)), str(machine))


def _take(wheels: Path) -> None:
    if WHEELS.resolve() == wheels.resolve():
        return
    found = sorted(wheels.glob("*.whl"))
    if not found:
        raise EngineError(f"There are no wheels in {wheels}.")
    shutil.rmtree(WHEELS, ignore_errors=True)
    WHEELS.mkdir(parents=True)
    for wheel in found:
        shutil.copy2(wheel, WHEELS)


def _fetch(base: Base) -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        wanted = tomllib.load(file)["project"]["optional-dependencies"]["worker"]
    shutil.rmtree(WHEELS, ignore_errors=True)
    constraints = ("--constraint", str(ROOT / "constraints.txt"))
    options = base.pip_options()
    check = [sys.executable, str(ROOT / "scripts" / "check_torch.py"), sys.executable]
    _pip([*check, *options, *constraints, "--ignore-installed", "--target", str(WHEELS)])
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"]
    _pip([*pip, "--dest", str(WHEELS), *options, *constraints, *wanted])


def _pip(command: list[str]) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 (ours)
    if done.returncode:
        raise EngineError(f"The worker's packages cannot be had:\n{done.stderr.strip()[-2000:]}")


def _built(client: Any, tag: str, base: str, platform: str | None) -> str:
    from docker.errors import DockerException  # noqa: PLC0415 (an extra)

    try:
        said = client.api.build(
            path=str(ROOT),
            tag=tag,
            buildargs={"BASE_IMAGE": base},
            platform=platform,
            rm=True,
            forcerm=True,
            decode=True,
        )
        follow(said, f"The image {tag} cannot be built")
        return str(client.images.get(tag).id)
    except DockerException as error:
        raise EngineError(
            f"The image {tag} cannot be built: {engine.explanation(error)}"
        ) from error


def follow(said: Iterable[dict[str, Any]], failure: str) -> None:
    """Read the engine's progress to its end; raises EngineError with its last lines."""
    lines: list[str] = []
    for item in said:
        if "error" in item:
            told = "".join(lines[-SAID_LINES_MAX:]).strip()
            raise EngineError(f"{failure}: {item['error']}\n{told}".strip())
        if "stream" in item:
            lines.append(item["stream"])
