"""IAM in simulated worlds: the project's own roles and policies, as they are declared."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from emulator.core.bus import Caller
from emulator.core.errors import AwsError
from emulator.core.virtual_clock import run
from emulator.simulation.play import control_plane
from emulator.simulation.world import World
from tests.mutations.mutations import permission

RUN_ID = "5" * 32


def in_a_world(act: Callable[[World], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        async with World(control_plane(), 1) as world:
            return await act(world)

    return run(main)


def session(world: World, role: str) -> Caller:
    return world.session(role, "test")


async def refusal(world: World, caller: Caller, service: str, operation: str, **params: Any) -> str:
    with pytest.raises(AwsError) as caught:
        await world.call(service, operation, caller, **params)
    return f"{caught.value.code}: {caught.value.message}"


def test_a_role_may_do_what_its_policy_allows_and_nothing_else() -> None:
    async def act(world: World) -> tuple[str, str]:
        storage = world.values["storage_bucket"]
        key = f"orders/{RUN_ID}/start.json"
        put = {"Bucket": storage, "Key": key, "Body": b"{}"}
        await world.call("s3", "PutObject", session(world, "start-nst"), **put)
        by_task = await refusal(world, session(world, "task"), "s3", "PutObject", **put)
        stopping = {"cluster": world.values["cluster"], "task": "1" * 32}
        by_start = await refusal(world, session(world, "start-nst"), "ecs", "StopTask", **stopping)
        return by_task, by_start

    by_task, by_start = in_a_world(act)
    assert by_task.startswith("AccessDenied: ")
    assert "is not authorized to perform: s3:PutObject" in by_task
    assert by_start.startswith("AccessDeniedException: ")
    assert "is not authorized to perform: ecs:StopTask" in by_start


def test_the_budget_buckets_policy_stands_there_too() -> None:
    """Once it did not, and only the functions' own care kept the ledger."""

    async def act(world: World) -> str:
        bucket = world.values["budget_bucket"]
        writing = session(world, "update-budget")
        put = {"Bucket": bucket, "Key": "ledger.json", "Body": b"{}"}
        return await refusal(world, writing, "s3", "PutObject", **put)

    assert "with an explicit deny in a resource-based policy" in in_a_world(act)


def test_a_function_whose_role_lambda_may_not_assume_does_not_run() -> None:
    async def act(world: World) -> str:
        with pytest.raises(AwsError) as caught:
            await world.invoke("read_budget", {"action": "check"})
        return caught.value.code

    assert in_a_world(lambda world: world.invoke("read_budget", {"action": "check"}))
    with permission("trust-lambda", "Assume")():
        # The deployment of a world invokes a function, too.
        with pytest.raises(AwsError) as caught:
            in_a_world(act)
        assert caught.value.code == "AccessDeniedException"


def test_a_policy_that_is_declared_otherwise_holds_in_the_next_world_and_not_in_the_one_after() -> (
    None
):
    async def act(world: World) -> bool:
        order = {"Bucket": world.values["storage_bucket"], "Key": f"orders/{RUN_ID}/start.json"}
        try:
            await world.call("s3", "PutObject", session(world, "start-nst"), **order, Body=b"{}")
        except AwsError:
            return False
        return True

    assert in_a_world(act)
    with permission("start-nst", "WriteStartOrder")():
        assert not in_a_world(act)
    assert in_a_world(act)
