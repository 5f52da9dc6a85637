"""HTTP listeners: uvicorn servers on sockets that are bound before anything else starts."""

from __future__ import annotations

import asyncio
import socket
from types import TracebackType
from typing import Any, Self

import uvicorn
from starlette.types import ASGIApp

from emulator.core.errors import EmulatorError

CLOSE_TIMEOUT_S = 2
"""Open streams get this long to end when the emulator stops."""


def bind(host: str, port: int, what: str) -> socket.socket:
    """A listening socket on ``host:port`` (0: a free one); EmulatorError when it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off for sockets that say TCP, and for no others: with it an
    # answer of two writes waits 40 ms for the client's acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        # Bind alone does not clash with another listener that also set SO_REUSEADDR.
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise EmulatorError(
            f"Port {port} for {what} is not free ({error.strerror}). "
            "Stop what uses it (nst down, if it is an emulator), or choose another port."
        ) from error
    listener.setblocking(False)  # noqa: FBT003 - socket's own
    return listener


class Listener:
    """One uvicorn server on a bound socket, on the running event loop."""

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
        config = uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            http="httptools",
            loop="none",
            timeout_keep_alive=60,
            timeout_graceful_shutdown=CLOSE_TIMEOUT_S,
            h11_max_incomplete_event_size=64 * 1024,
            ws="none",
        )
        self._server = _Server(config)
        self._socket = listener
        self._task: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._socket.getsockname()[1])

    async def __aenter__(self) -> Self:
        """Start to serve."""
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        while not self._server.started:
            if self._task.done():
                await self._task
                raise EmulatorError("The HTTP server ended before it had started.")
            await asyncio.sleep(0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop: no new connections, a moment for open ones, then close."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the emulator decides when it ends."""

    def install_signal_handlers(self) -> None:
        """Leave signals alone."""

    def capture_signals(self) -> Any:
        """Leave signals alone."""
        import contextlib  # noqa: PLC0415

        return contextlib.nullcontext()
