"""The API of state machines: https://docs.aws.amazon.com/step-functions/latest/apireference/."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.core.bus import Caller
from emulator.core.errors import AwsError
from emulator.core.virtual_clock import run
from tests.unit.states.shapes import conforming
from tests.unit.states.world import ROLE, World, one

PASS = json.dumps(one({"Type": "Pass"}))
ARN = "arn:aws:states:us-east-1:000000000000:stateMachine:"


async def code_of(call: Any) -> str:
    with pytest.raises(AwsError) as caught:
        await call
    return caught.value.code


@pytest.mark.fidelity(
    area="Step Functions: API",
    feature="Create-, Describe-, Update- and DeleteStateMachine, revisionId",
    source="https://docs.aws.amazon.com/step-functions/latest/apireference/API_UpdateStateMachine.html",
    verdict="differs",
    note="tracingConfiguration is kept and given back; no traces are sent",
)
def test_create_describe_update_delete() -> None:
    async def main() -> None:
        world = World()
        created = await world.call(
            "CreateStateMachine",
            name="m",
            definition=PASS,
            roleArn=ROLE,
            tags=[{"key": "k", "value": "v"}],
        )
        conforming("CreateStateMachine", created)
        arn = created["stateMachineArn"]
        assert arn == ARN + "m"
        found = await world.call("DescribeStateMachine", stateMachineArn=arn)
        conforming("DescribeStateMachine", found)
        assert found == {
            "stateMachineArn": arn,
            "name": "m",
            "type": "STANDARD",
            "status": "ACTIVE",
            "creationDate": created["creationDate"],
            "definition": PASS,
            "roleArn": ROLE,
            "loggingConfiguration": {"level": "OFF", "includeExecutionData": False},
            "tracingConfiguration": {"enabled": False},
        }
        updated = await world.call(
            "UpdateStateMachine", stateMachineArn=arn, tracingConfiguration={"enabled": True}
        )
        conforming("UpdateStateMachine", updated)
        found = await world.call("DescribeStateMachine", stateMachineArn=arn)
        assert found["tracingConfiguration"] == {"enabled": True}
        assert found["definition"] == PASS
        assert found["revisionId"] == updated["revisionId"]
        for _ in range(2):
            assert await world.call("DeleteStateMachine", stateMachineArn=arn) == {}
        describing = world.call("DescribeStateMachine", stateMachineArn=arn)
        assert await code_of(describing) == "StateMachineDoesNotExist"

    run(main)


def test_create_is_idempotent_for_the_same_machine_only() -> None:
    async def main() -> None:
        world = World()

        def create(**changes: Any) -> Any:
            params = {"name": "m", "definition": PASS, "roleArn": ROLE, **changes}
            return world.call("CreateStateMachine", **params)

        first = await create()
        assert await create() == first
        for changes in (
            {"definition": PASS + " "},
            {"type": "EXPRESS"},
            {"tracingConfiguration": {"enabled": True}},
        ):
            assert await code_of(create(**changes)) == "StateMachineAlreadyExists"

    run(main)


@pytest.mark.fidelity(
    area="Step Functions: API",
    feature="Error codes of calls on state machines",
    source="https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html",
)
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": "a b"}, "InvalidName"),
        ({"definition": "{"}, "InvalidDefinition"),
        ({"roleArn": "role"}, "InvalidArn"),
        ({"type": "FAST"}, "ValidationException"),
        ({"name": None}, "ValidationException"),
        ({"publish": True}, "NotSupportedByEmulator"),
        (
            {"encryptionConfiguration": {"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": "k"}},
            "NotSupportedByEmulator",
        ),
        ({"tags": [{"key": str(n), "value": ""} for n in range(51)]}, "TooManyTags"),
    ],
)
def test_refused_machines(changes: dict[str, Any], code: str) -> None:
    async def main() -> str:
        params = {"name": "m", "definition": PASS, "roleArn": ROLE, **changes}
        return await code_of(World().call("CreateStateMachine", **params))

    assert run(main) == code


def test_update_needs_something_to_change() -> None:
    async def main() -> str:
        world = World()
        arn = await world.create(PASS)
        return await code_of(world.call("UpdateStateMachine", stateMachineArn=arn))

    assert run(main) == "MissingRequiredParameter"


@pytest.mark.fidelity(
    area="Step Functions: API",
    feature="ListStateMachines",
    source="https://docs.aws.amazon.com/step-functions/latest/apireference/API_ListStateMachines.html",
)
def test_list_pages_by_name_within_account_and_region() -> None:
    async def main() -> None:
        world = World()
        for name in "cab":
            await world.create(PASS, name)
        first = await world.call("ListStateMachines", maxResults=2)
        conforming("ListStateMachines", first)
        rest = await world.call("ListStateMachines", maxResults=2, nextToken=first["nextToken"])
        assert [m["name"] for m in first["stateMachines"] + rest["stateMachines"]] == [
            "a",
            "b",
            "c",
        ]
        assert "nextToken" not in rest
        elsewhere = Caller("111111111111", "us-east-1", "arn:aws:iam::111111111111:root")
        found = await world.states.call("ListStateMachines", {}, elsewhere)
        assert found == {"stateMachines": []}

    run(main)


@pytest.mark.fidelity(
    area="Step Functions: API",
    feature="TagResource, UntagResource, ListTagsForResource",
    source="https://docs.aws.amazon.com/step-functions/latest/apireference/API_TagResource.html",
)
def test_tags() -> None:
    async def main() -> None:
        world = World()
        arn = await world.create(PASS)
        tags = [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]
        await world.call("TagResource", resourceArn=arn, tags=tags)
        await world.call("TagResource", resourceArn=arn, tags=[{"key": "a", "value": "3"}])
        await world.call("UntagResource", resourceArn=arn, tagKeys=["b", "zz"])
        found = await world.call("ListTagsForResource", resourceArn=arn)
        conforming("ListTagsForResource", found)
        assert found == {"tags": [{"key": "a", "value": "3"}]}
        missing = world.call("ListTagsForResource", resourceArn=ARN + "none")
        assert await code_of(missing) == "ResourceNotFound"

    run(main)


def test_versions_and_aliases_are_truly_empty() -> None:
    async def main() -> None:
        world = World()
        arn = await world.create(PASS)
        versions = await world.call("ListStateMachineVersions", stateMachineArn=arn)
        conforming("ListStateMachineVersions", versions)
        assert versions == {"stateMachineVersions": []}
        aliases = await world.call("ListStateMachineAliases", stateMachineArn=arn)
        conforming("ListStateMachineAliases", aliases)
        assert aliases == {"stateMachineAliases": []}
        publishing = world.call("PublishStateMachineVersion", stateMachineArn=arn)
        assert await code_of(publishing) == "NotSupportedByEmulator"
        starting = world.call("StartExecution", stateMachineArn=f"{arn}:1")
        assert await code_of(starting) == "NotSupportedByEmulator"

    run(main)


@pytest.mark.fidelity(
    area="Step Functions: API",
    feature="variableReferences",
    source="https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeStateMachine.html",
)
def test_description_tells_which_variables_states_read() -> None:
    machine = {
        "QueryLanguage": "JSONata",
        "StartAt": "A",
        "States": {
            "A": {"Type": "Pass", "Assign": {"x": 1, "y": 2}, "Next": "B"},
            "B": {
                "Type": "Pass",
                "Output": "{% ($l := $x; $map([$y], function($v) { $v + $l })) & $states.input %}",
                "End": True,
            },
        },
    }

    async def main() -> Any:
        world = World()
        arn = await world.create(machine)
        return await world.call("DescribeStateMachine", stateMachineArn=arn)

    found = run(main)
    conforming("DescribeStateMachine", found)
    assert found["variableReferences"] == {"B": ["x", "y"]}
