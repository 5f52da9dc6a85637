"""Lambda on the wire: Invoke is ours, and calls of the control plane are prepared for moto."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response

from emulator.core.bus import Bus, Caller
from emulator.core.errors import AwsError
from emulator.functions import control

_NAME = r"/functions/(?P<name>[^/]+)"
_OPERATIONS = tuple(
    (method, re.compile(rf"^/{version}{path}/?$"), operation)
    for method, version, path, operation in (
        ("POST", "2015-03-31", rf"{_NAME}/invocations", "Invoke"),
        ("POST", "2014-11-13", rf"{_NAME}/invoke-async", "InvokeAsync"),
        ("POST", "2021-11-15", rf"{_NAME}/response-streaming-invocations",
         "InvokeWithResponseStream"),
        ("POST", "2015-03-31", "/functions", "CreateFunction"),
        ("PUT", "2015-03-31", rf"{_NAME}/code", "UpdateFunctionCode"),
        ("PUT", "2015-03-31", rf"{_NAME}/configuration", "UpdateFunctionConfiguration"),
        ("POST", "2015-03-31", "/event-source-mappings", "CreateEventSourceMapping"),
        ("POST", "2021-10-31", rf"{_NAME}/url", "CreateFunctionUrlConfig"),
        ("PUT", "2019-09-30", rf"{_NAME}/provisioned-concurrency",
         "PutProvisionedConcurrencyConfig"),
        ("PUT", "2019-09-25", rf"{_NAME}/event-invoke-config", "PutFunctionEventInvokeConfig"),
        ("POST", "2019-09-25", rf"{_NAME}/event-invoke-config",
         "UpdateFunctionEventInvokeConfig"),
    )
)  # fmt: skip
"""Operations of Lambda's REST API that need something of ours (botocore's model has the paths)."""

_HEADERS = {
    "x-amz-invocation-type": "InvocationType",
    "x-amz-log-type": "LogType",
    "x-amz-client-context": "ClientContext",
    "x-amz-durable-execution-name": "DurableExecutionName",
    "x-amz-tenant-id": "TenantId",
}
_ANSWERED = (
    ("FunctionError", "X-Amz-Function-Error"),
    ("LogResult", "X-Amz-Log-Result"),
    ("ExecutedVersion", "X-Amz-Executed-Version"),
)


async def answer(
    bus: Bus, request: Request, body: bytes, caller: Caller
) -> tuple[Response | None, bytes]:
    """Answer an invocation; for every other call None, and the body that moto should get."""
    operation, name = _operation(request)
    if operation == "Invoke":
        return await _invoke(bus, request, name, body, caller), body
    if operation == "InvokeAsync":
        call = {"FunctionName": name, "InvokeArgs": body}
        answered = await bus.call("lambda", "InvokeAsync", call, caller)
        return Response(json.dumps(answered), 202, media_type="application/json"), body
    if operation:
        params = _parsed(body)
        if "Qualifier" in request.query_params:
            params["Qualifier"] = request.query_params["Qualifier"]
        prepared = await control.prepare(operation, params, bus, caller)
        if prepared is not params:
            body = json.dumps(control.on_the_wire(prepared)).encode()
    return None, body


async def _invoke(bus: Bus, request: Request, name: str, body: bytes, caller: Caller) -> Response:
    params: dict[str, Any] = {"FunctionName": name, "Payload": body}
    for header, member in _HEADERS.items():
        value = request.headers.get(header)
        if value is not None:
            params[member] = value
    qualifier = request.query_params.get("Qualifier")
    if qualifier is not None:
        params["Qualifier"] = qualifier
    answered = await bus.call("lambda", "Invoke", params, caller)
    headers = {"x-amzn-RequestId": caller.request_id}
    for member, header in _ANSWERED:
        if answered.get(member):
            headers[header] = str(answered[member])
    return Response(
        bytes(answered.get("Payload", b"")),
        status_code=int(answered["StatusCode"]),
        media_type="application/json",
        headers=headers,
    )


def _operation(request: Request) -> tuple[str, str]:
    path = request.url.path
    for method, pattern, operation in _OPERATIONS:
        found = pattern.match(path) if method == request.method else None
        if found:
            return operation, unquote(found.groupdict().get("name") or "")
    return "", ""


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body or b"{}")
    except ValueError as error:
        raise AwsError("InvalidRequestContentException", f"Could not parse: {error}") from error
    if not isinstance(parsed, dict):
        raise AwsError("InvalidRequestContentException", "The body must be a JSON object.")
    return parsed
