"""Lambda's Runtime API: the HTTP server that runtimes in sandboxes poll for events.

Each sandbox has a path of its own (``http://127.0.0.1:PORT/<sandbox id>/2018-06-01/runtime/...``),
so that the pending poll of a killed runtime can never swallow another sandbox's event. Source:
AWS's page "Using the Lambda runtime API for custom runtimes".
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol, cast

import httptools

log = logging.getLogger("emulator.functions")

HEAD_BYTES_MAX = 2 * 1024 * 1024
"""awslambdaric sends its X-Ray document, up to 1 MiB, in a header."""

BODY_BYTES_KEPT_MAX = 8 * 1024 * 1024
"""More of a body than this is read but not kept; it is refused as too large anyway."""

ROUTE = re.compile(
    r"^/(?P<sandbox>[0-9a-f]{32})/2018-06-01/runtime/"
    r"(?:(?P<next>invocation/next)|(?P<init>init/error)"
    r"|invocation/(?P<request>[^/]+)/(?P<kind>response|error))$"
)


@dataclass(frozen=True)
class Reply:
    """An answer of the Runtime API."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class Peer(Protocol):
    """A sandbox as the Runtime API sees it."""

    async def next_event(self) -> Reply:
        """The next event; waits for it."""

    def take_response(self, request_id: str, body: bytes, length: int) -> Reply:
        """The result of an event; ``length`` may be more than was kept of the body."""

    def take_error(self, request_id: str, body: bytes) -> Reply:
        """The error of an event."""

    def take_init_error(self, body: bytes) -> Reply:
        """The error that ended the runtime's start."""


class RuntimeApi:
    """The server, on a free port of the loopback interface."""

    def __init__(self, find: Callable[[str], Peer | None]) -> None:
        self._find = find
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()
        self.address = ""

    async def start(self) -> None:
        """Listen; ``address`` is ``host:port`` from then on."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connect, "127.0.0.1", 0, backlog=1024)
        host, port = self._server.sockets[0].getsockname()[:2]
        self.address = f"{host}:{port}"

    async def stop(self) -> None:
        """Close the port and all connections."""
        if self._server is None:
            return
        self._server.close()
        for connection in list(self._connections):
            connection.close()
        await self._server.wait_closed()
        self._server = None

    def _connect(self) -> _Connection:
        connection = _Connection(self._answer, self._connections.discard)
        self._connections.add(connection)
        return connection

    async def _answer(self, method: str, path: str, body: bytes, length: int) -> Reply:
        route = ROUTE.match(path)
        peer = self._find(route["sandbox"]) if route else None
        if route is None or peer is None:
            return problem(404, "UnknownPath", f"there is nothing at {path}")
        if method == "GET" and route["next"]:
            return await peer.next_event()
        if method == "POST" and route["init"]:
            return peer.take_init_error(body)
        if method == "POST" and route["kind"] == "response":
            return peer.take_response(route["request"], body, length)
        if method == "POST" and route["kind"] == "error":
            return peer.take_error(route["request"], body)
        return problem(405, "InvalidMethod", f"{method} is not for {path}")


def problem(status: int, kind: str, message: str) -> Reply:
    """An error as the Runtime API answers it."""
    body = json.dumps({"errorMessage": message, "errorType": kind}).encode()
    return Reply(status, body, {"Content-Type": "application/json"})


def accepted() -> Reply:
    """The answer to a result that was taken."""
    return Reply(202, b'{"status":"OK"}\n', {"Content-Type": "application/json"})


class _Connection(asyncio.Protocol):
    """One connection of a runtime: requests one after another."""

    def __init__(
        self,
        answer: Callable[[str, str, bytes, int], Awaitable[Reply]],
        forget: Callable[[_Connection], None],
    ) -> None:
        self._answer = answer
        self._forget = forget
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._task: asyncio.Task[None] | None = None
        self._begin()

    def _begin(self) -> None:
        self._path = b""
        self._head_bytes = 0
        self._body: list[bytes] = []
        self._length = 0
        self._expects = False

    def close(self) -> None:
        """Drop the connection."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A runtime has connected (asyncio turns Nagle's algorithm off by itself)."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio's name)
        """The runtime is gone: nobody waits for the answer any more."""
        self._forget(self)
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        """Bytes of a request."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.close()

    def on_url(self, url: bytes) -> None:
        """Part of the request's target."""
        self._path += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > HEAD_BYTES_MAX:
            self.close()
        elif name.lower() == b"expect" and value.lower() == b"100-continue":
            self._expects = True

    def on_headers_complete(self) -> None:
        """The head is complete; curl may wait for leave to send the body."""
        if self._expects and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, data: bytes) -> None:
        """Part of the body."""
        self._length += len(data)
        if self._length <= BODY_BYTES_KEPT_MAX:
            self._body.append(data)

    def on_message_complete(self) -> None:
        """The request is complete."""
        method = self._parser.get_method().decode()
        path = self._path.decode("latin-1")
        body, length = b"".join(self._body), self._length
        self._begin()
        self._task = asyncio.get_running_loop().create_task(
            self._respond(method, path, body, length)
        )

    async def _respond(self, method: str, path: str, body: bytes, length: int) -> None:
        try:
            reply = await self._answer(method, path, body, length)
        except Exception:
            log.exception("the Runtime API failed on %s %s", method, path)
            reply = problem(500, "InternalError", "the emulator failed; see its log")
        head = [f"HTTP/1.1 {reply.status} OK", f"Content-Length: {len(reply.body)}"]
        head += [f"{name}: {value}" for name, value in reply.headers.items()]
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write("\r\n".join([*head, "", ""]).encode("latin-1") + reply.body)
