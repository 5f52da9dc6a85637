"""The system with its tasks in containers: a painting, and one that needs too much memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from system.deployment.smoke import smoke_test
from tests.system.running import Running, wait_until
from tests.system.visitor import Visitor

LITTLE_MIB = 256
GREEDY = """
import os, sys
from worker.service.program import main

class Greedy:
    def prepare(self, run): pass
    def check(self, content, styles, masks, run): return None
    def paint(self, *_):
        held = []
        while True:
            held.append(b"x" * 16_777_216)

sys.exit(main(os.environ, Greedy()))
"""
"""The worker with an engine that only takes memory."""


def tasks_of(stack: Running, run_id: str) -> list[dict[str, Any]]:
    ecs = stack.client("ecs")
    arns = ecs.list_tasks(cluster="nst", startedBy=run_id, desiredStatus="STOPPED")["taskArns"]
    found: list[dict[str, Any]] = ecs.describe_tasks(cluster="nst", tasks=arns)["tasks"]
    return found


def test_a_painting_comes_out_of_a_container(stack: Running, client: Any) -> None:
    said = list(smoke_test(stack.web_url))
    assert "a painting came out" in said
    assert not [c.name for c in client.containers.list(all=True) if c.name.startswith("nst-")]


def test_a_run_that_needs_too_much_memory_fails_with_a_reason_and_is_paid(
    stack: Running, visitor: Visitor, program: Callable[[str], str]
) -> None:
    ecs = stack.client("ecs")
    known = ecs.describe_task_definition(taskDefinition="nst-worker:1")["taskDefinition"]
    members = ("family", "networkMode", "requiresCompatibilities", "containerDefinitions")
    more = ("taskRoleArn", "executionRoleArn", "runtimePlatform", "cpu", "memory")
    greedy = {key: known[key] for key in (*members, *more)}
    greedy["containerDefinitions"][0].update(image=program(GREEDY), memory=LITTLE_MIB)
    before = visitor.budget()
    revision = ecs.register_task_definition(**greedy)["taskDefinition"]["taskDefinitionArn"]
    try:
        admission = visitor.begin()
        run_id = admission["run_id"]
        final = visitor.finish(run_id, 120)
    finally:
        ecs.deregister_task_definition(taskDefinition=revision)
    assert final["state"] == "failed"
    assert "ran out of memory" in final["cause"]["detail"]
    task = wait_until("the task to be stopped", lambda: tasks_of(stack, run_id))[0]
    assert task["containers"][0]["exitCode"] == 137
    assert task["containers"][0]["reason"].startswith("OutOfMemoryError")
    after = visitor.settled(run_id)
    paid = after["spent_microusd"] - before["spent_microusd"]
    assert 0 < paid < admission["ceiling_microusd"]
