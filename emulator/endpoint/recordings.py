"""A request that is delivered twice: its body can be read once, and is kept while that happens."""

from __future__ import annotations

import asyncio
import tempfile
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

MEMORY_BYTES_MAX = 1024 * 1024
"""What is kept beyond this lies in a file: an upload may be as large as S3 takes."""
PIECE_BYTES = 256 * 1024

Serve = Callable[[Request], Awaitable[Response]]


class Recording:
    """Delivers a request once, and again: with the same headers, and with the same body."""

    def __init__(self, request: Request, serve: Serve) -> None:
        self._request = request
        self._serve = serve
        self._served = asyncio.Event()
        self._delivered = False
        self._whole = False
        self._body = tempfile.SpooledTemporaryFile(MEMORY_BYTES_MAX)  # noqa: SIM115 (see below)
        # It is needed for as long as somebody may deliver again, which nobody says.
        weakref.finalize(self, self._body.close)

    async def deliver(self) -> dict[str, Any]:
        """Serve the request; from the second time on what was recorded, and to nobody."""
        if not self._delivered:
            self._delivered = True
            try:
                return {"response": await self._serve(Request(self._request.scope, self._record))}
            finally:
                self._served.set()
        await self._served.wait()
        again = Request(dict(self._request.scope), _Replay(self._body, self._whole))
        response = await self._serve(again)
        # Sent to nobody, so that what it holds open is read and closed.
        await response(again.scope, again.receive, _drop)
        return {}

    async def _record(self) -> Message:
        message = await self._request.receive()
        if message["type"] == "http.request":
            self._body.write(message.get("body", b""))
            self._whole = not message.get("more_body", False)
        return message


class _Replay:
    """The recorded body. One that was not read to its end ends as its client had gone."""

    def __init__(self, body: Any, whole: bool) -> None:
        self._body = body
        self._whole = whole
        self._at = 0
        self._ended = False

    async def __call__(self) -> Message:
        if self._ended:
            return {"type": "http.disconnect"}
        self._body.seek(self._at)
        piece = self._body.read(PIECE_BYTES)
        self._at += len(piece)
        self._ended = len(piece) < PIECE_BYTES
        if self._ended and not self._whole and not piece:
            return {"type": "http.disconnect"}
        more = not self._ended or not self._whole
        return {"type": "http.request", "body": piece, "more_body": more}


async def _drop(message: Message) -> None:
    """Nobody hears the second answer."""
