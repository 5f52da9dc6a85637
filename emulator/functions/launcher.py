"""Starts sandboxes: by a zygote that has imported what every function's process imports.

A fork costs milliseconds where a fresh Python with boto3 costs a third of a second, and is the same
to the function as long as nothing it brings should have been imported before. Where it would not be
(its zip has a module of a name that the zygote has imported, its variables speak to the
interpreter) the process gets a fresh interpreter.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulator.core import ids
from emulator.core.errors import AwsError

log = logging.getLogger("emulator.functions")

BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
LINE_BYTES_MAX = 1024 * 1024

FOR_THE_INTERPRETER = (
    "PYTHON",
    "LD_",
    "LC_",
    "LANG",
    "MALLOC_",
    "OPENSSL_",
    "BOTO",
    "AWS_LAMBDA_LOG_",
)
"""Variables of a function that are read when Python or a module of the zygote starts."""

KILLED = -int(signal.SIGKILL)


@dataclass(frozen=True)
class Job:
    """A process to start: ``names`` are the modules at the top of its code.

    ``output`` is a FIFO, ``own_variables`` are those that the function's configuration sets.
    """

    identity: str
    task_root: Path
    runtime_dir: Path
    output: Path
    environment: dict[str, str]
    own_variables: frozenset[str]
    names: frozenset[str]
    storage_mb: int
    read_only: bool


def put_program(path: Path) -> Path:
    """Copy the sandboxes' program to ``path``, whole at every moment: others may be reading it."""
    part = path.with_name(f"{path.name}.{ids.hex_id(8)}")
    shutil.copyfile(BOOTSTRAP, part)
    return part.replace(path)


class Child:
    """A running process."""

    def __init__(self, pid: int, ended: asyncio.Future[int]) -> None:
        self.pid = pid
        self._ended = ended

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._ended.done()

    async def wait(self) -> int:
        """Its exit status, negative for a signal."""
        return await asyncio.shield(self._ended)

    def kill(self) -> None:
        """Kill its whole group; harmless when it is over."""
        if not self.over:
            try:
                os.killpg(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                return


class Launcher:
    """One zygote; it is started when it is first needed, and again when it has died."""

    def __init__(self, runtime_dir: Path, *, sdk: bool, private_tmp: bool) -> None:
        self._runtime_dir = runtime_dir
        self._options = ("sdk" if sdk else "plain", "private" if private_tmp else "shared")
        self._starting: asyncio.Task[_Zygote] | None = None

    async def ready(self) -> _Zygote:
        """The running zygote."""
        starting = self._starting
        if starting is None or (
            starting.done() and (starting.exception() or starting.result().over)
        ):
            starting = asyncio.get_running_loop().create_task(
                _Zygote.start(self._runtime_dir, self._options)
            )
            self._starting = starting
        return await asyncio.shield(starting)

    async def launch(self, job: Job) -> Child:
        """Start a process; raises ServiceException when none can be started."""
        zygote = await self.ready()
        return await zygote.launch(job)

    async def stop(self) -> None:
        """End the zygote and whatever still runs below it."""
        if self._starting is not None:
            await asyncio.gather(self._starting, return_exceptions=True)
            if not self._starting.exception():
                await self._starting.result().stop()


class _Zygote:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._started: dict[str, asyncio.Future[int]] = {}
        self._ended: dict[str, asyncio.Future[int]] = {}
        self._modules: frozenset[str] = frozenset()
        self.private_tmp = False
        self._reading: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, runtime_dir: Path, options: tuple[str, str]) -> _Zygote:
        """Start the process; returns when it has imported everything."""
        # A copy: what a sandbox runs lies beside its code, not in the emulator's own directory.
        program = await asyncio.to_thread(put_program, runtime_dir.with_name("bootstrap.py"))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-S", "-P", "-X", "utf8", str(program)),
            *("zygote", str(os.getpid()), str(runtime_dir), *options),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd="/",
            env={"LANG": "en_US.UTF-8", "TZ": ":UTC", "PATH": "/usr/local/bin:/usr/bin:/bin"},
            start_new_session=True,
            limit=LINE_BYTES_MAX,
        )
        zygote = cls(process)
        hello = await zygote._line()
        if hello is None:
            raise AwsError("ServiceException", "The parent of sandboxes did not start.", 500)
        zygote._modules = frozenset(hello["modules"])
        zygote.private_tmp = hello["private_tmp"]
        zygote._reading = asyncio.get_running_loop().create_task(zygote._read())
        return zygote

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._process.returncode is not None

    async def launch(self, job: Job) -> Child:
        """Start a process."""
        loop = asyncio.get_running_loop()
        started: asyncio.Future[int] = loop.create_future()
        ended: asyncio.Future[int] = loop.create_future()
        self._started[job.identity], self._ended[job.identity] = started, ended
        told = {
            "id": job.identity,
            "task_root": str(job.task_root),
            "runtime_dir": str(job.runtime_dir),
            "output": str(job.output),
            "environment": job.environment,
            "storage_mb": job.storage_mb,
            "read_only": job.read_only,
            "fresh": self._needs_fresh(job),
        }
        writer = self._process.stdin
        if writer is None or self.over:
            self._lose()
        else:
            writer.write(json.dumps(told).encode() + b"\n")
        return Child(await started, ended)

    async def stop(self) -> None:
        """End it; what runs below it is killed by it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        if self._reading is not None:
            await self._reading
        await self._process.wait()

    def _needs_fresh(self, job: Job) -> bool:
        return bool(job.names & self._modules) or any(
            name.startswith(FOR_THE_INTERPRETER) for name in job.own_variables
        )

    async def _line(self) -> dict[str, Any] | None:
        line = await self._process.stdout.readline() if self._process.stdout else b""
        parsed: dict[str, Any] | None = json.loads(line) if line else None
        return parsed

    async def _read(self) -> None:
        while (told := await self._line()) is not None:
            if "started" in told:
                started = self._started.pop(told["started"])
                if not started.done():  # whoever asked may be gone
                    started.set_result(told["pid"])
            else:
                self._ended.pop(told["ended"]).set_result(told["code"])
        await self._process.wait()
        self._lose()

    def _lose(self) -> None:
        """It has died, and all below it with it."""
        for future in self._started.values():
            if not future.done():
                future.set_exception(
                    AwsError("ServiceException", "The parent of sandboxes has died.", 500)
                )
        for future in self._ended.values():
            future.set_result(KILLED)
        self._started.clear()
        self._ended.clear()
