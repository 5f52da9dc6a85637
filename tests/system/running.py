"""The running stack that system tests speak to, over HTTP and boto3 alone.

One emulator is started by its command line for the whole session; tests that need another budget,
a data directory or a kill start their own.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config

from emulator.core.timings import AWS, FAST, Timings

START_TIMEOUT_S = 60.0
ROOT = Path(__file__).resolve().parent.parent.parent


class EndedAtOnceError(AssertionError):
    """An emulator did not come up; ``sentence`` is the last thing it said."""

    def __init__(self, said: str) -> None:
        super().__init__(f"the emulator ended at once:\n{said}")
        lines = [line for line in said.splitlines() if line.strip()]
        self.sentence = lines[-1].removeprefix("Error: ") if lines else "The emulator ended."


@dataclass
class Running:
    """A stack that runs: its addresses and names and, when it is ours, its process.

    ``aws_url`` is empty for AWS itself.
    """

    aws_url: str
    web_url: str
    process: subprocess.Popen[str] | None = None
    timings: Timings = FAST
    """How long things take there: what one waits for takes that much longer."""
    name: str = "nst"
    region: str = "us-east-1"
    account: str = "000000000000"
    open: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    """Clients that are closed when the stack ends."""

    def http(self, **options: Any) -> httpx.Client:
        """An HTTP client of the web address."""
        return self.open.enter_context(httpx.Client(base_url=self.web_url, timeout=60, **options))

    def client(self, service: str, **config: Any) -> Any:
        """A boto3 client of the stack, as anyone would make one."""
        emulated: dict[str, Any] = {}
        if self.aws_url:
            emulated = {
                "endpoint_url": self.aws_url,
                "aws_access_key_id": "test",
                "aws_secret_access_key": "test",
            }
            # without: boto3 puts "sync-" before the host of StartSyncExecution
            config = {"inject_host_prefix": False, **config}
        made = boto3.client(
            service,
            region_name=self.region,
            config=Config(retries={"max_attempts": 1}, **config),
            **emulated,
        )
        self.open.callback(made.close)
        return made

    def named(self, part: str) -> str:
        """A resource's name: ``storage`` is the bucket ``nst-storage``."""
        return f"{self.name}-{part}"

    def arn(self, service: str, resource: str) -> str:
        """An ARN in the stack's account and region."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    def machine(self, workflow: str) -> str:
        """A workflow's ARN."""
        return self.arn("states", f"stateMachine:{self.named(workflow)}")

    def execution(self, run_id: str) -> str:
        """The ARN of a run's execution."""
        return self.arn("states", f"execution:{self.named('run-nst')}:{run_id}")

    def object_url(self, bucket: str, key: str) -> str:
        """Where an object (a bucket, without a key) is, for one without credentials."""
        if self.aws_url:
            return f"{self.aws_url}/{self.named(bucket)}/{key}"
        return f"https://{self.named(bucket)}.s3.{self.region}.amazonaws.com/{key}"

    def change_budget(self, action: str, **given: Any) -> dict[str, Any]:
        """What the operator does: ``top_up``, ``set_limit``, ``roll_over``."""
        answer = self.client("lambda").invoke(
            FunctionName=self.named("update-budget"),
            Payload=json.dumps({"action": action, **given}).encode(),
        )
        said: dict[str, Any] = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, said
        return said

    @property
    def pid(self) -> int:
        assert self.process is not None, "this stack is not a process of ours"
        return self.process.pid


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(what: str, condition: Callable[[], Any], timeout_s: float = 30.0) -> Any:
    """Poll until the condition gives something true, and return that."""
    deadline = time.monotonic() + timeout_s
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"waited {timeout_s} s in vain for: {what}"
        time.sleep(0.05)


def nst(*arguments: str, env: dict[str, str] | None = None, **options: Any) -> Any:
    """Run the nst command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "system", *arguments],
        capture_output=True,
        text=True,
        timeout=options.pop("timeout", 120),
        check=False,
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        **options,
    )


@contextlib.contextmanager
def started(
    tmp_path: Path, *options: str, ports: tuple[int, int] | None = None
) -> Iterator[Running]:
    """An emulator of our own, ended (and its children with it) when the block ends."""
    aws, web = ports or (free_port(), free_port())
    log = tmp_path / f"up-{aws}.log"
    # a profile of the user's that does not concern the emulator, and must not disturb it
    profile = {"AWS_PROFILE": "of-the-user"}
    env = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state"), **profile}
    command = [
        sys.executable, "-m", "system", "up",
        "--aws-port", str(aws), "--edge-port", str(web), *options,
    ]  # fmt: skip
    with log.open("w") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, text=True, env=env, cwd=ROOT
        )
    running = Running(
        f"http://127.0.0.1:{aws}",
        f"http://localhost:{web}",
        process,
        AWS if "--aws-timing" in options else FAST,
    )

    def ready() -> bool:
        if process.poll() is not None:
            raise EndedAtOnceError(log.read_text())
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{running.aws_url}/_nst/status").json()["ready"] is True
        return False

    try:
        wait_until("the emulator to be up", ready, START_TIMEOUT_S)
        yield running
    finally:
        running.open.close()
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                pytest.fail(f"the emulator did not end on SIGTERM:\n{log.read_text()[-4000:]}")
        said = log.read_text()
        if "Traceback" in said:
            pytest.fail(f"the emulator printed a traceback:\n{said[-6000:]}")
