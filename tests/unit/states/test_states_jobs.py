"""Jobs: tasks of ECS and nested executions, waited for (``.sync``) and stopped.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-ecs.html and connect-stepfunctions.html
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from emulator.core.errors import AwsError
from emulator.core.virtual_clock import run
from tests.unit.states.world import ScriptedService, World, execute, one, types

TASK = "arn:aws:ecs:us-east-1:000000000000:task/c/1"
CLUSTER = "arn:aws:ecs:us-east-1:000000000000:cluster/c"
RUN_TASK = {"Cluster": "c", "TaskDefinition": "t", "LaunchType": "FARGATE"}


class Ecs(ScriptedService):
    """A cluster with one task; ``exit_code`` None: it never started."""

    def __init__(self, exit_code: int | None = 0, *, places: bool = True) -> None:
        super().__init__(
            {"RunTask": self.run_task, "DescribeTasks": self.describe, "StopTask": self.stop_task}
        )
        self.status = "RUNNING"
        self.exit_code = exit_code
        self.places = places

    def task(self) -> dict[str, Any]:
        container: dict[str, Any] = {"name": "main", "lastStatus": self.status}
        if self.status == "STOPPED" and self.exit_code is not None:
            container["exitCode"] = self.exit_code
        return {
            "taskArn": TASK,
            "clusterArn": CLUSTER,
            "lastStatus": self.status,
            "createdAt": 1.5,
            "containers": [container],
        }

    def run_task(self, _params: Any, _caller: Any) -> Any:
        if not self.places:
            return {"tasks": [], "failures": [{"reason": "RESOURCE:MEMORY"}]}
        return {"tasks": [self.task()], "failures": []}

    def describe(self, _params: Any, _caller: Any) -> Any:
        return {"tasks": [self.task()], "failures": []}

    def stop_task(self, _params: Any, _caller: Any) -> Any:
        self.status = "STOPPED"
        return {"task": self.task()}


def ran(ecs: Ecs, mode: str = ".sync", stops_at: float | None = 100, **more: Any) -> Any:
    state = {
        "Type": "Task",
        "Resource": f"arn:aws:states:::ecs:runTask{mode}",
        "Parameters": RUN_TASK,
        **more,
    }

    async def during(world: World, _arn: str) -> None:
        if stops_at is None:
            return
        await asyncio.sleep(stops_at)
        ecs.status = "STOPPED"
        detail = {"taskArn": TASK, "lastStatus": "STOPPED"}
        world.bus.publish({"source": "aws.ecs", "detail-type": "x", "detail": detail})

    return execute(one(state), None, None, during, ecs=ecs)


def test_run_task_and_wait() -> None:
    ecs = Ecs()
    ended = ran(ecs)
    assert ended.output["LastStatus"] == "STOPPED"
    assert ended.output["Containers"][0]["ExitCode"] == 0
    assert ended.output["CreatedAt"] == 1500
    assert types(ended.events)[2:6] == [
        "TaskScheduled",
        "TaskStarted",
        "TaskSubmitted",
        "TaskSucceeded",
    ]
    assert ended.description["stopDate"] - ended.description["startDate"] == 100
    assert ecs.calls[0][1] == {
        "cluster": "c",
        "taskDefinition": "t",
        "launchType": "FARGATE",
        "startedBy": "AWS Step Functions",
    }
    assert ended.events[4]["taskSubmittedEventDetails"]["resource"] == "runTask.sync"
    scheduled = json.loads(ended.events[2]["taskScheduledEventDetails"]["parameters"])
    assert scheduled["StartedBy"] == "AWS Step Functions"


@pytest.mark.parametrize("exit_code", [1, 137, None])
def test_a_task_that_does_not_exit_with_zero_fails(exit_code: int | None) -> None:
    ended = ran(Ecs(exit_code))
    assert ended.error == "States.TaskFailed"
    assert json.loads(ended.cause)["TaskArn"] == TASK


def test_run_task_alone_does_not_wait() -> None:
    ended = ran(Ecs(), mode="", stops_at=None)
    assert ended.output["Tasks"][0]["LastStatus"] == "RUNNING"
    assert ended.output["Failures"] == []


@pytest.mark.fidelity(
    area="Step Functions: integrations",
    feature="ecs:runTask that answers with failures: AmazonECS.Unknown when waited for",
    source="https://docs.aws.amazon.com/step-functions/latest/dg/connect-ecs.html",
)
def test_no_capacity() -> None:
    ended = ran(Ecs(places=False), stops_at=None)
    assert ended.error == "AmazonECS.Unknown"
    assert "RESOURCE:MEMORY" in ended.cause
    ended = ran(Ecs(places=False), mode="", stops_at=None)
    assert ended.output["Failures"] == [{"Reason": "RESOURCE:MEMORY"}]


def test_a_missed_event_is_made_up_for() -> None:
    ecs = Ecs()

    async def during(_world: World, _arn: str) -> None:
        await asyncio.sleep(10)
        ecs.status = "STOPPED"

    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::ecs:runTask.sync",
        "Parameters": RUN_TASK,
    }
    ended = execute(one(state), None, None, during, ecs=ecs)
    assert ended.status == "SUCCEEDED"
    assert ended.description["stopDate"] - ended.description["startDate"] == 60


def test_a_describe_call_that_fails_is_made_again() -> None:
    ecs = Ecs()
    refusals = iter([1, 1, 0])

    def describe(params: Any, caller: Any) -> Any:
        if next(refusals, 0):
            raise AwsError("ThrottlingException", "Slow down.")
        return ecs.describe(params, caller)

    ecs._operations["DescribeTasks"] = describe
    assert ran(ecs, stops_at=10).status == "SUCCEEDED"


def test_a_task_that_cannot_be_described_is_stopped() -> None:
    ecs = Ecs()

    def describe(_params: Any, _caller: Any) -> Any:
        raise AwsError("ThrottlingException", "Slow down.")

    ecs._operations["DescribeTasks"] = describe
    ended = ran(ecs, stops_at=None)
    assert ended.error == "ECS.AmazonECSException"
    assert len(stop_calls(ecs)) == 1


def stop_calls(ecs: Ecs) -> list[dict[str, Any]]:
    return [params for operation, params, _ in ecs.calls if operation == "StopTask"]


def test_the_task_is_stopped_when_the_state_times_out() -> None:
    ecs = Ecs()
    ended = ran(ecs, stops_at=None, TimeoutSeconds=30)
    assert ended.error == "States.Timeout"
    assert stop_calls(ecs) == [
        {
            "cluster": CLUSTER,
            "task": TASK,
            "reason": "The Step Functions execution that ran it ended",
        }
    ]


def test_the_task_is_stopped_when_the_execution_is() -> None:
    ecs = Ecs()
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::ecs:runTask.sync",
        "Parameters": RUN_TASK,
    }

    async def during(world: World, arn: str) -> None:
        await asyncio.sleep(5)
        await world.call("StopExecution", executionArn=arn)
        await asyncio.sleep(1)

    ended = execute(one(state), None, None, during, ecs=ecs)
    assert ended.status == "ABORTED"
    assert len(stop_calls(ecs)) == 1


def test_the_task_is_stopped_when_another_branch_fails() -> None:
    ecs = Ecs()
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::ecs:runTask.sync",
        "Parameters": RUN_TASK,
        "End": True,
    }
    soon = {
        "W": {"Type": "Wait", "Seconds": 3, "Next": "F"},
        "F": {"Type": "Fail", "Error": "Mine"},
    }
    branches = [
        {"StartAt": "T", "States": {"T": task}},
        {"StartAt": "W", "States": soon},
    ]
    ended = execute(one({"Type": "Parallel", "Branches": branches}), ecs=ecs)
    assert ended.error == "Mine"
    assert len(stop_calls(ecs)) == 1


def test_the_task_is_stopped_when_the_machine_times_out() -> None:
    ecs = Ecs()
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::ecs:runTask.sync",
        "Parameters": RUN_TASK,
    }

    async def during(_world: World, _arn: str) -> None:
        await asyncio.sleep(50)

    ended = execute({**one(state), "TimeoutSeconds": 40}, None, None, during, ecs=ecs)
    assert ended.status == "TIMED_OUT"
    assert len(stop_calls(ecs)) == 1


CHILD = {
    "StartAt": "W",
    "States": {
        "W": {"Type": "Wait", "Seconds": 10, "Next": "C"},
        "C": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.fail", "IsPresent": True, "Next": "F"}],
            "Default": "P",
        },
        "F": {"Type": "Fail", "Error": "Child", "Cause": "because"},
        "P": {"Type": "Pass", "Result": {"Arg1": "argument1"}, "End": True},
    },
}


def nested(mode: str, data: Any, during: Any = None, **more: Any) -> Any:
    async def main() -> Any:
        world = World()
        child = await world.create(CHILD, "child")
        state = {
            "Type": "Task",
            "Resource": f"arn:aws:states:::states:startExecution{mode}",
            "Parameters": {"StateMachineArn": child, "Name": "kid", "Input": data},
            **more,
        }
        arn = await world.start(await world.create(one(state), "parent"))
        if during:
            await during(world, arn)
        ended = await world.settled(arn)
        await asyncio.sleep(1)
        kid = await world.call(
            "DescribeExecution", executionArn=child.replace("stateMachine", "execution") + ":kid"
        )
        await world.states.stop()
        return ended, kid

    return run(main)


def test_start_execution_alone() -> None:
    ended, kid = nested("", {})
    output = json.loads(ended["output"])
    assert output["ExecutionArn"] == kid["executionArn"]
    assert output["StartDate"] == round(kid["startDate"] * 1000)
    assert kid["status"] == "RUNNING"


def test_start_execution_sync_2_gives_parsed_output() -> None:
    ended, kid = nested(".sync:2", {})
    output = json.loads(ended["output"])
    assert output["Output"] == {"Arg1": "argument1"}
    assert output["Input"] == {}
    assert (output["Status"], output["Name"]) == ("SUCCEEDED", "kid")
    assert ended["stopDate"] - ended["startDate"] == 10
    assert output["StopDate"] == round(kid["stopDate"] * 1000)
    assert not [key for key in output if key.startswith("Redrive")]


def test_start_execution_sync_gives_text() -> None:
    ended, _kid = nested(".sync", {})
    assert json.loads(ended["output"])["Output"] == '{"Arg1":"argument1"}'


def test_a_failing_child_fails_the_task() -> None:
    ended, _kid = nested(".sync:2", {"fail": 1})
    assert ended["error"] == "States.TaskFailed"
    cause = json.loads(ended["cause"])
    assert (cause["Error"], cause["Cause"], cause["Status"]) == ("Child", "because", "FAILED")
    assert cause["Input"] == '{"fail":1}'


@pytest.mark.fidelity(
    area="Step Functions: integrations",
    feature="states:startExecution.sync: the child is stopped with its parent",
    source="https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html",
)
def test_the_child_is_stopped_with_its_parent() -> None:
    async def during(world: World, arn: str) -> None:
        await asyncio.sleep(3)
        await world.call("StopExecution", executionArn=arn)

    ended, kid = nested(".sync:2", {}, during)
    assert (ended["status"], kid["status"]) == ("ABORTED", "ABORTED")


def test_errors_of_start_execution_are_named() -> None:
    missing = "arn:aws:states:us-east-1:000000000000:stateMachine:none"
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution",
        "Parameters": {"StateMachineArn": missing},
    }
    ended = execute(one(state))
    assert ended.error == "StepFunctions.StateMachineDoesNotExistException"
    assert ended.cause.startswith(
        f"State Machine Does Not Exist: '{missing}' (Service: AWSStepFunctions; Status Code: 400; "
        "Error Code: StateMachineDoesNotExist; Request ID: "
    )
