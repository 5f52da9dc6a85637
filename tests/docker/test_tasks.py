"""ECS over the Docker engine: limits, ends, and what is left behind."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker.errors
import pytest

from emulator.core.errors import EmulatorError
from emulator.ecs.docker_driver import LABEL, DockerDriver
from emulator.settings import Settings
from emulator.stack import Stack
from tests.system.running import Running, wait_until

ROOT = Path(__file__).resolve().parent.parent.parent
GROUP = "/ecs/nst-worker"
NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-00000000000000001"]}}
# The handlers write past Python's buffer, which may be in use when the signal comes.
PATIENT = """
import os, signal
signal.signal(signal.SIGTERM, lambda *_: os.write(1, b"heard SIGTERM\\n"))
os.write(1, b"ready\\n")
while True:
    signal.pause()
"""
POLITE = """
import os, signal
def end(*_):
    os.write(1, b"heard SIGTERM\\n")
    os._exit(7)
signal.signal(signal.SIGTERM, end)
os.write(1, b"ready\\n")
while True:
    signal.pause()
"""
GREEDY = """
print("ready", flush=True)
held = []
while True:
    held.append(b"x" * 16_777_216)
"""
FACTS = """
import os
print("port", os.environ["PORT"], "threads", os.environ["OMP_NUM_THREADS"])
print("uid", os.getuid())
for folder in ("/", "/nst", "/tmp"):
    try:
        open(folder + "/written", "w").close()
        print("a temporary folder")
    except OSError as error:
        print(folder, error.strerror)
status = open("/proc/self/status").read()
print([line for line in status.splitlines() if line.startswith(("CapEff", "CapBnd", "NoNewPrivs"))])
"""

KILLED = """
import asyncio, os, signal, sys, uuid
from emulator.ecs.docker_driver import DockerDriver
from emulator.ecs.driver import ContainerSpec

async def main(image, owner):
    driver = await DockerDriver.connect({"program": image}, owner)
    name = uuid.uuid4().hex
    await driver.start(ContainerSpec("program", (), {}, name, cpu_units=256, memory_mib=64))
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main(*sys.argv[1:]))
"""
"""An emulator that is killed while a task runs."""


class Tasks:
    """Runs tasks of other images on the shared emulator."""

    def __init__(self, stack: Running) -> None:
        self.ecs, self.logs = stack.client("ecs"), stack.client("logs")

    def run(self, image: str, **container: Any) -> str:
        known = self.ecs.describe_task_definition(taskDefinition="nst-worker:1")["taskDefinition"]
        family = f"test-{uuid.uuid4().hex[:8]}"
        size = {
            key: container.pop(key, value) for key, value in (("cpu", "256"), ("memory", "512"))
        }
        self.ecs.register_task_definition(
            family=family,
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            taskRoleArn=known["taskRoleArn"],
            executionRoleArn=known["executionRoleArn"],
            containerDefinitions=[
                {**known["containerDefinitions"][0], "image": image, **container}
            ],
            **size,
        )
        answer = self.ecs.run_task(
            cluster="nst", taskDefinition=family, networkConfiguration=NETWORK
        )
        return str(answer["tasks"][0]["taskArn"])

    def task(self, arn: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ecs.describe_tasks(cluster="nst", tasks=[arn])["tasks"][0]
        return found

    def stopped(self, arn: str) -> dict[str, Any]:
        def over() -> dict[str, Any] | None:
            task = self.task(arn)
            return task if task["lastStatus"] == "STOPPED" else None

        found: dict[str, Any] = wait_until("the task to be stopped", over, 60)
        return found

    def lines(self, arn: str) -> list[str]:
        stream = f"nst/nst/{arn.rsplit('/', 1)[-1]}"
        try:
            events = self.logs.get_log_events(logGroupName=GROUP, logStreamName=stream)["events"]
        except self.logs.exceptions.ResourceNotFoundException:
            return []
        return [event["message"] for event in events]

    def until_line(self, arn: str, line: str) -> None:
        """Wait for a line: as on AWS, the log comes a moment later, also after the task's end."""
        wait_until(f"{line!r} in the log", lambda: line in self.lines(arn), 60)


@pytest.fixture
def tasks(stack: Running) -> Tasks:
    return Tasks(stack)


def container_of(client: Any, arn: str) -> Any:
    return client.containers.get(f"nst-{arn.rsplit('/', 1)[-1]}-nst")


def assert_removed(client: Any, arn: str) -> None:
    with pytest.raises(docker.errors.NotFound):
        container_of(client, arn)


@pytest.mark.fidelity(
    area="ECS",
    feature="StopTask sends SIGTERM, and SIGKILL after the container's stopTimeout (containers)",
    source="https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopTask.html",
)
def test_stop_task_kills_what_does_not_end_within_its_stop_timeout(
    tasks: Tasks, program: Callable[[str], str], client: Any
) -> None:
    arn = tasks.run(program(PATIENT), stopTimeout=2)
    tasks.until_line(arn, "ready")
    tasks.ecs.stop_task(cluster="nst", task=arn, reason="enough")
    task = tasks.stopped(arn)
    assert task["containers"][0]["exitCode"] == 137
    assert "reason" not in task["containers"][0]
    assert task["stopCode"] == "UserInitiated"
    assert task["stoppedReason"] == "enough"
    ended = task["executionStoppedAt"] - task["stoppingAt"]
    assert ended.total_seconds() >= 2
    tasks.until_line(arn, "heard SIGTERM")
    assert tasks.lines(arn) == ["ready", "heard SIGTERM"]
    assert_removed(client, arn)


def test_stop_task_lets_a_program_end_by_itself(
    tasks: Tasks, program: Callable[[str], str], client: Any
) -> None:
    arn = tasks.run(program(POLITE), stopTimeout=120)
    tasks.until_line(arn, "ready")
    tasks.ecs.stop_task(cluster="nst", task=arn)
    task = tasks.stopped(arn)
    assert task["containers"][0]["exitCode"] == 7
    tasks.until_line(arn, "heard SIGTERM")
    assert tasks.lines(arn) == ["ready", "heard SIGTERM"]
    assert_removed(client, arn)


@pytest.mark.fidelity(
    area="ECS",
    feature="A container beyond its memory ends with 137 and OutOfMemoryError (containers)",
    source="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html",
)
def test_a_container_beyond_its_memory_is_killed(
    tasks: Tasks, program: Callable[[str], str], client: Any
) -> None:
    arn = tasks.run(program(GREEDY))
    task = tasks.stopped(arn)
    assert task["containers"][0]["exitCode"] == 137
    assert task["containers"][0]["reason"].startswith("OutOfMemoryError")
    assert task["stopCode"] == "EssentialContainerExited"
    assert_removed(client, arn)


def test_a_container_is_confined_and_held_to_the_task_s_size(
    tasks: Tasks, program: Callable[[str], str], client: Any
) -> None:
    arn = tasks.run(program(FACTS + PATIENT), cpu="512", memory="1024", stopTimeout=2)
    tasks.until_line(arn, "ready")
    host = container_of(client, arn).attrs["HostConfig"]
    assert host["NanoCpus"] == 500_000_000
    assert host["Memory"] == host["MemorySwap"] == 1024 * 1024 * 1024
    assert host["ReadonlyRootfs"] is True
    said = tasks.lines(arn)
    assert said[:2] == ["port 8000 threads 1", "uid 10001"]
    assert said[2:5] == [
        "/ Read-only file system",
        "/nst Read-only file system",
        "a temporary folder",
    ]
    assert "CapEff:\\t0000000000000000" in said[5]
    assert "CapBnd:\\t0000000000000000" in said[5]
    assert "NoNewPrivs:\\t1" in said[5]
    binding = wait_until("its port", lambda: tasks.task(arn)["containers"][0]["networkBindings"])[0]
    assert binding["containerPort"] == 8000
    assert binding["bindIP"] == "127.0.0.1"
    tasks.ecs.stop_task(cluster="nst", task=arn)
    tasks.stopped(arn)


def test_containers_reach_aws_s_api_and_not_the_emulator_s_own(
    tasks: Tasks, program: Callable[[str], str], emulator: Stack
) -> None:
    code = (
        "import os, urllib.request as u, urllib.error\n"
        "for place in (os.environ['AWS_ENDPOINT_URL'] + '/_nst/faults',\n"
        "              os.environ['ECS_CONTAINER_METADATA_URI_V4'] + '/task'):\n"
        "    try:\n"
        "        print(u.urlopen(place).status)\n"
        "    except urllib.error.HTTPError as error:\n"
        "        print(error.code)\n"
    )
    arn = tasks.run(program(code))
    tasks.stopped(arn)
    wait_until("both answers", lambda: len(tasks.lines(arn)) == 2)
    on_linux = emulator.emulator.containers_address is not None
    assert tasks.lines(arn) == ["403" if on_linux else "200", "200"]


def test_an_image_that_the_engine_has_not_is_not_pulled(tasks: Tasks) -> None:
    task = tasks.stopped(tasks.run("nst-test-none:1"))
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"].startswith("CannotPullContainerError: the engine has no image")


def test_without_the_worker_s_image_the_emulator_says_how_to_build_it(client: Any) -> None:
    settings = replace(Settings(), aws_port=0, edge_port=0, worker_image="nst-test-none:1")
    with pytest.raises(EmulatorError, match=r"no image nst-test-none:1\. Build it: nst image"):
        Stack(settings, tasks="docker").__enter__()


def test_only_what_the_same_emulator_left_behind_is_removed(
    client: Any, program: Callable[[str], str]
) -> None:
    image = program(PATIENT)
    mine, other = (f"data /tmp/{uuid.uuid4().hex}" for _ in range(2))

    def left_behind(owner: str) -> None:
        command = [sys.executable, "-c", KILLED, image, owner]
        assert subprocess.run(command, check=False, cwd=ROOT).returncode == -signal.SIGKILL

    async def next_start(owner: str) -> None:
        driver = await DockerDriver.connect({"program": image}, owner)
        await driver.close()

    def left(owner: str) -> int:
        return len(client.containers.list(filters={"label": f"{LABEL}={owner}"}))

    left_behind(mine)
    left_behind(other)
    assert (left(mine), left(other)) == (1, 1)
    asyncio.run(next_start(mine))
    assert (left(mine), left(other)) == (0, 1)
    asyncio.run(next_start(other))
    assert left(other) == 0
