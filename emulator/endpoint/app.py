"""The AWS endpoint: one port for every service.

Services of ours answer first (S3, Step Functions, running tasks and functions, events); what they
do not own goes to moto on its lane. An answer of moto may carry something that the data planes
must know (a REST API's body, an invalidation, new credentials): ``after_moto`` hooks see it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from emulator.core import ids
from emulator.core.bus import Bus, Caller
from emulator.core.credentials import CredentialStore
from emulator.core.errors import AwsError, NoReply, NotSupported
from emulator.core.faults import Faults
from emulator.endpoint import lambda_front, s3_faults
from emulator.endpoint.moto_lane import BODY_BYTES_MAX, MotoLane, MotoReply
from emulator.endpoint.router import Route, operation_of, route
from emulator.endpoint.s3_faults import Cut

log = logging.getLogger("emulator.endpoint")

JSON_OWNED: dict[str, frozenset[str] | None] = {
    "states": None,  # None: every operation
    "ecs": frozenset({"RunTask", "StopTask", "DescribeTasks", "ListTasks"}),
    "events": frozenset({"PutEvents"}),
}
"""Operations of JSON-protocol services that are answered by engines of ours."""

S3Handler = Callable[[Request, Caller | None], Awaitable[Response]]
GatewayHandler = Callable[[str, str, str, Request], Awaitable[Response]]
InternalHandler = Callable[[Request], Awaitable[Response]]
AfterMoto = Callable[[Route, Request, bytes, MotoReply], Awaitable[None]]


class EndpointApp:
    """ASGI application of the AWS endpoint (default port 4566)."""

    def __init__(
        self,
        bus: Bus,
        lane: MotoLane,
        credentials: CredentialStore,
        *,
        s3: S3Handler,
        gateway: GatewayHandler,
        internal: InternalHandler,
        after_moto: AfterMoto,
        faults: Faults | None = None,
    ) -> None:
        self._bus = bus
        self._lane = lane
        self._credentials = credentials
        self._s3 = s3
        self._gateway = gateway
        self._internal = internal
        self._after_moto = after_moto
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (lifespan events are not for us)."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        response: Response | Cut
        try:
            response = await self._answer(request)
        except ClientDisconnect:
            return
        except NoReply:
            response = Cut()
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        found = route(request)
        if found.kind == "internal":
            return await self._internal(request)
        if found.kind == "execute-api":
            return await self._gateway(found.api, found.stage, found.path, request)
        request_id = ids.request_id()
        caller = self._caller(found, request_id)
        if found.service == "s3":
            if self._faults is not None and self._faults.any:
                return await s3_faults.answer(
                    self._faults, request, caller, lambda: self._s3(request, caller)
                )
            return await self._s3(request, caller)
        try:
            return await self._call(found, request, caller)
        except AwsError as error:
            return error_response(found.service, error, request_id)
        except (ClientDisconnect, NoReply):
            raise
        except Exception:
            log.exception("%s %s failed inside the emulator", found.service, request.url.path)
            # 400, not 500: SDKs and Terraform retry a 500 for minutes, and this would not heal.
            broken = AwsError("InternalFailure", f"The emulator failed; request {request_id}.")
            return error_response(found.service, broken, request_id)

    def _caller(self, found: Route, request_id: str) -> Caller | None:
        if found.access_key is None:
            return None
        credential = self._credentials.find(found.access_key)
        account = credential.account if credential else ids.ACCOUNT
        principal = credential.principal if credential else f"arn:aws:iam::{account}:root"
        return Caller(
            account=account,
            region=found.region or ids.REGION,
            principal=principal,
            access_key=found.access_key,
            request_id=request_id,
        )

    async def _call(self, found: Route, request: Request, caller: Caller | None) -> Response:
        operation = operation_of(request)
        body = await read_body(request)
        owned = JSON_OWNED.get(found.service, frozenset())
        if operation and (owned is None or operation in owned):
            if caller is None:
                raise AwsError(
                    "MissingAuthenticationTokenException", "Missing Authentication Token", 403
                )
            answer = await self._bus.call(found.service, operation, json_body(body), caller)
            return json_response(answer, caller.request_id)
        if found.service == "lambda" and caller is not None:
            invoked = await lambda_front.invoke(self._bus, request, body, caller)
            if invoked is not None:
                return invoked
        target = request.scope["raw_path"].decode("latin-1")
        if request.url.query:
            target += "?" + request.scope["query_string"].decode("latin-1")
        reply = await self._lane.http(request.method, target, request.headers.items(), body)
        if reply.status >= 500:  # noqa: PLR2004
            what = f"{found.service} {operation or request.method + ' ' + request.url.path}"
            log.warning("moto answered %d to %s: %s", reply.status, what, reply.body[:300])
            raise NotSupported(what)
        await self._after_moto(found, request, body, reply)
        response = Response(reply.body, status_code=reply.status)
        for name, value in reply.headers:
            if name.lower() not in {"content-length", "connection", "server", "date"}:
                response.headers[name] = value
        return response


async def read_body(request: Request) -> bytes:
    """The whole body, of BODY_BYTES_MAX at most (AwsError 413 beyond)."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > BODY_BYTES_MAX:
            raise AwsError("RequestEntityTooLargeException", "The request is too large.", 413)
        parts.append(part)
    return b"".join(parts)


def json_body(body: bytes) -> dict[str, Any]:
    """Parse a JSON-protocol body; AwsError SerializationException when it is not an object."""
    try:
        parsed = json.loads(body or b"{}")
    except ValueError as error:
        raise AwsError("SerializationException", f"Start of structure expected: {error}") from error
    if not isinstance(parsed, dict):
        raise AwsError("SerializationException", "The body must be a JSON object.")
    return parsed


def json_response(answer: dict[str, Any], request_id: str) -> Response:
    """An answer in the JSON protocol."""
    return Response(
        json.dumps(answer, separators=(",", ":")),
        media_type="application/x-amz-json-1.0",
        headers={"x-amzn-RequestId": request_id},
    )


def error_response(service: str, error: AwsError, request_id: str) -> Response:
    """An error in the JSON form that every SDK can read.

    ``x-amzn-errortype`` serves the REST-JSON protocol, ``__type`` the JSON ones. Query and XML
    services get their errors from moto; those never come here but for what we refuse.
    """
    if service in {"iam", "sts", "sqs", "sns", "ec2", "cloudformation", "elasticloadbalancing"}:
        text = (
            "<ErrorResponse><Error><Type>Sender</Type>"
            f"<Code>{error.code}</Code><Message>{_escape(error.message)}</Message></Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return Response(text, status_code=error.status, media_type="text/xml")
    if service == "cloudfront":
        text = (
            '<ErrorResponse xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"><Error>'
            f"<Type>Sender</Type><Code>{error.code}</Code>"
            f"<Message>{_escape(error.message)}</Message></Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return Response(text, status_code=error.status, media_type="text/xml")
    return JSONResponse(
        {"__type": error.code, "message": error.message, "Message": error.message, **error.fields},
        status_code=error.status,
        headers={"x-amzn-errortype": error.code, "x-amzn-RequestId": request_id},
    )


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
