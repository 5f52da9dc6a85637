"""`nst up`, `--detach`, `status`, `down`: what they print, and that nothing stays behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from pathlib import Path

import httpx
import psutil
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.system.running import Running, free_port, nst, started, wait_until
from tests.system.visitor import SLOW, Visitor

pytestmark = pytest.mark.needs("own emulator")


def descendants(pid: int) -> set[int]:
    """All processes below ``pid``."""
    return {child.pid for child in psutil.Process(pid).children(recursive=True)}


def alive(pids: set[int]) -> set[int]:
    """Those that still run; one that only waits to be collected by its parent has ended."""
    return {pid for pid in pids if not ended(pid)}


def ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def is_free(url: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(url.rsplit(":", 1)[1]))) != 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_child_outlives_it_and_the_ports_are_free(
    tmp_path: Path, number: signal.Signals
) -> None:
    with started(tmp_path) as stack:
        visitor = Visitor(stack)
        run = visitor.begin(**SLOW)
        visitor.running(run)
        children = descendants(stack.pid)
        assert len(children) >= 2, "functions and the task run in processes of their own"
        os.kill(stack.pid, number)
        assert stack.process is not None
        code = stack.process.wait(20)
        assert code == (-9 if number == signal.SIGKILL else 0)
        wait_until("the children to end", lambda: not alive(children), 10)
        assert is_free(stack.aws_url)
        assert is_free(stack.web_url)


def test_detach_status_and_down(tmp_path: Path) -> None:
    env = {"XDG_STATE_HOME": str(tmp_path)}
    aws, web = free_port(), free_port()
    ports = ("--aws-port", str(aws), "--edge-port", str(web))
    up = nst("up", "--detach", *ports, env=env)
    assert up.returncode == 0, up.stderr + up.stdout
    assert f"http://localhost:{web}" in up.stdout
    assert "nst run" in up.stdout
    status = nst("status", "--json", "--aws-port", str(aws), env=env)
    found = json.loads(status.stdout)
    assert found["running"] is True
    assert found["deployed"] is True
    children = descendants(found["pid"])
    assert httpx.get(f"http://localhost:{web}/api/budget").status_code == 200
    again = nst("up", "--detach", *ports, env=env)
    assert again.returncode == 1
    assert "already" in again.stderr
    down = nst("down", "--aws-port", str(aws), env=env)
    assert down.returncode == 0
    assert not alive({found["pid"], *children})
    gone = nst("status", "--json", "--aws-port", str(aws), env=env)
    assert gone.returncode == 1
    assert json.loads(gone.stdout) == {"running": False}
    assert nst("down", "--aws-port", str(aws), env=env).returncode == 0


def test_it_ends_under_a_call_that_a_fault_delays(tmp_path: Path) -> None:
    """What `started` looks at besides: it ends in time, and says nothing of a traceback."""
    refused: list[str] = []

    def wait() -> None:
        try:
            running.client("s3").list_buckets()
        except BotoCoreError as error:
            refused.append(type(error).__name__)

    with started(tmp_path) as running:
        rule = {"effect": "delay", "service": "s3", "operation": "ListBuckets", "seconds": 600}
        faults = f"{running.aws_url}/_nst/faults"
        httpx.post(faults, json=rule).raise_for_status()
        caller = threading.Thread(target=wait)
        caller.start()
        wait_until("the call to be met", lambda: "'met': 1" in str(httpx.get(faults).json()))
    caller.join(60)
    assert refused


def test_a_taken_port_is_one_clear_sentence(stack: Running, tmp_path: Path) -> None:
    port = stack.aws_url.rsplit(":", 1)[1]
    done = nst(
        "up", "--aws-port", port, "--edge-port", str(free_port()),
        env={"XDG_STATE_HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 1
    assert f"Port {port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_bare_starts_empty(tmp_path: Path) -> None:
    with started(tmp_path, "--bare") as stack:
        assert stack.client("s3").list_buckets()["Buckets"] == []
        assert stack.client("lambda").list_functions()["Functions"] == []
        assert stack.client("stepfunctions").list_state_machines()["stateMachines"] == []
        stack.client("s3").create_bucket(Bucket="mine")
        stack.client("s3").put_object(Bucket="mine", Key="a", Body=b"1")
        health = httpx.get(f"{stack.aws_url}/_localstack/health").json()
        assert health["services"]["s3"] == "running"


def test_the_ecosystems_conventions_hold(stack: Running) -> None:
    identity = stack.client("sts").get_caller_identity()
    assert identity["Account"] == "000000000000"
    hosted = httpx.get(
        f"{stack.aws_url}/index.html",
        headers={"Host": "nst-website.s3.localhost.localstack.cloud:4566"},
    )
    assert hosted.status_code == 403  # virtual-host addressing found the bucket, which is private
    assert "AccessDenied" in hosted.text
    with pytest.raises(ClientError) as refused:
        stack.client("stepfunctions").create_activity(name="a")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert "not supported" in str(refused.value)
