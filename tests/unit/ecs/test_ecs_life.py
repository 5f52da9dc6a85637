"""A task's life: states, ends, what its process gets."""

import asyncio
import json
import signal

import pytest

from emulator.core.clock import RealClock
from emulator.ecs import TaskTiming

STATES = ["PROVISIONING", "PENDING", "RUNNING", "DEPROVISIONING", "STOPPED"]


def test_a_task_runs_through_its_states_and_tells_each(lab, definition):
    async def run():
        definition()
        async with lab("print('hello')\nprint('world')\nraise SystemExit(3)") as it:
            task = await it.run_one(startedBy="a" * 32)
            assert task["lastStatus"] == "PROVISIONING"
            assert task["desiredStatus"] == "RUNNING"
            assert task["group"] == "family:worker"
            over = await it.until(task["taskArn"], "STOPPED")
            assert [e["detail"]["lastStatus"] for e in it.events] == STATES
            assert over["stopCode"] == "EssentialContainerExited"
            assert over["stoppedReason"] == "Essential container in task exited"
            assert over["containers"][0]["exitCode"] == 3
            assert over["containers"][0]["lastStatus"] == "STOPPED"
            times = [
                over[name]
                for name in (
                    "createdAt", "pullStartedAt", "pullStoppedAt", "startedAt", "stoppingAt",
                    "executionStoppedAt", "stoppedAt",
                )
            ]  # fmt: skip
            assert times == sorted(times)
            event = it.events[-1]
            assert event["source"] == "aws.ecs"
            assert event["detail-type"] == "ECS Task State Change"
            assert event["resources"] == [task["taskArn"]]
            assert event["detail"]["startedBy"] == "a" * 32
            assert event["detail"]["stoppedAt"].endswith("Z")
            assert [e["detail"]["version"] for e in it.events] == [1, 2, 3, 4, 5]
            stream = f"nst/nst/{task['taskArn'].rsplit('/', 1)[-1]}"
            assert await it.log_lines() == {stream: ["hello", "world"]}

    asyncio.run(run())


def test_stop_task_sends_sigterm_and_the_task_may_end_in_its_own_way(lab, definition):
    async def run():
        definition()
        program = """
            import signal, sys, time
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
            print("ready")
            time.sleep(300)
        """
        async with lab(program) as it:
            task = await it.run_one()
            await it.until_line("ready")
            answer = await it.call("StopTask", cluster="nst", task=task["taskArn"], reason="enough")
            assert answer["task"]["desiredStatus"] == "STOPPED"
            over = await it.until(task["taskArn"], "STOPPED")
            assert over["stopCode"] == "UserInitiated"
            assert over["stoppedReason"] == "enough"
            assert over["containers"][0]["exitCode"] == 7
            again = await it.call("StopTask", cluster="nst", task=task["taskArn"], reason="late")
            assert again["task"]["stoppedReason"] == "enough"

    asyncio.run(run())


def test_a_task_that_ignores_sigterm_is_killed_after_its_stop_timeout(lab, definition):
    async def run():
        definition(stopTimeout=2)
        program = """
            import signal, time
            signal.signal(signal.SIGTERM, lambda *_: print("no"))
            print("ready")
            while True: time.sleep(300)
        """
        async with lab(program, clock=RealClock(scale=20)) as it:
            task = await it.run_one()
            await it.until_line("ready")
            await it.call("StopTask", cluster="nst", task=task["taskArn"])
            over = await it.until(task["taskArn"], "STOPPED")
            assert over["containers"][0]["exitCode"] == 137
            assert over["executionStoppedAt"] - over["stoppingAt"] >= 2
            assert "no" in next(iter((await it.log_lines()).values()))

    asyncio.run(run())


def test_a_task_killed_by_a_signal_exits_with_128_and_its_number(lab, definition):
    async def run():
        definition()
        async with lab("import os; os.abort()") as it:
            task = await it.run_one()
            over = await it.until(task["taskArn"], "STOPPED")
            assert over["containers"][0]["exitCode"] == 128 + signal.SIGABRT

    asyncio.run(run())


def test_a_task_can_be_stopped_before_its_container_started(lab, definition):
    async def run():
        definition()
        async with lab(task_timing=TaskTiming(provisioning_s=3600)) as it:
            task = await it.run_one()
            await it.call("StopTask", cluster="nst", task=task["taskArn"])
            over = await it.until(task["taskArn"], "STOPPED")
            assert "startedAt" not in over
            assert "exitCode" not in over["containers"][0]
            assert [e["detail"]["lastStatus"] for e in it.events] == [
                "PROVISIONING", "DEPROVISIONING", "STOPPED",
            ]  # fmt: skip

    asyncio.run(run())


def test_the_timing_of_the_states_is_kept(lab, definition):
    async def run():
        definition()
        timing = TaskTiming(provisioning_s=10, pull_s=20, deprovisioning_s=15)
        async with lab(clock=RealClock(scale=200), task_timing=timing) as it:
            task = await it.run_one()
            over = await it.until(task["taskArn"], "STOPPED")
            assert over["pullStartedAt"] - over["createdAt"] >= 10
            assert over["pullStoppedAt"] - over["pullStartedAt"] >= 20
            assert over["stoppedAt"] - over["executionStoppedAt"] >= 15

    asyncio.run(run())


@pytest.mark.parametrize(
    ("container", "words"),
    [
        ({"image": "registry.example/unknown:1"},
         "CannotPullContainerError: image registry.example/unknown:1:"),
        ({"image": "broken"}, "CannotStartContainerError: the program '/no/such/program'"),
        ({"logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/none"}}},
         "ResourceInitializationError: failed to validate logger args"),
    ],
)  # fmt: skip
def test_a_task_that_cannot_start_fails_with_the_reason_of_ecs(lab, definition, container, words):
    async def run():
        definition(**container)
        async with lab(images={"broken": ("/no/such/program",), "program": ("true",)}) as it:
            task = await it.run_one()
            over = await it.until(task["taskArn"], "STOPPED")
            assert over["stopCode"] == "TaskFailedToStart"
            assert over["stoppedReason"].startswith(words)
            assert "startedAt" not in over
            assert "exitCode" not in over["containers"][0]

    asyncio.run(run())


def test_an_image_is_found_by_the_last_part_of_its_repository(lab, definition):
    async def run():
        definition(image="123456789012.dkr.ecr.us-east-1.amazonaws.com/nst/program:v1@sha256:00")
        async with lab() as it:
            task = await it.run_one()
            over = await it.until(task["taskArn"], "STOPPED")
            assert over["containers"][0]["exitCode"] == 0

    asyncio.run(run())


def test_too_much_memory_ends_the_task(lab, definition):
    async def run():
        definition(memory=64)
        program = """
            import time
            held = bytearray(b"x" * (200 * 2**20))
            time.sleep(300)
        """
        async with lab(program) as it:
            task = await it.run_one()
            over = await it.until(task["taskArn"], "STOPPED")
            container = over["containers"][0]
            assert container["exitCode"] == 137
            assert container["reason"] == "OutOfMemoryError: Container killed due to memory usage"
            assert over["stopCode"] == "EssentialContainerExited"

    asyncio.run(run())


def test_a_container_that_is_not_essential_may_end_before_the_task(lab, definition):
    async def run():
        more = [{"name": "aside", "image": "program", "essential": False, "command": ["aside"]}]
        definition(more=more, command=["main"])
        program = """
            import signal, sys, time
            if sys.argv[1] == "aside": sys.exit(5)
            time.sleep(0.3)
        """
        async with lab(program) as it:
            task = await it.run_one()
            over = await it.until(task["taskArn"], "STOPPED")
            codes = {c["name"]: c["exitCode"] for c in over["containers"]}
            assert codes == {"nst": 0, "aside": 5}
            assert over["stoppedReason"] == "Essential container in task exited"

    asyncio.run(run())


SHOW = """
    import json, os, sys
    from urllib.request import urlopen
    get = lambda url: json.load(urlopen(url))
    meta = os.environ["ECS_CONTAINER_METADATA_URI_V4"]
    print(json.dumps({
        "environment": dict(os.environ), "arguments": sys.argv[1:],
        "task": get(meta + "/task"), "container": get(meta),
        "role": get(os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"]),
    }))
"""


def test_a_process_gets_what_ecs_gives_and_nothing_of_the_host(lab, definition, monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_HOST", "1")
    monkeypatch.setenv("AWS_PROFILE", "mine")

    async def run():
        definition()
        override = {
            "name": "nst",
            "command": ["serve"],
            "environment": [{"name": "RUN_ID", "value": "r1"}],
        }
        async with lab(SHOW, endpoint_url="http://127.0.0.1:4566") as it:
            task = await it.run_one(overrides={"containerOverrides": [override]})
            over = await it.until(task["taskArn"], "STOPPED")
            assert over["containers"][0]["exitCode"] == 0
            seen = json.loads(next(iter((await it.log_lines()).values()))[0])
            environment = seen["environment"]
            assert environment["FROM_DEFINITION"] == "1"
            assert environment["RUN_ID"] == "r1"
            assert environment["PORT"] == "0"
            assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
            assert environment["AWS_REGION"] == "us-east-1"
            assert environment["OMP_NUM_THREADS"] == "2"
            assert environment["GOMP_SPINCOUNT"] == "1000"  # tasks share the machine
            assert not environment.keys() & {"SECRET_OF_THE_HOST", "AWS_PROFILE", "PYTHONPATH"}
            assert seen["arguments"] == ["serve"]
            assert seen["task"]["TaskARN"] == task["taskArn"]
            assert seen["task"]["Limits"] == {"CPU": 2.0, "Memory": 4096}
            assert seen["container"]["Name"] == "nst"
            key = it.credentials.find(seen["role"]["AccessKeyId"])
            assert key.secret == seen["role"]["SecretAccessKey"]
            assert ":assumed-role/nst-task/" in key.principal

    asyncio.run(run())


def test_the_port_of_a_task_is_found_and_shown(lab, definition, until):
    async def run():
        definition()
        program = """
            import os, socket, sys, time
            s = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
            print(s.getsockname()[1])
            time.sleep(300)
        """
        async with lab(program) as it:
            task = await it.run_one()
            await it.until(task["taskArn"], "RUNNING")
            await until(lambda: it.tasks.address(task["taskArn"]))
            host, port = it.tasks.address(task["taskArn"])
            assert host == "127.0.0.1"
            assert next(iter((await it.log_lines()).values())) == [str(port)]
            shown = await it.describe(task["taskArn"])
            assert shown["containers"][0]["networkBindings"] == [
                {"bindIP": host, "containerPort": 8000, "hostPort": port, "protocol": "tcp"}
            ]

    asyncio.run(run())
