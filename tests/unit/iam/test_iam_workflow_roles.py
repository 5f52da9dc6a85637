"""The workflows' roles: every permission is needed, on the real interpreter and the real policies.

The functions are scripted and retries hurry, which a whole stack could not do.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from emulator.core.bus import Caller
from emulator.core.clock import RealClock
from emulator.core.credentials import CredentialStore
from emulator.endpoint.moto_lane import MotoLane
from emulator.iam import Directory, Guard
from system import stack
from tests.system.permissions import Grant, grants, without
from tests.unit.workflows.workflow_world import (
    CALLER,
    DECLARED,
    RUN,
    START,
    VALUES,
    Part,
    World,
)

WORKFLOWS = ("admit-run", "start-run", "run-nst", "reconcile")
GRANTS = [grant for role in WORKFLOWS for grant in grants(role)]
Scene = Callable[[World], Coroutine[Any, Any, Any]]


class HeldStorage(Part):
    """The scripted bucket, which asks for its permission as S3 does."""

    async def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        arn = f"arn:aws:s3:::{params['Bucket']}/{params['Key']}"
        await self.world.bus.require("s3", caller, f"s3:{operation}", arn)
        return await super().call(operation, params, caller)


class HeldWorld(World):
    """The workflows with roles of their own, whose policies are enforced."""

    def __init__(self, lane: MotoLane) -> None:
        super().__init__()
        clock = RealClock()
        credentials = CredentialStore(clock)
        directory = Directory(lane, credentials)
        self.bus.set_guard(Guard(lane, clock, credentials, directory))
        self.bus.register("s3", HeldStorage(self, "s3"))

    async def deploy(self) -> None:
        for key, workflow in DECLARED["workflows"].items():
            given = {
                "name": VALUES[f"{key}_name"],
                "definition": stack.workflow(workflow["definition"], VALUES),
                "roleArn": VALUES[f"{workflow['role'].replace('-', '_')}_role_arn"],
                "type": workflow["type"],
            }
            await self.states.call("CreateStateMachine", given, CALLER)
        self.say("read-budget", "check", {"available_microusd": 10})
        self.say("get-upload-url", "admit", {"run_id": "a" * 32, "uploads": {}})
        self.say("get-upload-url", "check", RUN)
        self.say("update-budget", "reserve", {"outcome": "reserved", "fresh": True})
        self.say("update-budget", "settle", {"outcome": "settled"})
        self.say("start-nst", "start", {"task_arn": "t"})
        self.say("stop-nst", "ensure_stopped", {"task": {"state": "stopped"}})
        self.say("stop-nst", "report_lost", {"finding": "lost_callback"})
        self.say("stop-nst", "sweep", {"stopped": []})


@pytest.fixture(scope="module")
def lane() -> Iterator[MotoLane]:
    made = MotoLane()
    yield made
    made.close()


@pytest.fixture(scope="module", autouse=True)
def roles(lane: MotoLane) -> None:
    async def make() -> None:
        for role in WORKFLOWS:
            trust = json.dumps(stack.fill(stack.policy("trust-states"), VALUES))
            named = {"RoleName": f"nst-{role}", "AssumeRolePolicyDocument": trust}
            await lane.call("iam", "CreateRole", named, CALLER)

    asyncio.run(make())


async def set_policy(lane: MotoLane, role: str, document: dict[str, Any]) -> None:
    name = {"RoleName": f"nst-{role}", "PolicyName": "own"}
    text = json.dumps(stack.fill(document, VALUES))
    await lane.call("iam", "PutRolePolicy", {**name, "PolicyDocument": text}, CALLER)


def play(lane: MotoLane, scene: Scene, taken: Grant | None = None) -> None:
    """Play a scene in a world in which everything goes well but for one permission."""

    async def whole() -> None:
        for role in WORKFLOWS:
            document = stack.policy(role)
            held = taken is not None and taken.role == role
            await set_policy(lane, role, without(document, taken) if taken and held else document)
        world = HeldWorld(lane)
        await world.deploy()
        try:
            await scene(world)
        finally:
            await world.states.stop()

    asyncio.run(asyncio.wait_for(whole(), 60))


async def a_run_is_admitted(world: World) -> None:
    body = {"content": {}, "styles": [{"gallery": "x"}]}
    answer = await world.sync("admit_run", {"body": body, "correlation_id": "c"})
    assert answer["status"] == "SUCCEEDED"


async def a_run_is_started_and_paid(world: World) -> None:
    answer = await world.sync("start_run", START)
    assert answer["status"] == "SUCCEEDED"
    assert (await world.run_ended())["status"] == "SUCCEEDED"
    assert world.asked("settle")


async def a_run_is_started_again(world: World) -> None:
    await world.sync("start_run", START)
    await world.run_ended()
    world.say("update-budget", "reserve", {"outcome": "already_reserved", "fresh": False})
    answer = await world.sync("start_run", START)
    assert answer["status"] == "SUCCEEDED"


async def a_lost_run_is_reconciled(world: World) -> None:
    run = {"run_id": RUN["run_id"], "digest": "d", "expired": True}
    world.say("read-budget", "open_runs", {"runs": [run], "now": 1})
    answer = await world.sync("reconcile", {})
    assert answer["status"] == "SUCCEEDED"
    assert world.asked("settle")
    assert world.asked("sweep")


async def a_running_run_is_left(world: World) -> None:
    world.report = ("silence", "")
    await world.sync("start_run", START)
    run = {"run_id": RUN["run_id"], "digest": "d", "expired": False}
    world.say("read-budget", "open_runs", {"runs": [run], "now": 1})
    answer = await world.sync("reconcile", {})
    assert answer["status"] == "SUCCEEDED"
    assert world.asked("report_lost")
    assert world.metrics[0]["Namespace"] == "NST"


SCENES: dict[tuple[str, str, str], Scene] = {
    ("admit-run", "lambda:InvokeFunction", "${read_budget_arn}"): a_run_is_admitted,
    ("admit-run", "lambda:InvokeFunction", "${get_upload_url_arn}"): a_run_is_admitted,
    ("start-run", "lambda:InvokeFunction", "${get_upload_url_arn}"): a_run_is_started_and_paid,
    ("start-run", "lambda:InvokeFunction", "${update_budget_arn}"): a_run_is_started_and_paid,
    ("start-run", "states:StartExecution", "${run_nst_arn}"): a_run_is_started_and_paid,
    (
        "start-run",
        "states:DescribeExecution",
        "${run_nst_execution_arn_prefix}:*",
    ): a_run_is_started_again,
    ("run-nst", "lambda:InvokeFunction", "${start_nst_arn}"): a_run_is_started_and_paid,
    ("run-nst", "lambda:InvokeFunction", "${stop_nst_arn}"): a_run_is_started_and_paid,
    ("run-nst", "lambda:InvokeFunction", "${update_budget_arn}"): a_run_is_started_and_paid,
    (
        "run-nst",
        "s3:PutObject",
        "${storage_bucket_arn}/orders/*/watch.json",
    ): a_run_is_started_and_paid,
    ("reconcile", "lambda:InvokeFunction", "${read_budget_arn}"): a_lost_run_is_reconciled,
    ("reconcile", "lambda:InvokeFunction", "${stop_nst_arn}"): a_lost_run_is_reconciled,
    ("reconcile", "lambda:InvokeFunction", "${update_budget_arn}"): a_lost_run_is_reconciled,
    (
        "reconcile",
        "states:DescribeExecution",
        "${run_nst_execution_arn_prefix}:*",
    ): a_running_run_is_left,
    ("reconcile", "cloudwatch:PutMetricData", "*"): a_running_run_is_left,
}


@pytest.mark.parametrize("scene", sorted(set(SCENES.values()), key=lambda s: s.__name__))
def test_the_scenes_work_with_all_permissions(scene: Scene, lane: MotoLane) -> None:
    play(lane, scene)


@pytest.mark.parametrize("grant", GRANTS, ids=str)
def test_no_permission_of_a_workflow_is_superfluous(grant: Grant, lane: MotoLane) -> None:
    scene = SCENES[grant.role, grant.action, grant.resource]
    with pytest.raises(AssertionError):
        play(lane, scene, grant)


@pytest.mark.fidelity(
    area="IAM",
    feature="a task state that its role does not allow fails with the service's error",
    source="https://docs.aws.amazon.com/step-functions/latest/dg/procedure-create-iam-role.html",
)
def test_a_denied_call_fails_the_state_with_the_services_error(lane: MotoLane) -> None:
    async def scene(world: World) -> None:
        definition = {
            "StartAt": "Call",
            "States": {
                "Call": {
                    "Type": "Task",
                    "Resource": "arn:aws:states:::lambda:invoke",
                    "Parameters": {"FunctionName": VALUES["start_nst_arn"]},
                    "End": True,
                }
            },
        }
        given = {
            "name": "denied",
            "definition": json.dumps(definition),
            "roleArn": VALUES["admit_run_role_arn"],
            "type": "EXPRESS",
        }
        made = await world.states.call("CreateStateMachine", given, CALLER)
        arn = {"stateMachineArn": made["stateMachineArn"], "name": "x"}
        answer = await world.states.call("StartSyncExecution", arn, CALLER)
        assert answer["error"] == "Lambda.AWSLambdaException"
        assert (
            "User: arn:aws:sts::000000000000:assumed-role/nst-admit-run/x is not authorized to "
            f"perform: lambda:InvokeFunction on resource: {VALUES['start_nst_arn']} because no "
            "identity-based policy allows the lambda:InvokeFunction action"
        ) in answer["cause"]
        assert "AccessDeniedException" in answer["cause"]

    play(lane, scene)


def test_the_caller_of_a_workflow_needs_to_be_allowed(lane: MotoLane) -> None:
    """A role that may describe runs may not start one."""

    async def scene(world: World) -> None:
        principal = "arn:aws:sts::000000000000:assumed-role/nst-reconcile/x"
        role = VALUES["reconcile_role_arn"]
        caller = Caller("000000000000", "us-east-1", principal, role_arn=role)
        with pytest.raises(Exception, match="states:StartExecution"):
            await world.bus.call(
                "states", "StartExecution", {"stateMachineArn": VALUES["run_nst_arn"]}, caller
            )

    play(lane, scene)
