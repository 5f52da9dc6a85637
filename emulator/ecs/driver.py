"""What runs a container: the protocol of drivers, and the one that runs a process.

A process has no limits of its own: memory is watched (see ``lifecycle``), CPU is only suggested by
OMP_NUM_THREADS, the network is the machine's loopback interface.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil

LAUNCHER = Path(__file__).with_name("launcher.py")
OUTPUT_BUFFER_BYTES = 256 * 1024
OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"
"""https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html"""


class StartError(Exception):
    """A container cannot be started; the message is ECS's stopped reason."""


@dataclass(frozen=True)
class ContainerSpec:
    """A container to be started; ``environment`` is complete.

    ``name`` tells it from all others. A process has no limits of its own and takes none of them.
    """

    image: str
    command: Sequence[str]
    environment: Mapping[str, str]
    name: str = ""
    cpu_units: int = 0
    memory_mib: int = 0
    ports: Sequence[int] = ()


@dataclass(frozen=True)
class Usage:
    """What a container uses: bytes of memory, and the port that it listens on, if any."""

    memory_bytes: int
    port: int | None


class Container(Protocol):
    """A container that has been started."""

    reason: str | None
    """Why it ended, in ECS's words, where its driver knows; read it after ``wait``."""

    @property
    def output(self) -> asyncio.StreamReader:
        """What it prints, both streams in order; ends after the container."""

    async def wait(self) -> int:
        """Its exit code; 128 + n after the signal n."""

    def terminate(self) -> None:
        """Ask it to end (SIGTERM); harmless when it has ended."""

    def kill(self) -> None:
        """End it and all it started (SIGKILL)."""

    async def usage(self, *, ports: bool) -> Usage:
        """What it uses now; its ports only when asked for."""


class Driver(Protocol):
    """Starts containers."""

    def check(self, image: str) -> None:
        """Raise StartError when it cannot run ``image``."""

    async def start(self, spec: ContainerSpec) -> Container:
        """Start a container; raises StartError."""


class ProcessDriver:
    """Runs commands that stand for images as processes of this machine."""

    def __init__(self, images: Mapping[str, Sequence[str]], working_dir: Path) -> None:
        self._images = images
        self._working_dir = working_dir

    def check(self, image: str) -> None:
        """Raise StartError when no command stands for ``image``."""
        self._command(image)

    async def start(self, spec: ContainerSpec) -> Container:
        """Start the image's command with the container's command as its arguments."""
        command = [*self._command(spec.image), *spec.command]
        if shutil.which(command[0]) is None:
            raise StartError(
                f"CannotStartContainerError: the program {command[0]!r} is not there or not "
                "executable"
            )
        linux = sys.platform == "linux"
        # A pipe of ours: asyncio's own would keep ``wait`` from returning while a grandchild
        # that outlives the process holds it open.
        reading, writing = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), *command),
                # A pipe nobody writes to: its end tells the process that the emulator has ended.
                stdin=asyncio.subprocess.DEVNULL if linux else asyncio.subprocess.PIPE,
                stdout=writing,
                stderr=writing,
                cwd=self._working_dir,
                env=dict(spec.environment),
                start_new_session=True,
            )
        except OSError as error:
            os.close(reading)
            raise StartError(f"CannotStartContainerError: {error}") from error
        finally:
            os.close(writing)
        output = asyncio.StreamReader(OUTPUT_BUFFER_BYTES)
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(output), os.fdopen(reading, "rb")
        )
        return _Process(process, output)

    def _command(self, image: str) -> Sequence[str]:
        command = self._images.get(image) or self._images.get(image_name(image))
        if not command:
            raise StartError(
                f"CannotPullContainerError: image {image}: no command stands for this image in "
                "the emulator's settings, and it pulls none from a registry"
            )
        return command


def image_name(image: str) -> str:
    """The last part of an image's repository: without registry, tag and digest."""
    return re.split(r"[@:]", image.rsplit("/", 1)[-1], maxsplit=1)[0]


class _Process:
    """A process as a container."""

    reason: str | None = None

    def __init__(self, process: asyncio.subprocess.Process, output: asyncio.StreamReader) -> None:
        self._process = process
        self._output = output

    @property
    def output(self) -> asyncio.StreamReader:
        """What it prints."""
        return self._output

    async def wait(self) -> int:
        """The exit code; what the process left behind in its group is killed."""
        code = await self._process.wait()
        self._signal(signal.SIGKILL)
        return code if code >= 0 else 128 - code

    def terminate(self) -> None:
        """SIGTERM to the process alone, as the init process of a container gets it."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()

    def kill(self) -> None:
        """SIGKILL to the whole group."""
        if self._process.returncode is None:
            self._signal(signal.SIGKILL)

    async def usage(self, *, ports: bool) -> Usage:
        """Resident memory of the process and its children, and their first listening port."""
        return await asyncio.to_thread(_usage, self._process.pid, ports)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


def _usage(pid: int, ports: bool) -> Usage:
    memory, listening = 0, set()
    try:
        first = psutil.Process(pid)
        family = [first, *first.children(recursive=True)]
    except psutil.Error:
        return Usage(0, None)
    for process in family:
        with contextlib.suppress(psutil.Error):
            memory += int(process.memory_info().rss)
            for connection in process.net_connections("tcp") if ports else ():
                if connection.status == psutil.CONN_LISTEN:
                    listening.add(int(connection.laddr.port))
    return Usage(memory, min(listening, default=None))
