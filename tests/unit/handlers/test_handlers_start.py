"""Start NST: one task a run at most, and every attempt on record."""

from __future__ import annotations

import json
from typing import Any

import pytest

from handlers import errors
from handlers.start_nst import function as start_nst
from tests.unit.handlers.fakes import NOW, RUN, TASK_ARN, Context, World
from tests.unit.handlers.task_calls import ORDER, ensure, outcomes, start
from tests.unit.system.fake_s3 import client_error


@pytest.fixture
def world() -> World:
    return World()


def test_a_task_is_started_with_an_order_to_read(world: World) -> None:
    assert start(world) == {"task_arn": TASK_ARN}
    order = world.get(ORDER)
    assert order == {
        "run_id": RUN,
        "task_token": "t1",
        "run": {"run_id": RUN},
        "correlation_id": "c",
        "attempts": [
            {"id": "request-1", "at": int(NOW), "outcome": "placed", "task_arn": TASK_ARN}
        ],
    }
    [asked] = world.ecs.run
    assert asked["clientToken"] == asked["startedBy"] == RUN
    assert asked["networkConfiguration"]["awsvpcConfiguration"]["subnets"] == [
        "subnet-1",
        "subnet-2",
    ]
    [override] = asked["overrides"]["containerOverrides"]
    assert override == {"name": "nst", "environment": [{"name": "RUN_ID", "value": RUN}]}
    assert "t1" not in json.dumps(asked)


@pytest.mark.parametrize(
    ("provider", "where"),
    [
        (None, {"launchType": "FARGATE"}),
        ("FARGATE", {"launchType": "FARGATE"}),
        (
            "FARGATE_SPOT",
            {"capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]},
        ),
    ],
)
def test_a_task_goes_where_the_deployment_says(provider: str | None, where: dict[str, Any]) -> None:
    world = World()
    if provider is not None:
        world.variables["CAPACITY_PROVIDER"] = provider
    start(world)
    [asked] = world.ecs.run
    places = ("launchType", "capacityProviderStrategy")
    assert {k: v for k, v in asked.items() if k in places} == where


def test_the_order_is_there_before_ecs_is_asked(world: World) -> None:
    seen: list[Any] = []
    world.ecs.answers = [client_error("ServerException", 500, "RunTask")]
    run_task = world.ecs.run_task

    def looking(**params: Any) -> Any:
        seen.append(world.get(ORDER))
        return run_task(**params)

    world.ecs.run_task = looking  # type: ignore[method-assign]
    with pytest.raises(errors.NoCapacity):
        start(world)
    assert seen[0]["attempts"][0]["outcome"] == "asked"


def test_a_retry_brings_its_token_and_finds_the_same_task(world: World) -> None:
    start(world)
    assert start(world, "t2", "request-2") == {"task_arn": TASK_ARN}
    assert world.get(ORDER)["task_token"] == "t2"
    assert len(world.ecs.run) == 1
    assert len(world.ecs.tasks) == 1


def test_a_lost_reply_is_found_by_the_next_attempt(world: World) -> None:
    world.ecs.answers = ["lost reply"]
    with pytest.raises(errors.NoCapacity):
        start(world)
    assert outcomes(world) == ["asked"]
    assert start(world, "t2", "request-2") == {"task_arn": TASK_ARN}
    assert outcomes(world) == ["asked", "placed"]
    assert len(world.ecs.tasks) == 1


def test_the_same_invocation_twice_is_one_attempt(world: World) -> None:
    world.ecs.answers = [client_error("ServerException", 500, "RunTask")]
    with pytest.raises(errors.NoCapacity):
        start(world)
    start(world)
    assert outcomes(world) == ["placed"]


def test_a_token_conflict_names_the_task_that_there_is(world: World) -> None:
    world.ecs.answers = [client_error("ConflictException", 400, "RunTask", resourceIds=[TASK_ARN])]
    assert start(world) == {"task_arn": TASK_ARN}


@pytest.mark.parametrize(
    ("answer", "raised", "outcome"),
    [
        ([{"reason": "RESOURCE:ENI"}], errors.NoCapacity, "refused"),
        ([{"reason": "Capacity is unavailable at this time."}], errors.NoCapacity, "refused"),
        ([{"reason": "MISSING"}], errors.TaskRefused, "refused"),
        (client_error("ThrottlingException", 400, "RunTask"), errors.NoCapacity, "refused"),
        (client_error("LimitExceededException", 400, "RunTask"), errors.NoCapacity, "refused"),
        (client_error("AccessDeniedException", 400, "RunTask"), errors.TaskRefused, "refused"),
        (client_error("ClusterNotFoundException", 400, "RunTask"), errors.TaskRefused, "refused"),
        (client_error("ServerException", 500, "RunTask"), errors.NoCapacity, "asked"),
        (client_error("ConflictException", 400, "RunTask"), errors.NoCapacity, "asked"),
        (ConnectionError("reset"), errors.NoCapacity, "asked"),
    ],
)
def test_what_ecs_says_is_told_apart(
    world: World, answer: Any, raised: type[Exception], outcome: str
) -> None:
    world.ecs.answers = [answer]
    with pytest.raises(raised):
        start(world)
    assert outcomes(world) == [outcome]


def tried_again(error: Any) -> Any:
    """The SDK's last answer, of a call that it made twice."""
    error.response["ResponseMetadata"]["RetryAttempts"] = 1
    return error


@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        (
            {
                "tasks": [],
                "failures": [{"reason": "RESOURCE:CAPACITY"}],
                "ResponseMetadata": {"HTTPStatusCode": 200, "RetryAttempts": 2},
            },
            errors.NoCapacity,
        ),
        (tried_again(client_error("ThrottlingException", 400, "RunTask")), errors.NoCapacity),
        (tried_again(client_error("AccessDeniedException", 400, "RunTask")), errors.TaskRefused),
    ],
)
def test_a_refusal_after_a_try_without_an_answer_proves_nothing(
    world: World, answer: Any, raised: type[Exception]
) -> None:
    """The first of the SDK's tries may have placed the task, and only its answer was lost."""
    world.ecs.answers = [answer]
    with pytest.raises(raised):
        start(world)
    assert outcomes(world) == ["asked"]
    world.ecs.place()
    with pytest.raises(errors.TaskStillStopping):
        ensure(world)
    assert [stopped["task"] for stopped in world.ecs.stopped] == [TASK_ARN]


@pytest.mark.parametrize("mark", ["cancel", "over"])
def test_a_marked_run_does_not_start(world: World, mark: str) -> None:
    world.put(f"orders/{RUN}/{mark}", {})
    with pytest.raises(errors.RunCancelled):
        start(world)
    assert world.ecs.run == []
    assert ensure(world) == {"state": "never_started"}


def test_attempts_are_bounded(world: World) -> None:
    world.ecs.answers = [client_error("ServerException", 500, "RunTask")] * 40
    for n in range(32):
        with pytest.raises(errors.NoCapacity):
            start(world, request=f"r{n}")
    with pytest.raises(errors.TaskRefused):
        start(world, request="one too many")
    assert len(world.ecs.run) == 32


@pytest.mark.parametrize(
    "payload",
    [
        {"task_token": "t", "run": {"run_id": "x"}},
        {"task_token": "t"},
        {"run": {"run_id": RUN}},
        {"task_token": "t" * 3_000, "run": {"run_id": RUN}},
    ],
)
def test_wrong_starts_are_refused(world: World, payload: dict[str, Any]) -> None:
    with pytest.raises(errors.InvalidRequest):
        start_nst({"action": "start", **payload}, Context(), world.parts)
    assert world.ecs.run == []
