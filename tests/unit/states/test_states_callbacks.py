"""Tasks that wait for a callback with a task token.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-wait-token and
the API reference of SendTaskSuccess, SendTaskFailure and SendTaskHeartbeat
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from emulator.core.errors import AwsError
from emulator.core.virtual_clock import run
from tests.unit.states.world import (
    FunctionError,
    ScriptedService,
    World,
    execute,
    links,
    one,
    types,
)

WAITING = "arn:aws:states:::lambda:invoke.waitForTaskToken"


def waiting(**more: Any) -> dict[str, Any]:
    payload = {"token.$": "$$.Task.Token"}
    return one(
        {
            "Type": "Task",
            "Resource": WAITING,
            "Parameters": {"FunctionName": "f", "Payload": payload},
            **more,
        }
    )


class Desk:
    """The function that takes the token, and what is done with it."""

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.taken = asyncio.Event()

    def take(self, event: Any) -> Any:
        self.tokens.append(event["token"])
        self.taken.set()
        return "taken"


def with_token(act: Any, **more: Any) -> Any:
    """Run a waiting task; ``act(world, token)`` runs once the token is out."""
    desk = Desk()

    async def during(world: World, _arn: str) -> None:
        await desk.taken.wait()
        await act(world, desk.tokens[-1])

    return execute(waiting(**more), None, {"f": desk.take}, during)


@pytest.mark.fidelity(
    area="Step Functions: API",
    feature="SendTaskSuccess",
    source="https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html",
)
def test_success() -> None:
    async def act(world: World, token: str) -> None:
        await asyncio.sleep(50)
        await world.call("SendTaskSuccess", taskToken=token, output='{"a": [1, null]}')

    ended = with_token(act)
    assert ended.output == {"a": [1, None]}
    assert types(ended.events)[2:6] == [
        "TaskScheduled",
        "TaskStarted",
        "TaskSubmitted",
        "TaskSucceeded",
    ]
    names = {"resource": "invoke.waitForTaskToken", "resourceType": "lambda"}
    assert ended.events[3]["taskStartedEventDetails"] == names
    assert json.loads(ended.events[4]["taskSubmittedEventDetails"]["output"])["Payload"] == "taken"


@pytest.mark.fidelity(
    area="Step Functions: API",
    feature="SendTaskFailure",
    source="https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskFailure.html",
)
def test_failure() -> None:
    async def act(world: World, token: str) -> None:
        await world.call("SendTaskFailure", taskToken=token, error="Mine", cause="because")

    ended = with_token(act)
    assert (ended.status, ended.error, ended.cause) == ("FAILED", "Mine", "because")


def test_failure_without_a_name() -> None:
    async def act(world: World, token: str) -> None:
        await world.call("SendTaskFailure", taskToken=token)

    ended = with_token(act)
    assert (ended.status, ended.error, ended.cause) == ("FAILED", None, None)


@pytest.mark.fidelity(
    area="Step Functions: API",
    feature="SendTaskHeartbeat",
    source="https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskHeartbeat.html",
)
def test_heartbeats_keep_a_task_alive() -> None:
    async def act(world: World, token: str) -> None:
        for _ in range(5):
            await asyncio.sleep(9)
            await world.call("SendTaskHeartbeat", taskToken=token)
        await world.call("SendTaskSuccess", taskToken=token, output="1")

    ended = with_token(act, HeartbeatSeconds=10, TimeoutSeconds=600)
    assert ended.output == 1
    scheduled = ended.events[2]["taskScheduledEventDetails"]
    assert (scheduled["heartbeatInSeconds"], scheduled["timeoutInSeconds"]) == (10, 600)


def test_a_missed_heartbeat_is_a_timeout() -> None:
    async def act(world: World, token: str) -> None:
        await asyncio.sleep(9)
        await world.call("SendTaskHeartbeat", taskToken=token)
        await asyncio.sleep(30)
        with pytest.raises(AwsError) as caught:
            await world.call("SendTaskHeartbeat", taskToken=token)
        assert caught.value.code == "TaskTimedOut"

    ended = with_token(act, HeartbeatSeconds=10, TimeoutSeconds=600)
    # As recorded on AWS: the name is States.Timeout.
    assert (ended.status, ended.error) == ("FAILED", "States.Timeout")
    assert round(ended.description["stopDate"] - ended.description["startDate"]) == 19
    assert links(ended.events)[-2:] == [(6, 5, "TaskTimedOut"), (7, 6, "ExecutionFailed")]


@pytest.mark.parametrize("name", ["States.HeartbeatTimeout", "States.Timeout", "States.ALL"])
def test_which_names_catch_a_missed_heartbeat(name: str) -> None:
    machine = waiting(
        HeartbeatSeconds=10,
        TimeoutSeconds=60,
        Catch=[{"ErrorEquals": [name], "Next": "H"}],
    )
    machine["States"]["H"] = {"Type": "Pass", "End": True}
    assert execute(machine, None, {"f": lambda _e: 1}).output["Error"] == "States.Timeout"


def test_a_timeout_is_no_missed_heartbeat() -> None:
    machine = waiting(
        TimeoutSeconds=60, Catch=[{"ErrorEquals": ["States.HeartbeatTimeout"], "Next": "H"}]
    )
    machine["States"]["H"] = {"Type": "Pass", "End": True}
    assert execute(machine, None, {"f": lambda _e: 1}).status == "FAILED"


def test_a_callback_may_come_before_the_function_answers() -> None:
    async def main() -> Any:
        world = World()

        async def function(event: Any) -> Any:
            await world.call("SendTaskSuccess", taskToken=event["token"], output='"early"')
            await asyncio.sleep(5)

        world.functions.functions["f"] = function
        arn = await world.start(await world.create(waiting()))
        ended = await world.settled(arn)
        await world.states.stop()
        return ended

    ended = run(main)
    assert (ended["status"], json.loads(ended["output"])) == ("SUCCEEDED", "early")


def test_a_function_that_fails_ends_the_waiting() -> None:
    def function(_event: Any) -> Any:
        raise FunctionError("Broken")

    assert execute(waiting(), None, {"f": function}).error == "Broken"


def test_every_attempt_has_a_new_token() -> None:
    desk = Desk()
    machine = waiting(
        TimeoutSeconds=5, Retry=[{"ErrorEquals": ["States.Timeout"], "MaxAttempts": 2}]
    )
    execute(machine, None, {"f": desk.take})
    assert len(set(desk.tokens)) == 3


@pytest.mark.fidelity(
    area="Step Functions: API",
    feature="TaskTimedOut: the token of a task that is over",
    source="https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html",
    note="TaskDoesNotExist is for activities, which are refused",
)
def test_a_token_works_once() -> None:
    async def act(world: World, token: str) -> None:
        await world.call("SendTaskSuccess", taskToken=token, output="1")
        for operation, params in (
            ("SendTaskSuccess", {"output": "2"}),
            ("SendTaskFailure", {}),
            ("SendTaskHeartbeat", {}),
        ):
            with pytest.raises(AwsError) as caught:
                await world.call(operation, taskToken=token, **params)
            assert caught.value.code == "TaskTimedOut"

    assert with_token(act).output == 1


def test_the_token_of_an_ended_execution() -> None:
    async def act(world: World, token: str) -> None:
        arn = next(iter(world.states._runs.known))
        await world.call("StopExecution", executionArn=arn)
        await asyncio.sleep(0)
        with pytest.raises(AwsError) as caught:
            await world.call("SendTaskSuccess", taskToken=token, output="1")
        assert caught.value.code == "TaskTimedOut"

    assert with_token(act).status == "ABORTED"


@pytest.mark.fidelity(
    area="Step Functions: API",
    feature="InvalidToken",
    source="https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html",
)
@pytest.mark.parametrize("token", ["", "nonsense", "W10=", "x" * 3000])
def test_tokens_that_never_were(token: str) -> None:
    async def main() -> str:
        with pytest.raises(AwsError) as caught:
            await World().call("SendTaskSuccess", taskToken=token, output="1")
        return caught.value.code

    assert run(main) == "InvalidToken"


@pytest.mark.fidelity(
    area="Step Functions: API",
    feature="InvalidOutput",
    source="https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html",
)
@pytest.mark.parametrize("output", ["{", "NaN", "", '"' + "x" * 262_144 + '"'])
def test_outputs_that_cannot_be(output: Any) -> None:
    async def act(world: World, token: str) -> None:
        with pytest.raises(AwsError) as caught:
            await world.call("SendTaskSuccess", taskToken=token, output=output)
        assert caught.value.code == "InvalidOutput"
        await world.call("SendTaskSuccess", taskToken=token, output="1")

    assert with_token(act).output == 1


def test_no_token_is_kept_when_its_task_is_over() -> None:
    for machine in (waiting(TimeoutSeconds=5), waiting(HeartbeatSeconds=5, TimeoutSeconds=9)):
        ended = execute(machine, None, {"f": lambda _event: 1})
        assert ended.status == "FAILED"
        assert ended.world.states._runs._engine.tokens._waiting == {}


def test_sdk_and_queue_integrations_wait_too() -> None:
    async def main() -> Any:
        tokens: asyncio.Queue[str] = asyncio.Queue()

        def send(params: dict[str, Any], _caller: Any) -> dict[str, Any]:
            tokens.put_nowait(json.loads(params["MessageBody"])["t"])
            return {"MessageId": "1"}

        world = World(sqs=ScriptedService({"SendMessage": send}))
        state = {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            "Parameters": {"QueueUrl": "http://q", "MessageBody": {"t.$": "$$.Task.Token"}},
        }
        arn = await world.start(await world.create(one(state)))
        await world.call("SendTaskSuccess", taskToken=await tokens.get(), output="3")
        return await world.settled(arn)

    assert run(main)["output"] == "3"
