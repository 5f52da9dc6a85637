"""The run flow at the pace of AWS, on virtual time: every wait is there, and nobody waits."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.core.errors import AwsError
from emulator.core.timings import AWS
from emulator.core.virtual_clock import run
from emulator.simulation.habits import Habits
from emulator.simulation.plan import EPOCHS, Plan, Visit
from emulator.simulation.play import control_plane, play
from emulator.simulation.visitors import STYLE, Visitor
from emulator.simulation.world import World, until

CALM = Habits(refused=0.0, failed=0.0, hung=0.0)
VISIT = Visit(1.0, 1, "draft", 64)
MINUTE = 60.0


def test_a_run_succeeds_and_is_paid_right_at_the_pace_of_aws() -> None:
    visits = tuple(Visit(20.0 * n, n, "draft", 64) for n in range(1, 4))
    report = play(Plan(1, EPOCHS[0], visits), CALM, AWS)
    assert report.violations == [], report.story()
    assert report.ends == ["SUCCEEDED"] * 3


def test_a_stop_and_a_second_start_hold_at_the_pace_of_aws() -> None:
    """While the task is still being started, which here it never is."""
    visits = (
        Visit(1.0, 1, "draft", 64, stop_after=20.0),
        Visit(2.0, 2, "draft", 64, again_after=0.1),
    )
    report = play(Plan(2, EPOCHS[0], visits), CALM, AWS)
    assert report.violations == [], report.story()
    assert sorted(report.ends) == ["RunCancelled", "SUCCEEDED"]


async def lived(seed: int = 1) -> tuple[list[dict[str, Any]], float]:
    """The tasks of one run, and when its money was settled, in seconds since its start."""
    world = World(control_plane(), seed, epoch=EPOCHS[0], habits=CALM, timings=AWS)
    async with world:
        key, bucket = f"gallery/{STYLE}.jpg", world.values["storage_bucket"]
        await world.call("s3", "PutObject", Bucket=bucket, Key=key, Body=b"a picture")
        visitor = Visitor(world, VISIT, lambda _: None)
        await visitor.live()
        assert visitor.accepted
        arn = world.values["run_nst_arn"].replace(":stateMachine:", ":execution:")
        execution = f"{arn}:{visitor.run_id}"
        with pytest.raises(AwsError, match="ExecutionDoesNotExist"):
            await world.call("states", "DescribeExecution", executionArn=execution)
        began = world.clock.now()

        async def settled() -> bool:
            view = await world.invoke("read_budget", {"action": "open_runs"})
            return not view["runs"]

        assert await until(world.clock, settled, 30 * MINUTE, step_s=1.0)
        cluster = world.values["cluster"]
        listed: list[str] = []
        for status in ("RUNNING", "STOPPED"):
            found = await world.call("ecs", "ListTasks", cluster=cluster, desiredStatus=status)
            listed += found["taskArns"]
        shown = await world.call("ecs", "DescribeTasks", cluster=cluster, tasks=listed)
        return shown["tasks"], world.clock.now() - began


def test_a_task_lives_as_long_as_the_table_says() -> None:
    tasks, settled_s = run(lived)
    assert len(tasks) == 1
    task = tasks[0]
    assert task["startedAt"] - task["createdAt"] >= AWS.task_start_s
    assert task["pullStoppedAt"] - task["pullStartedAt"] >= AWS.of("task_pull")
    assert task["stoppedAt"] - task["executionStoppedAt"] >= AWS.of("task_deprovisioning")
    painted = task["executionStoppedAt"] - task["startedAt"]
    assert settled_s - painted == pytest.approx(AWS.task_start_s, abs=AWS.run_s)
