"""One emulator: wires the clock, the bus, the services and the listeners, and ends them again.

This is the one place that knows every part; the parts know the bus.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import sys
import tempfile
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from emulator.apigateway import GatewayService, GatewaySettings
from emulator.core.bus import Bus, Service
from emulator.core.clock import Clock, RealClock
from emulator.core.credentials import CredentialStore
from emulator.core.faults import Faults
from emulator.core.journal import Journal
from emulator.core.logs import LogSink
from emulator.deploy import Deployer, Deployment
from emulator.ecs import TasksService, TasksSettings
from emulator.edge import EdgeService, EdgeSettings
from emulator.endpoint.app import EndpointApp
from emulator.endpoint.control import ControlHooks
from emulator.endpoint.internal import InternalApi
from emulator.endpoint.moto_lane import MotoLane, MotoService
from emulator.endpoint.split import SplitService
from emulator.events import EventsService
from emulator.functions import FunctionsService, FunctionsSettings
from emulator.s3 import S3Service
from emulator.server import Listener, bind
from emulator.settings import Settings
from emulator.states import StatesService

log = logging.getLogger("emulator")

MOTO_FIRST = ("iam", "awslambda")
MOTO_THEN = ("ecs", "events", "scheduler")
"""moto's modules in the order in which the deployment needs them; the second ones once the API
serves: ECS brings EC2, which alone takes a second."""


class Emulator:
    """A running emulator; ``async with Emulator(settings) as emulator``."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock: Clock = clock or RealClock()
        self.deployment: Deployment | None = None
        self.recovered: dict[str, int] = {}
        self.ready = False
        self._ends = AsyncExitStack()
        self._scratch = Path(tempfile.mkdtemp(prefix="nst-"))

    @property
    def aws_url(self) -> str:
        """The AWS endpoint's URL."""
        return f"http://{self.settings.host}:{self._aws.port}"

    @property
    def edge_url(self) -> str:
        """The web page's URL."""
        host = "localhost" if self.settings.host == "127.0.0.1" else self.settings.host
        return f"http://{host}:{self._edge_listener.port}"

    async def __aenter__(self) -> Self:
        """Start everything; what was started ends again when a part cannot start."""
        try:
            await self._start()
        except BaseException:
            await self._ends.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """End everything: listeners first, then processes, then the files."""
        await self._ends.aclose()

    async def _start(self) -> None:
        settings, clock = self.settings, self.clock
        self._ends.callback(shutil.rmtree, self._scratch, ignore_errors=True)
        aws_socket = bind(settings.host, settings.aws_port, "the AWS endpoint")
        self._ends.callback(aws_socket.close)
        edge_socket = bind(settings.host, settings.edge_port, "the web page")
        self._ends.callback(edge_socket.close)
        endpoint = f"http://{settings.host}:{aws_socket.getsockname()[1]}"
        data = settings.data_dir
        if data is not None:
            data.mkdir(parents=True, exist_ok=True)

        self.bus = bus = Bus()
        self.lane = lane = MotoLane()
        self._ends.callback(lane.close)
        warming = asyncio.create_task(lane.warm(MOTO_FIRST))
        journal = Journal(data / "journal.jsonl" if data else None)
        self._ends.callback(journal.close)
        credentials = CredentialStore(clock, journal)
        logs = LogSink(lane, clock)
        await logs.start()
        self._ends.push_async_callback(logs.stop)

        self.s3 = S3Service(clock, credentials, bus, data / "s3" if data else None)
        await self.s3.start()
        self._ends.push_async_callback(self.s3.stop)
        self.states = StatesService(bus, clock, journal)
        self._ends.push_async_callback(self.states.stop)
        self.functions = FunctionsService(
            lane,
            clock,
            credentials,
            bus,
            logs,
            FunctionsSettings(endpoint_url=endpoint, region=settings.region),
        )
        await self.functions.start()
        self._ends.push_async_callback(self.functions.stop)
        worker = settings.worker_command or (sys.executable, "-m", "worker")
        self.tasks = TasksService(
            lane,
            clock,
            credentials,
            bus,
            logs,
            journal,
            TasksSettings(
                endpoint_url=endpoint, region=settings.region, images={"nst-worker": worker}
            ),
        )
        await self.tasks.start()
        self._ends.push_async_callback(self.tasks.stop)
        self._make_faults()
        self.events = EventsService(lane, clock, bus)
        await self.events.start()
        self._ends.push_async_callback(self.events.stop)
        self.gateway = GatewayService(bus, clock, GatewaySettings())
        self.edge = EdgeService(
            clock, self.gateway.handle, self.s3.read_entry, edge_settings(settings.host, endpoint)
        )

        self._connect()
        hooks = ControlHooks(
            credentials, load_api=self.gateway.load_api, invalidate=self.edge.invalidate
        )
        app = EndpointApp(
            bus,
            lane,
            credentials,
            s3=self.s3.handle,
            gateway=self.gateway.handle,
            internal=InternalApi(self),
            after_moto=hooks.after_moto,
            faults=self.faults,
        )
        self._aws = await self._ends.enter_async_context(Listener(app, aws_socket))
        self._edge_listener = await self._ends.enter_async_context(Listener(self.edge, edge_socket))
        if not settings.bare:
            self.deployment = await self._deploy(hooks)
        await warming
        self.recovered = {
            "tasks": await self.tasks.recover(),
            "executions": await self.states.recover(),
        }
        self.ready = True

    def _make_faults(self) -> None:
        """Faults by rule stand around every call; none is set at first."""
        self.faults = Faults(self.clock, tasks=self.tasks)
        self.bus.use(self.faults.around)
        self.bus.subscribe(self.faults.hear)
        self._ends.push_async_callback(self.faults.stop)

    def _connect(self) -> None:
        """Put our engines on the bus, and moto behind them for all the rest."""
        lane = self.lane
        moto = {name: MotoService(name, lane) for name in ("lambda", "ecs", "events")}
        owned: dict[str, Service] = {
            "s3": self.s3,
            "states": self.states,
            "lambda": SplitService({"Invoke"}, self.functions, moto["lambda"]),
            "ecs": SplitService(
                {"RunTask", "StopTask", "DescribeTasks", "ListTasks"}, self.tasks, moto["ecs"]
            ),
            "events": SplitService({"PutEvents"}, self.events, moto["events"]),
        }
        for name, service in owned.items():
            self.bus.register(name, service)
        self.bus.set_fallback(lambda name: MotoService(name, lane))

    async def _deploy(self, hooks: ControlHooks) -> Deployment:
        async def serve(deployment: Deployment) -> None:
            self.gateway.set_throttles(deployment.api_id, deployment.stage, deployment.throttle)
            self.edge.load(deployment)
            await self.lane.warm(MOTO_THEN, beside=True)

        self.edge.writes.clear()
        try:
            deployer = Deployer(
                self.bus, hooks, self.settings, self.edge_url, self.functions.prewarm, serve
            )
            return await deployer.deploy()
        finally:
            self.edge.writes.set()

    def health(self) -> dict[str, Any]:
        """What the health endpoint says, in the form of LocalStack's."""
        running = ("s3", "lambda", "stepfunctions", "ecs", "events", "apigateway", "cloudfront")
        moto = ("iam", "sts", "logs", "scheduler", "cloudwatch", "dynamodb", "sns", "sqs")
        return {
            "services": {
                **dict.fromkeys(running, "running"),
                **dict.fromkeys(moto, "available"),
            },
            "edition": "nst",
            "version": "0.1.0",
        }


def edge_settings(host: str, endpoint: str) -> EdgeSettings:
    """The edge's settings: its own names, and the host it was told to listen on."""
    defaults = EdgeSettings(upload_origin=endpoint)
    return replace(defaults, hosts=tuple(dict.fromkeys((*defaults.hosts, host))))
