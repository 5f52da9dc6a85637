"""What a sandbox sees: Lambda's environment, and nothing of the host."""

import asyncio
import sys
from pathlib import Path

import psutil
import pytest

import emulator

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


@pytest.mark.fidelity(
    area="Lambda",
    feature="the runtime brings boto3 and the runtime client",
    source="https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html",
    verdict="differs",
    note="in the version the emulator has, not AWS's of the day",
)
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


@pytest.mark.fidelity(
    area="Lambda",
    feature="a function signs with credentials of its execution role",
    source="https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html",
)
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


def test_a_machine_without_namespaces_gives_each_sandbox_a_directory_of_its_own(lab, caplog):
    async def run():
        async with lab(private_tmp=False) as it:
            it.deploy(
                "fn",
                "import os, tempfile\n"
                "def handler(e, c): return [tempfile.gettempdir(), os.environ['HOME']]",
            )
            await it.functions._pool.prepare(sdk=False)
            where, home = await it.result("fn")
            assert where == home
            assert Path(where).is_relative_to(it.functions._root)
            assert "functions see the machine's" in caplog.text
            return Path(where)

    scratch = asyncio.run(run())
    assert not scratch.exists()
