"""The Web API as a server in a thread of its own, beside the run."""

# ruff: noqa: PLC0415  (FastAPI is imported after the run has begun)

from __future__ import annotations

import logging
import socket
import threading
from typing import TYPE_CHECKING

from worker.service.runner import Runner
from worker.service.storage import Storage
from worker.service.timings import Timings

if TYPE_CHECKING:
    import uvicorn

log = logging.getLogger("nst.server")

BACKLOG = 64
CONNECTIONS_MAX = 128


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens; raises OSError when it cannot. Port 0 picks a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off for sockets that say TCP, and for no others.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


class WebServer:
    """Serves the Web API on ``listener`` from ``start`` to ``stop``.

    FastAPI is imported in the server's thread, when ``after`` is set or ``web_after_s`` have
    passed, so that it does not stand in the way of ``started``.
    """

    def __init__(
        self,
        listener: socket.socket,
        storage: Storage,
        runner: Runner | None,
        timings: Timings,
        after: threading.Event,
    ) -> None:
        self._listener = listener
        self._storage = storage
        self._runner = runner
        self._timings = timings
        self._after = after
        self._server: uvicorn.Server | None = None
        self._stopping = False
        self._thread = threading.Thread(target=self._serve, name="web", daemon=True)

    def start(self) -> None:
        """Come up, in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Let open connections take what is left, for ``drain_s``, then go down."""
        self._stopping = True
        self._after.set()
        if self._server is not None:
            self._server.should_exit = True
        self._thread.join(self._timings.drain_s + 1)

    def _serve(self) -> None:
        self._after.wait(self._timings.web_after_s)
        if self._stopping:
            return
        import uvicorn

        from worker.service.api import Api, create_app

        app = create_app(Api(self._storage, self._runner, self._timings))
        config = uvicorn.Config(
            app,
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            limit_concurrency=CONNECTIONS_MAX,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=max(1, round(self._timings.drain_s)),
        )
        server = uvicorn.Server(config)
        server.should_exit = self._stopping
        self._server = server
        host, port = self._listener.getsockname()[:2]
        log.info("the Web API listens", extra={"fields": {"host": host, "port": port}})
        server.run(sockets=[self._listener])
