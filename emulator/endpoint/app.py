"""The AWS endpoint: one port for every service.

Services of ours answer first (S3, Step Functions, running tasks and functions, events); what they
do not own goes to moto on its lane. An answer of moto may carry something that the data planes
must know (a REST API's body, an invalidation, new credentials): ``after_moto`` hooks see it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import zlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from emulator.core import ids
from emulator.core.bus import Bus, BusCall, Caller
from emulator.core.clock import iso
from emulator.core.errors import AwsError, NoReply, NotSupported
from emulator.core.faults import Faults
from emulator.core.latency import Latency
from emulator.core.policy.principals import is_root
from emulator.core.query_xml import query_xml
from emulator.core.rest_xml import rest_xml
from emulator.core.sigv4_refusals import missing
from emulator.endpoint import lambda_front, s3_faults
from emulator.endpoint.callers import Callers
from emulator.endpoint.meter import Meter
from emulator.endpoint.moto_lane import BODY_BYTES_MAX, MotoLane, MotoReply
from emulator.endpoint.operations import called, is_anonymous
from emulator.endpoint.router import Route, operation_of, route
from emulator.endpoint.s3_faults import Cut
from emulator.endpoint.wire import Protocol, error_response, protocol_of

log = logging.getLogger("emulator.endpoint")

JSON_OWNED: dict[str, frozenset[str] | None] = {
    "states": None,  # None: every operation
    "ecs": frozenset(
        {
            *("RunTask", "StopTask", "DescribeTasks", "ListTasks"),
            *("CreateService", "UpdateService", "DeleteService"),
            *("DescribeServices", "ListServices"),
        }
    ),
    "events": frozenset({"PutEvents"}),
    "monitoring": None,
}
"""Operations of JSON-protocol services that are answered by engines of ours."""

S3Handler = Callable[[Request, str], Awaitable[Response]]
S3Refusal = Callable[[Request, AwsError, str], Awaitable[Response]]
GatewayHandler = Callable[[str, str, str, Request], Awaitable[Response]]
InternalHandler = Callable[[Request], Awaitable[Response]]
AfterMoto = Callable[[Route, Request, bytes, MotoReply], Awaitable[None]]


class EndpointApp:
    """ASGI application of the AWS endpoint (default port 4566)."""

    def __init__(
        self,
        bus: Bus,
        lane: MotoLane,
        callers: Callers,
        *,
        s3: S3Handler,
        refuse_s3: S3Refusal,
        gateway: GatewayHandler,
        internal: InternalHandler,
        after_moto: AfterMoto,
        faults: Faults | None = None,
        latency: Latency | None = None,
    ) -> None:
        self._bus = bus
        self._lane = lane
        self._callers = callers
        self._s3 = s3
        self._refuse_s3 = refuse_s3
        self._gateway = gateway
        self._internal = internal
        self._after_moto = after_moto
        self._faults = faults
        self._latency = latency
        self.meter = Meter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (lifespan events are not for us)."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        found = route(request)
        response: Response | Cut
        try:
            with self.meter.answering(found.service or found.kind):
                response = await self._answer(found, request)
        except ClientDisconnect:
            return
        except NoReply:
            response = Cut()
        except asyncio.CancelledError:
            # The server ends, and has waited long enough: for a call that a fault delays, say.
            response = Cut()
        await response(scope, receive, send)

    async def _answer(self, found: Route, request: Request) -> Response:
        if found.kind == "internal":
            return await self._internal(request)
        if found.kind == "execute-api":
            return await self._gateway(found.api, found.stage, found.path, request)
        request_id = ids.request_id()
        await self._callers.known(found)
        if found.service == "s3":
            if self._latency is None:
                return await self._answer_s3(found, request, request_id)
            return await self._latency.of("s3", lambda: self._answer_s3(found, request, request_id))
        protocol = protocol_of(request, found.service)
        try:
            return await self._call(found, protocol, request, request_id)
        except AwsError as error:
            return error_response(protocol, error, request_id)
        except (ClientDisconnect, NoReply):
            raise
        except Exception:
            log.exception("%s %s failed inside the emulator", found.service, request.url.path)
            # 400, not 500: SDKs and Terraform retry a 500 for minutes, and this would not heal.
            broken = AwsError("InternalFailure", f"The emulator failed; request {request_id}.")
            return error_response(protocol, broken, request_id)

    async def _answer_s3(self, found: Route, request: Request, request_id: str) -> Response:
        if self._faults is not None and self._faults.any:
            caller = self._callers.believed(found, request_id)
            return await s3_faults.answer(
                self._faults,
                request,
                caller,
                lambda given: self._s3(given, request_id),
                lambda given, error: self._refuse_s3(given, error, request_id),
            )
        return await self._s3(request, request_id)

    async def _call(
        self, found: Route, protocol: Protocol, request: Request, request_id: str
    ) -> Response:
        body = await read_body(request)
        caller = self._callers.of(found, protocol, request, body, request_id)
        if found.service == "monitoring" and request.headers.get("content-encoding") == "gzip":
            body = unzipped(body)  # SDKs compress what PutMetricData sends, once it is large
        operation = operation_of(request)
        owned = JSON_OWNED.get(found.service, frozenset())
        if operation and (owned is None or operation in owned):
            if caller is None:
                raise missing(protocol)
            answer = await self._bus.call(found.service, operation, json_body(body), caller)
            return json_response(answer, request_id)
        if found.service == "monitoring" and caller is not None:
            return await self._ask_cloudwatch(protocol, body, caller, request_id)
        if found.service == "sts" and protocol == "query":
            return await self._ask_sts(body, caller, request_id)
        if found.service == "cloudfront" and caller is not None:
            return await self._rest_xml(found, request, body, caller)
        sent = body
        if found.service == "lambda" and caller is not None:
            answered, body = await lambda_front.answer(self._bus, request, body, caller)
            if answered is not None:
                return answered

        async def deliver() -> dict[str, Any]:
            # what the caller sent is what it needs permission for
            await self._check(found, protocol, request, sent, caller)
            return {"response": await self._ask_moto(found, request, body)}

        if self._faults is None or not self._faults.any:
            delivered = await deliver()
        else:
            # it goes to moto and not over the bus, where the faults stand otherwise
            operation, params = called(found.service, protocol, request, sent)
            who = caller or s3_faults.ANONYMOUS
            call = BusCall(found.service, operation, params, who)
            delivered = await self._faults.around(call, deliver)
        response: Response = delivered["response"]
        return response

    async def _check(
        self,
        found: Route,
        protocol: Protocol,
        request: Request,
        body: bytes,
        caller: Caller | None,
    ) -> None:
        """Whether the caller may make a call that moto will answer."""
        if caller is not None and is_root(caller.principal):
            return
        operation, params = called(found.service, protocol, request, body)
        if caller is not None:
            await self._bus.check(found.service, operation, params, caller)
        elif self._callers.enforced and not is_anonymous(found.service, operation):
            raise missing(protocol)

    async def _ask_cloudwatch(
        self, protocol: Protocol, body: bytes, caller: Caller, request_id: str
    ) -> Response:
        """CloudWatch in the protocol of older SDKs and Terraform; JSON was answered before."""
        if protocol != "query":
            raise NotSupported(f"the protocol {protocol} of CloudWatch (JSON and query are)")
        wire = query_xml("cloudwatch")
        operation, params = wire.request(body)
        answer = await self._bus.call("monitoring", operation, params, caller)
        written = wire.answer(operation, answer, request_id)
        headers = {"x-amzn-RequestId": request_id}
        return Response(written, media_type="text/xml", headers=headers)

    async def _ask_sts(self, body: bytes, caller: Caller | None, request_id: str) -> Response:
        params: dict[str, Any] = dict(parse_qsl(body.decode("utf-8", "replace")))
        operation = str(params.pop("Action", ""))
        params.pop("Version", None)
        if caller is None:
            raise NotSupported(f"sts:{operation} without a signature")
        answer = await self._bus.call("sts", operation, params, caller)
        text = (
            f'<{operation}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
            f"<{operation}Result>{_elements(answer)}</{operation}Result>"
            f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
            f"</{operation}Response>"
        )
        return Response(text, media_type="text/xml", headers={"x-amzn-RequestId": request_id})

    async def _ask_moto(self, found: Route, request: Request, body: bytes) -> Response:
        target = request.scope["raw_path"].decode("latin-1")
        if request.url.query:
            target += "?" + request.scope["query_string"].decode("latin-1")
        headers = request.headers.items()
        reply = await self._lane.http(request.method, target, headers, body, found.service)
        if reply.status >= 500:  # noqa: PLR2004
            what = f"{found.service} {operation_of(request) or request.method} {request.url.path}"
            log.warning("moto answered %d to %s: %s", reply.status, what, reply.body[:300])
            raise NotSupported(what)
        await self._after_moto(found, request, body, reply)
        response = Response(reply.body, status_code=reply.status)
        for name, value in reply.headers:
            if name.lower() not in {"content-length", "connection", "server", "date"}:
                response.headers[name] = value
        return response

    async def _rest_xml(
        self, found: Route, request: Request, body: bytes, caller: Caller
    ) -> Response:
        protocol = rest_xml(found.service)
        query = request.scope["query_string"].decode("latin-1")
        path = request.scope["raw_path"].decode("latin-1")
        operation, labels = protocol.operation(request.method, path, query)
        params = protocol.parameters(operation, labels, query, dict(request.headers), body)
        answer = await self._bus.call(found.service, operation, params, caller)
        written = protocol.answer(operation, answer, caller.request_id)
        return Response(written.body, written.status, written.headers)


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


def unzipped(body: bytes) -> bytes:
    """A compressed body; SerializationException when it is none, 413 beyond BODY_BYTES_MAX."""
    reader = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        plain = reader.decompress(body, BODY_BYTES_MAX)
    except zlib.error as error:
        raise AwsError("SerializationException", f"The body is not gzip: {error}") from error
    if reader.unconsumed_tail:
        raise AwsError("RequestEntityTooLargeException", "The request is too large.", 413)
    return plain


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


def _elements(members: Mapping[str, Any]) -> str:
    """A structure in the query protocol; epoch seconds are the only numbers with a fraction."""
    parts = []
    for name, value in members.items():
        if isinstance(value, Mapping):
            text = _elements(value)
        elif isinstance(value, float):
            text = iso(value)[:19] + "Z"
        else:
            text = escape(str(value))
        parts.append(f"<{name}>{text}</{name}>")
    return "".join(parts)
