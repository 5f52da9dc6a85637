"""CloudWatch on virtual time, with a topic and rules that note what they hear."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from emulator.cloudwatch import CloudWatchService, CloudWatchSettings
from emulator.core.bus import Bus, Caller
from emulator.core.errors import AwsError
from emulator.core.virtual_clock import VirtualClock, run

T = TypeVar("T")

ACCOUNT = "000000000000"
CALLER = Caller(ACCOUNT, "us-east-1", f"arn:aws:iam::{ACCOUNT}:root", request_id="r1")
TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:alarms"


class Topic:
    """SNS, as far as alarms need it; ``refuses`` answers as a topic that is gone."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.refuses = False

    async def call(self, operation: str, params: dict[str, Any], _: Caller) -> dict[str, Any]:
        assert operation == "Publish"
        if self.refuses:
            raise AwsError("NotFound", "Topic does not exist", 404)
        self.messages.append(params)
        return {"MessageId": "m1"}


class World:
    """The service, what it tells, and ways to speak with it."""

    def __init__(self, settings: CloudWatchSettings) -> None:
        self.clock = VirtualClock()
        self.bus = Bus()
        self.topic = Topic()
        self.events: list[dict[str, Any]] = []
        self.service = CloudWatchService(self.clock, self.bus, settings)
        self.bus.register("sns", self.topic)
        self.bus.register("monitoring", self.service)
        self.bus.subscribe(self._hear)
        self.bus.read_meters(self.service.take)

    async def _hear(self, event: dict[str, Any]) -> None:
        self.events.append(event)

    async def call(self, operation: str, **params: Any) -> dict[str, Any]:
        return await self.bus.call("monitoring", operation, params, CALLER)

    async def put(self, value: float, name: str = "Findings", **more: Any) -> None:
        datum = {"MetricName": name, "Value": value, **more}
        await self.call("PutMetricData", Namespace="NST", MetricData=[datum])

    async def alarm(self, name: str = "a", **changes: Any) -> None:
        await self.call("PutMetricAlarm", **alarm(name, **changes))

    async def state(self, name: str = "a") -> str:
        found = await self.call("DescribeAlarms", AlarmNames=[name])
        return str(found["MetricAlarms"][0]["StateValue"])

    async def minutes(self, count: float) -> None:
        """Let minutes pass, and what they bring."""
        await self.clock.sleep(60 * count)
        for _ in range(5):
            await asyncio.sleep(0)


def alarm(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "AlarmName": name,
        "Namespace": "NST",
        "MetricName": "Findings",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        **changes,
    }


def in_world(
    play: Callable[[World], Awaitable[T]], settings: CloudWatchSettings | None = None
) -> T:
    """What ``play`` returns in a world of its own, on virtual time."""

    async def main() -> T:
        # by default as AWS: once a minute
        world = World(settings or CloudWatchSettings(evaluate_after_s=None))
        await world.service.start()
        try:
            return await play(world)
        finally:
            await world.service.stop()

    return run(main)


def refusal(world_call: Callable[[World], Awaitable[Any]]) -> AwsError:
    """The error with which a call is refused."""

    async def play(world: World) -> AwsError:
        try:
            answer = await world_call(world)
        except AwsError as error:
            return error
        raise AssertionError(f"it was answered: {answer}")

    return in_world(play)
