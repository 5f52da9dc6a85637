"""A world for workflows: StatesService on a bus with scripted services, on virtual time."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections.abc import Awaitable, Callable
from typing import Any

from emulator.core.bus import Bus, Caller
from emulator.core.clock import Clock
from emulator.core.errors import AwsError
from emulator.core.journal import Journal
from emulator.core.virtual_clock import VirtualClock, run
from emulator.states import StatesService

ACCOUNT, REGION = "000000000000", "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/workflow"
CALLER = Caller(ACCOUNT, REGION, f"arn:aws:iam::{ACCOUNT}:root")
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:"

Script = Callable[[dict[str, Any], Caller], Any]


class FunctionError(Exception):
    """A scripted function raises: its name and sentence."""

    def __init__(self, name: str, message: str = "") -> None:
        super().__init__(message)
        self.name = name


class ScriptedService:
    """Answers operations by functions of (params, caller); notes the calls."""

    def __init__(self, operations: dict[str, Script]) -> None:
        self._operations = operations
        self.calls: list[tuple[str, dict[str, Any], Caller]] = []

    async def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        self.calls.append((operation, params, caller))
        answer = self._operations[operation](params, caller)
        if isinstance(answer, Awaitable):
            answer = await answer
        return answer


class FunctionService:
    """Lambda: functions by name, each a Python function of the event (or a coroutine)."""

    def __init__(self, functions: dict[str, Callable[[Any], Any]]) -> None:
        self.functions = functions
        self.events: list[tuple[str, Any]] = []
        self.callers: list[Caller] = []

    async def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        assert operation == "Invoke"
        name = params["FunctionName"].split(":function:")[-1]
        event = json.loads(params["Payload"])
        self.events.append((name, event))
        self.callers.append(caller)
        if name not in self.functions:
            raise AwsError("ResourceNotFoundException", f"Function not found: {name}", 404)
        try:
            answer = self.functions[name](event)
            if isinstance(answer, Awaitable):
                answer = await answer
        except FunctionError as error:
            payload = {"errorMessage": str(error), "errorType": error.name, "stackTrace": []}
            return {
                "StatusCode": 200,
                "FunctionError": "Unhandled",
                "ExecutedVersion": "$LATEST",
                "Payload": json.dumps(payload).encode(),
            }
        return {
            "StatusCode": 200,
            "ExecutedVersion": "$LATEST",
            "Payload": json.dumps(answer).encode(),
        }


class World:
    """StatesService with what it talks to."""

    def __init__(
        self,
        functions: dict[str, Callable[[Any], Any]] | None = None,
        journal: Journal | None = None,
        clock: Clock | None = None,
        **services: ScriptedService,
    ) -> None:
        self.clock = clock or VirtualClock()
        self.bus = Bus()
        self.events: list[dict[str, Any]] = []
        self.bus.subscribe(self._hear)
        self.functions = FunctionService(functions or {})
        self.bus.register("lambda", self.functions)
        for name, service in services.items():
            self.bus.register(name, service)
        numbers = itertools.count(1)
        self.states = StatesService(
            self.bus,
            self.clock,
            journal or Journal(None),
            rng=random.Random(7),
            new_id=lambda: f"00000000-0000-4000-8000-{next(numbers):012d}",
        )
        self.bus.register("states", self.states)

    async def _hear(self, event: dict[str, Any]) -> None:
        self.events.append(event)

    async def call(self, operation: str, **params: Any) -> dict[str, Any]:
        return await self.states.call(operation, params, CALLER)

    async def create(
        self, definition: dict[str, Any] | str, name: str = "m", kind: str = "STANDARD"
    ) -> str:
        text = definition if isinstance(definition, str) else json.dumps(definition)
        made = await self.call(
            "CreateStateMachine", name=name, definition=text, roleArn=ROLE, type=kind
        )
        return str(made["stateMachineArn"])

    async def start(self, machine: str, data: Any = None, name: str = "run") -> str:
        started = await self.call(
            "StartExecution",
            stateMachineArn=machine,
            name=name,
            input=json.dumps({} if data is None else data),
        )
        return str(started["executionArn"])

    async def settled(self, arn: str) -> dict[str, Any]:
        """The description of an execution once it is over."""
        while True:
            found = await self.call("DescribeExecution", executionArn=arn)
            if found["status"] != "RUNNING":
                await asyncio.sleep(0)
                return found
            execution = self.states._runs.known[arn]
            await self.states._runs.finished(execution)

    async def history(self, arn: str) -> list[dict[str, Any]]:
        found = await self.call("GetExecutionHistory", executionArn=arn, maxResults=1000)
        return list(found["events"])


def types(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


def links(events: list[dict[str, Any]]) -> list[tuple[int, int, str]]:
    return [(event["id"], event["previousEventId"], event["type"]) for event in events]


class Ended:
    """What became of an execution."""

    def __init__(
        self, world: World, arn: str, description: dict[str, Any], events: list[dict[str, Any]]
    ) -> None:
        self.world = world
        self.arn = arn
        self.description = description
        self.events = events
        self.status = description["status"]
        self.error = description.get("error")
        self.cause = description.get("cause")

    @property
    def output(self) -> Any:
        assert self.status == "SUCCEEDED", (self.status, self.error, self.cause)
        return json.loads(self.description["output"])


def execute(
    definition: dict[str, Any] | str,
    data: Any = None,
    functions: dict[str, Callable[[Any], Any]] | None = None,
    during: Callable[[World, str], Awaitable[None]] | None = None,
    **services: ScriptedService,
) -> Ended:
    """Create, run and look at one standard execution; ``during`` acts while it runs."""

    async def main() -> Ended:
        world = World(functions, **services)
        arn = await world.start(await world.create(definition), data)
        if during is not None:
            await during(world, arn)
        description = await world.settled(arn)
        ended = Ended(world, arn, description, await world.history(arn))
        await world.states.stop()
        return ended

    return run(main)


def one(state: dict[str, Any], language: str | None = None) -> dict[str, Any]:
    """A machine of one state, which ends."""
    ends = {} if state["Type"] in {"Succeed", "Fail", "Choice"} else {"End": True}
    machine: dict[str, Any] = {"StartAt": "S", "States": {"S": {**state, **ends}}}
    return {"QueryLanguage": language, **machine} if language else machine
