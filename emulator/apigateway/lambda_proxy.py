"""Lambda proxy integrations: the event of payload format 1.0, and the function's answer.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from emulator.apigateway.errors import GatewayError
from emulator.apigateway.exchange import Answer, Exchange, grouped
from emulator.apigateway.openapi import Api
from emulator.core.bus import Bus, Caller
from emulator.core.errors import AwsError

_FUNCTION = re.compile(r":lambda:path/2015-03-31/functions/(?P<arn>arn:[^/]+)/invocations$")
_MEMBERS = frozenset({"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"})
_STATUS_MIN, _STATUS_MAX = 100, 599


def function_arn(uri: str) -> str:
    """The function in an integration's URI; GatewayError API_CONFIGURATION_ERROR when none is."""
    found = _FUNCTION.search(uri)
    if found is None:
        raise GatewayError("API_CONFIGURATION_ERROR", "Internal server error")
    return found["arn"]


async def invoke(bus: Bus, api: Api, uri: str, exchange: Exchange, caller: Caller) -> Answer:
    """Invoke the function; GatewayError DEFAULT_5XX (502) when it fails or answers nonsense."""
    arn = function_arn(uri)
    params = {
        "FunctionName": arn,
        "InvocationType": "RequestResponse",
        "Payload": json.dumps(event(api, exchange), separators=(",", ":")).encode(),
    }
    try:
        result = await bus.call("lambda", "Invoke", params, caller)
    except AwsError as error:
        # A missing function, no permission, throttled: the client hears of none of it.
        raise GatewayError("API_CONFIGURATION_ERROR", "Internal server error") from error
    if result.get("FunctionError"):
        raise _malformed()
    return answer(bytes(result["Payload"]))


def event(api: Api, exchange: Exchange) -> dict[str, Any]:
    """The proxy event of a request."""
    context = exchange.context()
    for member in ("awsEndpointRequestId", "responseOverride"):
        del context[member]
    context["identity"] = dict.fromkeys(_IDENTITY) | context["identity"]
    headers = grouped(exchange.headers)
    query = grouped(exchange.query)
    body, encoded = _body(api, exchange)
    return {
        "resource": exchange.resource,
        "path": unquote(exchange.path),
        "httpMethod": exchange.method,
        "headers": {name: values[-1] for name, values in headers.items()},
        "multiValueHeaders": headers,
        "queryStringParameters": {n: v[-1] for n, v in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": exchange.path_parameters or None,
        "stageVariables": exchange.stage_variables or None,
        "requestContext": context,
        "body": body,
        "isBase64Encoded": encoded,
    }


def answer(payload: bytes) -> Answer:
    """A function's answer as HTTP; GatewayError DEFAULT_5XX (502) when it is malformed."""
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise _malformed() from error
    if not isinstance(document, dict) or set(document) - _MEMBERS:
        raise _malformed()
    try:
        status = int(document["statusCode"])
        body = _body_of(document)
        headers = list(_headers_of(document))
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as error:
        raise _malformed() from error
    if not _STATUS_MIN <= status <= _STATUS_MAX:
        raise _malformed()
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "application/json"))
    return Answer(status, headers, body)


def _body(api: Api, exchange: Exchange) -> tuple[str | None, bool]:
    if not exchange.body:
        return None, False
    if exchange.content_type() in api.binary_types or "*/*" in api.binary_types:
        return base64.b64encode(exchange.body).decode(), True
    return exchange.body.decode("utf-8", "replace"), False


def _body_of(document: Mapping[str, Any]) -> bytes:
    body = document.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise TypeError("body")
    if document.get("isBase64Encoded"):
        return base64.b64decode(body, validate=True)
    return body.encode()


def _headers_of(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    multiple = document.get("multiValueHeaders") or {}
    single = document.get("headers") or {}
    found = [(str(name), _text(v)) for name, values in multiple.items() for v in values]
    known = {(name.lower(), value) for name, value in found}
    found += [
        (str(name), _text(value))
        for name, value in single.items()
        if (str(name).lower(), _text(value)) not in known
    ]
    return [(name, value) for name, value in found if name.lower() not in _OWN_HEADERS]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int | float):
        raise TypeError("header")
    text = str(value)
    if "\r" in text or "\n" in text:
        raise ValueError("header")
    return text


def _malformed() -> GatewayError:
    return GatewayError("DEFAULT_5XX", "Internal server error", status=502)


_OWN_HEADERS = frozenset({"content-length", "transfer-encoding", "connection", "date"})
_IDENTITY = (
    "accessKey",
    "accountId",
    "apiKey",
    "apiKeyId",
    "caller",
    "cognitoAuthenticationProvider",
    "cognitoAuthenticationType",
    "cognitoIdentityId",
    "cognitoIdentityPoolId",
    "principalOrgId",
    "sourceIp",
    "user",
    "userAgent",
    "userArn",
)
