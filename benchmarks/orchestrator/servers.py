"""What is measured, as processes of their own: the emulator, and its peers ministack and moto.

Each is a context manager that gives a `Server` once it answers, and ends it with everything it
started, also when the measurement fails.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import httpx
import psutil
from botocore.config import Config

from benchmarks.orchestrator import peers

ROOT = Path(__file__).resolve().parent.parent.parent
START_S_MAX = 60.0
STOP_S_MAX = 20.0


@dataclass
class Server:
    """A running server: its name, its address, its process."""

    name: str
    url: str
    process: psutil.Process
    clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """A boto3 client of one of its services, made once; it neither retries nor re-routes."""
        if service not in self.clients:
            # StartSyncExecution goes to the host "sync-...", which a loopback address has not.
            config = Config(
                retries={"total_max_attempts": 1}, read_timeout=60, inject_host_prefix=False
            )
            self.clients[service] = boto3.client(
                service,
                endpoint_url=self.url,
                region_name="us-east-1",
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=config,
            )
        return self.clients[service]

    def cpu_s(self) -> float:
        """CPU seconds that the server's processes have used (children that ended included)."""
        total = 0.0
        for process in self._tree():
            with contextlib.suppress(psutil.Error):
                used = process.cpu_times()
                total += used.user + used.system
        ended = self.process.cpu_times()
        return total + float(ended.children_user) + float(ended.children_system)

    def resident_bytes(self, *, tree: bool) -> int:
        """Resident memory of the server's process, or of all its processes together."""
        total = 0
        for process in self._tree() if tree else [self.process]:
            with contextlib.suppress(psutil.Error):
                total += int(process.memory_info().rss)
        return total

    def _tree(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]


@contextlib.contextmanager
def emulator() -> Iterator[Server]:
    """The emulator with the system deployed."""
    aws_port, edge_port = free_ports(2)
    command = [
        sys.executable, "-m", "emulator", "up", "--budget", "1000",
        "--aws-port", str(aws_port), "--edge-port", str(edge_port),
    ]  # fmt: skip
    status = f"http://127.0.0.1:{aws_port}/_nst/status"

    def ready() -> bool:
        return bool(httpx.get(status, timeout=5).json()["ready"])

    with _running("emulator", command, aws_port, ready) as server:
        yield server


@contextlib.contextmanager
def ministack() -> Iterator[Server]:
    """The peer ministack, from its own virtual environment."""
    (port,) = free_ports(1)
    settings = {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "LOG_LEVEL": "WARNING"}
    command = [str(peers.ministack_python()), "-m", "ministack"]
    health = f"http://127.0.0.1:{port}/_ministack/health"

    def ready() -> bool:
        return httpx.get(health, timeout=5).status_code == 200

    with _running("ministack", command, port, ready, settings) as server:
        yield server


@contextlib.contextmanager
def moto() -> Iterator[Server]:
    """The peer moto as a server, told to run state machines (it only stores them by itself)."""
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    settings = {"stepfunctions": {"execute_state_machine": True}}
    url = f"http://127.0.0.1:{port}/moto-api/config"

    def ready() -> bool:
        return httpx.post(url, json=settings, timeout=30).status_code == 201

    with _running("moto", command, port, ready) as server:
        yield server


def free_ports(count: int) -> list[int]:
    """Ports of the loopback interface on which nothing listens now."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


@contextlib.contextmanager
def _running(
    name: str,
    command: list[str],
    port: int,
    ready: Callable[[], bool],
    settings: dict[str, str] | None = None,
) -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as home:
        log = Path(home) / "log"
        # Nothing of the user's own AWS settings, and nothing left behind outside of `home`.
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MOTO_"))},
            "PYTHONPATH": str(ROOT) if name == "emulator" else "",
            "XDG_STATE_HOME": home,
            "TMPDIR": home,
            **(settings or {}),
        }
        with log.open("wb") as out:
            process = subprocess.Popen(
                command,
                cwd=home,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        known = psutil.Process(process.pid)
        try:
            _wait(ready, process, name, log)
            yield Server(name, f"http://127.0.0.1:{port}", known)
        finally:
            _end(process, known)


def _wait(
    ready: Callable[[], bool], process: subprocess.Popen[bytes], name: str, log: Path
) -> None:
    deadline = time.perf_counter() + START_S_MAX
    while True:
        with contextlib.suppress(httpx.TransportError):
            if ready():
                return
        if process.poll() is not None or time.perf_counter() > deadline:
            said = log.read_text(encoding="utf-8", errors="replace")[-2_000:]
            raise SystemExit(f"{name} did not start:\n{said}")
        time.sleep(0.02)


def _end(process: subprocess.Popen[bytes], known: psutil.Process) -> None:
    """End the process, and what it has started, at last by force."""
    children: list[psutil.Process] = []
    with contextlib.suppress(psutil.Error):
        children = known.children(recursive=True)
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_S_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for child in children:
        with contextlib.suppress(psutil.Error):
            child.kill()
    psutil.wait_procs(children, timeout=STOP_S_MAX)
