"""The servers that are measured: this emulator, ministack with its AUTH mode on, moto server."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parent.parent.parent
MINISTACK = "1.5.33"
START_TIMEOUT_S = 60.0


@contextlib.contextmanager
def running() -> Iterator[dict[str, str]]:
    """All of them, each a process of its own; gives name -> URL."""
    with contextlib.ExitStack() as ends:
        home = ends.enter_context(tempfile.TemporaryDirectory())
        yield {
            "this emulator": ends.enter_context(_ours(home)),
            f"ministack {MINISTACK}, AUTH": ends.enter_context(_ministack(home)),
            "moto server": ends.enter_context(_moto(home)),
        }


@contextlib.contextmanager
def only_ours() -> Iterator[str]:
    """Our AWS endpoint alone, without the system deployed."""
    with tempfile.TemporaryDirectory() as home, _ours(home) as url:
        yield url


def _ours(home: str) -> contextlib.AbstractContextManager[str]:
    aws, edge = _free_port(), _free_port()
    command = [
        sys.executable, "-m", "system", "up", "--bare",
        "--aws-port", str(aws), "--edge-port", str(edge),
    ]  # fmt: skip
    return _process(command, aws, "/_localstack/health", home, {"XDG_STATE_HOME": home})


def _ministack(home: str) -> contextlib.AbstractContextManager[str]:
    port = _free_port()
    command = [str(_ministack_python()), "-m", "ministack"]
    settings = {"GATEWAY_PORT": str(port), "AUTH": "true", "LOG_LEVEL": "ERROR"}
    return _process(command, port, "/_ministack/health", home, settings)


def _moto(home: str) -> contextlib.AbstractContextManager[str]:
    port = _free_port()
    command = [sys.executable, "-m", "moto.server", "-p", str(port), "-H", "127.0.0.1"]
    return _process(command, port, "/moto-api/", home, {})


def _ministack_python() -> Path:
    """A virtual environment of its own for ministack: its pins need not agree with ours."""
    folder = ROOT / ".bench" / f"ministack-{MINISTACK}"
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        install = [str(python), "-m", "pip", "install", "-q", f"ministack=={MINISTACK}"]
        subprocess.run(install, check=True)
    return python


@contextlib.contextmanager
def _process(
    command: list[str], port: int, health: str, home: str, settings: dict[str, str]
) -> Iterator[str]:
    url = f"http://127.0.0.1:{port}"
    with (Path(home) / f"{port}.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=log, stderr=log, env={**os.environ, **settings}
        )
    try:
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(url + health).is_success:
                    break
            if process.poll() is not None or time.monotonic() > deadline:
                said = (Path(home) / f"{port}.log").read_text(errors="replace")
                raise SystemExit(f"{command[2]} did not start:\n{said[-2000:]}")
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
