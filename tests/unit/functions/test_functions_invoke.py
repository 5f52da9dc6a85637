"""Invocations: results, errors, logs, reuse."""

import asyncio
import base64
import json
import re

import pytest

ECHO = """
    import os
    def handler(event, context):
        print("hello", event.get("n"))
        return {"event": event, "id": context.aws_request_id, "pid": os.getpid(),
                "left": context.get_remaining_time_in_millis(), "arn": context.invoked_function_arn}
"""


def test_an_event_goes_in_and_a_result_comes_out(lab):
    async def run():
        async with lab() as it:
            it.deploy("echo", ECHO, Timeout=5)
            answer = await it.invoke("echo", {"n": 1})
            assert answer["StatusCode"] == 200
            assert answer["ExecutedVersion"] == "$LATEST"
            assert "FunctionError" not in answer
            body = json.loads(answer["Payload"])
            assert body["event"] == {"n": 1}
            assert 3000 < body["left"] <= 5000
            assert body["arn"] == "arn:aws:lambda:us-east-1:000000000000:function:echo"

    asyncio.run(run())


@pytest.mark.fidelity(
    area="Lambda",
    feature="warm execution environments are reused until code or configuration changes",
    source="https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html",
)
def test_a_warm_sandbox_is_used_again_and_changed_code_gets_a_fresh_one(lab):
    async def run():
        async with lab() as it:
            it.deploy("echo", ECHO)
            first = await it.result("echo")
            assert (await it.result("echo"))["pid"] == first["pid"]
            it.backend.update_function_configuration(
                "echo", None, {"Environment": {"Variables": {"A": "b"}}}
            )
            second = await it.result("echo")
            assert second["pid"] != first["pid"]
            it.deploy("echo", ECHO.replace('"event": event', '"new": 1'))
            third = await it.result("echo")
            assert third["new"] == 1
            assert third["pid"] not in {first["pid"], second["pid"]}

    asyncio.run(run())


def test_two_events_at_once_get_two_sandboxes_and_the_last_used_is_reused_first(lab):
    async def run():
        async with lab() as it:
            it.deploy(
                "slow",
                """
                import os, time
                def handler(event, context):
                    time.sleep(event.get("s", 0))
                    return os.getpid()
                """,
            )
            one, two = await asyncio.gather(
                it.result("slow", {"s": 0.2}), it.result("slow", {"s": 0.6})
            )
            assert one != two
            assert await it.result("slow") == two

    asyncio.run(run())


@pytest.mark.fidelity(
    area="Lambda",
    feature="an exception: FunctionError Unhandled, errorType, errorMessage, stackTrace",
    source="https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html",
)
def test_an_exception_is_answered_as_the_runtime_reports_it(lab):
    async def run():
        async with lab() as it:
            it.deploy(
                "bad",
                """
                class BudgetExhausted(Exception): pass
                def handler(event, context):
                    raise BudgetExhausted("No money is left.")
                """,
            )
            answer = await it.invoke("bad")
            assert answer["StatusCode"] == 200
            assert answer["FunctionError"] == "Unhandled"
            body = json.loads(answer["Payload"])
            assert body["errorType"] == "BudgetExhausted"
            assert body["errorMessage"] == "No money is left."
            assert "app.py" in body["stackTrace"][0]
            lines = await it.log_lines("bad")
            assert any(line.startswith("[ERROR] BudgetExhausted: No money") for line in lines)

    asyncio.run(run())


@pytest.mark.fidelity(
    area="Lambda",
    feature="init errors: ImportModuleError, HandlerNotFound, UserCodeSyntaxError and the like",
    source="https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html",
)
@pytest.mark.parametrize(
    ("files", "handler", "kind", "words"),
    [
        ({"app.py": "import nowhere_to_be_found"}, "app.handler", "Runtime.ImportModuleError",
         "No module named 'nowhere_to_be_found'"),
        ({"app.py": "x = 1"}, "app.handler", "Runtime.HandlerNotFound",
         "Handler 'handler' missing"),
        ({"app.py": "def ("}, "app.handler", "Runtime.UserCodeSyntaxError", "Syntax error"),
        ({"app.py": "x = 1"}, "app", "Runtime.MalformedHandlerName", "Bad handler"),
        ({"app.py": "raise KeyError('boom')"}, "app.handler", "KeyError", "boom"),
    ],
)  # fmt: skip
def test_a_failed_start_is_answered_as_the_runtime_reports_it(lab, files, handler, kind, words):
    async def run():
        async with lab() as it:
            it.deploy("broken", files, Handler=handler)
            answer = await it.invoke("broken")
            assert answer["FunctionError"] == "Unhandled"
            body = json.loads(answer["Payload"])
            assert body["errorType"] == kind
            assert words in body["errorMessage"]
            lines = await it.log_lines("broken")
            assert any(f"Phase: init\tStatus: error\tError Type: {kind}" in x for x in lines)
            assert any(x.startswith("REPORT") and f"Error Type: {kind}" in x for x in lines)

    asyncio.run(run())


@pytest.mark.fidelity(
    area="Lambda",
    feature="Runtime.ExitError when the runtime's process ends",
    source="https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html",
    verdict="differs",
    note="what follows is a new environment, not a reset one: /tmp is empty",
)
def test_a_runtime_that_exits_is_an_exit_error_and_the_next_event_gets_a_new_one(lab):
    async def run():
        async with lab() as it:
            it.deploy(
                "leaver",
                """
                import os, sys, signal
                def handler(event, context):
                    how = event.get("how")
                    if how == "exit": sys.exit(3)
                    if how == "quiet": os._exit(0)
                    if how == "signal": os.kill(os.getpid(), signal.SIGSEGV)
                    return "alive"
                """,
            )
            for how, words in (
                ("exit", "Runtime exited with error: exit status 3"),
                ("quiet", "Runtime exited without providing a reason"),
                ("signal", "Runtime exited with error: signal: segmentation fault"),
            ):
                answer = await it.invoke("leaver", {"how": how})
                assert answer["FunctionError"] == "Unhandled"
                body = json.loads(answer["Payload"])
                assert body["errorType"] == "Runtime.ExitError"
                assert re.fullmatch(rf"RequestId: [0-9a-f-]{{36}} Error: {words}",
                                    body["errorMessage"])  # fmt: skip
                assert await it.result("leaver") == "alive"

    asyncio.run(run())


@pytest.mark.fidelity(
    area="Lambda",
    feature="Timeout: Sandbox.Timedout, log line and REPORT with Status: timeout",
    source="https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html",
)
def test_a_function_that_takes_too_long_is_killed_with_all_it_started(lab, tmp_path, gone):
    pid_file = tmp_path / "pid"

    async def run():
        async with lab() as it:
            it.deploy(
                "sleeper",
                """
                import pathlib, subprocess, time
                def handler(event, context):
                    child = subprocess.Popen(["sleep", "300"])
                    pathlib.Path(event["file"]).write_text(str(child.pid))
                    time.sleep(300)
                """,
                Timeout=1,
            )
            answer = await it.invoke("sleeper", {"file": str(pid_file)})
            assert answer["FunctionError"] == "Unhandled"
            body = json.loads(answer["Payload"])
            assert body["errorType"] == "Sandbox.Timedout"
            assert re.fullmatch(
                r"RequestId: [0-9a-f-]{36} Error: Task timed out after 1\.00 seconds",
                body["errorMessage"],
            )
            lines = await it.log_lines("sleeper")
            report = next(x for x in lines if x.startswith("REPORT"))
            assert "Status: timeout" in report
            duration = float(re.search(r"Duration: ([\d.]+) ms", report)[1])
            assert 1000 <= duration < 5000
            await it.functions.stop()
            await gone(int(pid_file.read_text()))

    asyncio.run(run())


@pytest.mark.fidelity(
    area="Lambda",
    feature="MemorySize: Runtime.OutOfMemory, signal: killed",
    source="https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html",
    verdict="differs",
    note="watched, not fenced: a peak is found a moment later or when the event ends",
)
def test_too_much_memory_ends_the_sandbox(lab):
    async def run():
        async with lab(memory_poll_s=0.02) as it:
            it.deploy(
                "eater",
                """
                import time
                def handler(event, context):
                    held = bytearray(b"x" * (event["mb"] * 2**20))
                    if event.get("wait"): time.sleep(60)
                    return len(held)
                """,
                MemorySize=128,
                Timeout=30,
            )
            assert await it.result("eater", {"mb": 1}) == 2**20
            for wait in (True, False):  # found while it runs, and by the high-water mark at its end
                answer = await it.invoke("eater", {"mb": 300, "wait": wait})
                body = json.loads(answer["Payload"])
                assert body["errorType"] == "Runtime.OutOfMemory"
                assert body["errorMessage"].endswith("Runtime exited with error: signal: killed")
            lines = await it.log_lines("eater")
            assert any("Max Memory Used: 128 MB\t" in x and "Runtime.OutOfMemory" in x
                       for x in lines)  # fmt: skip

    asyncio.run(run())


@pytest.mark.fidelity(
    area="Lambda",
    feature="START, output, END and REPORT lines with durations and memory",
    source="https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html",
)
def test_the_log_has_start_output_end_and_report_in_order(lab):
    async def run():
        async with lab() as it:
            it.deploy(
                "talker",
                """
                import logging, sys
                logging.getLogger().setLevel("INFO")
                def handler(event, context):
                    print("one")
                    print("two", file=sys.stderr)
                    logging.info("three")
                    print("no line end", end="")
                """,
                MemorySize=256,
            )
            answer = await it.invoke("talker", LogType="Tail")
            lines = await it.log_lines("talker")
            request_id = lines[0].split()[2]
            assert lines[0] == f"START RequestId: {request_id} Version: $LATEST"
            assert lines[1:3] == ["one", "two"]
            assert lines[3].startswith("[INFO]")
            assert lines[3].endswith("three")
            assert lines[4] == "no line end"
            assert lines[5] == f"END RequestId: {request_id}"
            assert re.fullmatch(
                rf"REPORT RequestId: {request_id}\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\t"
                r"Memory Size: 256 MB\tMax Memory Used: \d+ MB\tInit Duration: [\d.]+ ms\t",
                lines[6],
            )
            assert len(lines) == 7
            tail = base64.b64decode(answer["LogResult"]).decode()
            assert tail == "".join(line + "\n" for line in lines)
            await it.invoke("talker")
            warm = (await it.log_lines("talker"))[-1]
            assert "Init Duration" not in warm

    asyncio.run(run())


@pytest.mark.fidelity(
    area="Lambda",
    feature="responses over 6 MB: Function.ResponseSizeTooLarge",
    source="https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html",
)
def test_a_result_that_is_too_large_is_an_error(lab):
    async def run():
        async with lab() as it:
            it.deploy("big", "def handler(e, c): return 'x' * e['n']")
            most = 6 * 2**20 + 100
            assert len(await it.result("big", {"n": most - 2})) == most - 2
            answer = await it.invoke("big", {"n": most})
            assert answer["FunctionError"] == "Unhandled"
            assert json.loads(answer["Payload"])["errorType"] == "Function.ResponseSizeTooLarge"
            assert await it.result("big", {"n": 1}) == "x"

    asyncio.run(run())
