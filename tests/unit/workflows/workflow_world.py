"""The four workflows on the interpreter, around them functions that answer from a script."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from emulator.core.bus import Bus, Caller
from emulator.core.clock import RealClock
from emulator.core.journal import Journal
from emulator.deploy_values import placeholders
from emulator.settings import Settings
from emulator.states import StatesService
from system import stack

CALLER = Caller("000000000000", "us-east-1", "arn:aws:iam::000000000000:root")
DECLARED = stack.declaration()
VALUES = placeholders(DECLARED, Settings())
RUN = {"run_id": "b" * 32, "digest": "d1", "ceiling_microusd": 5, "deadline_s": 60}
START = {"body": {"run_id": "b" * 32, "styles": [{}], "params": {}}, "correlation_id": "c1"}


class Failure(Exception):  # noqa: N818 - carries any error's name
    """What a function raises: its name and its sentence."""

    def __init__(self, name: str, sentence: str = "A sentence for the visitor.") -> None:
        super().__init__(sentence)
        self.name = name


class World:
    """The services around the workflows; ``answers`` are taken in order, the last one stays."""

    def __init__(self) -> None:
        self.bus = Bus()
        # Retries wait for seconds; at this scale the tests do not.
        self.states = StatesService(self.bus, RealClock(scale=40), Journal(None))
        self.answers: dict[tuple[str, str], list[Any]] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.metrics: list[dict[str, Any]] = []
        self.report: tuple[str, str] | None = None
        for name in ("states", "lambda", "s3", "monitoring", "cloudwatch"):
            self.bus.register(name, self.states if name == "states" else Part(self, name))

    def say(self, function: str, action: str, *answers: Any) -> None:
        self.answers[(function, action)] = list(answers)

    def asked(self, action: str) -> list[dict[str, Any]]:
        return [payload for name, payload in self.calls if name == action]

    async def deploy(self) -> None:
        for key, workflow in DECLARED["workflows"].items():
            await self.states.call(
                "CreateStateMachine",
                {
                    "name": VALUES[f"{key}_name"],
                    "definition": stack.workflow(workflow["definition"], VALUES),
                    "roleArn": "arn:aws:iam::000000000000:role/nst",
                    "type": workflow["type"],
                },
                CALLER,
            )

    async def sync(self, workflow: str, given: dict[str, Any]) -> dict[str, Any]:
        return await self.states.call(
            "StartSyncExecution",
            {"stateMachineArn": VALUES[f"{workflow}_arn"], "input": json.dumps(given)},
            CALLER,
        )

    async def run_ended(self, run_id: str = RUN["run_id"]) -> dict[str, Any]:  # type: ignore[assignment]
        arn = f"{VALUES['run_nst_execution_arn_prefix']}:{run_id}"
        while True:
            found = await self.states.call("DescribeExecution", {"executionArn": arn}, CALLER)
            if found["status"] != "RUNNING":
                return found
            await asyncio.sleep(0.005)


class Part:
    """A service that answers from the world's script."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name

    async def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        world = self.world
        if self.name == "lambda":
            payload = json.loads(params["Payload"])
            function = params["FunctionName"].rsplit(":nst-", 1)[1]
            world.calls.append((payload["action"], payload))
            script = world.answers[(function, payload["action"])]
            answer = script.pop(0) if len(script) > 1 else script[0]
            if isinstance(answer, Failure):
                error = {"errorType": answer.name, "errorMessage": str(answer)}
                return {
                    "StatusCode": 200,
                    "FunctionError": "Unhandled",
                    "Payload": json.dumps(error).encode(),
                }
            if payload["action"] == "start":
                self._later(self._started(payload["task_token"]))
            return {"StatusCode": 200, "Payload": json.dumps(answer).encode()}
        if self.name == "s3":
            body = json.loads(params["Body"])
            assert params["Key"] == f"orders/{body['run_id']}/watch.json"
            self._later(self._ended(body["task_token"]))
            return {"ETag": '"x"'}
        world.metrics.append(params)
        return {}

    @staticmethod
    def _later(work: Any) -> None:
        task = asyncio.ensure_future(work)
        task.add_done_callback(lambda done: done.exception())

    async def _started(self, token: str) -> None:
        done = {"taskToken": token, "output": '{"task_arn": "t"}'}
        await self.world.states.call("SendTaskSuccess", done, CALLER)

    async def _ended(self, token: str) -> None:
        states, report = self.world.states, self.world.report
        await states.call("SendTaskHeartbeat", {"taskToken": token}, CALLER)
        if report is None:
            done = {"taskToken": token, "output": '{"result_key": "r"}'}
            await states.call("SendTaskSuccess", done, CALLER)
        elif report[0] != "silence":
            failed = {"taskToken": token, "error": report[0], "cause": report[1]}
            await states.call("SendTaskFailure", failed, CALLER)


def play(scene: Callable[[World], Any]) -> World:
    """Run a scene in a world in which everything goes well unless it says otherwise."""

    async def whole() -> World:
        world = World()
        world.say("read-budget", "check", {"available_microusd": 10})
        world.say("get-upload-url", "admit", {"run_id": "a" * 32, "uploads": {}})
        world.say("get-upload-url", "check", RUN)
        world.say("update-budget", "reserve", {"outcome": "reserved", "fresh": True})
        world.say("update-budget", "settle", {"outcome": "settled"})
        world.say("update-budget", "release", {"outcome": "released"})
        world.say("start-nst", "start", {"task_arn": "t"})
        world.say("stop-nst", "ensure_stopped", {"task": {"state": "stopped"}})
        world.say("stop-nst", "report_lost", {"finding": None})
        world.say("stop-nst", "sweep", {"stopped": []})
        await world.deploy()
        await scene(world)
        await world.states.stop()
        return world

    return asyncio.run(asyncio.wait_for(whole(), 60))


def problem(answer: dict[str, Any]) -> dict[str, Any]:
    assert answer["status"] == "FAILED", answer
    document: dict[str, Any] = json.loads(answer["cause"])
    assert document["type"] == f"urn:nst:problem:{document['code']}"
    return document
