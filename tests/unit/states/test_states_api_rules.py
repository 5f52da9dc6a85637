"""Rules of the API that clients lean on: idempotency, deletion, paging, parameters, retention.

Source of each: the page named in its marker, under
https://docs.aws.amazon.com/step-functions/latest/apireference/.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from emulator.core.errors import AwsError
from tests.unit.states.shapes import conforming
from tests.unit.states.world import ROLE, World, one, run, types

API = "https://docs.aws.amazon.com/step-functions/latest/apireference/"
AREA = "Step Functions: API"
PASS = json.dumps(one({"Type": "Pass"}))
WAIT = {
    "StartAt": "W",
    "States": {"W": {"Type": "Wait", "Seconds": 60, "Next": "P"}, "P": {"Type": "Succeed"}},
}
DAY_S = 86_400


async def refused(call: Any) -> AwsError:
    with pytest.raises(AwsError) as caught:
        await call
    return caught.value


async def code_of(call: Any) -> str:
    return (await refused(call)).code


@pytest.mark.fidelity(
    area=AREA,
    feature="CreateStateMachine again: role and tags are ignored, other differences refused",
    source=API + "API_CreateStateMachine.html",
)
def test_creating_again_with_another_role_or_tags_is_the_same_creation() -> None:
    async def main() -> None:
        world = World()
        first = await world.call("CreateStateMachine", name="m", definition=PASS, roleArn=ROLE)
        again = await world.call(
            "CreateStateMachine",
            name="m",
            definition=PASS,
            roleArn=ROLE + "2",
            tags=[{"key": "k", "value": "v"}],
        )
        assert again == first
        arn = first["stateMachineArn"]
        found = await world.call("DescribeStateMachine", stateMachineArn=arn)
        assert found["roleArn"] == ROLE
        assert (await world.call("ListTagsForResource", resourceArn=arn))["tags"] == []

    run(main)


@pytest.mark.fidelity(
    area=AREA,
    feature="DeleteStateMachine: DELETING while executions run, each ends at its next state",
    source=API + "API_DeleteStateMachine.html",
    note="AWS does not say which status the executions end with; here it is ABORTED",
)
def test_a_machine_with_running_executions_is_deleting_until_they_are_over() -> None:
    async def main() -> None:
        world = World()
        arn = await world.create(WAIT)
        execution = await world.start(arn)
        await asyncio.sleep(10)
        assert await world.call("DeleteStateMachine", stateMachineArn=arn) == {}
        found = await world.call("DescribeStateMachine", stateMachineArn=arn)
        conforming("DescribeStateMachine", found)
        assert found["status"] == "DELETING"
        for operation, params in (
            ("StartExecution", {"stateMachineArn": arn}),
            ("UpdateStateMachine", {"stateMachineArn": arn, "roleArn": ROLE}),
            ("CreateStateMachine", {"name": "m", "definition": PASS, "roleArn": ROLE}),
        ):
            assert await code_of(world.call(operation, **params)) == "StateMachineDeleting"
        assert await world.call("DeleteStateMachine", stateMachineArn=arn) == {}
        ended = await world.settled(execution)
        assert (ended["status"], ended["stopDate"] - ended["startDate"]) == ("ABORTED", 60)
        assert types(await world.history(execution))[-2:] == ["WaitStateExited", "ExecutionAborted"]
        missing = world.call("DescribeStateMachine", stateMachineArn=arn)
        assert await code_of(missing) == "StateMachineDoesNotExist"
        assert await world.create(PASS) == arn

    run(main)


def test_deletion_also_ends_executions_inside_of_branches() -> None:
    async def main() -> None:
        world = World()
        machine = one({"Type": "Parallel", "Branches": [WAIT]})
        arn = await world.create(machine)
        execution = await world.start(arn)
        await asyncio.sleep(1)
        await world.call("DeleteStateMachine", stateMachineArn=arn)
        ended = await world.settled(execution)
        assert (ended["status"], ended["stopDate"] - ended["startDate"]) == ("ABORTED", 60)
        assert types(await world.history(execution))[-1] == "ExecutionAborted"

    run(main)


def test_express_machines_go_at_once_and_their_executions_run_on() -> None:
    async def main() -> None:
        world = World()
        arn = await world.create(WAIT, kind="EXPRESS")
        running = asyncio.create_task(world.call("StartSyncExecution", stateMachineArn=arn))
        await asyncio.sleep(1)
        await world.call("DeleteStateMachine", stateMachineArn=arn)
        missing = world.call("DescribeStateMachine", stateMachineArn=arn)
        assert await code_of(missing) == "StateMachineDoesNotExist"
        assert (await running)["status"] == "SUCCEEDED"

    run(main)


@pytest.mark.fidelity(
    area=AREA,
    feature="Names of closed executions are free again after 90 days",
    source=API + "API_StartExecution.html",
)
def test_a_name_is_free_ninety_days_after_its_execution_closed() -> None:
    async def main() -> None:
        world = World()
        arn = await world.create(PASS)
        execution = await world.start(arn, {"n": 1})
        await world.settled(execution)
        await asyncio.sleep(90 * DAY_S - 60)
        starting = world.call("StartExecution", stateMachineArn=arn, name="run", input='{"n":2}')
        assert await code_of(starting) == "ExecutionAlreadyExists"
        await asyncio.sleep(120)
        assert (await world.call("ListExecutions", stateMachineArn=arn))["executions"] == []
        missing = world.call("DescribeExecution", executionArn=execution)
        assert await code_of(missing) == "ExecutionDoesNotExist"
        assert await world.start(arn, {"n": 2}) == execution
        assert (await world.settled(execution))["input"] == '{"n": 2}'

    run(main)


def test_pages_are_stable_while_executions_come() -> None:
    async def main() -> None:
        world = World()
        machine = await world.create(json.dumps(WAIT))
        for number in range(4):
            await world.start(machine, None, f"n{number}")
            await asyncio.sleep(1)
        first = await world.call("ListExecutions", stateMachineArn=machine, maxResults=2)
        await world.start(machine, None, "new")
        rest = await world.call(
            "ListExecutions", stateMachineArn=machine, maxResults=2, nextToken=first["nextToken"]
        )
        names = [e["name"] for e in first["executions"] + rest["executions"]]
        assert names == ["n3", "n2", "n1", "n0"]
        await world.states.stop()

    run(main)


def test_history_in_reverse_is_stable_while_events_come() -> None:
    async def main() -> None:
        world = World()
        arn = await world.start(await world.create(WAIT))
        await asyncio.sleep(1)

        async def page(**params: Any) -> Any:
            return await world.call(
                "GetExecutionHistory", executionArn=arn, reverseOrder=True, **params
            )

        first = await page(maxResults=1)
        await world.settled(arn)
        rest = await page(nextToken=first["nextToken"])
        assert [e["id"] for e in first["events"] + rest["events"]] == [2, 1]

    run(main)


@pytest.mark.fidelity(
    area=AREA,
    feature="ListExecutions by redriveFilter: nothing is ever redriven",
    source=API + "API_ListExecutions.html",
    note="RedriveExecution is refused, so REDRIVEN truly lists nothing",
)
def test_filters_on_redrive_and_pending_redrive() -> None:
    async def main() -> None:
        world = World()
        machine = await world.create(PASS)
        await world.settled(await world.start(machine))

        async def count(**params: Any) -> int:
            found = await world.call("ListExecutions", stateMachineArn=machine, **params)
            return len(found["executions"])

        assert await count(redriveFilter="REDRIVEN") == 0
        assert await count(redriveFilter="NOT_REDRIVEN") == 1
        assert await count(statusFilter="PENDING_REDRIVE") == 0
        assert await code_of(world.call("ListExecutions")) == "ValidationException"

    run(main)


LOG_GROUP = "arn:aws:logs:us-east-1:000000000000:log-group:g:*"
DESTINATION = {"cloudWatchLogsLogGroup": {"logGroupArn": LOG_GROUP}}


@pytest.mark.fidelity(
    area=AREA,
    feature="loggingConfiguration is checked and echoed",
    source=API + "API_LoggingConfiguration.html",
    verdict="differs",
    note="kept and given back; no log events are written",
)
@pytest.mark.parametrize(
    ("logging", "refusal"),
    [
        ({"level": "ALL"}, "Must specify exactly one Log Destination."),
        ({"level": "ERROR", "destinations": []}, "Must specify exactly one Log Destination."),
        (
            {"level": "ALL", "destinations": [DESTINATION, DESTINATION]},
            "Must specify exactly one Log Destination.",
        ),
        ({"level": "ALL", "destinations": [{}]}, "Invalid Log Group Arn"),
        ({}, None),
        ({"destinations": []}, None),
        ({"level": "OFF", "includeExecutionData": True, "destinations": [DESTINATION]}, None),
        ({"level": "ALL", "destinations": [DESTINATION]}, None),
    ],
)
def test_logging_configuration(logging: dict[str, Any], refusal: str | None) -> None:
    async def main() -> None:
        world = World()
        params = {"name": "m", "definition": PASS, "roleArn": ROLE}
        creating = world.call("CreateStateMachine", **params, loggingConfiguration=logging)
        if refusal is None:
            arn = (await creating)["stateMachineArn"]
            found = await world.call("DescribeStateMachine", stateMachineArn=arn)
            conforming("DescribeStateMachine", found)
            wanted = {"level": "OFF", "includeExecutionData": False, **logging}
            assert found["loggingConfiguration"] == wanted
        else:
            error = await refused(creating)
            assert error.code == "InvalidLoggingConfiguration"
            assert refusal in error.message

    run(main)


LONG = "x" * 1_025


@pytest.mark.fidelity(
    area=AREA,
    feature="Parameters are held to the API's model: types, required ones, enums, lengths, ranges",
    source=API + "CommonErrors.html",
)
@pytest.mark.parametrize(
    ("operation", "params", "code", "message"),
    [
        (
            "DescribeExecution",
            {},
            "ValidationException",
            (
                "1 validation error detected: Value null at 'executionArn' failed to satisfy "
                "constraint: Member must not be null"
            ),
        ),
        (
            "CreateStateMachine",
            {"name": "n"},
            "ValidationException",
            (
                "2 validation errors detected: Value null at 'definition' failed to satisfy "
                "constraint: Member must not be null; Value null at 'roleArn' failed to "
                "satisfy "
                "constraint: Member must not be null"
            ),
        ),
        (
            "ListStateMachines",
            {"maxResults": 1_001},
            "ValidationException",
            (
                "1 validation error detected: Value '1001' at 'maxResults' failed to satisfy "
                "constraint: Member must have value less than or equal to 1000"
            ),
        ),
        (
            "ListStateMachines",
            {"nextToken": LONG},
            "ValidationException",
            (
                f"1 validation error detected: Value '{LONG}' at 'nextToken' failed to satisfy "
                "constraint: Member must have length less than or equal to 1024"
            ),
        ),
        (
            "ListExecutions",
            {"stateMachineArn": "a", "statusFilter": "succeeded"},
            "ValidationException",
            (
                "1 validation error detected: Value 'succeeded' at 'statusFilter' failed to "
                "satisfy constraint: Member must satisfy enum value set: [SUCCEEDED, TIMED_OUT, "
                "PENDING_REDRIVE, ABORTED, FAILED, RUNNING]"
            ),
        ),
        (
            "TagResource",
            {"resourceArn": "a", "tags": [{"key": ""}]},
            "ValidationException",
            (
                "1 validation error detected: Value '' at 'tags.1.member.key' failed to satisfy "
                "constraint: Member must have length greater than or equal to 1"
            ),
        ),
        (
            "SendTaskFailure",
            {"taskToken": "t", "error": "x" * 257},
            "ValidationException",
            (
                "1 validation error detected: Value at 'error' failed to satisfy constraint: "
                "Member must have length less than or equal to 256"
            ),
        ),
        ("ListStateMachines", {"maxResults": "1"}, "SerializationException", None),
        ("ListStateMachines", {"maxResults": True}, "SerializationException", None),
        ("TagResource", {"resourceArn": "a", "tags": {}}, "SerializationException", None),
        ("DescribeExecution", {"executionArn": 1}, "SerializationException", None),
        ("StartDancing", {}, "UnknownOperationException", None),
    ],
)
def test_parameters(operation: str, params: dict[str, Any], code: str, message: str | None) -> None:
    async def main() -> AwsError:
        return await refused(World().call(operation, **params))

    error = run(main)
    assert error.code == code
    assert message in {None, error.message}


@pytest.mark.fidelity(
    area=AREA,
    feature="Activities, map runs, redrive, versions and aliases",
    source=API + "API_Operations.html",
    verdict="refused",
    note="refused by name; their list calls truly answer that there are none",
)
@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("CreateActivity", {"name": "a"}),
        ("GetActivityTask", {"activityArn": "a"}),
        ("DescribeMapRun", {"mapRunArn": "a"}),
        ("RedriveExecution", {"executionArn": "a"}),
        ("PublishStateMachineVersion", {"stateMachineArn": "a"}),
        ("CreateStateMachineAlias", {"name": "a", "routingConfiguration": []}),
    ],
)
def test_what_the_api_refuses_by_name(operation: str, params: dict[str, Any]) -> None:
    async def main() -> AwsError:
        return await refused(World().call(operation, **params))

    error = run(main)
    assert error.code == "NotSupportedByEmulator"
    assert operation in error.message


def test_lists_of_what_is_refused_are_truly_empty() -> None:
    async def main() -> None:
        world = World()
        activities = await world.call("ListActivities")
        conforming("ListActivities", activities)
        assert activities == {"activities": []}
        execution = await world.start(await world.create(PASS))
        runs = await world.call("ListMapRuns", executionArn=execution)
        conforming("ListMapRuns", runs)
        assert runs == {"mapRuns": []}

    run(main)


def test_arns_of_map_states_are_refused() -> None:
    async def main() -> str:
        arn = "arn:aws:states:us-east-1:000000000000:stateMachine:m/label"
        return await code_of(World().call("StartExecution", stateMachineArn=arn))

    assert run(main) == "ValidationException"


def test_tags_have_a_limit_also_when_they_are_added() -> None:
    async def main() -> None:
        world = World()
        arn = await world.create(PASS)
        tags = [{"key": str(number), "value": ""} for number in range(50)]
        await world.call("TagResource", resourceArn=arn, tags=tags)
        more = world.call("TagResource", resourceArn=arn, tags=[{"key": "one more", "value": ""}])
        assert await code_of(more) == "TooManyTags"
        assert len((await world.call("ListTagsForResource", resourceArn=arn))["tags"]) == 50

    run(main)
