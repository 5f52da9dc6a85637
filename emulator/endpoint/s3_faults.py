"""Faults of S3 over HTTP, where calls do not go over the bus."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from emulator.core import ids
from emulator.core.bus import BusCall, Caller
from emulator.core.conditional_writes import HEADERS
from emulator.core.errors import AwsError
from emulator.core.faults import Faults
from emulator.endpoint.recordings import Recording
from emulator.s3.rest import Rest

ANONYMOUS = Caller(ids.ACCOUNT, ids.REGION, "anonymous")
_OBJECT = {"GET": "GetObject", "HEAD": "HeadObject", "PUT": "PutObject", "DELETE": "DeleteObject"}
_BUCKET = {
    "GET": "ListObjectsV2",
    "HEAD": "HeadBucket",
    "PUT": "CreateBucket",
    "DELETE": "DeleteBucket",
    "POST": "PostObject",
}


class Cut:
    """No answer: the client sees the connection end."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Close the connection under the request.

        ASGI has no message for it; the server's own object behind ``send`` has the transport.
        """
        del scope
        send.__self__.transport.abort()  # type: ignore[attr-defined]
        while (await receive())["type"] != "http.disconnect":
            pass


async def answer(
    faults: Faults,
    request: Request,
    caller: Caller | None,
    serve: Callable[[Request], Awaitable[Response]],
    refuse: Callable[[Request, AwsError], Awaitable[Response]],
) -> Response:
    """Serve a request, with whatever fault is set for its operation; raises NoReply.

    ``refuse`` answers a request in S3's own way when the fault is an error.
    """
    who = caller or ANONYMOUS

    async def once() -> dict[str, Any]:
        return {"response": await serve(request)}

    call = BusCall("s3", operation_of(request), _written(request), who)
    deliver = Recording(request, serve).deliver if faults.repeats(call) else once
    try:
        answered = await faults.around(call, deliver)
    except AwsError as error:
        return await refuse(request, error)
    response: Response = answered["response"]
    return response


def _written(request: Request) -> dict[str, Any]:
    """What a fault looks at: the key, and the conditions of a write."""
    rest = Rest(request)
    rest.address()
    conditions = {name: request.headers.get(header) for name, header in HEADERS.items()}
    return {"Key": rest.key, **conditions}


def operation_of(request: Request) -> str:
    """The API's name of a request; of rarely used sub-resources, ``method?sub-resource``."""
    rest = Rest(request)
    rest.address()
    query = [name for name in request.query_params if not name.lower().startswith("x-amz-")]
    if rest.key is not None:
        if "uploadId" in query or "uploads" in query or "partNumber" in query:
            return _multipart(request.method, query)
        if request.method == "PUT" and "x-amz-copy-source" in request.headers:
            return "CopyObject"
        sub = [name for name in query if name in {"tagging", "acl", "attributes"}]
        return f"{request.method}?{sub[0]}" if sub else _OBJECT.get(request.method, request.method)
    if "delete" in query:
        return "DeleteObjects"
    plain = {"list-type", "prefix", "delimiter", "max-keys", "continuation-token", "start-after",
             "encoding-type", "marker", "fetch-owner"}  # fmt: skip
    sub = [name for name in query if name not in plain]
    if rest.bucket is None:
        return "ListBuckets"
    return f"{request.method}?{sub[0]}" if sub else _BUCKET.get(request.method, request.method)


def _multipart(method: str, query: list[str]) -> str:
    if "uploads" in query:
        return "CreateMultipartUpload"
    return {
        "PUT": "UploadPart",
        "POST": "CompleteMultipartUpload",
        "DELETE": "AbortMultipartUpload",
    }.get(method, "ListParts")
