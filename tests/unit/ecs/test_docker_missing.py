"""Tasks in containers where they cannot be: one sentence that says what to do."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import docker
import pytest
from docker.errors import DockerException

from emulator.core.errors import EmulatorError
from emulator.settings import Settings
from emulator.stack import Stack
from system import engine

ROOT = Path(__file__).resolve().parents[3]
FREE = replace(Settings(), aws_port=0, edge_port=0)


@pytest.fixture
def _no_engine(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")  # the discard service, which nobody runs


@pytest.mark.usefixtures("_no_engine")
def test_without_an_engine_the_emulator_does_not_start_and_says_what_to_start():
    with pytest.raises(EmulatorError, match=r"No Docker engine answers\. Start it"):
        Stack(FREE, tasks="docker").__enter__()


@pytest.mark.usefixtures("_no_engine")
def test_the_command_line_says_it_in_one_sentence():
    command = [sys.executable, "-m", "system", "up", "--tasks", "docker"]
    command += ["--aws-port", "0", "--edge-port", "0"]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=60, cwd=ROOT
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Error: No Docker engine answers.")
    assert "Traceback" not in done.stderr


def test_without_the_sdk_it_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "docker", None)
    with pytest.raises(engine.EngineError, match="The Docker SDK for Python is missing"):
        engine.connect()


def test_without_the_right_to_use_the_engine_it_says_how_to_get_it(monkeypatch):
    def refuse(**_):
        raise DockerException("Error: ('Connection aborted.', PermissionError(13, 'denied'))")

    monkeypatch.setattr(docker, "from_env", refuse)
    with pytest.raises(engine.EngineError, match="You may not use the Docker engine"):
        engine.connect()


def test_an_address_that_would_take_the_bridge_s_is_refused():
    with pytest.raises(EmulatorError, match="listen on one address"):
        Stack(replace(FREE, host="0.0.0.0"), tasks="docker").__enter__()


def test_an_unknown_way_to_run_tasks_is_refused():
    with pytest.raises(EmulatorError, match="Tasks run as one of processes, docker"):
        replace(FREE, tasks="podman")
