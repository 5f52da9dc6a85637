"""A limit on request bodies, declared length or not."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_BYTES_MAX = 4_096


class BodyLimit:
    """ASGI middleware: a body beyond ``BODY_BYTES_MAX`` ends in 413 where it is read."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count what the application receives."""
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > BODY_BYTES_MAX:
                raise HTTPException(413, f"A body has at most {BODY_BYTES_MAX} bytes.")
            return message

        await self._app(scope, counted if scope["type"] == "http" else receive, send)
