"""The worker and the simulation's stub of it, each at work in the same scripted AWS."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from emulator.core.bus import Bus, Caller
from emulator.core.errors import AwsError, NoReply
from emulator.core.virtual_clock import VirtualClock, run
from emulator.ecs.driver import ContainerSpec
from emulator.simulation.habits import Habits
from emulator.simulation.stub_task import StubDriver
from system import runs
from tests.unit.worker.service_fakes import BUCKET, QUICK, RUN, World, failing, poll
from worker.service.control import Stop
from worker.service.ports import PictureRefusedError

BEATS = 3
"""So many heartbeats at least come while it paints."""
TIMINGS = replace(QUICK, report_patience_s=1.5, contact_lost_s=1.0, watch_patience_s=2.0)


@dataclass
class Scene:
    """What a task meets; ``terminate`` sends it SIGTERM once it runs."""

    world: World
    early: bool = False
    refused: bool = False
    failed: bool = False
    terminate: Callable[[], None] = lambda: None

    acted_after: int | None = 0
    """Heartbeats before ``at_heartbeat`` acted; None while it has not."""

    def at_heartbeat(self, act: Callable[[], None]) -> None:
        """Do something at a heartbeat, once visitors can see that it paints."""
        self.acted_after = None

        def hear(operation: str, _: str) -> None:
            paints = b'"running"' in self.world.s3.objects.get(runs.events_key(RUN), b"")
            if operation == "heartbeat" and paints and self.acted_after is None:
                self.acted_after = len(self.world.states.of("heartbeat"))
                act()

        self.world.states.before = hear

    @property
    def seen_to_live(self) -> bool:
        """Whether what was to happen has, and it was heard of after that."""
        beats = len(self.world.states.of("heartbeat"))
        return self.acted_after is not None and beats >= self.acted_after + BEATS


def scene() -> Scene:
    """A scene with an order, its pictures, and a workflow that waits."""
    return Scene(World(timings=TIMINGS, deadline_s=300))


Play = Callable[[Scene], int]
"""Lets a task live in a scene; its exit code."""


def play_worker(scene: Scene) -> int:
    """The real run, its threads and clock; an engine that paints until it has been seen to live."""
    world = scene.world
    engine = world.engine
    engine.stopped_early = scene.early

    def paint(stopped: Callable[[], bool]) -> None:
        if scene.failed:
            raise RuntimeError("the engine failed")
        poll(lambda: stopped() or scene.seen_to_live, "heartbeats or a stop")

    engine.on_paint = paint
    if scene.refused:
        engine.on_check = failing(PictureRefusedError("The content is not a picture."))
    scene.terminate = lambda: world.run.control.stop(Stop.TERMINATED)
    return 0 if world.execute() else 1


def play_stub(scene: Scene) -> int:
    """The stub on virtual time."""

    async def main() -> int:
        clock, bus = VirtualClock(), Bus()
        for name, client in (("s3", scene.world.s3), ("states", scene.world.states)):
            bus.register(name, _Service(client))
        habits = Habits(
            share_of_deadline=(2.0, 2.0) if scene.early else (0.7, 0.7),
            refused=float(scene.refused),
            failed=float(scene.failed),
            hung=0.0,
        )
        role = "arn:aws:iam::000000000000:role/nst-task"
        driver = StubDriver(bus, clock, role, random.Random(1), habits)
        environment = {"RUN_ID": RUN, "STORAGE_BUCKET": BUCKET, "AWS_REGION": "us-east-1"}
        task = await driver.start(ContainerSpec("nst-worker", (), environment))
        scene.terminate = task.terminate
        return await task.wait()

    return run(main)


class _Service:
    """One of the fakes as a service on the bus."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        del caller
        name = "".join(f"_{c.lower()}" if c.isupper() else c for c in operation).strip("_")
        try:
            answer: dict[str, Any] = getattr(self._client, name)(**params)
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            raise AwsError(error.response["Error"]["Code"], "no", status) from error
        except BotoCoreError as error:
            raise NoReply(str(error)) from error
        return {**answer, "Body": answer["Body"].read()} if "Body" in answer else answer
