"""The API of executions.

Expected error codes: https://docs.aws.amazon.com/step-functions/latest/apireference/. Answers are
checked against botocore's model of the API.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from emulator.core.errors import AwsError
from emulator.core.virtual_clock import run
from tests.unit.states.shapes import conforming
from tests.unit.states.world import World, execute, one

PASS = one({"Type": "Pass"})
WAIT = one({"Type": "Wait", "Seconds": 60})
ARN = "arn:aws:states:us-east-1:000000000000:execution:m:"


async def code_of(call: Any) -> str:
    with pytest.raises(AwsError) as caught:
        await call
    return caught.value.code


@pytest.mark.fidelity(
    area="Step Functions: API",
    feature="StartExecution and DescribeExecution",
    source="https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html",
    verdict="differs",
    note="a failed execution says that it cannot be redriven, since RedriveExecution is refused",
)
def test_start_answers_and_describes() -> None:
    async def main() -> None:
        world = World()
        machine = await world.create(PASS)
        started = await world.call(
            "StartExecution", stateMachineArn=machine, input='{ "a" : 1 }', traceHeader="Root=1"
        )
        conforming("StartExecution", started)
        arn = started["executionArn"]
        assert arn.startswith(ARN)
        running = await world.call("DescribeExecution", executionArn=arn)
        conforming("DescribeExecution", running)
        assert running["status"] == "RUNNING"
        assert "stopDate" not in running
        assert "output" not in running
        ended = await world.settled(arn)
        conforming("DescribeExecution", ended)
        assert ended["input"] == '{ "a" : 1 }'
        assert ended["output"] == '{"a":1}'
        assert ended["traceHeader"] == "Root=1"
        assert ended["redriveStatusReason"] == "Execution is SUCCEEDED and cannot be redriven"

    run(main)


@pytest.mark.fidelity(
    area="Step Functions: API",
    feature="StartExecution again: the same name and input while it runs",
    source="https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html",
)
def test_start_is_idempotent_while_it_runs() -> None:
    async def main() -> None:
        world = World()
        machine = await world.create(WAIT)

        def start(data: str) -> Any:
            return world.call("StartExecution", stateMachineArn=machine, name="n", input=data)

        first = await start("{}")
        await asyncio.sleep(5)
        assert await start("{}") == first
        assert await code_of(start('{"a":1}')) == "ExecutionAlreadyExists"
        await world.settled(first["executionArn"])
        assert await code_of(start("{}")) == "ExecutionAlreadyExists"

    run(main)


@pytest.mark.fidelity(
    area="Step Functions: API",
    feature="Names: InvalidName",
    source="https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html",
)
@pytest.mark.parametrize(
    "name",
    ["", "x" * 81, "a b", "a/b", "a:b", "a*b", "a?b", "a#b", "a\\b", "a{b", "a\x7f", "a&b"],
)
def test_names_that_are_refused(name: str) -> None:
    async def main() -> str:
        world = World()
        machine = await world.create(PASS)
        return await code_of(world.call("StartExecution", stateMachineArn=machine, name=name))

    assert run(main) == "InvalidName"


@pytest.mark.parametrize("name", ["a-b_c.d", "x" * 80, "0" * 32, "a!b@c=d+e(f)"])
def test_names_that_are_taken(name: str) -> None:
    async def main() -> str:
        world = World()
        return await world.start(await world.create(PASS), None, name)

    assert run(main) == ARN + name


@pytest.mark.fidelity(
    area="Step Functions: API",
    feature="Inputs: InvalidExecutionInput",
    source="https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html",
)
@pytest.mark.parametrize("data", ["not json", "{'a': 1}", "", "NaN", '"' + "x" * 262_144 + '"'])
def test_inputs_that_are_refused(data: str) -> None:
    async def main() -> str:
        world = World()
        machine = await world.create(PASS)
        return await code_of(world.call("StartExecution", stateMachineArn=machine, input=data))

    assert run(main) == "InvalidExecutionInput"


@pytest.mark.fidelity(
    area="Step Functions: API",
    feature="Error codes of calls on executions",
    source="https://docs.aws.amazon.com/step-functions/latest/apireference/API_Operations.html",
)
@pytest.mark.parametrize(
    ("operation", "params", "code"),
    [
        ("StartExecution", {"stateMachineArn": "nope"}, "InvalidArn"),
        ("StartExecution", {"stateMachineArn": ARN + "x"}, "InvalidArn"),
        (
            "StartExecution",
            {"stateMachineArn": "arn:aws:states:us-east-1:000000000000:stateMachine:no"},
            "StateMachineDoesNotExist",
        ),
        ("StartExecution", {}, "ValidationException"),
        ("DescribeExecution", {"executionArn": "nope"}, "InvalidArn"),
        ("DescribeExecution", {"executionArn": ARN + "none"}, "ExecutionDoesNotExist"),
        (
            "DescribeExecution",
            {"executionArn": ARN.replace("execution", "express") + "a:b"},
            "InvalidArn",
        ),
        ("StopExecution", {"executionArn": ARN + "none"}, "ExecutionDoesNotExist"),
        ("GetExecutionHistory", {"executionArn": ARN + "none"}, "ExecutionDoesNotExist"),
        ("GetExecutionHistory", {"executionArn": "bad"}, "InvalidArn"),
        (
            "DescribeStateMachineForExecution",
            {"executionArn": ARN + "none"},
            "ExecutionDoesNotExist",
        ),
        ("RedriveExecution", {"executionArn": ARN + "none"}, "NotSupportedByEmulator"),
        ("TestState", {}, "ValidationException"),
        ("CreateActivity", {"name": "a"}, "NotSupportedByEmulator"),
        ("ListMapRuns", {"executionArn": ARN + "none"}, "ExecutionDoesNotExist"),
    ],
)
def test_error_codes(operation: str, params: dict[str, Any], code: str) -> None:
    async def main() -> str:
        return await code_of(World().call(operation, **params))

    assert run(main) == code


@pytest.mark.fidelity(
    area="Step Functions: API",
    feature="StopExecution",
    source="https://docs.aws.amazon.com/step-functions/latest/apireference/API_StopExecution.html",
)
def test_stop_ends_at_once_and_only_once() -> None:
    async def main() -> None:
        world = World()
        arn = await world.start(await world.create(WAIT))
        await asyncio.sleep(7)
        stopped = await world.call("StopExecution", executionArn=arn, error="E", cause="C")
        conforming("StopExecution", stopped)
        found = await world.call("DescribeExecution", executionArn=arn)
        assert (found["status"], found["error"], found["cause"]) == ("ABORTED", "E", "C")
        assert found["stopDate"] == stopped["stopDate"] == found["startDate"] + 7
        await asyncio.sleep(5)
        again = await world.call("StopExecution", executionArn=arn, error="F")
        assert again == stopped
        events = await world.history(arn)
        assert events[-1]["executionAbortedEventDetails"] == {"error": "E", "cause": "C"}
        assert events[-1]["previousEventId"] == 0

    run(main)


@pytest.mark.fidelity(
    area="Step Functions: API",
    feature="StartSyncExecution",
    source="https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartSyncExecution.html",
)
def test_sync_execution_of_express_machines() -> None:
    async def main() -> None:
        world = World()
        machine = await world.create(WAIT, kind="EXPRESS")
        answer = await world.call("StartSyncExecution", stateMachineArn=machine, input='{"a":1}')
        conforming("StartSyncExecution", answer)
        assert answer["status"] == "SUCCEEDED"
        assert answer["output"] == '{"a":1}'
        assert answer["billingDetails"] == {
            "billedDurationInMilliseconds": 60_000,
            "billedMemoryUsedInMB": 64,
        }
        arn = answer["executionArn"]
        assert arn.split(":")[5] == "express"
        assert await code_of(world.call("DescribeExecution", executionArn=arn)) == "InvalidArn"
        listing = world.call("ListExecutions", stateMachineArn=machine)
        assert await code_of(listing) == "StateMachineTypeNotSupported"

    run(main)


def test_sync_execution_reports_failures_and_timeouts() -> None:
    async def main() -> None:
        world = World()
        bad = one({"Type": "Fail", "Error": "Mine", "Cause": "because"})
        machine = await world.create(bad, "bad", "EXPRESS")
        answer = await world.call("StartSyncExecution", stateMachineArn=machine)
        assert (answer["status"], answer["error"], answer["cause"]) == ("FAILED", "Mine", "because")
        assert "output" not in answer
        slow = await world.create(one({"Type": "Wait", "Seconds": 301}), "slow", "EXPRESS")
        answer = await world.call("StartSyncExecution", stateMachineArn=slow)
        assert answer["status"] == "TIMED_OUT"
        assert answer["stopDate"] - answer["startDate"] == 300

    run(main)


@pytest.mark.fidelity(
    area="Step Functions: API",
    feature="StartSyncExecution is for express machines only",
    source="https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartSyncExecution.html",
)
def test_sync_execution_of_a_standard_machine() -> None:
    async def main() -> str:
        world = World()
        machine = await world.create(PASS)
        return await code_of(world.call("StartSyncExecution", stateMachineArn=machine))

    assert run(main) == "StateMachineTypeNotSupported"


def test_express_executions_may_share_a_name_and_are_not_kept() -> None:
    async def main() -> None:
        world = World()
        machine = await world.create(PASS, kind="EXPRESS")
        arns = {await world.start(machine, None, "same") for _ in range(3)}
        assert len(arns) == 3
        await asyncio.sleep(1)
        assert world.states._runs.known == {}
        assert world.events == []

    run(main)


@pytest.mark.fidelity(
    area="Step Functions: API",
    feature="ListExecutions: filter, order, pages",
    source="https://docs.aws.amazon.com/step-functions/latest/apireference/API_ListExecutions.html",
)
def test_list_executions_filters_and_pages_newest_first() -> None:
    async def main() -> None:
        world = World()
        machine = await world.create(WAIT)
        other = await world.create(PASS, "other")
        await world.start(other, None, "elsewhere")
        for number in range(5):
            await world.start(machine, None, f"n{number}")
            await asyncio.sleep(1)
        await world.call("StopExecution", executionArn=ARN + "n1")

        async def names(**params: Any) -> list[str]:
            found: list[str] = []
            token: dict[str, Any] = {}
            while True:
                page = await world.call(
                    "ListExecutions", stateMachineArn=machine, **params, **token
                )
                conforming("ListExecutions", page)
                found += [execution["name"] for execution in page["executions"]]
                if "nextToken" not in page:
                    return found
                token = {"nextToken": page["nextToken"]}

        # n1 was stopped last: executions that are over stand by their stop date.
        assert await names() == ["n1", "n4", "n3", "n2", "n0"]
        assert await names(maxResults=2) == ["n1", "n4", "n3", "n2", "n0"]
        assert await names(statusFilter="RUNNING", maxResults=1) == ["n4", "n3", "n2", "n0"]
        assert await names(statusFilter="ABORTED") == ["n1"]
        for params in ({"statusFilter": "succeeded"}, {"maxResults": 1001}, {"maxResults": -1}):
            assert await code_of(names(**params)) == "ValidationException"
        assert await code_of(names(nextToken="x")) == "InvalidToken"
        await world.states.stop()

    run(main)


@pytest.mark.fidelity(
    area="Step Functions: API",
    feature="GetExecutionHistory: pages, reverse order, without data",
    source="https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html",
)
def test_history_pages_reverses_and_leaves_data_out() -> None:
    async def main() -> None:
        world = World()
        machine = {
            "StartAt": "A",
            "States": {
                "A": {"Type": "Pass", "Assign": {"v": 1}, "Next": "B"},
                "B": {"Type": "Succeed"},
            },
        }
        arn = await world.start(await world.create(machine), {"secret": 1})
        await world.settled(arn)

        async def events(**params: Any) -> list[dict[str, Any]]:
            found = await world.call("GetExecutionHistory", executionArn=arn, **params)
            conforming("GetExecutionHistory", found)
            return list(found["events"])

        assert [event["id"] for event in await events()] == [1, 2, 3, 4, 5, 6]
        assert [event["id"] for event in await events(reverseOrder=True)] == [6, 5, 4, 3, 2, 1]
        page = await world.call("GetExecutionHistory", executionArn=arn, maxResults=4)
        rest = await events(nextToken=page["nextToken"], maxResults=4)
        assert [event["id"] for event in page["events"] + rest] == [1, 2, 3, 4, 5, 6]
        bare = await events(includeExecutionData=False)
        assert "secret" not in json.dumps(bare)
        assert bare[1]["stateEnteredEventDetails"] == {
            "name": "A",
            "inputDetails": {"truncated": False},
        }
        full = await events()
        assert full[0]["executionStartedEventDetails"] == {
            "input": '{"secret":1}',
            "inputDetails": {"truncated": False},
            "roleArn": "arn:aws:iam::000000000000:role/workflow",
        }
        assert full[5]["executionSucceededEventDetails"] == {
            "output": '{"secret":1}',
            "outputDetails": {"truncated": False},
        }

    run(main)


@pytest.mark.fidelity(
    area="Step Functions: API",
    feature="includedData: METADATA_ONLY",
    source="https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html",
)
def test_describe_without_data() -> None:
    async def main() -> None:
        world = World()
        arn = await world.start(await world.create(PASS), {"secret": 1})
        await world.settled(arn)
        found = await world.call(
            "DescribeExecution", executionArn=arn, includedData="METADATA_ONLY"
        )
        assert "secret" not in json.dumps(found)
        assert found["inputDetails"] == found["outputDetails"] == {"included": False}

    run(main)


@pytest.mark.fidelity(
    area="Step Functions: API",
    feature="DescribeStateMachineForExecution: executions keep their definition",
    source="https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeStateMachineForExecution.html",
)
def test_an_execution_keeps_the_definition_it_started_with() -> None:
    async def main() -> None:
        world = World()
        machine = await world.create(WAIT)
        arn = await world.start(machine)
        await world.call(
            "UpdateStateMachine",
            stateMachineArn=machine,
            definition=json.dumps(one({"Type": "Fail"})),
        )
        assert (await world.settled(arn))["status"] == "SUCCEEDED"
        found = await world.call("DescribeStateMachineForExecution", executionArn=arn)
        conforming("DescribeStateMachineForExecution", found)
        assert json.loads(found["definition"]) == WAIT
        later = await world.start(machine, None, "later")
        assert (await world.settled(later))["status"] == "FAILED"

    run(main)


@pytest.mark.fidelity(
    area="Step Functions: API",
    feature="Execution status change events of EventBridge",
    source="https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html",
)
def test_status_events() -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html"""

    async def stop(world: World, arn: str) -> None:
        await asyncio.sleep(2)
        await world.call("StopExecution", executionArn=arn, error="E", cause="C")

    ended = execute(WAIT, {"a": 1}, None, stop)
    running, aborted = ended.world.events
    assert (running["source"], running["detail-type"]) == (
        "aws.states",
        "Step Functions Execution Status Change",
    )
    assert running["resources"] == [ended.arn]
    assert running["time"] == "2026-01-01T00:00:00.000Z"
    assert running["detail"] == {
        "executionArn": ended.arn,
        "stateMachineArn": "arn:aws:states:us-east-1:000000000000:stateMachine:m",
        "name": "run",
        "status": "RUNNING",
        "startDate": 1_767_225_600_000,
        "stopDate": None,
        "input": '{"a": 1}',
        "output": None,
        "stateMachineVersionArn": None,
        "stateMachineAliasArn": None,
        "redriveCount": 0,
        "redriveDate": None,
        "redriveStatus": "NOT_REDRIVABLE",
        "redriveStatusReason": "Execution is RUNNING and cannot be redriven",
        "inputDetails": {"included": True},
        "outputDetails": None,
        "error": None,
        "cause": None,
    }
    detail = aborted["detail"]
    assert (detail["status"], detail["error"], detail["cause"]) == ("ABORTED", "E", "C")
    assert detail["stopDate"] == 1_767_225_602_000
