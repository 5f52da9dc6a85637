"""Faults by rule: what each does to a call, when it strikes, and what is no rule."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from emulator.core.bus import Bus, Caller
from emulator.core.errors import AwsError, NoReply, NotSupported, ProcessCrash
from emulator.core.faults import EFFECTS, Faults, Rule, RuleError
from emulator.core.virtual_clock import EPOCH, VirtualClock, run

FUNCTION = Caller("0" * 12, "us-east-1", "arn:aws:sts::000000000000:assumed-role/nst-start-nst/f")
VISITOR = Caller("0" * 12, "us-east-1", "arn:aws:iam::000000000000:root")


class Service:
    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.effects: list[float] = []

    async def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        self.effects.append(self.clock.now() - EPOCH)
        return {"number": len(self.effects)}


class Tasks:
    def __init__(self) -> None:
        self.struck: list[tuple[str, str]] = []

    def kill(self, task_arn: str) -> None:
        self.struck.append(("kill", task_arn))

    def exhaust_memory(self, task_arn: str) -> None:
        self.struck.append(("memory", task_arn))

    def interrupt(self, task_arn: str) -> None:
        self.struck.append(("spot", task_arn))


class Stage:
    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.bus = Bus()
        self.service = Service(self.clock)
        self.tasks = Tasks()
        self.faults = Faults(
            self.clock,
            random.Random(1),
            tasks=self.tasks,
            crashes=lambda caller: "assumed-role" in caller.principal,
        )
        for name in ("s3", "ecs"):
            self.bus.register(name, self.service)
        self.bus.use(self.faults.around)
        self.bus.subscribe(self.faults.hear)

    async def call(
        self,
        service: str = "s3",
        operation: str = "PutObject",
        caller: Caller = FUNCTION,
        **params: Any,
    ) -> Any:
        return await self.bus.call(service, operation, params, caller)


def play(scene: Callable[[Stage], Awaitable[None]]) -> Stage:
    async def main() -> Stage:
        stage = Stage()
        await scene(stage)
        await stage.faults.stop()
        return stage

    return run(main)


def test_an_error_comes_without_the_effect() -> None:
    async def scene(stage: Stage) -> None:
        stage.faults.add(Rule("error", code="SlowDown", status=503, message="slow"))
        with pytest.raises(AwsError, match="SlowDown: slow") as caught:
            await stage.call()
        assert caught.value.status == 503

    assert not play(scene).service.effects


@pytest.mark.parametrize(("effect", "effects"), [("lost_request", 0), ("lost_reply", 1)])
def test_a_lost_message_gets_no_reply(effect: str, effects: int) -> None:
    async def scene(stage: Stage) -> None:
        stage.faults.add(Rule(effect))
        with pytest.raises(NoReply):
            await stage.call()

    assert len(play(scene).service.effects) == effects


@pytest.mark.parametrize(("effect", "effects"), [("crash_before", 0), ("crash_after", 1)])
def test_a_process_crashes_at_its_call_and_others_get_no_reply(effect: str, effects: int) -> None:
    async def scene(stage: Stage) -> None:
        stage.faults.add(Rule(effect))
        with pytest.raises(ProcessCrash):
            await stage.call()
        with pytest.raises(NoReply):
            await stage.call(caller=VISITOR)

    assert len(play(scene).service.effects) == 2 * effects


def test_a_delay_comes_before_the_effect() -> None:
    async def scene(stage: Stage) -> None:
        stage.faults.add(Rule("delay", seconds=7))
        await stage.call()

    assert play(scene).service.effects == [7.0]


def test_a_duplicate_is_delivered_again_later_and_the_first_answer_counts() -> None:
    async def scene(stage: Stage) -> None:
        stage.faults.add(Rule("duplicate", seconds=5))
        assert await stage.call() == {"number": 1}
        await stage.clock.sleep(10)

    assert play(scene).service.effects == [0.0, 5.0]


def test_no_capacity_is_an_answer_of_run_task_alone() -> None:
    async def scene(stage: Stage) -> None:
        stage.faults.add(Rule("no_capacity"))
        answer = await stage.call("ecs", "RunTask")
        assert answer == {"tasks": [], "failures": [{"reason": "RESOURCE:CAPACITY"}]}
        assert await stage.call("ecs", "StopTask") == {"number": 1}

    play(scene)


@pytest.mark.fidelity(
    area="S3",
    feature="409 ConditionalRequestConflict of conditional writes, when a fault asks for it",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html",
)
@pytest.mark.parametrize("operation", ["PutObject", "CopyObject", "CompleteMultipartUpload"])
@pytest.mark.parametrize(
    ("member", "value", "header"),
    [("IfMatch", '"etag"', "If-Match"), ("IfNoneMatch", "*", "If-None-Match")],
)
def test_a_conflict_is_s3s_answer_to_conditional_writes_without_the_effect(
    operation: str, member: str, value: str, header: str
) -> None:
    async def scene(stage: Stage) -> None:
        stage.faults.add(Rule("conflict", times=1))
        with pytest.raises(AwsError) as caught:
            await stage.call("s3", operation, Key="ledger.json", **{member: value})
        assert (caught.value.code, caught.value.status) == ("ConditionalRequestConflict", 409)
        assert caught.value.fields == {"Condition": header, "Key": "ledger.json"}
        await stage.call("s3", operation, Key="ledger.json", **{member: value})

    assert len(play(scene).service.effects) == 1


def test_a_conflict_meets_no_other_call() -> None:
    async def scene(stage: Stage) -> None:
        stage.faults.add(Rule("conflict"))
        await stage.call("s3", "PutObject", Key="k")
        await stage.call("s3", "GetObject", Key="k", IfMatch='"etag"')
        await stage.call("s3", "DeleteObject", Key="k", IfMatch='"etag"')
        await stage.call("ecs", "RunTask", IfMatch='"etag"')
        assert [rule["met"] for rule in stage.faults.rules()] == [0]

    assert len(play(scene).service.effects) == 4


@pytest.mark.parametrize(
    ("effect", "what"),
    [("task_killed", "kill"), ("task_out_of_memory", "memory"), ("spot_interruption", "spot")],
)
def test_a_task_is_struck_some_time_after_it_began_to_run(effect: str, what: str) -> None:
    async def scene(stage: Stage) -> None:
        stage.faults.add(Rule(effect, caller="run-1", seconds=3))
        for run_id, status in (("run-1", "PENDING"), ("run-1", "RUNNING"), ("run-2", "RUNNING")):
            detail = {
                "taskArn": f"task-of-{run_id}",
                "startedBy": run_id,
                "lastStatus": status,
                "desiredStatus": "RUNNING",
            }
            stage.bus.publish({"source": "aws.ecs", "detail": detail})
        await stage.clock.sleep(2.9)
        assert not stage.tasks.struck
        await stage.clock.sleep(0.2)

    assert play(scene).tasks.struck == [(what, "task-of-run-1")]


def test_a_clock_is_off_for_whom_the_rule_names() -> None:
    async def scene(stage: Stage) -> None:
        stage.faults.add(Rule("clock_skew", caller="*start-nst*", seconds=-30))
        assert stage.faults.skew(FUNCTION) == -30
        assert stage.faults.skew(VISITOR) == 0

    play(scene)


def test_a_rule_meets_the_calls_that_its_patterns_name() -> None:
    async def scene(stage: Stage) -> None:
        stage.faults.add(Rule("error", service="s3", operation="Put*", caller="*start-nst*"))
        await stage.call("ecs", "PutObject")
        await stage.call("s3", "GetObject")
        await stage.call("s3", "PutObject", VISITOR)
        with pytest.raises(AwsError):
            await stage.call("s3", "PutObject")
        assert [(r["met"], r["struck"]) for r in stage.faults.rules()] == [(1, 1)]

    play(scene)


async def outcomes(stage: Stage, count: int) -> list[bool]:
    """Whether each of so many calls failed."""
    found = await asyncio.gather(*(stage.call() for _ in range(count)), return_exceptions=True)
    return [isinstance(outcome, AwsError) for outcome in found]


def test_the_nth_call_and_no_other() -> None:
    async def scene(stage: Stage) -> None:
        stage.faults.add(Rule("error", nth=3))
        assert await outcomes(stage, 5) == [False, False, True, False, False]

    play(scene)


def test_so_often_and_no_oftener() -> None:
    async def scene(stage: Stage) -> None:
        stage.faults.add(Rule("error", times=2))
        assert await outcomes(stage, 4) == [True, True, False, False]

    play(scene)


def test_a_probability_is_kept_and_the_same_for_the_same_seed() -> None:
    async def failed(stage: Stage) -> None:
        stage.faults.add(Rule("error", probability=0.3))
        seen.append(await outcomes(stage, 1_000))

    seen: list[list[bool]] = []
    play(failed)
    play(failed)
    assert seen[0] == seen[1]
    assert 250 < sum(seen[0]) < 350


def test_a_rule_strikes_between_its_begin_and_its_end() -> None:
    async def scene(stage: Stage) -> None:
        stage.faults.add(Rule("error", begin=EPOCH + 10, end=EPOCH + 20))
        seen = []
        for _ in range(3):
            seen += await outcomes(stage, 1)
            await stage.clock.sleep(10)
        assert seen == [False, True, False]

    play(scene)


def test_rules_are_listed_and_taken_back() -> None:
    async def scene(stage: Stage) -> None:
        first = stage.faults.add(Rule("error", service="s3", nth=9))
        stage.faults.add(Rule("delay", seconds=1))
        assert stage.faults.rules()[0] == {
            "id": first, "effect": "error", "service": "s3", "nth": 9, "met": 0, "struck": 0
        }  # fmt: skip
        assert stage.faults.remove(first)
        assert not stage.faults.remove(first)
        assert stage.faults.clear() == 1
        assert await outcomes(stage, 1) == [False]

    play(scene)


@pytest.mark.parametrize(
    "document",
    [
        None,
        {},
        {"effect": "explode"},
        {"effect": "error", "colour": "red"},
        {"effect": "error", "probability": 0},
        {"effect": "error", "probability": 1.5},
        {"effect": "error", "nth": 0},
        {"effect": "error", "times": "often"},
        {"effect": "error", "status": 200},
        {"effect": "delay"},
        {"effect": "clock_skew"},
        {"effect": "duplicate", "seconds": -1},
        {"effect": "conflict", "service": "dynamodb"},
        {"effect": "conflict", "operation": "GetObject"},
        {"effect": "conflict", "service": "s3", "operation": "Delete*"},
    ],
)
def test_what_makes_no_sense_is_no_rule(document: Any) -> None:
    with pytest.raises(RuleError):
        Rule.parse(document)


@pytest.mark.parametrize("effect", EFFECTS)
def test_a_rule_is_the_same_after_json(effect: str) -> None:
    rule = Rule(effect, service="s3", seconds=2.0, times=4)
    assert Rule.parse(rule.document()) == rule


@pytest.mark.parametrize("effect", ["crash_before", "task_killed", "clock_skew"])
def test_what_nothing_here_can_suffer_is_refused_by_name(effect: str) -> None:
    faults = Faults(VirtualClock())
    with pytest.raises(NotSupported):
        faults.add(Rule(effect, seconds=1.0))
