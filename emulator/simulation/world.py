"""A world: the whole system but HTTP, on virtual time, from one seed.

The functions are the real handlers, the workflows the real definitions on the interpreter, storage
the S3 engine, tasks the ECS engine with stubs for containers, events and schedules the event
engine; each may do what its role's policies allow. Every call takes a little time, drawn from the
seed: so its order differs from seed to seed, and is the same for the same seed.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, cast

from emulator.core.bus import Bus, BusCall, Caller, Proceed
from emulator.core.credentials import CredentialStore, session_arn
from emulator.core.errors import AwsError
from emulator.core.faults import Faults
from emulator.core.journal import Journal
from emulator.core.latency import Latency
from emulator.core.lateness import Lateness
from emulator.core.logs import LogSink
from emulator.core.timings import FAST, Timings
from emulator.core.virtual_clock import VirtualClock
from emulator.deploy_values import placeholders
from emulator.ecs import TasksService, TasksSettings, TaskTiming
from emulator.endpoint.split import SplitService
from emulator.events import EventsService
from emulator.events.settings import EventsSettings
from emulator.functions.in_process import InProcessFunction, InProcessFunctions
from emulator.iam import Directory, Guard
from emulator.s3 import S3Service
from emulator.settings import Settings
from emulator.simulation.control_plane import ROOT, ControlPlane, deployer
from emulator.simulation.habits import Habits
from emulator.simulation.pace import Pace
from emulator.simulation.stub_task import StubDriver
from emulator.states import StatesService
from system import stack

TASK_CALLS = frozenset({"RunTask", "StopTask", "DescribeTasks", "ListTasks"})
VISITOR = "visitor"
"""The request id of what a visitor does."""
NOBODY_LOOKS_S = 1e7
"""Stub tasks use no memory and open no port: watching them is for real processes."""


@dataclass
class Metrics:
    """CloudWatch's PutMetricData: remembers the points."""

    points: list[dict[str, Any]] = field(default_factory=list)

    async def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:  # noqa: ARG002
        """Take points."""
        if operation != "PutMetricData":
            raise AwsError("InvalidAction", f"Could not find operation {operation}", 400)
        self.points.extend(params["MetricData"])
        return {}


class _Timing:
    """A task's times, drawn anew for each task."""

    def __init__(self, pace: Pace, rng: random.Random) -> None:
        self._pace = pace
        self._rng = rng

    @property
    def provisioning_s(self) -> float:
        return self._rng.uniform(*self._pace.provisioning_s)

    @property
    def pull_s(self) -> float:
        return self._rng.uniform(*self._pace.pull_s)

    @property
    def deprovisioning_s(self) -> float:
        return self._rng.uniform(*self._pace.deprovisioning_s)


class World:
    """``async with World(control, seed) as world`` on a virtual loop: deployed and running.

    ``timings`` of AWS take the place of ``pace``: everything takes what the table says.
    """

    def __init__(
        self,
        control: ControlPlane,
        seed: int,
        *,
        epoch: float | None = None,
        pace: Pace | None = None,
        habits: Habits | None = None,
        events: bool = True,
        timings: Timings = FAST,
    ) -> None:
        settings = control.settings
        self.control = control
        self.clock = VirtualClock() if epoch is None else VirtualClock(epoch)
        self.rng = random.Random(seed)  # noqa: S311 (a simulation)
        self.timings = timings
        self.pace = Pace.of(timings) if timings.aws else pace or Pace()
        self.declared = stack.declaration()
        self.values = placeholders(self.declared, settings)
        self.bus = Bus()
        self.metrics = Metrics()
        self.log: list[str] = []
        credentials = CredentialStore(self.clock)
        guard = Guard(control.lane, self.clock, credentials, Directory(control.lane, credentials))
        self.bus.set_guard(guard)
        self.s3 = S3Service(self.clock, credentials, self.bus, None, authorizer=guard.own)
        self.states = StatesService(
            self.bus, self.clock, Journal(None), rng=self._draw(), new_id=self._uuid
        )
        self.tasks = self._make_tasks(credentials, habits or Habits())
        self.faults = Faults(self.clock, self._draw(), tasks=self.tasks, crashes=self._is_process)
        self.functions = InProcessFunctions(
            self.bus,
            self.clock,
            credentials,
            self._functions(settings),
            rng=self._draw(),
            token_hex=self.token_hex,
            write=self.log.append,
            skew=self.faults.skew,
            cold_start_s=timings.of("function_cold"),
        )
        self.events: EventsService | None = None
        if events:
            quiet = EventsSettings.of(timings, poll_s=NOBODY_LOOKS_S)
            self.events = EventsService(control.lane, self.clock, self.bus, quiet, rng=self._draw())

    async def __aenter__(self) -> Self:
        """Deploy, with calls that take no time and cannot fail."""
        await self.control.deploy()
        self._connect()
        await self.s3.start()
        await self.tasks.start()
        await deployer(self.bus, self.control.settings).deploy_world()
        if self.pace.call_s[1] > 0:
            self.bus.use(self._take_time)
        if self.timings.aws:
            self.bus.use(Latency(self.clock, lambda: self.timings).around)
        late = Lateness(
            self.clock,
            tasks_s=self.pace.tasks_shown_after_s,
            executions_s=self.pace.executions_shown_after_s,
        )
        self.bus.use(late.around)
        self.bus.use(self.faults.around)
        self.bus.subscribe(self.faults.hear)
        if self.events is not None:
            await self.events.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """End everything that runs in it."""
        if self.events is not None:
            await self.events.stop()
        await self.faults.stop()
        await self.states.stop()
        await self.functions.stop()
        await self.tasks.stop()
        await self.s3.stop()

    async def call(
        self, service: str, operation: str, caller: Caller = ROOT, **params: Any
    ) -> dict[str, Any]:
        """A call from outside."""
        return await self.bus.call(service, operation, params, caller)

    def session(self, role: str, name: str) -> Caller:
        """A visitor's call that is made as a session of a role."""
        arn = self.values[f"{role.replace('-', '_')}_role_arn"]
        settings = self.control.settings
        return Caller(
            settings.account,
            settings.region,
            session_arn(arn, name),
            request_id=VISITOR,
            role_arn=arn,
        )

    async def invoke(self, function: str, payload: Any, caller: Caller = ROOT) -> Any:
        """A function's answer; raises AwsError with the function's error name as its code."""
        answer = await self.call(
            "lambda",
            "Invoke",
            caller,
            FunctionName=self.values[f"{function}_name"],
            Payload=json.dumps(payload).encode(),
        )
        document = json.loads(answer["Payload"])
        if answer.get("FunctionError"):
            raise AwsError(document["errorType"], document["errorMessage"])
        return document

    async def workflow(self, name: str, given: Any, caller: Caller = ROOT) -> dict[str, Any]:
        """The end of an express workflow, as StartSyncExecution answers it."""
        return await self.call(
            "states",
            "StartSyncExecution",
            caller,
            stateMachineArn=self.values[f"{name}_arn"],
            input=json.dumps(given),
        )

    async def read(self, bucket: str, key: str) -> bytes | None:
        """An object's bytes, read past all calls and faults; None when there is none."""
        entry = await self.s3.read_entry(self.values[f"{bucket}_bucket"], key)
        if entry is None:
            return None
        reader = entry.body.open()
        try:
            return bytes(reader.read())
        finally:
            reader.close()

    def token_hex(self, count: int) -> str:
        """Hexadecimal digits of so many bytes of the seed."""
        return self.rng.randbytes(count).hex()

    def _uuid(self) -> str:
        text = self.token_hex(16)
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def _draw(self) -> random.Random:
        """Chance of its own for a part: what one part draws does not move the others."""
        return random.Random(self.rng.getrandbits(64))  # noqa: S311 (a simulation)

    def _make_tasks(self, credentials: CredentialStore, habits: Habits) -> TasksService:
        timing = cast("TaskTiming", _Timing(self.pace, self._draw()))
        role = self.values["task_role_arn"]
        return TasksService(
            self.control.lane,
            self.clock,
            credentials,
            self.bus,
            LogSink(self.control.lane, self.clock),
            Journal(None),
            TasksSettings(
                metadata_url="http://169.254.170.2",
                working_dir=Path("/"),
                scratch_dir=Path("/nonexistent"),
                task_timing=timing,
                watch_s=NOBODY_LOOKS_S,
            ),
            StubDriver(self.bus, self.clock, role, self._draw(), habits),
        )

    def _functions(self, settings: Settings) -> list[InProcessFunction]:
        environment = stack.fill(self.declared["function_environment"], self.values)
        return [
            InProcessFunction(
                name=self.values[f"{key}_name"],
                handler=function["handler"],
                role_arn=self.values[f"{function['role'].replace('-', '_')}_role_arn"],
                timeout_s=function["timeout_s"],
                memory_mb=function["memory_mb"],
                environment={**environment, "AWS_REGION": settings.region},
            )
            for key, function in self.declared["functions"].items()
        ]

    def _is_process(self, caller: Caller) -> bool:
        """Whether a caller is a function or a task: a process that can crash."""
        if caller.request_id == VISITOR:
            return False  # a visitor with a link that a function signed
        role = caller.principal.split("/")[1] if "/" in caller.principal else ""
        roles = {f.get("role") for f in self.declared["functions"].values()}
        roles.add(self.declared["task"]["role"])
        return role.removeprefix(f"{self.control.settings.name}-") in roles

    def _connect(self) -> None:
        control, bus = self.control, self.bus
        bus.register("s3", self.s3)
        bus.register("states", self.states)
        bus.register("lambda", self.functions)
        bus.register("monitoring", self.metrics)
        bus.register("ecs", SplitService(TASK_CALLS, self.tasks, control.service("ecs")))
        if self.events is not None:
            bus.register(
                "events", SplitService({"PutEvents"}, self.events, control.service("events"))
            )
        bus.set_fallback(control.service)

    async def _take_time(self, call: BusCall, proceed: Proceed) -> dict[str, Any]:
        """Half of the time on the way there, half on the way back."""
        del call
        low, high = self.pace.call_s
        await self.clock.sleep(self.rng.uniform(low, high) / 2)
        try:
            answer = await proceed()
        except AwsError:
            await self.clock.sleep(self.rng.uniform(low, high) / 2)
            raise
        await self.clock.sleep(self.rng.uniform(low, high) / 2)
        return answer


async def until(
    clock: VirtualClock, done: Callable[[], Awaitable[bool]], seconds: float, step_s: float = 5.0
) -> bool:
    """Let time pass until ``done``, at most ``seconds``; whether it was."""
    end = clock.now() + seconds
    while not await done():
        if clock.now() >= end:
            return False
        await asyncio.sleep(step_s)
    return True
