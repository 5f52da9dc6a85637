"""API Gateway's proxy events and responses (REST API, payload format 1.0).

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from handlers.errors import InvalidRequest
from system import problems

BODY_BYTES_MAX = 65_536


@dataclass(frozen=True)
class Request:
    """A request as the gateway hands it over.

    ``resource`` is the route's template (``/api/runs/{run_id}/stop``), ``path`` its parameters,
    ``raw_body`` the body still encoded.
    """

    method: str
    resource: str
    path: Mapping[str, str]
    raw_body: str
    encoded: bool
    correlation_id: str | None

    def body(self) -> dict[str, Any]:
        """The body, a JSON object; an empty body is an empty one. Raises InvalidRequest."""
        if len(self.raw_body) > 2 * BODY_BYTES_MAX:
            raise InvalidRequest(f"The body has more than {BODY_BYTES_MAX} bytes.")
        try:
            body = (
                base64.b64decode(self.raw_body, validate=True)
                if self.encoded
                else self.raw_body.encode()
            )
            if len(body) > BODY_BYTES_MAX:
                raise InvalidRequest(f"The body has more than {BODY_BYTES_MAX} bytes.")
            document = json.loads(body) if body.strip() else {}
        except (binascii.Error, ValueError, RecursionError) as error:
            raise InvalidRequest("The body is not JSON.") from error
        if not isinstance(document, dict):
            raise InvalidRequest("The body is not an object.")
        return document


def is_request(event: object) -> bool:
    """Whether an event comes from the gateway; the workflows' have an action instead."""
    return isinstance(event, dict) and "httpMethod" in event and "requestContext" in event


def request(event: Mapping[str, Any]) -> Request:
    """The request in a proxy event. What it leaves out or sends as null is empty."""
    return Request(
        method=str(event["httpMethod"]),
        resource=str(event.get("resource") or ""),
        path=event.get("pathParameters") or {},
        raw_body=event.get("body") or "",
        encoded=bool(event.get("isBase64Encoded")),
        correlation_id=(event.get("requestContext") or {}).get("requestId"),
    )


def answer(status: int, document: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON answer. Nothing here may be cached: all of it changes or is somebody's own."""
    return _response(status, "application/json", document)


def problem(
    error_name: str,
    detail: str | None,
    *,
    run_id: str | None = None,
    correlation_id: str | None = None,
) -> dict[str, Any]:
    """A problem document as an answer."""
    document = problems.document(error_name, detail, run_id=run_id, correlation_id=correlation_id)
    return _response(document["status"], problems.CONTENT_TYPE, document)


def _response(status: int, content_type: str, document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {
            "Content-Type": content_type,
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
        "body": json.dumps(document),
        "isBase64Encoded": False,
    }
