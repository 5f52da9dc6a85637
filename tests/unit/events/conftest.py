"""An event engine over moto's real control plane, with services that note their calls."""

import asyncio
import json

import pytest
from moto.events.models import events_backends
from moto.scheduler.models import scheduler_backends

from emulator.core import ids
from emulator.core.bus import Bus, Caller
from emulator.events import EventsService, EventsSettings

MACHINE = f"arn:aws:states:us-east-1:{ids.ACCOUNT}:stateMachine:reconcile"
FUNCTION = f"arn:aws:lambda:us-east-1:{ids.ACCOUNT}:function:fn"
ROLE = f"arn:aws:iam::{ids.ACCOUNT}:role/nst-events"


class FakeLane:
    """Runs what it gets at once, in the calling thread."""

    async def run(self, fn):
        return fn()


class Timer:
    def __init__(self):
        self.off = False

    def cancel(self):
        self.off = True


class HandClock:
    """A clock that stands still until the test moves it."""

    def __init__(self, at=1_800_000_000.0):
        self._now = at
        self._due = []

    def now(self):
        return self._now

    def call_later(self, seconds, callback):
        timer = Timer()
        self._due.append((self._now + max(0.0, seconds), timer, callback))
        return timer

    async def sleep(self, seconds):
        over = asyncio.get_running_loop().create_future()
        self.call_later(seconds, lambda: over.done() or over.set_result(None))
        await over

    async def move(self, seconds):
        """Let time pass, one armed moment after the other."""
        await settle()
        end = self._now + seconds
        while True:
            self._due = [d for d in self._due if not d[1].off]
            due = min(self._due, key=lambda d: d[0], default=None)
            if due is None or due[0] > end:
                break
            self._due.remove(due)
            self._now = max(self._now, due[0])
            due[2]()
            await settle()
        self._now = end
        await settle()


async def settle():
    for _ in range(20):
        await asyncio.sleep(0)


class Recorder:
    """A service that notes its calls; ``fail_with`` are errors for the next ones."""

    def __init__(self):
        self.calls = []
        self.fail_with = []

    async def call(self, operation, params, caller):
        self.calls.append((operation, params, caller))
        if self.fail_with:
            raise self.fail_with.pop(0)
        return {}


class Lab:
    def __init__(self, **settings):
        self.clock = HandClock()
        self.bus = Bus()
        self.states, self.functions = Recorder(), Recorder()
        self.bus.register("states", self.states)
        self.bus.register("lambda", self.functions)
        self.events = EventsService(FakeLane(), self.clock, self.bus, EventsSettings(**settings))
        self.caller = Caller(ids.ACCOUNT, ids.REGION, f"arn:aws:iam::{ids.ACCOUNT}:root")
        self.machine, self.function, self.role = MACHINE, FUNCTION, ROLE

    @property
    def rules(self):
        return events_backends[ids.ACCOUNT][ids.REGION]

    @property
    def schedules(self):
        return scheduler_backends[ids.ACCOUNT][ids.REGION]

    def put_rule(self, name="rule", pattern=None, expression=None, bus=None, **target):
        text = None if pattern is None else json.dumps(pattern)
        self.rules.put_rule(name, event_pattern=text, scheduled_expression=expression,
                            event_bus_arn=bus)  # fmt: skip
        self.rules.put_targets(name, bus, [{"Id": "t", "Arn": self.machine, **target}])

    def put_schedule(self, expression, name="schedule", state="ENABLED", **more):
        target = {"Arn": self.machine, "RoleArn": self.role, **more.pop("target", {})}
        self.schedules.create_schedule(
            **{
                "name": name, "group_name": "default", "description": "", "kms_key_arn": "",
                "schedule_expression": expression, "schedule_expression_timezone": "UTC",
                "flexible_time_window": {"Mode": "OFF"}, "start_date": None, "end_date": None,
                "action_after_completion": None, "state": state, "target": target, **more,
            }
        )  # fmt: skip

    def publish(self, **event):
        self.bus.publish(
            {
                "version": "0", "id": "1", "account": ids.ACCOUNT, "region": ids.REGION,
                "time": "2026-01-02T03:04:05Z", "resources": [], "source": "aws.ecs",
                "detail-type": "ECS Task State Change", "detail": {}, **event,
            }
        )  # fmt: skip

    def inputs(self):
        return [json.loads(params["input"]) for _, params, _ in self.states.calls]


@pytest.fixture
def lab():
    """``run(body, settings...)``: runs ``await body(it)`` with a started engine."""
    backends = (events_backends, scheduler_backends)

    def run(body, **settings):
        async def started():
            it = Lab(**settings)
            await it.events.start()
            try:
                await body(it)
            finally:
                await it.events.stop()

        asyncio.run(started())

    for backend in backends:
        backend.reset()
    yield run
    for backend in backends:
        backend.reset()
