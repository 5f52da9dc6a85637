"""How long sandboxes live, what they take, and that they leave nothing behind."""

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
from emulator.functions import launcher

HOST = str(Path(emulator.__file__).resolve().parents[1])
HOME = str(Path.home())


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


def test_sandboxes_come_back_after_their_parent_has_died(lab, gone):
    async def run():
        async with lab() as it:
            it.deploy("fn", PID)
            pid = await it.result("fn")
            (zygote,) = psutil.Process().children()
            zygote.kill()
            await gone(pid)
            assert await it.result("fn") != pid

    asyncio.run(run())


@pytest.mark.fidelity(
    area="Lambda",
    feature="packages: 250 MB unpacked; what leads out of them is refused",
    source="https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html",
    verdict="differs",
    note="refused when the function is first called",
)
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


@pytest.mark.fidelity(
    area="Lambda",
    feature="layers and container images",
    source="https://docs.aws.amazon.com/lambda/latest/dg/chapter-layers.html",
    verdict="refused",
)
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


def test_what_a_killed_emulator_left_is_removed_and_that_of_a_running_one_is_not(lab, until):
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()

    async def run():
        async with lab() as it:
            place = it.functions._root.parent
            left = place / f"nst-functions-{ended.pid}-left"
            runs = place / f"nst-functions-{os.getppid()}-runs"
            for root in (left, runs):
                (root / "code").mkdir(parents=True)
            async with lab():
                await until(lambda: not left.exists())
                assert runs.exists()
            (runs / "code").rmdir()
            runs.rmdir()
            assert it.functions._root.exists()

    asyncio.run(run())


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


def test_the_program_of_sandboxes_is_whole_while_it_is_replaced(tmp_path, monkeypatch):
    """Two parents of sandboxes start at once, and each brings the program they share."""
    path = tmp_path / "bootstrap.py"
    whole = launcher.put_program(path).read_bytes()
    seen = []

    def slowly(source, target):
        Path(target).write_bytes(b"")
        seen.append(path.read_bytes())
        Path(target).write_bytes(Path(source).read_bytes())

    monkeypatch.setattr(launcher.shutil, "copyfile", slowly)
    assert launcher.put_program(path) == path
    assert seen == [whole]
    assert path.read_bytes() == whole
    assert list(tmp_path.iterdir()) == [path]
