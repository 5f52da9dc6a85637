"""Step Functions by itself on a port of its own, as AWS Step Functions Local serves it.

Clients that were set up for AWS Step Functions Local (port 8083) need no change: whatever they
sign with, they are account 123456789012 in one region. Sources:
https://docs.aws.amazon.com/step-functions/latest/dg/sfn-local.html and, beside it,
sfn-local-config-options.html.
"""

from __future__ import annotations

import logging
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from emulator.core import ids
from emulator.core.bus import Bus, Caller
from emulator.core.errors import AwsError
from emulator.endpoint.app import json_body, json_response, read_body
from emulator.endpoint.router import operation_of
from emulator.endpoint.wire import error_response

log = logging.getLogger("emulator.endpoint")

ACCOUNT = "123456789012"
_TARGET = "AWSStepFunctions"


class StatesLocalApp:
    """ASGI application of that port; other services are not there."""

    def __init__(self, bus: Bus, region: str) -> None:
        self._bus = bus
        self._region = region

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (lifespan events are not for us)."""
        if scope["type"] != "http":
            return
        try:
            response = await self._answer(Request(scope, receive))
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        request_id = ids.request_id()
        # The key names the account to the services that tasks call, as it does everywhere.
        caller = Caller(ACCOUNT, self._region, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT, request_id)
        try:
            answer = await self._call(request, caller)
        except AwsError as error:
            return error_response("json", error, request_id)
        except ClientDisconnect:
            raise
        except Exception:
            log.exception("%s failed inside the emulator", operation_of(request))
            broken = AwsError("InternalFailure", f"The emulator failed; request {request_id}.")
            return error_response("json", broken, request_id)
        return json_response(answer, request_id)

    async def _call(self, request: Request, caller: Caller) -> dict[str, Any]:
        if request.headers.get("x-amz-target", "").partition(".")[0] != _TARGET:
            raise AwsError("UnknownOperationException", "Only Step Functions answers on this port.")
        params = json_body(await read_body(request))
        return await self._bus.call("states", operation_of(request), params, caller)
