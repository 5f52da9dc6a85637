"""One container of the Docker engine, as the life of a task wants it."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from emulator.ecs.driver import OUT_OF_MEMORY, OUTPUT_BUFFER_BYTES, Usage
from system import engine

log = logging.getLogger("emulator.ecs.docker")

Call = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Runs a call of the SDK, which blocks, in a thread."""

LOST = 255


class DockerContainer:
    """A container that was created; ``begin`` starts it."""

    def __init__(self, container: Any, call: Call, ports: Sequence[int]) -> None:
        self._container = container
        self._call = call
        self._ports = ports
        self._output = asyncio.StreamReader(OUTPUT_BUFFER_BYTES)
        self._signals: set[asyncio.Future[None]] = set()
        self._passing: asyncio.Future[None] | None = None
        self.reason: str | None = None

    @property
    def output(self) -> asyncio.StreamReader:
        """What it prints, both streams in order."""
        return self._output

    async def begin(self) -> None:
        """Listen to its output from the first byte, and start it; raises DockerException."""
        api, ident = self._container.client.api, self._container.id
        wanted = {"stdout": 1, "stderr": 1, "stream": 1}
        said = await self._call(lambda: api.attach_socket(ident, params=wanted))
        reading, writing = os.pipe()  # a slow reader holds the writer back, and so the container
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(self._output), os.fdopen(reading, "rb")
        )
        self._passing = asyncio.ensure_future(self._call(lambda: _pass_on(said, writing)))
        await self._call(self._container.start)

    async def wait(self) -> int:
        """Its exit code; the container is removed then, and ``reason`` says what ECS would."""
        api, ident = self._container.client.api, self._container.id
        try:
            code = int((await self._call(lambda: api.wait(ident, timeout=None)))["StatusCode"])
            if self._passing is not None:
                await self._passing
            state = (await self._call(lambda: api.inspect_container(ident)))["State"]
            if state.get("OOMKilled"):
                self.reason = OUT_OF_MEMORY
        except Exception as error:  # noqa: BLE001 (the SDK's and those of its HTTP client)
            log.warning("the container %s is lost: %s", ident[:12], engine.explanation(error))
            self.reason = f"CannotInspectContainerError: {engine.explanation(error)}"
            code = LOST
        await self.remove()
        return code

    def terminate(self) -> None:
        """SIGTERM to its first process."""
        self._signal("SIGTERM")

    def kill(self) -> None:
        """SIGKILL to all of it."""
        self._signal("SIGKILL")

    async def usage(self, *, ports: bool) -> Usage:
        """Its port on this machine; the kernel holds its memory to the limit by itself."""
        if not ports or not self._ports:
            return Usage(0, None)
        return Usage(0, await self._call(self._published))

    async def remove(self) -> None:
        """Remove it, whatever it does; harmless when it is gone."""
        await self._call(lambda: _quietly(lambda: self._container.remove(force=True, v=True)))

    def _published(self) -> int | None:
        state: dict[str, Any] = {}
        _quietly(
            lambda: state.update(self._container.client.api.inspect_container(self._container.id))
        )
        bound = state.get("NetworkSettings", {}).get("Ports") or {}
        places = bound.get(f"{self._ports[0]}/tcp") or []
        return int(places[0]["HostPort"]) if places else None

    def _signal(self, name: str) -> None:
        sent = asyncio.ensure_future(
            self._call(lambda: _quietly(lambda: self._container.kill(signal=name)))
        )
        self._signals.add(sent)
        sent.add_done_callback(self._signals.discard)


def _pass_on(said: Any, writing: int) -> None:
    """Write what the engine sends of the container's output into the pipe, until it ends."""
    from docker.utils.socket import frames_iter  # noqa: PLC0415 (an extra)

    answer, connection = said._response, said._sock  # noqa: SLF001 (the SDK closes neither)
    with os.fdopen(writing, "wb", buffering=0) as pipe:
        try:
            for _, piece in frames_iter(said, tty=False):
                pipe.write(piece)
        except BrokenPipeError:
            return
        finally:
            answer.close()
            connection.close()


def _quietly(work: Callable[[], Any]) -> None:
    """Do what may come too late: the container has ended, is gone, or goes."""
    from docker.errors import APIError  # noqa: PLC0415 (an extra)

    try:
        work()
    except APIError as error:
        log.debug("the engine: %s", engine.explanation(error))
