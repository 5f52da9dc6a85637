"""The program ``python -m worker`` as a process: ports, signals, exit codes, what it imports."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.unit.worker.service_aws_server import AwsServer
from tests.unit.worker.service_fakes import BUCKET, PATIENCE_S, RUN, TASK_ARN, World, poll

ROOT = Path(__file__).resolve().parents[3]

PROGRAM = """
import os, sys, threading
from worker.service.ports import Painting, Step
from worker.service import program

class Engine:
    def prepare(self, run):
        print("torch imported:", "torch" in sys.modules, flush=True)
    def check(self, content, styles, masks, run):
        return content
    def paint(self, pictures, run, deadline_s, on_step, stopped):
        on_step(Step(1, 1, 64, 1.0, 0.5, 0.5, 0.1, 0.0, "float32", lambda: b"jpeg"))
        if os.environ.get("PAINT_FOR_EVER"):
            threading.Event().wait()
        return Painting(b"png", 1, "float32", 0.1, False)

code = program.main(os.environ, Engine())
sys.stdout.flush()
os._exit(code)
"""


def environment(url: str, **changes: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "STORAGE_BUCKET": BUCKET,
        "RUN_ID": RUN,
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "example",
        "AWS_ENDPOINT_URL": url,
        "ECS_CONTAINER_METADATA_URI_V4": url + "/metadata",
        "PORT": "0",
        **changes,
    }


@contextmanager
def program(world: World, **changes: str):
    with AwsServer(world.s3, world.states) as aws:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            env=environment(aws.url, **changes),
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def logs(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_one_run_from_start_order_to_exit():
    world = World()
    with program(world) as process:
        output, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert world.state()["state"] == "succeeded"
    started, done = world.states.of("success")
    assert json.loads(started["output"])["task_arn"] == TASK_ARN
    assert json.loads(done["output"])["result_key"] == f"runs/{RUN}/result.png"
    assert "torch imported: False" in output
    lines = logs(output)
    assert {line["run_id"] for line in lines if line["message"] == "succeeded"} == {RUN}
    assert all(line["correlation_id"] == RUN for line in lines)
    assert any(line.get("port") for line in lines), "the Web API says where it listens"


def port_of(process) -> int:
    for line in process.stdout:
        if line.startswith("{") and "port" in (document := json.loads(line)):
            return document["port"]
    raise AssertionError("the Web API did not come up")


def test_the_web_api_serves_the_run_and_its_last_event_before_the_process_ends():
    world = World()
    with program(world, PAINT_FOR_EVER="1") as process:
        connection = http.client.HTTPConnection("127.0.0.1", port_of(process), timeout=PATIENCE_S)
        connection.request("GET", f"/runs/{RUN}/events")
        answer = connection.getresponse()
        assert answer.status == 200
        deletion = http.client.HTTPConnection(connection.host, connection.port, timeout=PATIENCE_S)
        deletion.request("DELETE", f"/runs/{RUN}")
        assert deletion.getresponse().status == 202
        deletion.close()
        stream = answer.read().decode()
        connection.close()
        assert process.wait(PATIENCE_S) == 0
    assert '"state":"cancelled"' in stream.split("\n\n")[-2]
    assert world.states.of("failure")[0]["error"] == "RunCancelled"


def test_sigterm_reports_and_exits_with_0_though_the_engine_hangs():
    world = World()
    with program(world, PAINT_FOR_EVER="1") as process:
        poll(lambda: "watch-1" in world.states.waiting, "the second token")
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    (failure,) = world.states.of("failure")
    assert failure["error"] == "TaskStopped"
    assert world.state()["state"] == "failed"


def test_without_a_start_order_the_task_crashes():
    world = World()
    world.put("orders", "start.json", b"{}")
    with program(world) as process:
        assert process.wait(PATIENCE_S) == 1
    assert world.states.calls == []


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"STORAGE_BUCKET": ""}, "STORAGE_BUCKET"),
        ({"AWS_REGION": ""}, "AWS_REGION"),
        ({"RUN_ID": "1"}, "RUN_ID"),
        ({"PORT": "x"}, "PORT"),
        ({"PORT": "65536"}, "PORT"),
        ({"ECS_CONTAINER_METADATA_URI_V4": ""}, "ECS_CONTAINER_METADATA_URI_V4"),
    ],
)
def test_a_task_that_is_set_up_wrongly_says_so_and_exits_with_2(changes, named):
    done = subprocess.run(
        [sys.executable, "-m", "worker"],
        env=environment("http://127.0.0.1:1", **changes),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 2
    (line,) = logs(done.stdout)
    assert named in line["message"]
    assert done.stderr == ""


def test_a_port_that_is_taken_is_found_before_anything_is_reported():
    world = World()
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        program(world, PORT=str(taken.getsockname()[1])) as process,
    ):
        assert process.wait(PATIENCE_S) == 2
    assert world.states.calls == []


def test_an_instance_without_a_run_serves_logs_until_it_is_told_to_end():
    world = World()
    assert world.execute()
    with program(world, RUN_ID="", ECS_CONTAINER_METADATA_URI_V4="") as process:
        connection = http.client.HTTPConnection("127.0.0.1", port_of(process), timeout=PATIENCE_S)
        connection.request("GET", f"/runs/{RUN}")
        assert json.loads(connection.getresponse().read())["state"] == "succeeded"
        connection.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0


def test_the_whole_service_imports_no_torch_and_the_run_no_web_framework():
    code = (
        "import sys, worker.__main__, worker.service.run, worker.service.painter\n"
        "assert not {'torch', 'fastapi', 'uvicorn', 'numpy'} & set(sys.modules)\n"
        "import worker.service.api\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], env=environment(""), check=True, timeout=60)
