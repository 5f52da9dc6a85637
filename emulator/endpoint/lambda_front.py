"""Lambda's Invoke on the wire: the one call of its REST API that moto does not answer here."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response

from emulator.core.bus import Bus, Caller

_INVOKE = re.compile(r"^/2015-03-31/functions/(?P<name>[^/]+)/invocations$")


async def invoke(bus: Bus, request: Request, body: bytes, caller: Caller) -> Response | None:
    """Answer an Invoke; None for every other call of Lambda's API."""
    found = _INVOKE.match(request.url.path)
    if found is None or request.method != "POST":
        return None
    params: dict[str, Any] = {
        "FunctionName": unquote(found["name"]),
        "Payload": body,
        "InvocationType": request.headers.get("x-amz-invocation-type", "RequestResponse"),
    }
    if "x-amz-log-type" in request.headers:
        params["LogType"] = request.headers["x-amz-log-type"]
    if "qualifier" in request.query_params.keys():  # noqa: SIM118 (a multi-dict)
        params["Qualifier"] = request.query_params["qualifier"]
    answer = await bus.call("lambda", "Invoke", params, caller)
    headers = {"x-amzn-RequestId": caller.request_id}
    for member, header in (
        ("FunctionError", "X-Amz-Function-Error"),
        ("LogResult", "X-Amz-Log-Result"),
        ("ExecutedVersion", "X-Amz-Executed-Version"),
    ):
        if answer.get(member):
            headers[header] = str(answer[member])
    return Response(
        bytes(answer.get("Payload", b"")),
        status_code=int(answer["StatusCode"]),
        media_type="application/json",
        headers=headers,
    )
