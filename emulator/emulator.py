"""One emulator: wires the clock, the bus, the services and the listeners, and ends them again.

This is the one place that knows every part; the parts know the bus.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from emulator.apigateway import GatewayService, GatewaySettings
from emulator.cloudfront import CloudFrontService
from emulator.cloudwatch import CloudWatchService
from emulator.containers import Containers
from emulator.core.bus import Bus, Service
from emulator.core.clock import Clock, RealClock
from emulator.core.credentials import CredentialStore
from emulator.core.errors import EmulatorError
from emulator.core.faults import Faults
from emulator.core.journal import Journal
from emulator.core.latency import Latency
from emulator.core.lateness import Lateness
from emulator.core.logs import LogSink
from emulator.core.timings import FAST
from emulator.deploy import Deployer, Deployment
from emulator.ecs import (
    SERVICE_OPERATIONS,
    ServicesService,
    TasksService,
    TasksSettings,
    TaskTiming,
)
from emulator.edge import EdgeService, EdgeSettings
from emulator.endpoint import states_local
from emulator.endpoint.app import EndpointApp
from emulator.endpoint.callers import Callers
from emulator.endpoint.control import ControlHooks, GatewayControl
from emulator.endpoint.internal import InternalApi
from emulator.endpoint.moto_lane import MotoLane, MotoService
from emulator.endpoint.split import SplitService
from emulator.events import EventsService, EventsSettings
from emulator.functions import FunctionsControl, FunctionsService, FunctionsSettings
from emulator.iam import Directory, Guard, StsService, WatchedControl
from emulator.loadbalancing import LoadBalancers
from emulator.s3 import S3Service
from emulator.s3.model import ObjectEntry
from emulator.server import Listener, bind
from emulator.settings import Settings
from emulator.states import StatesService

log = logging.getLogger("emulator")

MOTO_BEHIND = ("lambda", "ecs", "events", "iam", "apigateway")
"""Services of which moto answers what our engine beside it does not."""

MOTO_FIRST = ("iam", "awslambda")
MOTO_THEN = ("ecs", "events", "scheduler")
"""moto's modules in the order in which the deployment needs them; the second ones once the API
serves: ECS brings EC2, which alone takes a second."""


class Emulator:
    """A running emulator; ``async with Emulator(settings) as emulator``.

    Its functions and tasks are processes, which live by the machine's time: a ``clock`` with any
    other time is refused (EmulatorError). The engines by themselves take every clock.
    """

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock: Clock = clock or RealClock()
        if not self.clock.keeps_real_time:
            raise EmulatorError(
                "Functions and tasks are processes and live by the machine's time: give the "
                "emulator a real clock. Scaled and virtual time are for in-process engines."
            )
        self.deployment: Deployment | None = None
        self.recovered: dict[str, int] = {}
        self.ready = False
        self._timings = FAST
        """What counts now: nobody waits for the emulator's own deployment."""
        self._latency = Latency(self.clock, lambda: self._timings)
        self._states_local: Listener | None = None
        self._containers: Containers | None = None
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

    @property
    def stepfunctions_url(self) -> str | None:
        """The URL of Step Functions by itself, when it was asked for."""
        if self._states_local is None:
            return None
        return f"http://{self.settings.host}:{self._states_local.port}"

    @property
    def containers_address(self) -> str | None:
        """Where it listens for containers besides; None when it need not."""
        return self._containers.address if self._containers else None

    async def __aenter__(self) -> Self:
        """Start everything; what was started ends again when a part cannot start."""
        try:
            await self._start()
        except BaseException:
            await self._ends.aclose()
            raise
        self._timings = self.settings.timings
        self.ready = True
        return self

    async def __aexit__(self, *_: object) -> None:
        """End everything: listeners first, then processes, then the files."""
        await self._ends.aclose()

    async def _start(self) -> None:
        settings, clock = self.settings, self.clock
        self._ends.callback(shutil.rmtree, self._scratch, ignore_errors=True)
        aws_socket = self._bind(settings.aws_port, "the AWS endpoint")
        edge_socket = self._bind(settings.edge_port, "the web page")
        local_port = settings.stepfunctions_port
        local_socket = (
            None if local_port is None else self._bind(local_port, "Step Functions Local")
        )
        endpoint = f"http://{settings.host}:{aws_socket.getsockname()[1]}"
        data = self._data_dir()
        await self._use_containers()

        self.bus = bus = Bus()
        self.lane = lane = MotoLane()
        self._ends.callback(lane.close)
        warming = asyncio.create_task(lane.warm(MOTO_FIRST))
        journal = Journal(data / "journal.jsonl" if data else None)
        self._ends.callback(journal.close)
        self.credentials = credentials = CredentialStore(clock, journal)
        self.logs = logs = await self._observe(bus, lane)
        guard = self._identities(credentials)
        self.s3 = S3Service(
            clock,
            credentials,
            bus,
            data / "s3" if data else None,
            authorizer=guard.own if guard else None,
        )
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
            FunctionsSettings(
                endpoint_url=endpoint,
                region=settings.region,
                cold_start_s=settings.timings.of("function_cold"),
            ),
        )
        lane.watch("lambda", self.functions.forget)
        await self.functions.start()
        self.functions.prepare()
        self._ends.push_async_callback(self.functions.stop)
        await self._run_tasks(aws_socket.getsockname()[1], credentials, logs, journal)
        self._make_faults()
        self._serving()
        await self.events.start()
        self._ends.push_async_callback(self.events.stop)
        hooks = self._hooks()
        self._connect(hooks)
        self._app = EndpointApp(
            bus,
            lane,
            Callers(clock, credentials, self.directory, enforced=settings.iam),
            s3=self.s3.handle,
            refuse_s3=self.s3.refuse,
            gateway=self.gateway.handle,
            internal=InternalApi(self),
            after_moto=hooks.after_moto,
            faults=self.faults,
            latency=self._latency if settings.aws_timing else None,
        )
        self._aws = await self._ends.enter_async_context(Listener(self._app, aws_socket))
        await self._serve_containers(self._app)
        self._edge_listener = await self._ends.enter_async_context(Listener(self.edge, edge_socket))
        await self._serve_states_local(local_socket)
        if not settings.bare:
            self.deployment = await self._deploy(hooks)
        await warming
        await self._recover()

    async def _recover(self) -> None:
        """What an emulator that was killed left behind is over now."""
        if self._containers is not None:
            await self._containers.reached()
        self.recovered = {
            "tasks": await self.tasks.recover(),
            "executions": await self.states.recover(),
        }

    def _data_dir(self) -> Path | None:
        data = self.settings.data_dir
        if data is not None:
            data.mkdir(parents=True, exist_ok=True)
        return data

    async def _run_tasks(
        self, aws_port: int, credentials: CredentialStore, logs: LogSink, journal: Journal
    ) -> None:
        """ECS: the engine of tasks, and the services above it."""
        lane, clock, bus = self.lane, self.clock, self.bus
        running = self._tasks_settings(aws_port)
        driver = self._containers.driver if self._containers else None
        self.tasks = TasksService(lane, clock, credentials, bus, logs, journal, running, driver)
        await self.tasks.start()
        self._ends.push_async_callback(self.tasks.stop)
        self.services = ServicesService(lane, clock, bus, self.tasks, running)
        self._ends.push_async_callback(self.services.stop)

    async def _observe(self, bus: Bus, lane: MotoLane) -> LogSink:
        """CloudWatch: metrics that services report or write into logs, and the logs."""
        watching = self.settings.cloudwatch
        if self.settings.aws_timing:
            watching = replace(watching, evaluate_after_s=None)  # by the minute, as AWS
        self.cloudwatch = CloudWatchService(self.clock, bus, watching)
        await self.cloudwatch.start()
        self._ends.push_async_callback(self.cloudwatch.stop)
        bus.read_meters(self.cloudwatch.take)
        logs = LogSink(lane, self.clock, self.cloudwatch.read_log)
        await logs.start()
        self._ends.push_async_callback(logs.stop)
        return logs

    def _hooks(self) -> ControlHooks:
        return ControlHooks(
            load_api=self.gateway.load_api,
            set_throttles=self.gateway.set_throttles,
            set_variables=self.gateway.set_stage_variables,
            name_api=self.gateway.name_api,
            set_access_log=self.gateway.set_access_log,
            identities_changed=self.directory.changed,
        )

    def _serving(self) -> None:
        """EventBridge, and the data planes of API Gateway and CloudFront with its control plane."""
        clock = self.clock
        events = EventsSettings.of(self.settings.timings)
        self.events = EventsService(self.lane, clock, self.bus, events)
        self.balancers = LoadBalancers(self.bus, clock)
        self._ends.push_async_callback(self.balancers.stop)
        self.gateway = GatewayService(
            self.bus, clock, GatewaySettings(), self.logs, self.balancers.through_link
        )
        self.edge = EdgeService(
            clock, self.gateway.handle, self._read_origin, edge_settings(self.settings.host)
        )
        self.cloudfront = CloudFrontService(
            clock,
            self.edge.load_distribution,
            self.edge.remove_distribution,
            self.edge.invalidate,
            lambda: self._timings,
        )

    def _identities(self, credentials: CredentialStore) -> Guard | None:
        """Who may do what: on the bus and in S3; None when nobody is to be checked."""
        self.directory = Directory(self.lane, credentials, self._permissions_later)
        guard = None
        if self.settings.iam:
            local = self.settings.stepfunctions_port is not None
            guard = Guard(
                self.lane,
                self.clock,
                credentials,
                self.directory,
                unchecked=frozenset({states_local.ACCOUNT} if local else ()),
            )
            self.bus.set_guard(guard)
        self._sts = StsService(credentials, self.directory, guard)
        return guard

    def _permissions_later(self, change: Callable[[], None]) -> None:
        after_s = self._timings.of("permission_change")
        if after_s <= 0:
            change()
        else:
            self.clock.call_later(after_s, change)

    def _bind(self, port: int, what: str) -> socket.socket:
        """Take a port; raises EmulatorError when somebody else has it."""
        bound = bind(self.settings.host, port, what)
        self._ends.callback(bound.close)
        return bound

    async def _serve_states_local(self, bound: socket.socket | None) -> None:
        if bound is not None:
            listener = Listener(states_local.StatesLocalApp(self.bus, self.settings.region), bound)
            self._states_local = await self._ends.enter_async_context(listener)

    async def _use_containers(self) -> None:
        self._containers = await Containers.connect(self.settings, self._ends)

    async def _serve_containers(self, app: EndpointApp) -> None:
        if self._containers is not None:
            await self._containers.serve(app, self._aws.port, self._ends)

    def _tasks_settings(self, aws_port: int) -> TasksSettings:
        settings = self.settings
        if self._containers is not None:
            return self._containers.tasks_settings(aws_port)
        worker = settings.worker_command or (sys.executable, "-m", "worker")
        return TasksSettings(
            endpoint_url=f"http://{settings.host}:{aws_port}",
            region=settings.region,
            images={"nst-worker": worker},
            task_timing=TaskTiming.of(settings.timings),
        )

    def _make_faults(self) -> None:
        """Faults by rule stand around every call, none at first; around them what it takes."""
        timings = self.settings.timings
        if timings.aws:
            late = Lateness(
                self.clock,
                tasks_s=timings.of("task_shown"),
                executions_s=timings.of("execution_shown"),
            )
            self.bus.use(self._latency.around)
            self.bus.use(late.around)
        self.faults = Faults(self.clock, tasks=self.tasks)
        self.bus.use(self.faults.around)
        self.bus.subscribe(self.faults.hear)
        self._ends.push_async_callback(self.faults.stop)

    def _connect(self, hooks: ControlHooks) -> None:
        """Put our engines on the bus, and moto behind them for all the rest."""
        lane = self.lane
        moto = {name: MotoService(name, lane) for name in MOTO_BEHIND}
        owned: dict[str, Service] = {
            "s3": self.s3,
            "states": self.states,
            "lambda": SplitService(
                {"Invoke", "InvokeAsync"},
                self.functions,
                FunctionsControl(moto["lambda"], self.bus),
            ),
            "ecs": SplitService(
                {"RunTask", "StopTask", "DescribeTasks", "ListTasks"},
                self.tasks,
                SplitService(SERVICE_OPERATIONS, self.services, moto["ecs"]),
            ),
            "events": SplitService({"PutEvents"}, self.events, moto["events"]),
            "cloudfront": self.cloudfront,
            "monitoring": self.cloudwatch,
            "apigateway": GatewayControl(moto["apigateway"], hooks),
            "iam": WatchedControl(moto["iam"], self.directory),
            "sts": self._sts,
        }
        for name, service in owned.items():
            self.bus.register(name, service)
        self.bus.set_fallback(lambda name: MotoService(name, lane))

    async def _read_origin(self, bucket: str, key: str, arn: str) -> ObjectEntry | None:
        return await self.s3.read_entry(
            bucket, key, service="cloudfront.amazonaws.com", source_arn=arn
        )

    async def _deploy(self, hooks: ControlHooks) -> Deployment:
        async def serve(deployment: Deployment) -> None:
            self.gateway.set_throttles(deployment.api_id, deployment.stage, deployment.throttle)
            await self.lane.warm(MOTO_THEN, beside=True)

        self.edge.writes.clear()
        try:
            deployer = Deployer(
                self.bus,
                hooks,
                self.settings,
                (self.aws_url, self.edge_url),
                self.functions.prewarm,
                serve,
            )
            return await deployer.deploy()
        finally:
            self.edge.writes.set()

    def requests(self) -> dict[str, Any]:
        """How many requests the AWS endpoint has answered, and how long that took."""
        return self._app.meter.read()

    def health(self) -> dict[str, Any]:
        """What the health endpoint says, in the form of LocalStack's."""
        running = (
            *("s3", "lambda", "stepfunctions", "ecs", "events", "apigateway"),
            *("cloudfront", "cloudwatch"),
        )
        moto = ("iam", "sts", "logs", "scheduler", "dynamodb", "sns", "sqs")
        return {
            "services": {
                **dict.fromkeys(running, "running"),
                **dict.fromkeys(moto, "available"),
            },
            "edition": "nst",
            "version": "0.1.0",
        }


def edge_settings(host: str) -> EdgeSettings:
    """The edge's settings: its own names, and the host it was told to listen on."""
    defaults = EdgeSettings()
    return replace(defaults, hosts=tuple(dict.fromkeys((*defaults.hosts, host))))
