"""The four workflows on the interpreter, with scripted functions: every path and its answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from emulator.core.bus import Bus, Caller
from emulator.core.clock import RealClock
from emulator.core.errors import AwsError
from emulator.core.journal import Journal
from emulator.deploy_values import placeholders
from emulator.settings import Settings
from emulator.states import StatesService
from system import stack

CALLER = Caller("000000000000", "us-east-1", "arn:aws:iam::000000000000:root")
DECLARED = stack.declaration()
VALUES = placeholders(DECLARED, Settings())
RUN = {"run_id": "b" * 32, "digest": "d1", "ceiling_microusd": 5, "deadline_s": 60}
START = {"body": {"run_id": "b" * 32, "styles": [{}], "params": {}}, "correlation_id": "c1"}


class Failure(Exception):  # noqa: N818 - carries any error's name
    """What a function raises: its name and its sentence."""

    def __init__(self, name: str, sentence: str = "A sentence for the visitor.") -> None:
        super().__init__(sentence)
        self.name = name


class World:
    """The services around the workflows; ``answers`` are taken in order, the last one stays."""

    def __init__(self) -> None:
        self.bus = Bus()
        # Retries wait for seconds; at this scale the tests do not.
        self.states = StatesService(self.bus, RealClock(scale=40), Journal(None))
        self.answers: dict[tuple[str, str], list[Any]] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.metrics: list[dict[str, Any]] = []
        self.report: tuple[str, str] | None = None
        for name in ("states", "lambda", "s3", "monitoring", "cloudwatch"):
            self.bus.register(name, self.states if name == "states" else Part(self, name))

    def say(self, function: str, action: str, *answers: Any) -> None:
        self.answers[(function, action)] = list(answers)

    def asked(self, action: str) -> list[dict[str, Any]]:
        return [payload for name, payload in self.calls if name == action]

    async def deploy(self) -> None:
        for key, workflow in DECLARED["workflows"].items():
            await self.states.call(
                "CreateStateMachine",
                {
                    "name": VALUES[f"{key}_name"],
                    "definition": stack.workflow(workflow["definition"], VALUES),
                    "roleArn": "arn:aws:iam::000000000000:role/nst",
                    "type": workflow["type"],
                },
                CALLER,
            )

    async def sync(self, workflow: str, given: dict[str, Any]) -> dict[str, Any]:
        return await self.states.call(
            "StartSyncExecution",
            {"stateMachineArn": VALUES[f"{workflow}_arn"], "input": json.dumps(given)},
            CALLER,
        )

    async def run_ended(self, run_id: str = RUN["run_id"]) -> dict[str, Any]:  # type: ignore[assignment]
        arn = f"{VALUES['run_nst_execution_arn_prefix']}:{run_id}"
        while True:
            found = await self.states.call("DescribeExecution", {"executionArn": arn}, CALLER)
            if found["status"] != "RUNNING":
                return found
            await asyncio.sleep(0.005)


class Part:
    """A service that answers from the world's script."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name

    async def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        world = self.world
        if self.name == "lambda":
            payload = json.loads(params["Payload"])
            function = params["FunctionName"].rsplit(":nst-", 1)[1]
            world.calls.append((payload["action"], payload))
            script = world.answers[(function, payload["action"])]
            answer = script.pop(0) if len(script) > 1 else script[0]
            if isinstance(answer, Failure):
                error = {"errorType": answer.name, "errorMessage": str(answer)}
                return {
                    "StatusCode": 200,
                    "FunctionError": "Unhandled",
                    "Payload": json.dumps(error).encode(),
                }
            if payload["action"] == "start":
                self._later(self._started(payload["task_token"]))
            return {"StatusCode": 200, "Payload": json.dumps(answer).encode()}
        if self.name == "s3":
            body = json.loads(params["Body"])
            assert params["Key"] == f"orders/{body['run_id']}/watch.json"
            self._later(self._ended(body["task_token"]))
            return {"ETag": '"x"'}
        world.metrics.append(params)
        return {}

    @staticmethod
    def _later(work: Any) -> None:
        task = asyncio.ensure_future(work)
        task.add_done_callback(lambda done: done.exception())

    async def _started(self, token: str) -> None:
        done = {"taskToken": token, "output": '{"task_arn": "t"}'}
        await self.world.states.call("SendTaskSuccess", done, CALLER)

    async def _ended(self, token: str) -> None:
        states, report = self.world.states, self.world.report
        await states.call("SendTaskHeartbeat", {"taskToken": token}, CALLER)
        if report is None:
            done = {"taskToken": token, "output": '{"result_key": "r"}'}
            await states.call("SendTaskSuccess", done, CALLER)
        elif report[0] != "silence":
            failed = {"taskToken": token, "error": report[0], "cause": report[1]}
            await states.call("SendTaskFailure", failed, CALLER)


def play(scene: Callable[[World], Any]) -> World:
    """Run a scene in a world in which everything goes well unless it says otherwise."""

    async def whole() -> World:
        world = World()
        world.say("read-budget", "check", {"available_microusd": 10})
        world.say("get-upload-url", "admit", {"run_id": "a" * 32, "uploads": {}})
        world.say("get-upload-url", "check", RUN)
        world.say("update-budget", "reserve", {"outcome": "reserved", "fresh": True})
        world.say("update-budget", "settle", {"outcome": "settled"})
        world.say("update-budget", "release", {"outcome": "released"})
        world.say("start-nst", "start", {"task_arn": "t"})
        world.say("stop-nst", "ensure_stopped", {"task": {"state": "stopped"}})
        world.say("stop-nst", "report_lost", {"finding": None})
        world.say("stop-nst", "sweep", {"stopped": []})
        await world.deploy()
        await scene(world)
        await world.states.stop()
        return world

    return asyncio.run(asyncio.wait_for(whole(), 60))


def problem(answer: dict[str, Any]) -> dict[str, Any]:
    assert answer["status"] == "FAILED", answer
    document: dict[str, Any] = json.loads(answer["cause"])
    assert document["type"] == f"urn:nst:problem:{document['code']}"
    return document


def test_admit_answers_the_uploads_with_the_budget() -> None:
    async def scene(world: World) -> None:
        given = {"body": {"content": {}, "styles": [{"gallery": "x"}]}, "correlation_id": "c1"}
        answer = await world.sync("admit_run", given)
        assert answer["status"] == "SUCCEEDED"
        assert json.loads(answer["output"]) == {
            "run_id": "a" * 32,
            "uploads": {},
            "budget": {"available_microusd": 10},
        }

    world = play(scene)
    assert [name for name, _ in world.calls] == ["check", "admit"]
    assert {payload["correlation_id"] for _, payload in world.calls} == {"c1"}


@pytest.mark.parametrize(
    ("name", "status"),
    [("BudgetExhausted", 402), ("DailyLimitReached", 402), ("TooManyRuns", 429)],
)
def test_admit_refuses_with_the_functions_sentence(name: str, status: int) -> None:
    async def scene(world: World) -> None:
        world.say("read-budget", "check", Failure(name, "Come back on Monday."))
        answer = await world.sync("admit_run", {"body": {}, "correlation_id": "c1"})
        document = problem(answer)
        assert answer["error"] == name
        assert document["status"] == status
        assert document["detail"] == "Come back on Monday."
        assert document["correlation_id"] == "c1"

    assert not play(scene).asked("admit")


def test_an_unknown_failure_is_an_internal_error_without_its_details() -> None:
    async def scene(world: World) -> None:
        world.say("read-budget", "check", Failure("KeyError", "'secret'"))
        answer = await world.sync("admit_run", {"body": {}, "correlation_id": "c1"})
        document = problem(answer)
        assert (answer["error"], document["status"]) == ("InternalError", 500)
        assert "secret" not in answer["cause"]

    play(scene)


def test_a_run_from_start_to_settled() -> None:
    async def scene(world: World) -> None:
        answer = await world.sync("start_run", START)
        assert answer["status"] == "SUCCEEDED", answer
        assert json.loads(answer["output"]) == {
            "run_id": RUN["run_id"],
            "state": "starting",
            "ceiling_microusd": 5,
        }
        ended = await world.run_ended()
        assert ended["status"] == "SUCCEEDED"
        assert json.loads(ended["output"])["result"] == {"result_key": "r"}

    world = play(scene)
    names = [name for name, _ in world.calls]
    assert names == ["check", "reserve", "start", "ensure_stopped", "settle"]
    assert world.asked("start")[0]["run"] == RUN
    assert world.asked("settle")[0]["task"] == {"state": "stopped"}


def test_a_task_that_is_still_stopping_is_asked_again() -> None:
    async def scene(world: World) -> None:
        stopped = {"task": {"state": "stopped"}}
        world.say("stop-nst", "ensure_stopped", Failure("TaskStillStopping"), stopped)
        await world.sync("start_run", START)
        assert (await world.run_ended())["status"] == "SUCCEEDED"

    assert len(play(scene).asked("ensure_stopped")) == 2


@pytest.mark.parametrize("name", ["UploadMissing", "UploadRefused", "InvalidRequest"])
def test_bad_uploads_reserve_nothing(name: str) -> None:
    async def scene(world: World) -> None:
        world.say("get-upload-url", "check", Failure(name))
        document = problem(await world.sync("start_run", START))
        assert document["run_id"] == RUN["run_id"]

    assert not play(scene).asked("reserve")


def test_a_refused_reservation_starts_nothing() -> None:
    async def scene(world: World) -> None:
        world.say("update-budget", "reserve", Failure("BudgetExhausted"))
        assert problem(await world.sync("start_run", START))["status"] == 402
        with pytest.raises(AwsError, match="ExecutionDoesNotExist"):
            await world.run_ended()

    assert not play(scene).asked("start")


def test_the_same_start_twice_is_one_run() -> None:
    async def scene(world: World) -> None:
        first = {"outcome": "reserved", "fresh": True}
        second = {"outcome": "already_reserved", "fresh": False}
        world.say("update-budget", "reserve", first, second)
        answers = await asyncio.gather(
            world.sync("start_run", START), world.sync("start_run", START)
        )
        assert [a["status"] for a in answers] == ["SUCCEEDED", "SUCCEEDED"]
        await world.run_ended()

    world = play(scene)
    assert len(world.asked("start")) == 1
    assert len(world.asked("settle")) == 1
    assert not world.asked("release")


def test_a_run_that_is_over_is_accepted_and_not_started_again() -> None:
    async def scene(world: World) -> None:
        world.say("update-budget", "reserve", {"outcome": "over", "fresh": False})
        assert (await world.sync("start_run", START))["status"] == "SUCCEEDED"

    assert not play(scene).asked("start")


@pytest.mark.parametrize(("digest", "status"), [("d1", "SUCCEEDED"), ("d2", "FAILED")])
def test_a_reservation_for_a_name_that_was_used_is_released(digest: str, status: str) -> None:
    """The ledger has forgotten the old run, Step Functions has not."""

    async def scene(world: World) -> None:
        await world.sync("start_run", START)
        await world.run_ended()
        world.say("get-upload-url", "check", {**RUN, "digest": digest})
        answer = await world.sync("start_run", START)
        assert answer["status"] == status
        if status == "FAILED":
            assert problem(answer)["status"] == 409

    world = play(scene)
    assert len(world.asked("release")) == 1
    assert len(world.asked("start")) == 1


@pytest.mark.parametrize(
    ("report", "code"),
    [
        (("PictureRefused", "The content is a text file."), "picture-refused"),
        (("RunCancelled", "You stopped this run."), "run-cancelled"),
        (("TaskStopped", "The painter ended early."), "task-stopped"),
        (("WorkerFailed", "The painter failed."), "worker-failed"),
        (("Surprise", "stack trace"), "internal-error"),
        (("silence", ""), "worker-lost"),
    ],
)
def test_every_end_of_the_task_is_stopped_settled_and_explained(
    report: tuple[str, str], code: str
) -> None:
    async def scene(world: World) -> None:
        world.report = report
        await world.sync("start_run", START)
        document = problem(await world.run_ended())
        assert document["code"] == code
        assert document["run_id"] == RUN["run_id"]
        assert len(document["detail"]) > 10
        assert "stack trace" not in document["detail"]

    world = play(scene)
    assert len(world.asked("ensure_stopped")) == 1
    assert len(world.asked("settle")) == 1


@pytest.mark.parametrize(
    ("name", "attempts"), [("NoCapacity", 4), ("TaskRefused", 1), ("RunCancelled", 1)]
)
def test_a_task_that_cannot_start(name: str, attempts: int) -> None:
    async def scene(world: World) -> None:
        world.say("start-nst", "start", Failure(name))
        world.say("stop-nst", "ensure_stopped", {"task": {"state": "never_started"}})
        await world.sync("start_run", START)
        ended = await world.run_ended()
        assert ended["error"] == name
        problem(ended)

    world = play(scene)
    assert len(world.asked("start")) == attempts
    assert world.asked("settle")[0]["task"] == {"state": "never_started"}


@pytest.mark.parametrize("name", ["Sandbox.Timedout", "Runtime.ExitError", "Lambda.Unknown"])
@pytest.mark.parametrize(
    ("function", "action", "answer"),
    [
        ("start-nst", "start", {"task_arn": "t"}),
        ("stop-nst", "ensure_stopped", {"task": {"state": "stopped"}}),
        ("update-budget", "settle", {"outcome": "settled"}),
    ],
)
def test_a_function_that_was_cut_off_is_called_again(
    name: str, function: str, action: str, answer: dict[str, Any]
) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html."""

    async def scene(world: World) -> None:
        world.say(function, action, Failure(name), answer)
        await world.sync("start_run", START)
        assert (await world.run_ended())["status"] == "SUCCEEDED"

    assert len(play(scene).asked(action)) == 2


@pytest.mark.parametrize(
    ("function", "action", "answer"),
    [
        ("get-upload-url", "check", RUN),
        ("update-budget", "reserve", {"outcome": "reserved", "fresh": True}),
    ],
)
def test_a_function_that_crashed_before_the_run_is_called_again(
    function: str, action: str, answer: dict[str, Any]
) -> None:
    async def scene(world: World) -> None:
        world.say(function, action, Failure("Runtime.ExitError"), answer)
        assert (await world.sync("start_run", START))["status"] == "SUCCEEDED"

    assert len(play(scene).asked(action)) == 2


def test_a_task_that_cannot_be_seen_keeps_its_money_until_reconcile_has_found_it() -> None:
    async def scene(world: World) -> None:
        world.report = ("silence", "")
        world.say("stop-nst", "ensure_stopped", {"task": {"state": "unknown"}})
        await world.sync("start_run", START)
        assert problem(await world.run_ended())["code"] == "worker-lost"

    assert not play(scene).asked("settle")


def test_every_attempt_to_start_has_a_token_of_its_own() -> None:
    async def scene(world: World) -> None:
        world.say("start-nst", "start", Failure("NoCapacity"), {"task_arn": "t"})
        await world.sync("start_run", START)
        assert (await world.run_ended())["status"] == "SUCCEEDED"

    first, second = (p["task_token"] for p in play(scene).asked("start"))
    assert first != second


def test_a_run_whose_money_cannot_be_settled_is_left_to_reconcile() -> None:
    async def scene(world: World) -> None:
        world.say("update-budget", "settle", Failure("BudgetUnavailable"))
        await world.sync("start_run", START)
        assert (await world.run_ended())["status"] == "SUCCEEDED"

    assert len(play(scene).asked("settle")) == 4


def open_run(letter: str, *, expired: bool) -> dict[str, Any]:
    return {"run_id": letter * 32, "expired": expired}


def test_reconcile_settles_what_ended_and_leaves_what_may_still_start() -> None:
    async def scene(world: World) -> None:
        world.report = ("WorkerFailed", "The painter failed.")
        world.say("update-budget", "settle", Failure("BudgetUnavailable"))
        await world.sync("start_run", START)
        await world.run_ended()
        world.calls.clear()
        world.say("update-budget", "settle", {"outcome": "settled"})
        runs = [open_run("b", expired=False), open_run("c", expired=False)]
        runs.append(open_run("d", expired=True))
        world.say("read-budget", "open_runs", {"runs": runs})
        world.say("stop-nst", "sweep", {"stopped": ["task-1"]})
        answer = await world.sync("reconcile", {})
        assert answer["status"] == "SUCCEEDED", answer
        found = json.loads(answer["output"])
        assert found["runs"] == 3
        assert [f["run_id"][0] for f in found["findings"]] == ["b", "d"]
        assert found["orphans"] == ["task-1"]

    world = play(scene)
    assert {p["run_id"][0] for p in world.asked("settle")} == {"b", "d"}
    assert world.asked("sweep")[0]["open_run_ids"] == ["b" * 32, "c" * 32, "d" * 32]
    assert world.metrics[0]["MetricData"][0]["Value"] == 3


@pytest.mark.parametrize(("expired", "settled"), [(False, 0), (True, 1)])
def test_reconcile_frees_the_money_of_an_unseen_task_only_at_the_leases_end(
    expired: bool, settled: int
) -> None:
    async def scene(world: World) -> None:
        world.say("update-budget", "settle", Failure("BudgetUnavailable"))
        await world.sync("start_run", START)
        await world.run_ended()
        world.calls.clear()
        world.say("update-budget", "settle", {"outcome": "settled"})
        world.say("stop-nst", "ensure_stopped", {"task": {"state": "unknown"}})
        world.say("read-budget", "open_runs", {"runs": [open_run("b", expired=expired)]})
        assert (await world.sync("reconcile", {"run_id": "b" * 32}))["status"] == "SUCCEEDED"

    world = play(scene)
    assert len(world.asked("settle")) == settled
    assert not world.asked("sweep"), "one run was asked for"


def test_reconcile_of_a_running_run_only_asks_whether_its_task_is_lost() -> None:
    async def scene(world: World) -> None:
        world.say("start-nst", "start", {"task_arn": "t"})
        world.report = ("silence", "")
        await world.sync("start_run", START)
        world.say("read-budget", "open_runs", {"runs": [open_run("b", expired=False)]})
        answer = await world.sync("reconcile", {"run_id": "b" * 32})
        assert json.loads(answer["output"])["findings"] == []
        assert len(world.asked("report_lost")) == 1
        assert not world.asked("settle")

    assert not play(scene).metrics


def test_the_workflow_waits_no_longer_than_the_ceiling_pays_for() -> None:
    from system import prices  # noqa: PLC0415

    text = stack.workflow("run-nst.asl.json", VALUES)
    states = json.loads(text)["States"]
    assert states["Start NST"]["TimeoutSeconds"] == prices.PULL_ALLOWANCE_S
    waits = states["Hand Over"]["TimeoutSeconds"]
    assert waits == f"{{% $run.deadline_s + {prices.FINISH_ALLOWANCE_S} %}}"
