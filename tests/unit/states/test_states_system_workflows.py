"""The system's own workflows, with scripted functions: the interpreter's first user."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from emulator.core.virtual_clock import run
from system import stack
from tests.unit.states.world import FUNCTION, FunctionError, ScriptedService, World, types

VALUES = {
    **{
        f"{name}_arn": f"{FUNCTION}{name}"
        for name in ("read_budget", "get_upload_url", "update_budget", "start_nst", "stop_nst")
    },
    "run_nst_arn": "arn:aws:states:us-east-1:000000000000:stateMachine:run_nst",
    "run_nst_execution_arn_prefix": "arn:aws:states:us-east-1:000000000000:execution:run_nst",
    "storage_bucket": "nst-storage",
}
RUN_ID = "0123456789abcdef0123456789abcdef"
RUN = {"run_id": RUN_ID, "digest": "d", "ceiling_microusd": 900, "deadline_s": 300}
STOPPED = {"task": {"state": "stopped", "exit_code": 0}}


def workflow(name: str) -> str:
    return stack.workflow(f"{name}.asl.json", VALUES)


async def express(world: World, name: str, data: Any) -> dict[str, Any]:
    machine = await world.create(workflow(name), name.replace("-", "_"), "EXPRESS")
    return await world.call("StartSyncExecution", stateMachineArn=machine, input=json.dumps(data))


def admit(functions: dict[str, Any]) -> dict[str, Any]:
    body = {"content": {"content_type": "image/png"}, "styles": [{"gallery": "wave"}]}

    async def main() -> dict[str, Any]:
        return await express(World(functions), "admit-run", {"correlation_id": "c", "body": body})

    return run(main)


def test_admit_run_answers_with_budget_and_uploads() -> None:
    answer = admit(
        {
            "read_budget": lambda event: {"available_microusd": 5, "asked": event},
            "get_upload_url": lambda event: {"run_id": RUN_ID, "asked": event},
        }
    )
    assert answer["status"] == "SUCCEEDED", answer
    output = json.loads(answer["output"])
    assert output["run_id"] == RUN_ID
    assert output["budget"]["asked"] == {"action": "check", "correlation_id": "c"}
    assert output["asked"]["styles"] == [{"gallery": "wave"}]


def test_admit_run_refuses_with_a_problem_document() -> None:
    def refuse(_event: Any) -> Any:
        raise FunctionError("BudgetExhausted", "The budget is spent.")

    answer = admit({"read_budget": refuse})
    assert (answer["status"], answer["error"]) == ("FAILED", "BudgetExhausted")
    problem = json.loads(answer["cause"])
    assert (problem["status"], problem["detail"]) == (402, "The budget is spent.")
    assert problem["type"] == "urn:nst:problem:budget-exhausted"
    assert problem["correlation_id"] == "c"


def test_admit_run_hides_an_unknown_failure() -> None:
    def broken(_event: Any) -> Any:
        raise FunctionError("KeyError", "'secret'")

    answer = admit({"read_budget": broken})
    assert answer["error"] == "InternalError"
    assert "secret" not in answer["cause"]


def run_functions(world_box: list[World], report: Any) -> dict[str, Any]:
    """Functions of run-nst; the task reports through the token of the start order."""

    async def start(event: Any) -> Any:
        await world_box[0].call(
            "SendTaskSuccess", taskToken=event["task_token"], output='{"task_arn":"t"}'
        )
        return {"task_arn": "t"}

    return {
        "start_nst": start,
        "stop_nst": lambda _event: STOPPED,
        "update_budget": lambda event: {"outcome": "settled", "task": event["task"]},
        "report": report,
    }


async def run_run_nst(report: Any, functions: dict[str, Any] | None = None) -> Any:
    """Run run-nst; ``report(world, token)`` acts as the task once it has the second token."""
    box: list[World] = []
    tasks: set[asyncio.Task[Any]] = set()

    def put_object(params: dict[str, Any], _caller: Any) -> dict[str, Any]:
        body = json.loads(params["Body"])
        assert params["Key"] == f"orders/{RUN_ID}/watch.json"
        assert body["run_id"] == RUN_ID
        tasks.add(asyncio.get_running_loop().create_task(report(box[0], body["task_token"])))
        return {"ETag": '"e"'}

    s3 = ScriptedService({"PutObject": put_object})
    made = run_functions(box, report)
    box.append(World({**made, **(functions or {})}, s3=s3))
    world = box[0]
    machine = await world.create(workflow("run-nst"), "run_nst")
    arn = await world.start(machine, RUN, RUN_ID)
    ended = await world.settled(arn)
    await asyncio.gather(*tasks)
    events = await world.history(arn)
    await world.states.stop()
    return world, ended, events


def test_run_nst_paints_after_heartbeats() -> None:
    async def report(world: World, token: str) -> None:
        for _ in range(12):
            await asyncio.sleep(10)
            await world.call("SendTaskHeartbeat", taskToken=token)
        await world.call("SendTaskSuccess", taskToken=token, output='{"result_key":"k"}')

    world, ended, events = run(lambda: run_run_nst(report))
    assert ended["status"] == "SUCCEEDED", ended
    assert json.loads(ended["output"]) == {"run_id": RUN_ID, "result": {"result_key": "k"}}
    assert types(events).count("TaskSubmitted") == 1
    assert [name for name, _ in world.functions.events] == [
        "start_nst",
        "stop_nst",
        "update_budget",
    ]
    role = "arn:aws:sts::000000000000:assumed-role/workflow"
    assert world.functions.callers[0].principal == f"{role}/{RUN_ID}"


def test_run_nst_notices_a_silent_task_and_settles() -> None:
    async def report(_world: World, _token: str) -> None:
        """The task died."""

    world, ended, _events = run(lambda: run_run_nst(report))
    assert (ended["status"], ended["error"]) == ("FAILED", "WorkerLost")
    assert ended["stopDate"] - ended["startDate"] == 30
    assert json.loads(ended["cause"])["run_id"] == RUN_ID
    assert [name for name, _ in world.functions.events][-2:] == ["stop_nst", "update_budget"]


def test_run_nst_waits_until_the_task_is_stopped() -> None:
    states = iter([1, 1, 0])

    def stop(_event: Any) -> Any:
        if next(states):
            raise FunctionError("TaskStillStopping")
        return STOPPED

    async def report(world: World, token: str) -> None:
        await world.call(
            "SendTaskFailure", taskToken=token, error="PictureRefused", cause="Not a picture."
        )

    world, ended, _ = run(lambda: run_run_nst(report, {"stop_nst": stop}))
    assert (ended["error"], json.loads(ended["cause"])["detail"]) == (
        "PictureRefused",
        "Not a picture.",
    )
    assert [name for name, _ in world.functions.events].count("stop_nst") == 3


def start_functions(outcome: str = "reserved") -> dict[str, Any]:
    return {
        "get_upload_url": lambda _event: RUN,
        "update_budget": lambda event: (
            {"outcome": outcome, "fresh": True, "lease_until": 1}
            if event["action"] == "reserve"
            else {"outcome": "released"}
        ),
        "start_nst": lambda _event: {"task_arn": "t"},
    }


def test_start_run_starts_the_run_and_finds_it_again() -> None:
    async def main() -> Any:
        world = World(start_functions())
        await world.create(workflow("run-nst"), "run_nst")
        data = {"correlation_id": "c", "body": {"run_id": RUN_ID, "styles": []}}
        first = await express(world, "start-run", data)
        second = await express(world, "start-run", data)
        arn = f"{VALUES['run_nst_execution_arn_prefix']}:{RUN_ID}"
        described = await world.call("DescribeExecution", executionArn=arn)
        await world.call("StopExecution", executionArn=arn)
        third = await express(world, "start-run", data)
        await world.states.stop()
        return first, second, third, described

    first, second, third, described = run(main)
    assert first["status"] == second["status"] == third["status"] == "SUCCEEDED", first
    assert json.loads(first["output"])["state"] == "starting"
    assert json.loads(described["input"]) == RUN


def test_reconcile_settles_the_runs_without_an_execution() -> None:
    runs = [
        {"run_id": RUN_ID, "expired": True},
        {"run_id": "f" * 32, "expired": False},
    ]
    functions = {
        "read_budget": lambda _event: {"runs": runs},
        "stop_nst": lambda event: STOPPED if event["action"] != "sweep" else {"stopped": []},
        "update_budget": lambda _event: {"outcome": "settled"},
    }
    alarms = ScriptedService({"PutMetricData": lambda _params, _caller: {}})

    async def main() -> Any:
        return await express(World(functions, monitoring=alarms), "reconcile", {})

    answer = run(main)
    assert answer["status"] == "SUCCEEDED", answer
    (_, params, _) = alarms.calls[0]
    assert params["MetricData"][0]["Value"] == 1
