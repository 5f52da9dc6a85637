"""A task engine over moto's real control plane, with small Python programs as images."""

import asyncio
import sys
import textwrap
from contextlib import asynccontextmanager
from dataclasses import replace

import psutil
import pytest
from moto.ecs.models import ecs_backends
from moto.logs.models import logs_backends

from emulator.core import ids
from emulator.core.bus import Bus, Caller
from emulator.core.clock import RealClock
from emulator.core.credentials import CredentialStore
from emulator.core.journal import Journal
from emulator.core.logs import LogSink
from emulator.ecs import TasksService, TasksSettings

ROLE = f"arn:aws:iam::{ids.ACCOUNT}:role/nst-task"
NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"]}}


async def until(condition):
    """Wait for something that another process does (the test's own limit ends a wait in vain)."""
    while not condition():  # noqa: ASYNC110 (there is no event to wait for)
        await asyncio.sleep(0.01)


def is_gone(pid):
    """Whether a process has ended (a zombie has)."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


class FakeLane:
    """Runs what it gets at once, in the calling thread."""

    async def run(self, fn):
        return fn()


class Lab:
    """One engine, its events, and the means to use it."""

    def __init__(self, clock, settings, journal=None):
        self.clock = clock
        self.bus = Bus()
        self.lane = FakeLane()
        self.credentials = CredentialStore(clock)
        self.logs = LogSink(self.lane, clock)
        self.journal = journal or Journal(None)
        self.tasks = TasksService(
            self.lane, clock, self.credentials, self.bus, self.logs, self.journal, settings
        )
        self.caller = Caller(ids.ACCOUNT, ids.REGION, f"arn:aws:iam::{ids.ACCOUNT}:root")
        self.events = []
        self._news = asyncio.Event()
        self.bus.subscribe(self._hear)

    async def _hear(self, event):
        self.events.append(event)
        self._news.set()

    def call(self, operation, **params):
        return self.tasks.call(operation, params, self.caller)

    async def run_task(self, **params):
        wanted = {"cluster": "nst", "taskDefinition": "worker", "networkConfiguration": NETWORK}
        return await self.call("RunTask", **{**wanted, **params})

    async def run_one(self, **params):
        return (await self.run_task(**params))["tasks"][0]

    async def describe(self, arn, **params):
        answer = await self.call("DescribeTasks", cluster="nst", tasks=[arn], **params)
        return answer["tasks"][0]

    async def until(self, arn, status):
        """Wait for the event that says so; returns the task as it is then."""
        while not any(
            e["detail"]["taskArn"] == arn and e["detail"]["lastStatus"] == status
            for e in self.events
        ):
            self._news.clear()
            await self._news.wait()
        return await self.describe(arn)

    async def log_lines(self, group="/ecs/worker"):
        await self.logs.flush()
        streams = logs_backends[ids.ACCOUNT][ids.REGION].groups[group].streams
        return {name: [e.message for e in s.events] for name, s in streams.items()}

    async def until_line(self, line):
        """Wait until some task has printed ``line``."""
        while not any(line in lines for lines in (await self.log_lines()).values()):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def register(family="worker", **container):
    definition = {
        "name": "nst",
        "image": "program",
        "essential": True,
        "environment": [{"name": "FROM_DEFINITION", "value": "1"}],
        "portMappings": [{"containerPort": 8000}],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": "/ecs/worker",
                "awslogs-region": ids.REGION,
                "awslogs-stream-prefix": "nst",
            },
        },
        **container,
    }
    more = definition.pop("more", [])
    extra = definition.pop("definition", {})
    return ecs_backends[ids.ACCOUNT][ids.REGION].register_task_definition(
        family=family,
        container_definitions=[definition, *more],
        network_mode="awsvpc",
        requires_compatibilities=["FARGATE"],
        cpu="2048",
        memory="4096",
        task_role_arn=ROLE,
        **extra,
    )


@pytest.fixture
def _moto():
    for backend in (ecs_backends, logs_backends):
        backend.reset()
    ecs_backends[ids.ACCOUNT][ids.REGION].create_cluster("nst")
    logs_backends[ids.ACCOUNT][ids.REGION].create_log_group("/ecs/worker", {})
    yield
    for backend in (ecs_backends, logs_backends):
        backend.reset()


@pytest.fixture
def definition(_moto):
    """Registers a task definition; the container's members can be changed."""
    return register


@pytest.fixture
def lab(_moto, tmp_path):
    """``async with lab(program, settings...) as it``: the program is the image ``program``."""

    @asynccontextmanager
    async def make(program="print('done')", clock=None, journal=None, **settings):
        path = tmp_path / "program.py"
        path.write_text(textwrap.dedent(program))
        known = TasksSettings(
            images={"program": (sys.executable, "-u", str(path))},
            working_dir=tmp_path,
            watch_s=0.05,
        )
        it = Lab(clock or RealClock(), replace(known, **settings), journal)
        await it.logs.start()
        await it.tasks.start()
        try:
            yield it
        finally:
            await it.tasks.stop()
            await it.logs.stop()

    return make


@pytest.fixture
def gone():
    """``await gone(pid)`` returns when the process has ended."""
    return lambda pid: until(lambda: is_gone(pid))


@pytest.fixture(name="until")
def _until():
    return until
