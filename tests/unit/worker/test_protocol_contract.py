"""One suite for the worker and for its stub in the simulation: the same order, the same protocol.

docs/contracts.md, "The run inside the task". What a task says to Step Functions, which objects it
writes and in which order, how its event log ends and its exit code must be the same for both; how
often it beats, looks and writes its log in between is each one's own.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from system import events, runs
from tests.unit.worker import protocol_stages as stages
from tests.unit.worker.protocol_stages import Play, Scene, play_stub, play_worker
from tests.unit.worker.service_fakes import OTHER, RUN, World, failing, unreachable

RESULT = ("put", runs.result_key(RUN))
LOG = ("put", runs.events_key(RUN))
STARTED = ("success", "start-1")
SUCCEEDED = ("success", "watch-1")


@dataclass(frozen=True)
class Case:
    """A scene, and what must be seen of a task in it."""

    arrange: Callable[[Scene], None]
    trace: list[tuple[str, ...]]
    states: list[str] = field(default_factory=list)
    problem: str | None = None
    exit: int = 0
    beats: list[str] | None = None
    """The tokens that heartbeats went to, in order; None: whichever."""


def failed(error: str, token: str = "watch-1") -> list[tuple[str, ...]]:
    return [LOG, ("failure", token, error)]


def all_is_well(scene: Scene) -> None:
    del scene


def its_deadline_comes_first(scene: Scene) -> None:
    scene.early = True


def a_picture_is_none(scene: Scene) -> None:
    scene.refused = True


def the_engine_fails(scene: Scene) -> None:
    scene.failed = True


def a_picture_is_gone(scene: Scene) -> None:
    del scene.world.s3.objects[runs.style_key(RUN, 0)]


def there_is_no_order(scene: Scene) -> None:
    del scene.world.s3.objects[runs.start_order_key(RUN)]


def the_order_is_another_runs(scene: Scene) -> None:
    order = json.loads(scene.world.s3.objects[runs.start_order_key(RUN)])
    order["run_id"] = order["run"]["run_id"] = OTHER
    scene.world.put("orders", "start.json", json.dumps(order).encode())


def the_visitor_stops_it(scene: Scene) -> None:
    scene.at_heartbeat(scene.world.cancel)


def it_gets_sigterm(scene: Scene) -> None:
    scene.at_heartbeat(lambda: scene.terminate())  # noqa: PLW0108 (it is set when it runs)


def it_gets_sigterm_for_a_cancel(scene: Scene) -> None:
    def stop() -> None:
        scene.world.cancel()
        scene.terminate()

    scene.at_heartbeat(stop)


def a_retry_has_a_newer_order(scene: Scene) -> None:
    world = scene.world
    world.states.waiting = {"start-2"}
    world.states.before = lambda _, token: world.order("start-2") if token == "start-1" else None


def nobody_waits_for_its_start(scene: Scene) -> None:
    scene.world.states.waiting.clear()


def it_was_cancelled_before_it_started(scene: Scene) -> None:
    scene.world.states.waiting.clear()
    scene.world.cancel()


def nobody_watches_it(scene: Scene) -> None:
    scene.world.states.on_success = lambda token: None


def the_second_token_is_late(scene: Scene) -> None:
    world, looks = scene.world, []
    world.states.on_success = lambda token: None

    def look(_: str, key: str) -> None:
        if key == runs.watch_key(RUN):
            looks.append(key)
            if len(looks) == 6:
                world.watch("watch-1")

    world.s3.before = look


def renew(world: World) -> None:
    world.states.waiting.discard("watch-1")
    world.watch("watch-2")


def its_token_is_renewed_while_it_paints(scene: Scene) -> None:
    scene.at_heartbeat(lambda: renew(scene.world))


def its_token_is_renewed_when_it_reports(scene: Scene) -> None:
    world = scene.world

    def report(operation: str, token: str) -> None:
        if (operation, token) == ("success", "watch-1"):
            renew(world)

    world.states.before = report


def it_was_ended_elsewhere(scene: Scene) -> None:
    scene.at_heartbeat(lambda: scene.world.states.waiting.discard("watch-1"))


def the_painting_cannot_be_stored(scene: Scene) -> None:
    refuse = failing(unreachable())
    scene.world.s3.before = lambda _, key: refuse() if key == runs.result_key(RUN) else None


def the_painting_is_stored_at_the_second_try(scene: Scene) -> None:
    left, refuse = [1], failing(unreachable())

    def once(operation: str, key: str) -> None:
        if operation == "put" and key == runs.result_key(RUN) and left:
            left.pop()
            refuse()

    scene.world.s3.before = once


def everything_is_gone(scene: Scene) -> None:
    def vanish() -> None:
        scene.world.s3.before = scene.world.states.before = failing(unreachable())

    scene.at_heartbeat(vanish)


PAINTED = ["starting", "checking", "running"]
CASES = [
    Case(all_is_well, [STARTED, RESULT, LOG, SUCCEEDED], [*PAINTED, "succeeded"], None, 0,
         ["watch-1"]),
    Case(its_deadline_comes_first, [STARTED, RESULT, LOG, SUCCEEDED], [*PAINTED, "succeeded"]),
    Case(a_picture_is_none, [STARTED, *failed("PictureRefused")],
         ["starting", "checking", "failed"], "picture-refused"),
    Case(a_picture_is_gone, [STARTED, *failed("PictureRefused")],
         ["starting", "checking", "failed"], "picture-refused"),
    Case(there_is_no_order, [], exit=1),
    Case(the_order_is_another_runs, [], exit=1),
    Case(the_visitor_stops_it, [STARTED, *failed("RunCancelled")], [*PAINTED, "cancelled"],
         "run-cancelled"),
    Case(it_gets_sigterm, [STARTED, *failed("TaskStopped")], [*PAINTED, "failed"],
         "task-stopped"),
    Case(it_gets_sigterm_for_a_cancel, [STARTED, *failed("RunCancelled")],
         [*PAINTED, "cancelled"], "run-cancelled"),
    Case(a_retry_has_a_newer_order,
         [STARTED, ("success", "start-2"), RESULT, LOG, SUCCEEDED], [*PAINTED, "succeeded"]),
    Case(nobody_waits_for_its_start, [STARTED, *failed("WorkerLost", "start-1")],
         ["starting", "failed"], "worker-lost", 0, []),
    Case(it_was_cancelled_before_it_started, [STARTED, *failed("RunCancelled", "start-1")],
         ["starting", "cancelled"], "run-cancelled", 0, []),
    Case(nobody_watches_it, [STARTED, LOG], [*PAINTED, "failed"], "worker-lost", 1, []),
    Case(the_second_token_is_late, [STARTED, RESULT, LOG, SUCCEEDED], [*PAINTED, "succeeded"]),
    Case(its_token_is_renewed_while_it_paints,
         [STARTED, RESULT, LOG, ("success", "watch-2")], [*PAINTED, "succeeded"], None, 0,
         ["watch-1", "watch-2"]),
    Case(its_token_is_renewed_when_it_reports,
         [STARTED, RESULT, LOG, SUCCEEDED, ("success", "watch-2")], [*PAINTED, "succeeded"]),
    Case(it_was_ended_elsewhere, [STARTED, *failed("WorkerLost")], [*PAINTED, "failed"],
         "worker-lost"),
    Case(the_painting_cannot_be_stored, [STARTED, *failed("WorkerFailed")],
         [*PAINTED, "failed"], "worker-failed"),
    Case(the_painting_is_stored_at_the_second_try, [STARTED, RESULT, LOG, SUCCEEDED],
         [*PAINTED, "succeeded"]),
]  # fmt: skip
PLAYS = {"worker": play_worker, "stub": play_stub}


def watched(world: World) -> list[tuple[str, ...]]:
    """Callbacks and writes in their order, in one list, as the fakes note them.

    Of the writes of the event log only the last one counts; previews are the worker's own.
    """
    noted: list[tuple[str, ...]] = []
    put, answer = world.s3.put_object, world.states._answer

    def put_object(**params: Any) -> dict[str, Any]:
        done: dict[str, Any] = put(**params)
        if params["Key"] != runs.preview_key(RUN):
            noted.append(("put", params["Key"]))
        return done

    def answered(operation: str, params: dict[str, Any], over: bool) -> None:
        try:
            answer(operation, params, over)
        finally:
            told = (operation, params["taskToken"])
            noted.append((*told, params["error"]) if operation == "failure" else told)

    world.s3.put_object, world.states._answer = put_object, answered  # type: ignore[method-assign]
    return noted


def collapsed(noted: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    last = max((n for n, one in enumerate(noted) if one == LOG), default=None)
    kept = [one for n, one in enumerate(noted) if one != LOG or n == last]
    return [one for one in kept if one[0] != "heartbeat"]


def tokens_of(noted: list[tuple[str, ...]]) -> list[str]:
    found: list[str] = []
    for one in noted:
        if one[0] == "heartbeat" and one[1] not in found:
            found.append(one[1])
    return found


@pytest.mark.parametrize("play", PLAYS.values(), ids=PLAYS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.arrange.__name__)
def test_the_same_order_is_the_same_protocol(case: Case, play: Play) -> None:
    scene = stages.scene()
    case.arrange(scene)
    noted = watched(scene.world)
    code = play(scene)
    assert collapsed(noted) == case.trace
    assert code == case.exit
    if case.beats is not None:
        assert tokens_of(noted) == case.beats
    log = read_log(scene.world)
    assert [e.fields["state"] for e in log if e.type == "state"] == case.states
    if case.states:
        assert log[-1].final
    if case.problem is not None:
        problem = log[-1].fields["problem"]
        assert (problem["code"], problem["run_id"]) == (case.problem, RUN)
        assert len(problem["detail"]) > 10
        for failure in scene.world.states.of("failure"):
            assert failure["cause"] == problem["detail"]
    assert (runs.result_key(RUN) in scene.world.s3.objects) == (RESULT in case.trace)


def read_log(world: World) -> list[events.Event]:
    """The event log, read as clients read it: gaps, bad lines and more after an end are errors."""
    return events.EventLog().feed(world.s3.objects.get(runs.events_key(RUN), b"").decode())


@pytest.mark.parametrize("play", PLAYS.values(), ids=PLAYS)
def test_what_the_engine_cannot_do_is_a_failure_of_the_worker(play: Play) -> None:
    """The stub fails before its first step, the worker within one: their logs differ by that."""
    scene = stages.scene()
    the_engine_fails(scene)
    noted = watched(scene.world)
    assert play(scene) == 0
    assert collapsed(noted) == [STARTED, *failed("WorkerFailed")]
    assert read_log(scene.world)[-1].fields["problem"]["code"] == "worker-failed"


@pytest.mark.parametrize("play", PLAYS.values(), ids=PLAYS)
def test_a_task_whose_world_is_gone_ends_by_itself(play: Play) -> None:
    scene = stages.scene()
    everything_is_gone(scene)
    assert play(scene) == 1
    assert scene.world.states.of("failure") == []
    assert not any(event.final for event in read_log(scene.world))


@pytest.mark.parametrize("play", PLAYS.values(), ids=PLAYS)
@pytest.mark.parametrize("early", [False, True])
def test_what_a_task_says_has_the_members_of_the_contract(play: Play, early: bool) -> None:
    scene = replace(stages.scene(), early=early)
    assert play(scene) == 0
    started, done = (json.loads(call["output"]) for call in scene.world.states.of("success"))
    assert started.keys() == {"task_arn", "started_at"}
    assert done.keys() == {"result_key", "stopped_early", "steps", "cpu_s", "dtype"}
    assert (done["result_key"], done["stopped_early"]) == (runs.result_key(RUN), early)
    (result,) = [e for e in read_log(scene.world) if e.type == "result"]
    assert result.fields == {"key": runs.result_key(RUN), "stopped_early": early}
