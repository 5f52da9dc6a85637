"""The gate on the interpreter: which patches of the stage it asks for."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from emulator.core.bus import Bus, Caller
from emulator.core.clock import RealClock
from emulator.core.errors import AwsError
from emulator.core.journal import Journal
from emulator.deploy_values import of_api, placeholders
from emulator.settings import Settings
from emulator.states import StatesService
from system import stack

CALLER = Caller("000000000000", "us-east-1", "arn:aws:iam::000000000000:root")
DECLARED = stack.declaration()
THROTTLES = stack.throttles(live_events=True)
VALUES = placeholders(DECLARED, Settings(live_events=True))
VALUES |= of_api(VALUES, "abc123")
UPDATE_STAGE = "https://docs.aws.amazon.com/apigateway/latest/api/API_UpdateStage.html"


class Stage:
    """API Gateway's control plane; ``failures`` calls are throttled first."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.asked: list[dict[str, Any]] = []

    async def call(self, operation: str, params: dict[str, Any], _: Caller) -> dict[str, Any]:
        assert operation == "UpdateStage"
        self.asked.append(params)
        if len(self.asked) <= self.failures:
            raise AwsError("TooManyRequestsException", "Rate exceeded", 429)
        return {}


def played(action: str, stage: Stage) -> dict[str, Any]:
    """What the gate answers to an action."""

    async def play() -> dict[str, Any]:
        bus = Bus()
        states = StatesService(bus, RealClock(scale=100), Journal(None))
        bus.register("apigateway", stage)
        bus.register("states", states)
        workflow = DECLARED["gate"]["workflow"]
        given = {
            "name": VALUES["gate_name"],
            "definition": stack.workflow(workflow["definition"], VALUES),
            "roleArn": VALUES["gate_role_arn"],
            "type": workflow["type"],
        }
        made = await bus.call("states", "CreateStateMachine", given, CALLER)
        call = {"stateMachineArn": made["stateMachineArn"], "input": json.dumps({"action": action})}
        try:
            return await bus.call("states", "StartSyncExecution", call, CALLER)
        finally:
            await states.stop()

    return asyncio.run(play())


def patches(stage: Stage) -> dict[str, str]:
    """The values of the last request's patches by their paths."""
    asked = stage.asked[-1]
    assert (asked["restApiId"], asked["stageName"]) == ("abc123", "prod")
    assert {p["op"] for p in asked["patchOperations"]} == {"replace"}
    found = {p["path"]: p["value"] for p in asked["patchOperations"]}
    assert len(found) == len(asked["patchOperations"])
    return found


def throttles(stage: Stage) -> dict[str, str]:
    return {path: value for path, value in patches(stage).items() if "/throttling/" in path}


def test_closing_throttles_every_method_to_nothing_and_says_so() -> None:
    stage = Stage()
    answer = played("close", stage)
    assert answer["status"] == "SUCCEEDED"
    assert json.loads(answer["output"]) == {"state": "closed"}
    assert patches(stage)["/variables/state"] == "closed"
    found = throttles(stage)
    assert set(found.values()) == {"0"}
    assert len(found) == 2 * len(THROTTLES)
    assert "/api/runs/{run_id}/events/GET/throttling/rateLimit" in found


def test_opening_sets_the_declared_throttles_again() -> None:
    stage = Stage()
    assert played("open", stage)["status"] == "SUCCEEDED"
    assert patches(stage)["/variables/state"] == "open"
    expected = {}
    for method, limits in THROTTLES.items():
        verb, _, path = method.partition(" ")
        place = "/*/*" if method == "default" else f"{path}/{verb}"
        expected[f"{place}/throttling/rateLimit"] = str(limits["rate_per_s"])
        expected[f"{place}/throttling/burstLimit"] = str(limits["burst"])
    assert throttles(stage) == expected


def test_a_stage_that_cannot_be_changed_at_once_is_changed_later() -> None:
    stage = Stage(failures=3)
    assert played("close", stage)["status"] == "SUCCEEDED"
    assert len(stage.asked) == 4


@pytest.mark.parametrize("action", ["", "CLOSE", "stop"])
def test_another_action_changes_nothing(action: str) -> None:
    stage = Stage()
    answer = played(action, stage)
    assert (answer["status"], answer["error"]) == ("FAILED", "InvalidRequest")
    assert stage.asked == []
