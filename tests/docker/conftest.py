"""An engine, the worker's image, and an emulator whose tasks are containers of it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker.errors
import pytest

from emulator.settings import Settings
from emulator.stack import Stack
from system import engine
from system.deployment import image as worker_image
from tests.system.running import Running
from tests.system.visitor import Visitor

IMAGE = "nst-worker-test"
LOCAL_BASE = "nst-base"
SETUP_S_MAX = 1_200
ROOT = Path(__file__).resolve().parent.parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test also makes the base and the image, each of which is bounded by itself."""
    for item in items:
        if item.path.is_relative_to(ROOT / "tests" / "docker"):
            item.add_marker(pytest.mark.timeout(SETUP_S_MAX))


@pytest.fixture(scope="session")
def client() -> Iterator[Any]:
    """The engine; where there is none, CI fails and a user's machine says what is missing."""
    try:
        found = engine.connect()
    except engine.EngineError as error:
        if os.environ.get("CI"):
            pytest.fail(f"CI needs a Docker engine (scripts/system_packages docker): {error}")
        pytest.skip(str(error))
    yield found
    found.close()


def base_image(client: Any) -> str:
    """NST_BASE_IMAGE, else the one that users have; CI, which may pull none, makes one."""
    named = os.environ.get("NST_BASE_IMAGE")
    if named or not os.environ.get("CI"):
        return named or worker_image.BASE
    try:
        client.images.get(LOCAL_BASE)
    except docker.errors.ImageNotFound:
        subprocess.run([ROOT / "scripts" / "base_image", LOCAL_BASE], check=True)
    return LOCAL_BASE


@pytest.fixture(scope="session")
def image(client: Any) -> str:
    """The worker's image, built as `nst image` builds it."""
    worker_image.build(IMAGE, base_image(client))
    return IMAGE


@pytest.fixture(scope="session")
def emulator(image: str) -> Iterator[Stack]:
    """An emulator with the system deployed, whose tasks are containers."""
    settings = replace(
        Settings(), aws_port=0, edge_port=0, worker_image=image, limit_microusd=100_000_000
    )
    with Stack(settings, tasks="docker") as stack:
        yield stack


@pytest.fixture(scope="session")
def stack(emulator: Stack) -> Iterator[Running]:
    """The same over HTTP and boto3 alone."""
    running = Running(emulator.aws_url, emulator.edge_url)
    with running.open:
        yield running


@pytest.fixture(scope="session")
def visitor(stack: Running) -> Visitor:
    """A visitor of the web page."""
    return Visitor(stack)


@pytest.fixture
def program(client: Any, image: str) -> Iterator[Callable[[str], str]]:
    """``program(code)``: an image like the worker's that runs other Python code."""
    made = []

    def make(code: str) -> str:
        tag = f"nst-test-{uuid.uuid4().hex[:12]}"
        file = f"FROM {image}\nENTRYPOINT {json.dumps(['python3', '-c', code])}\n"
        client.images.build(fileobj=io.BytesIO(file.encode()), tag=tag, rm=True)
        made.append(tag)
        return tag

    yield make
    for tag in made:
        client.images.remove(tag, force=True)
