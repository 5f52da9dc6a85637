"""Errors of real functions as a workflow meets them: Retry and Catch by name."""

import asyncio
import json

import pytest

from emulator.core.journal import Journal
from emulator.states import StatesService

ERRORS = "https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html"
ROLE = "arn:aws:iam::000000000000:role/workflow"

CODE = """
    import os, sys, time
    class BudgetExhausted(Exception):
        pass
    def handler(event, context):
        how = event.get("how")
        if how == "raise":
            raise BudgetExhausted("No money is left.")
        if how == "hang":
            time.sleep(60)
        if how == "exit":
            os._exit(3)
        if how == "eat":
            return len(bytearray(b"x" * (400 * 2**20)))
        if how == "flood":
            return "x" * (7 * 2**20)
        return "fine"
"""


async def execute(it, how, **state):
    """A machine of one task that calls ``fn``; its StartSyncExecution's answer."""
    states = StatesService(it.bus, it.clock, Journal(None))
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": "fn", "Payload": {"how": how}},
        "End": True,
        **state,
    }
    caught = {"Type": "Pass", "Result": "caught", "ResultPath": "$.by", "End": True}
    definition = {"StartAt": "Call", "States": {"Call": task, "Caught": caught}}
    if "Catch" not in state:
        del definition["States"]["Caught"]
    machine = {
        "name": "m",
        "definition": json.dumps(definition),
        "roleArn": ROLE,
        "type": "EXPRESS",
    }
    try:
        made = await states.call("CreateStateMachine", machine, it.caller)
        call = {"stateMachineArn": made["stateMachineArn"], "input": "{}"}
        return await states.call("StartSyncExecution", call, it.caller)
    finally:
        await states.stop()


def catch(*names):
    return {"Catch": [{"ErrorEquals": list(names), "Next": "Caught"}]}


@pytest.mark.parametrize(
    ("how", "name", "words"),
    [
        ("raise", "BudgetExhausted", "No money is left."),
        ("hang", "Sandbox.Timedout", "Task timed out after 1.00 seconds"),
        ("exit", "Runtime.ExitError", "Runtime exited with error: exit status 3"),
        ("eat", "Runtime.OutOfMemory", "Runtime exited with error: signal: killed"),
        ("flood", "Function.ResponseSizeTooLarge", "Response payload size exceeded"),
    ],
)
@pytest.mark.fidelity(
    area="Lambda",
    feature="errors of functions keep their names in a workflow (Retry, Catch)",
    source=ERRORS,
)
def test_a_workflow_sees_a_functions_error_by_its_name(lab, how, name, words):
    async def run():
        async with lab(memory_poll_s=0.02) as it:
            # The first call is warm: only the event itself counts against the timeout.
            it.deploy("fn", CODE, Timeout=1 if how == "hang" else 20)
            await it.invoke("fn")
            failed = await execute(it, how)
            assert (failed["status"], failed["error"]) == ("FAILED", name)
            assert words in json.loads(failed["cause"])["errorMessage"]
            for caught in (name, "States.TaskFailed", "States.ALL"):
                done = await execute(it, how, **catch(caught))
                assert done["status"] == "SUCCEEDED", (caught, done)
                told = json.loads(done["output"])
                assert (told["Error"], told["by"]) == (name, "caught")
            # A function's own timeout is not the state's.
            missed = await execute(it, how, **catch("States.Timeout", "Lambda.Unknown"))
            assert missed["error"] == name

    asyncio.run(run())


@pytest.mark.fidelity(
    area="Lambda",
    feature="a throttled call is Lambda.TooManyRequestsException in a workflow",
    source=ERRORS,
)
def test_a_workflow_sees_a_throttle_by_its_name(lab):
    async def run():
        async with lab() as it:
            it.deploy("fn", CODE)
            it.backend.put_function_concurrency("fn", 0)
            failed = await execute(it, "")
            assert failed["error"] == "Lambda.TooManyRequestsException"
            done = await execute(it, "", **catch("Lambda.TooManyRequestsException"))
            assert json.loads(done["output"])["by"] == "caught"

    asyncio.run(run())


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("import nowhere", "Runtime.ImportModuleError"),
        ("x = 1", "Runtime.HandlerNotFound"),
        ("def (", "Runtime.UserCodeSyntaxError"),
        ("import os; os._exit(1)", "Runtime.ExitError"),
    ],
)
@pytest.mark.fidelity(
    area="Lambda", feature="errors of the init phase keep their names in a workflow", source=ERRORS
)
def test_a_workflow_sees_an_init_error_by_its_name(lab, code, name):
    async def run():
        async with lab() as it:
            it.deploy("fn", code)
            failed = await execute(it, "")
            assert failed["error"] == name
            assert json.loads((await execute(it, "", **catch(name)))["output"])["by"] == "caught"

    asyncio.run(run())


def test_a_workflow_retries_by_name_until_the_function_is_well(lab):
    async def run():
        async with lab() as it:
            it.deploy(
                "fn",
                """
                import os
                def handler(event, context):
                    if not os.path.exists("/tmp/mark"):
                        open("/tmp/mark", "w").close()
                        raise ConnectionError("not yet")
                    return "well"
                """,
            )
            retry = {"ErrorEquals": ["ConnectionError"], "IntervalSeconds": 1, "MaxAttempts": 1}
            done = await execute(it, "", Retry=[retry], OutputPath="$.Payload")
            assert json.loads(done["output"]) == "well"

    asyncio.run(run())
