"""CloudFront Functions: the distribution's JavaScript, run for each request.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-event-structure.html

A function may change the uri or answer by itself. Other changes of the request are refused by name
when they happen, rather than lost.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from emulator.core.errors import AwsError
from emulator.edge.errors import EdgeError

TIME_S_MAX = 0.1
"""CloudFront allows about a millisecond of its own machines' time; laptops are noisier."""
MEMORY_BYTES_MAX = 2 * 1024 * 1024


@dataclass(frozen=True)
class Asked:
    """A viewer's request as a function sees it; names of headers in lower case."""

    method: str
    uri: str
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    ip: str = ""


@dataclass(frozen=True)
class Answered:
    """What a function answers instead of the origin."""

    status: int
    headers: dict[str, str]
    body: bytes


class ViewerRequest:
    """A viewer-request function; ``code`` defines ``handler(event)``.

    Raises AwsError InvalidArgument for code that cannot be compiled or has no handler.
    """

    def __init__(self, code: str) -> None:
        import quickjs  # type: ignore[import-untyped] # noqa: PLC0415 (2 MB, seldom needed)

        self._error: type[Exception] = quickjs.JSException
        self._context = quickjs.Context()
        self._context.set_memory_limit(MEMORY_BYTES_MAX)
        self._context.set_time_limit(TIME_S_MAX)
        try:
            self._context.eval(code)
            known = self._context.eval("typeof handler === 'function'")
        except self._error as error:
            raise AwsError("InvalidArgument", f"The function does not compile: {error}") from error
        if not known:
            raise AwsError("InvalidArgument", "The function's code has no handler(event).")
        self._context.eval(
            "function __call(text) { return JSON.stringify(handler(JSON.parse(text))); }"
        )
        self._call = self._context.get("__call")

    def __call__(self, asked: Asked) -> str | Answered:
        """The uri to look up, or an answer; raises EdgeError 503 where the function fails."""
        request = {
            "method": asked.method,
            "uri": asked.uri,
            "querystring": {k: {"value": v} for k, v in asked.query.items()},
            "headers": {k: {"value": v} for k, v in asked.headers.items()},
            "cookies": {},
        }
        event = {
            "version": "1.0",
            "context": {"eventType": "viewer-request"},
            "viewer": {"ip": asked.ip},
            "request": request,
        }
        try:
            text = self._call(json.dumps(event))
        except self._error as error:
            raise EdgeError(503, f"The CloudFront function failed: {error}") from error
        result = json.loads(text) if isinstance(text, str) else None
        if not isinstance(result, dict):
            raise EdgeError(503, "The CloudFront function returned an invalid value.")
        if "statusCode" in result:
            return _answer(result)
        uri = result.get("uri")
        if not isinstance(uri, str) or not uri.startswith("/"):
            raise EdgeError(503, "The CloudFront function returned an invalid uri.")
        changed = [k for k in ("method", "querystring", "headers") if result.get(k) != request[k]]
        if changed:
            raise EdgeError(503, f"Functions that change the {changed[0]} are not emulated.")
        return uri


def _answer(result: dict[str, Any]) -> Answered:
    status = result["statusCode"]
    if not isinstance(status, int) or not 200 <= status <= 599:  # noqa: PLR2004
        raise EdgeError(503, "The CloudFront function returned an invalid status.")
    headers = {k: str(v.get("value", "")) for k, v in (result.get("headers") or {}).items()}
    body = result.get("body", "")
    data = body.get("data", "") if isinstance(body, dict) else body
    return Answered(status, headers, str(data).encode())
