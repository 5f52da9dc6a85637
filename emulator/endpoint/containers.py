"""The AWS endpoint as containers reach it: AWS's API, and nothing of the emulator's own.

It listens on the bridge of the container engine, which other containers of this machine share.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from emulator.endpoint.router import route


class ContainersApp:
    """ASGI application around that of the endpoint."""

    def __init__(self, endpoint: ASGIApp) -> None:
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, unless it is for the emulator itself."""
        if scope["type"] == "http" and route(Request(scope)).kind == "internal":
            refusal = JSONResponse({"message": "Not for containers."}, status_code=403)
            await refusal(scope, receive, send)
            return
        # Nothing of it leaves this machine, as with what comes by the loopback interface, and a
        # policy that wants TLS (and should) would refuse every request.
        await self._endpoint({**scope, "scheme": "https"}, receive, send)
