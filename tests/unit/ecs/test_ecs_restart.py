"""Tasks and the end of the emulator: its kill, its restart, its memory."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

import emulator
from emulator.core.clock import RealClock
from emulator.core.errors import AwsError
from emulator.core.journal import Journal

SLEEP = "import os, time\nprint('pid', os.getpid())\ntime.sleep(300)"


async def pid_of(it):
    while True:
        for lines in (await it.log_lines()).values():
            for line in lines:
                if line.startswith("pid "):
                    return int(line.split()[1])
        await asyncio.sleep(0.01)


def test_after_a_restart_the_tasks_are_stopped_and_everybody_is_told(
    lab, definition, tmp_path, gone
):
    path = tmp_path / "journal.jsonl"

    async def run():
        definition()
        async with lab(SLEEP, journal=Journal(path)) as it:
            task = await it.run_one(startedBy="r1", clientToken="r1")
            await it.until(task["taskArn"], "RUNNING")
            pid = await pid_of(it)
        await gone(pid)
        assert [e["detail"]["lastStatus"] for e in it.events][-1] == "RUNNING"
        it.journal.close()
        async with lab(SLEEP, journal=Journal(path)) as it:
            assert await it.tasks.recover() == 1
            over = await it.until(task["taskArn"], "STOPPED")
            assert "stopped or killed" in over["stoppedReason"]
            assert over["desiredStatus"] == "STOPPED"
            assert over["stoppedAt"] >= over["startedAt"]
            assert over["startedBy"] == "r1"
            assert [e["detail"]["lastStatus"] for e in it.events] == ["STOPPED"]
            assert await it.tasks.recover() == 0
            again = await it.run_task(startedBy="r1", clientToken="r1")
            assert [t["taskArn"] for t in again["tasks"]] == [task["taskArn"]]
        it.journal.close()
        async with lab(SLEEP, journal=Journal(path)) as it:
            assert await it.tasks.recover() == 0
            assert (await it.describe(task["taskArn"]))["lastStatus"] == "STOPPED"
        it.journal.close()

    asyncio.run(run())


def test_a_stopped_task_is_forgotten_after_its_hour(lab, definition, until):
    async def run():
        definition()
        async with lab("pass", clock=RealClock(scale=20_000), stop_timeout_s=1e6) as it:
            task = await it.run_one()
            await until(lambda: task["taskArn"] not in it.tasks._tasks)
            answer = await it.call("DescribeTasks", cluster="nst", tasks=[task["taskArn"]])
            assert answer["failures"][0]["reason"] == "MISSING"
            over = [e for e in it.events if e["detail"]["lastStatus"] == "STOPPED"]
            assert len(over) == 1

    asyncio.run(run())


EMULATOR = """
    import asyncio, sys
    from emulator.core.bus import Bus, Caller
    from emulator.core.clock import RealClock
    from emulator.core.credentials import CredentialStore
    from emulator.core.journal import Journal
    from emulator.core.logs import LogSink
    from emulator.ecs import TasksService, TasksSettings

    class Lane:
        async def run(self, fn): return fn()

    async def main():
        from moto.ecs.models import ecs_backends
        backend = ecs_backends["000000000000"]["us-east-1"]
        backend.create_cluster("nst")
        backend.register_task_definition(
            family="worker", cpu="256", memory="512", network_mode="awsvpc",
            requires_compatibilities=["FARGATE"],
            container_definitions=[{"name": "nst", "image": "program"}])
        clock = RealClock()
        program = "import os, time; open(%r, 'w', 1).write('%%d ' %% os.getpid()); time.sleep(300)"
        settings = TasksSettings(images={"program": (sys.executable, "-c", program % sys.argv[1])})
        service = TasksService(Lane(), clock, CredentialStore(clock), Bus(),
                               LogSink(Lane(), clock), Journal(None), settings)
        await service.start()
        await service.call("RunTask", {
            "cluster": "nst", "taskDefinition": "worker",
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["s"]}},
        }, Caller("000000000000", "us-east-1", "me"))
        await asyncio.sleep(300)
    asyncio.run(main())
"""


def test_tasks_die_with_an_emulator_that_is_killed(tmp_path, gone):
    pid_file = tmp_path / "pid"
    root = str(Path(emulator.__file__).resolve().parents[1])
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(EMULATOR), str(pid_file)],
        env={**os.environ, "PYTHONPATH": root},
    ) as running:

        async def wait():
            while not pid_file.exists() or not pid_file.read_text().endswith(" "):
                assert running.poll() is None
                await asyncio.sleep(0.01)
            pid = int(pid_file.read_text())
            assert psutil.pid_exists(pid)
            running.send_signal(signal.SIGKILL)
            await gone(pid)

        asyncio.run(wait())


def test_a_stopped_engine_leaves_no_process(lab, definition):
    async def run():
        definition()
        before = {p.pid for p in psutil.Process().children(recursive=True)}
        async with lab(SLEEP) as it:
            await it.run_task(count=3)
            await pid_of(it)
        left = {p.pid for p in psutil.Process().children(recursive=True)} - before
        assert left == set()

    asyncio.run(run())


def test_nothing_starts_in_an_engine_that_stops(lab, definition):
    async def run():
        definition()
        async with lab(SLEEP) as it:
            await it.tasks.stop()
            with pytest.raises(AwsError, match="is stopping"):
                await it.run_task()

    asyncio.run(run())
