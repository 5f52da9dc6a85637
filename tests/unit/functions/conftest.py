"""A Lambda engine over moto's real control plane, without the endpoint."""

import asyncio
import base64
import io
import json
import re
import tempfile
import textwrap
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import boto3
import psutil
import pytest
from botocore.config import Config
from moto.awslambda.models import lambda_backends
from moto.iam.models import iam_backends
from moto.logs.models import logs_backends

from emulator.core import ids
from emulator.core.bus import Bus, Caller
from emulator.core.clock import RealClock
from emulator.core.credentials import CredentialStore
from emulator.core.logs import LogSink
from emulator.emulator import Emulator
from emulator.functions import FunctionsService, FunctionsSettings
from emulator.settings import Settings
from tests.roles import open_role
from tests.unit.functions.over_http import CODE, archive

ROLE = f"arn:aws:iam::{ids.ACCOUNT}:role/fn"


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


class Gate:
    """A clock whose sleeps of a given length or more end when the test says so."""

    def __init__(self, from_s):
        self._real = RealClock()
        self._from_s = from_s
        self.slept = []
        self.ahead_s = 0.0
        self._waiting = []
        self.arrived = asyncio.Event()

    def now(self):
        return self._real.now() + self.ahead_s

    def call_later(self, seconds, callback):
        return self._real.call_later(seconds, callback)

    async def sleep(self, seconds):
        if seconds < self._from_s:
            await self._real.sleep(seconds)
            return
        self.slept.append(seconds)
        ended = asyncio.Event()
        self._waiting.append(ended)
        self.arrived.set()
        await ended.wait()

    async def step(self):
        """Wait until somebody sleeps, then end that sleep."""
        await self.arrived.wait()
        self.arrived.clear()
        self._waiting.pop(0).set()


def make_zip(files):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, textwrap.dedent(text))
    return base64.b64encode(held.getvalue()).decode()


class Lab:
    """One engine and the means to deploy to it."""

    def __init__(self, clock, settings):
        self.clock = clock
        self.bus = Bus()
        self.lane = FakeLane()
        self.credentials = CredentialStore(clock)
        self.logs = LogSink(self.lane, clock)
        self.functions = FunctionsService(
            self.lane, clock, self.credentials, self.bus, self.logs, settings
        )
        self.bus.register("lambda", self.functions)
        self.caller = Caller(ids.ACCOUNT, ids.REGION, f"arn:aws:iam::{ids.ACCOUNT}:root")

    @property
    def backend(self):
        """moto's backend; whoever asks for it may change functions."""
        self.functions.forget()
        return lambda_backends[ids.ACCOUNT][ids.REGION]

    def deploy(self, name, code, **config):
        files = code if isinstance(code, dict) else {"app.py": code}
        self.backend.create_function(
            {
                "FunctionName": name,
                "Runtime": "python3.12",
                "Role": ROLE,
                "Handler": "app.handler",
                "Code": {"ZipFile": make_zip(files)},
                **config,
            }
        )

    def update_code(self, name, code):
        self.backend.update_function_code(name, None, {"ZipFile": make_zip({"app.py": code})})

    async def invoke(self, name, payload=None, **more):
        params = {"FunctionName": name, "Payload": json.dumps(payload or {}).encode(), **more}
        return await self.functions.call("Invoke", params, self.caller)

    async def result(self, name, payload=None, **more):
        answer = await self.invoke(name, payload, **more)
        return json.loads(answer["Payload"])

    async def log_lines(self, name):
        await self.logs.flush()
        group = logs_backends[ids.ACCOUNT][ids.REGION].groups.get(f"/aws/lambda/{name}")
        streams = group.streams.values() if group else ()
        return [e.message for s in streams for e in s.events]


@pytest.fixture
def tmp_path():
    """Where a function and its test meet: not in /tmp, which functions have of their own."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as path:
        yield Path(path)


@pytest.fixture
def _moto(monkeypatch):
    # An emulator that ran before in this process may have asked for them: a second for each test.
    monkeypatch.setenv("MOTO_IAM_LOAD_MANAGED_POLICIES", "false")
    backends = (lambda_backends, iam_backends, logs_backends)
    for backend in backends:
        backend.reset()
    iam_backends[ids.ACCOUNT]["aws"].create_role("fn", "{}", "/", None, "", [], "3600")
    yield
    for backend in backends:
        backend.reset()


@pytest.fixture
def lab(_moto):
    """``async with lab(settings...) as it``."""

    @asynccontextmanager
    async def make(clock=None, **settings):
        it = Lab(clock or RealClock(), FunctionsSettings(**settings))
        await it.logs.start()
        await it.functions.start()
        try:
            yield it
        finally:
            await it.functions.stop()
            await it.logs.stop()

    return make


@pytest.fixture
def gate():
    """Makes clocks whose long sleeps the test ends."""
    return Gate


@pytest.fixture
def lane_thread():
    """A real one-thread lane, as the emulator has it."""
    pool = ThreadPoolExecutor(max_workers=1)
    yield pool
    pool.shutdown()


@pytest.fixture
def gone():
    """``await gone(pid)`` returns when the process has ended."""
    return lambda pid: until(lambda: is_gone(pid))


@pytest.fixture(name="until")
def _until():
    return until


@pytest.fixture(scope="module")
def client():
    """``client("lambda")``: a boto3 client of a bare emulator that runs in a thread."""
    started, loop, ends = threading.Event(), asyncio.new_event_loop(), []

    async def serve():
        async with Emulator(Settings(aws_port=0, edge_port=0, bare=True)) as emulator:
            over = asyncio.Event()
            ends.extend((emulator.aws_url, over))
            started.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    started.wait()

    def make(service):
        return boto3.client(
            service,
            endpoint_url=ends[0],
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"max_attempts": 0}),
        )

    open_role(make("iam"), "fn", "lambda")
    yield make
    loop.call_soon_threadsafe(ends[1].set)
    thread.join()
    loop.close()


@pytest.fixture
def function(client, request):
    """Makes a function for this test; its name."""
    name = re.sub(r"\W", "_", request.node.name)[-60:]
    made = client("lambda")

    def make(code=CODE, **more):
        made.create_function(
            **{
                "FunctionName": name,
                "Runtime": "python3.12",
                "Role": "arn:aws:iam::000000000000:role/fn",
                "Handler": "app.handler",
                "Code": {"ZipFile": archive(code)},
                **more,
            }
        )
        return name

    yield make
    made.delete_function(FunctionName=name)
