"""What a sandbox sees, how long it lives, and that nothing of the host leaks into it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

import emulator
from emulator.core.clock import RealClock
from emulator.core.errors import AwsError, NotSupported

HOST = str(Path(emulator.__file__).resolve().parents[1])
HOME = str(Path.home())

LOOK = """
    import importlib.util, os, sys
    def handler(event, context):
        found = {n: importlib.util.find_spec(n) is not None for n in event.get("modules", [])}
        return {"environment": dict(os.environ), "path": sys.path, "cwd": os.getcwd(),
                "found": found, "files": sorted(os.listdir(".")), "home": os.path.expanduser("~"),
                "version": context.function_version, "memory": context.memory_limit_in_mb}
"""


DOCUMENTED = {
    # "Defined runtime environment variables": reserved, then unreserved ones.
    "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API",
    "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
    "LANG", "PATH", "PYTHONPATH", "TZ",
}  # fmt: skip
TMP = Path("/") / "tmp"
OURS = {"AWS_ENDPOINT_URL", "HOME"}
VARIABLES = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html"


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.fidelity(
    area="Lambda",
    feature="environment variables of a function",
    source=VARIABLES,
    verdict="differs",
    note="adds AWS_ENDPOINT_URL and HOME; LD_LIBRARY_PATH and X-Ray's variables are not set",
)
def test_a_sandbox_has_lambdas_environment_and_nothing_of_the_host(lab, monkeypatch, fresh):
    async def run():
        async with lab(endpoint_url="http://127.0.0.1:4566") as it:
            own = {"BUCKET": "b", "AWS_REGION": "mars", "TZ": "CET"}
            if fresh:  # what only a new interpreter reads
                own["PYTHONUNBUFFERED"] = "1"
            it.deploy("look", LOOK, MemorySize=192, Environment={"Variables": own})
            monkeypatch.setenv("SECRET_OF_THE_HOST", "1")
            monkeypatch.setenv("PYTHONPATH", "/somewhere")
            monkeypatch.setenv("AWS_PROFILE", "mine")
            seen = await it.result("look")
            known = seen["environment"]
            # Python sets LC_CTYPE by itself where the machine does not have Lambda's locale.
            assert known.keys() - {"LC_CTYPE"} == DOCUMENTED | OURS | own.keys()
            assert known["BUCKET"] == "b"
            assert known["TZ"] == "CET"
            assert known["AWS_REGION"] == "us-east-1"
            assert known["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
            assert known["AWS_LAMBDA_LOG_GROUP_NAME"] == "/aws/lambda/look"
            assert "[$LATEST]" in known["AWS_LAMBDA_LOG_STREAM_NAME"]
            assert seen["home"] == known["HOME"] == str(TMP)
            assert seen["memory"] == "192"
            assert seen["cwd"] == known["LAMBDA_TASK_ROOT"] == seen["path"][0]
            assert known["PYTHONPATH"] == known["LAMBDA_RUNTIME_DIR"] == seen["path"][-1]
            assert seen["files"] == ["__pycache__", "app.py"]
            key = it.credentials.find(known["AWS_ACCESS_KEY_ID"])
            assert (key.secret, key.token) == (
                known["AWS_SECRET_ACCESS_KEY"],
                known["AWS_SESSION_TOKEN"],
            )
            assert key.principal == "arn:aws:sts::000000000000:assumed-role/fn/look"

    asyncio.run(run())


FILES = """
    import os
    def handler(event, context):
        # Listing opens one more descriptor, which is closed when we look at it.
        found = {}
        for name in os.listdir("/proc/self/fd"):
            try:
                found[name] = os.readlink("/proc/self/fd/" + name)
            except FileNotFoundError:
                pass
        return {"files": found, "initial": open("/proc/self/environ").read().split("\\0")}
"""


def open_files():
    """What this process and the parents of sandboxes have open."""
    here = psutil.Process()
    processes = [here, *here.children()]
    handles = [h for p in processes for h in Path(f"/proc/{p.pid}/fd").iterdir()]
    return {str(h.readlink()) for h in handles if h.is_symlink()}


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells it")
@pytest.mark.parametrize("fresh", [False, True])
def test_no_open_file_of_the_emulator_reaches_a_function(lab, monkeypatch, fresh):
    async def run():
        monkeypatch.setenv("SECRET_OF_THE_HOST", "1")
        async with lab() as it:
            own = {"PYTHONUNBUFFERED": "1"} if fresh else {}
            it.deploy("look", FILES, Environment={"Variables": own})
            for _ in range(2):
                seen = await it.result("look")
                files = seen["files"]
                assert files.pop("0") == "/dev/null"
                assert files.pop("1") == files.pop("2")  # one pipe for both, so that order is kept
                # What remains are the runtime client's own sockets.
                assert all(target.startswith("socket:") for target in files.values())
                assert not set(files.values()) & open_files()
            assert not any("OF_THE_HOST" in variable for variable in seen["initial"])

    asyncio.run(run())


TEMPORARY = """
    import errno, os, pathlib, tempfile
    def handler(event, context):
        before = sorted(os.listdir("/tmp"))
        pathlib.Path("/tmp/mine").write_text("x")
        if "mb" in event:
            try:
                pathlib.Path("/tmp/large").write_bytes(bytes(event["mb"] * 2**20))
            except OSError as error:
                return errno.errorcode[error.errno]
        return [before, tempfile.gettempdir()]
"""
# Only a Python that is installed below /tmp shows there.
SEEN = sorted({Path(p).parts[2] for p in (sys.prefix, sys.base_prefix) if TMP in Path(p).parents})


@pytest.mark.skipif(sys.platform != "linux", reason="mount namespaces are Linux's")
@pytest.mark.fidelity(
    area="Lambda",
    feature="a sandbox's /tmp: its own, empty at first, kept between its events",
    source="https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html",
    note="on Linux; elsewhere TMPDIR is the sandbox's own",
)
def test_a_sandbox_has_a_tmp_of_its_own(lab):
    async def run():
        async with lab() as it:
            it.deploy("one", TEMPORARY)
            it.deploy("two", TEMPORARY)
            assert await it.result("one") == [SEEN, str(TMP)]
            assert await it.result("one") == [sorted([*SEEN, "mine"]), str(TMP)]
            assert await it.result("two") == [SEEN, str(TMP)]

    asyncio.run(run())
    assert not (TMP / "mine").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="mount namespaces are Linux's")
@pytest.mark.fidelity(
    area="Lambda",
    feature="EphemeralStorage is the size of /tmp",
    source="https://docs.aws.amazon.com/lambda/latest/dg/configuration-ephemeral-storage.html",
    note="on Linux; kept in memory, apart from the function's own",
)
def test_tmp_holds_as_much_as_the_function_has_storage(lab):
    async def run():
        async with lab() as it:
            it.deploy("fn", TEMPORARY, MemorySize=2048, Timeout=30)
            assert await it.result("fn", {"mb": 513}) == "ENOSPC"
            it.backend.update_function_configuration(
                "fn", None, {"EphemeralStorage": {"Size": 600}}
            )
            assert await it.result("fn", {"mb": 513}) == [SEEN, str(TMP)]

    asyncio.run(run())


def test_only_boto3_and_the_runtime_client_can_be_imported_beside_the_zip(lab):
    async def run():
        async with lab() as it:
            it.deploy("look", {"app.py": LOOK, "mine/__init__.py": ""})
            ours = ["emulator", "system", "handlers", "worker"]
            theirs = ["moto", "pytest", "starlette", "uvicorn", "psutil", "pip"]
            lambdas = ["boto3", "botocore", "awslambdaric", "json", "mine"]
            seen = await it.result("look", {"modules": [*ours, *theirs, *lambdas]})
            assert seen["found"] == dict.fromkeys([*ours, *theirs], False) | dict.fromkeys(
                lambdas, True
            )
            assert not any(p.startswith(HOST) for p in seen["path"])

    asyncio.run(run())


def test_the_project_is_there_when_it_is_in_the_zip(lab):
    async def run():
        async with lab() as it:
            it.deploy(
                "own",
                {"system/__init__.py": "WHERE = __file__",
                 "app.py": "import system\ndef handler(e, c): return system.WHERE"},
            )  # fmt: skip
            where = await it.result("own")
            assert where.endswith("/system/__init__.py")
            assert not where.startswith(HOST)

    asyncio.run(run())


def test_boto3_in_a_sandbox_signs_with_the_functions_role_for_the_emulator(lab):
    async def run():
        async with lab(endpoint_url="http://127.0.0.1:1") as it:
            it.deploy(
                "signs",
                """
                import boto3
                def handler(event, context):
                    client = boto3.client("s3")
                    key = boto3.Session().get_credentials().access_key
                    return [client.meta.endpoint_url, client.meta.region_name, key]
                """,
                Timeout=20,
                MemorySize=512,
            )
            url, region, key = await it.result("signs")
            assert (url, region) == ("http://127.0.0.1:1", "us-east-1")
            assert it.credentials.find(key).principal.endswith("assumed-role/fn/signs")

    asyncio.run(run())


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


PID = "import os\ndef handler(event, context): return os.getpid()"


def test_an_idle_sandbox_ends_on_the_clock(lab, gone):
    async def run():
        async with lab(clock=RealClock(scale=50), idle_s=20.0, init_s_max=600.0) as it:
            it.deploy("fn", PID, Timeout=600)
            pid = await it.result("fn")
            await gone(pid)
            assert await it.result("fn") != pid

    asyncio.run(run())


def test_an_old_sandbox_is_not_used_again(lab):
    async def run():
        async with lab(sandbox_age_s_max=0.0) as it:
            it.deploy("fn", PID)
            assert await it.result("fn") != await it.result("fn")

    asyncio.run(run())


def test_no_more_sandboxes_rest_than_allowed(lab, gone):
    async def run():
        async with lab(idle_sandboxes_max=1) as it:
            it.deploy("one", PID)
            it.deploy("two", PID)
            one = await it.result("one")
            two = await it.result("two")
            await gone(one)
            assert await it.result("two") == two

    asyncio.run(run())


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


@pytest.mark.parametrize(
    "entries",
    [
        {"../outside.py": "x"},
        {"/etc/absolute.py": "x"},
        {"app.py": "x" * 3000},
        {f"f{n}.py": "" for n in range(20)},
    ],
)
def test_a_package_that_cannot_be_unpacked_is_refused(lab, entries):
    async def run():
        async with lab(unpacked_bytes_max=2000, unpacked_files_max=10) as it:
            it.deploy("bad", entries)
            with pytest.raises(AwsError) as refused:
                await it.invoke("bad")
            assert refused.value.code == "InvalidZipFileException"

    asyncio.run(run())


def test_layers_and_images_are_refused_by_name(lab):
    async def run():
        async with lab() as it:
            it.deploy("fn", PID)
            known = it.backend.get_function("fn")
            known.layers = [{"Arn": "x", "CodeSize": 1}]
            with pytest.raises(NotSupported, match="layers"):
                await it.invoke("fn")
            known.layers, known.package_type = [], "Image"
            with pytest.raises(NotSupported, match="package type 'Image'"):
                await it.invoke("fn")

    asyncio.run(run())


def test_a_flood_of_output_arrives_whole(lab, until):
    async def run():
        async with lab() as it:
            it.deploy("loud", "def handler(e, c):\n  for n in range(50000): print(n)", Timeout=60)
            assert await it.result("loud") is None
            # It is more than the queue holds: the rest waits outside of it.
            await until(lambda: not any(w._lines for w in it.functions._pool._writers.values()))
            lines = await it.log_lines("loud")
            assert lines[1:-2] == [str(n) for n in range(50000)]

    asyncio.run(run())


EMULATOR = """
    import asyncio, base64, io, sys, zipfile
    from emulator.core.bus import Bus, Caller
    from emulator.core.clock import RealClock
    from emulator.core.credentials import CredentialStore
    from emulator.core.logs import LogSink
    from emulator.functions import FunctionsService, FunctionsSettings

    class Lane:
        async def run(self, fn): return fn()

    async def main():
        from moto.awslambda.models import lambda_backends
        from moto.iam.models import iam_backends
        account = "000000000000"
        iam_backends[account]["aws"].create_role("fn", "{}", "/", None, "", [], "3600")
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w") as archive:
            archive.writestr("app.py", "import os, time\\n" "def handler(e, c):\\n"
                             "  print(os.getpid(), file=open(e['file'], 'w', 1))\\n"
                             "  time.sleep(e['s'])")
        lambda_backends[account]["us-east-1"].create_function({
            "FunctionName": "fn", "Runtime": "python3.12", "Handler": "app.handler", "Timeout": 300,
            "Role": f"arn:aws:iam::{account}:role/fn",
            "Code": {"ZipFile": base64.b64encode(held.getvalue()).decode()}})
        clock = RealClock()
        service = FunctionsService(Lane(), clock, CredentialStore(clock), Bus(),
                                   LogSink(Lane(), clock), FunctionsSettings())
        await service.start()
        caller = Caller(account, "us-east-1", "me")
        event = '{"file": "%s", "s": 300}' % sys.argv[1]
        await service.call("Invoke", {"FunctionName": "fn", "Payload": event}, caller)
    asyncio.run(main())
"""


def test_sandboxes_die_with_an_emulator_that_is_killed(tmp_path, gone):
    pid_file = tmp_path / "pid"
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(EMULATOR), str(pid_file)],
        env={**os.environ, "PYTHONPATH": HOST},
    ) as running:

        async def wait():
            while not pid_file.exists() or not pid_file.read_text().strip():
                assert running.poll() is None
                await asyncio.sleep(0.01)
            pid = int(pid_file.read_text())
            assert psutil.pid_exists(pid)
            running.send_signal(signal.SIGKILL)
            await gone(pid)

        asyncio.run(wait())


def test_a_restarted_engine_leaves_no_files_and_no_processes(lab):
    async def run():
        before = {p.pid for p in psutil.Process().children(recursive=True)}
        async with lab() as it:
            it.deploy("fn", PID)
            await it.result("fn")
            root = it.functions._root
            assert root.exists()
        assert not root.exists()
        after = {p.pid for p in psutil.Process().children(recursive=True)}
        assert after <= before

    asyncio.run(run())


def test_the_event_goes_over_the_wire_byte_for_byte(lab):
    async def run():
        async with lab() as it:
            it.deploy("echo", "def handler(event, context): return event")
            for event in ("ü€𝄞", {"a": [1, 2.5, None, True]}, "x" * (5 * 2**20), [], 0):
                answer = await it.invoke("echo", event)
                if event:
                    assert json.loads(answer["Payload"]) == event

    asyncio.run(run())
