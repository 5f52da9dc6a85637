"""The init phase: its limit, its second try, its log; and interpreters for what needs its own."""

import asyncio
import base64
import re
from pathlib import Path

import pytest

import emulator

HOST = str(Path(emulator.__file__).resolve().parents[1])
HOME = str(Path.home())


def test_prewarmed_sandboxes_have_run_their_init_only(lab):
    async def run():
        async with lab() as it:
            it.deploy(
                "warm",
                """
                import os
                print("init")
                def handler(event, context):
                    return os.getpid()
                """,
            )
            await it.functions.prewarm(["warm"])
            await it.functions.prewarm(["warm"])
            assert await it.log_lines("warm") == ["init"]
            pid = await it.result("warm")
            assert await it.result("warm") == pid
            it.deploy("broken", "import nowhere")
            await it.functions.prewarm(["broken"])
            assert (await it.result("broken"))["errorType"] == "Runtime.ImportModuleError"

    asyncio.run(run())


LIFECYCLE = "https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html"


@pytest.mark.fidelity(
    area="Lambda",
    feature="INIT_REPORT of an init phase that times out, and of its second try in the invocation",
    source=LIFECYCLE,
)
def test_the_log_of_an_init_that_takes_too_long_twice(lab):
    async def run():
        async with lab(init_s_max=0.3) as it:
            it.deploy("never", "import time\ntime.sleep(60)", Timeout=1)
            answer = await it.invoke("never", LogType="Tail")
            lines = await it.log_lines("never")
            first, second, start, words, end, report = lines
            number = r"[\d.]+"
            assert re.fullmatch(
                rf"INIT_REPORT Init Duration: {number} ms\tPhase: init\tStatus: timeout", first
            )
            assert re.fullmatch(
                rf"INIT_REPORT Init Duration: {number} ms\tPhase: invoke\tStatus: timeout", second
            )
            request_id = start.split()[2]
            assert start == f"START RequestId: {request_id} Version: $LATEST"
            assert words.endswith(f"Z {request_id} Task timed out after 1.00 seconds")
            assert end == f"END RequestId: {request_id}"
            assert "Status: timeout" in report
            assert "Init Duration" not in report
            tail = base64.b64decode(answer["LogResult"]).decode()
            assert tail.splitlines()[-1] == report

    asyncio.run(run())


@pytest.mark.fidelity(
    area="Lambda", feature="a failing init phase is tried twice, then reported", source=LIFECYCLE
)
def test_the_log_of_an_init_that_fails_twice(lab):
    async def run():
        async with lab() as it:
            it.deploy("broken", "import nowhere")
            await it.invoke("broken")
            every = await it.log_lines("broken")
            lines = [line for line in every if not line.startswith("[WARNING]")]
            kinds = [re.split(r"[ :]", line)[0] for line in lines]
            assert kinds == [
                *("[ERROR]", "INIT_REPORT") * 2, "START", "END", "REPORT"
            ]  # fmt: skip
            error = "Status: error\tError Type: Runtime.ImportModuleError"
            assert lines[1].endswith(f"Phase: init\t{error}")
            assert lines[3].endswith(f"Phase: invoke\t{error}")
            assert lines[-1].endswith(f"{error}\t")

    asyncio.run(run())


def test_a_function_that_shadows_a_module_or_sets_the_interpreter_gets_a_fresh_one(lab):
    look = "import sys, {module} as it\ndef handler(e, c): return [it.__file__, sys.flags.optimize]"

    async def run():
        async with lab() as it:
            it.deploy(
                "own",
                {"app.py": look.format(module="botocore"), "botocore/__init__.py": "mine = True"},
                MemorySize=512,
                Timeout=20,
            )
            where, _ = await it.result("own")
            assert where.endswith("/botocore/__init__.py")
            assert "/code/" in where
            it.deploy(
                "tuned",
                look.format(module="json"),
                Environment={"Variables": {"PYTHONOPTIMIZE": "2"}},
            )
            assert (await it.result("tuned"))[1] == 2

    asyncio.run(run())


@pytest.mark.fidelity(
    area="Lambda",
    feature="init: 10 s, then once more within the function's timeout",
    source="https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html",
)
def test_an_init_that_takes_too_long_is_started_again_within_the_timeout(lab, tmp_path):
    async def run():
        async with lab(init_s_max=0.5) as it:
            mark = tmp_path / "mark"
            it.deploy(
                "slow",
                f"""
                import pathlib, time
                mark = pathlib.Path({str(mark)!r})
                if not mark.exists():
                    mark.write_text("")
                    time.sleep(60)
                def handler(event, context): return "done"
                """,
                Timeout=20,
            )
            assert await it.result("slow") == "done"
            mark.unlink()
            it.deploy("never", "import time\ntime.sleep(60)", Timeout=1)
            body = await it.result("never")
            assert body["errorType"] == "Sandbox.Timedout"
            assert body["errorMessage"].endswith("Task timed out after 1.00 seconds")

    asyncio.run(run())
