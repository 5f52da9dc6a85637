"""Gateway responses: what a client gets when the gateway itself refuses or fails.

Their templates know no Velocity, only variables:
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-gatewayResponse-definition.html
"""

from __future__ import annotations

import json
import re
from typing import Any

from emulator.apigateway import java
from emulator.apigateway.errors import GatewayError
from emulator.apigateway.exchange import Answer, Exchange
from emulator.apigateway.openapi import Api, GatewayResponse

_VARIABLE = re.compile(r"\$(context|stageVariables|method\.request)((?:\.[A-Za-z][\w-]*)+)")
_DEFAULT = GatewayResponse(
    status=None,
    headers={},
    templates={"application/json": '{"message":$context.error.messageString}'},
)


def answer(api: Api | None, error: GatewayError, exchange: Exchange) -> Answer:
    """The answer to a refused request, customised as the API says."""
    custom = _custom(api, error)
    context = exchange.context()
    context["error"] = {
        "message": error.message,
        "messageString": json.dumps(error.message),
        # Escaped, so that the template everybody writes ("...ErrorString" in quotes) is JSON.
        "validationErrorString": json.dumps(error.validation)[1:-1],
        "responseType": error.response_type,
    }
    kind, template = next(iter((custom.templates or _DEFAULT.templates).items()))
    headers = [
        ("Content-Type", kind),
        ("x-amzn-ErrorType", _ERROR_TYPES.get(error.response_type, "")),
    ]
    for name, source in custom.headers.items():
        headers = [(n, v) for n, v in headers if n.lower() != name.lower()]
        headers.append((name, mapped(source, context, exchange)))
    return Answer(
        status=error.status if custom.status is None else custom.status,
        headers=[(name, value) for name, value in headers if value],
        body=_fill(template, context, exchange).encode(),
    )


def mapped(source: str, context: dict[str, Any], exchange: Exchange) -> str:
    """The value of a header mapping: ``'text'``, ``context.x`` or ``method.request.header.x``."""
    if len(source) > 1 and source[0] == source[-1] == "'":
        return source[1:-1]
    root, _, path = source.partition(".")
    if root in {"context", "stageVariables"}:
        return _variable(root, "." + path, context, exchange)
    if source.startswith("method.request."):
        return _variable("method.request", source.removeprefix("method.request"), context, exchange)
    return ""


def _custom(api: Api | None, error: GatewayError) -> GatewayResponse:
    if api is None:
        return _DEFAULT
    group = "DEFAULT_5XX" if error.status >= 500 else "DEFAULT_4XX"  # noqa: PLR2004
    found = api.gateway_responses.get(error.response_type)
    return found or api.gateway_responses.get(group) or _DEFAULT


def _fill(template: str, context: dict[str, Any], exchange: Exchange) -> str:
    return _VARIABLE.sub(lambda m: _variable(m[1], m[2], context, exchange), template)


def _variable(root: str, path: str, context: dict[str, Any], exchange: Exchange) -> str:
    names = path.lstrip(".").split(".")
    if root == "stageVariables":
        return exchange.stage_variables.get(names[0], "")
    if root == "method.request":
        place, name = names[0], ".".join(names[1:])
        if place == "header":
            return exchange.header(name.lower())
        return exchange.params().get(place, {}).get(name, "")
    value: Any = context
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return "" if value is None else java.text_of(value)


_ERROR_TYPES = {
    "MISSING_AUTHENTICATION_TOKEN": "MissingAuthenticationTokenException",
    "BAD_REQUEST_BODY": "BadRequestException",
    "BAD_REQUEST_PARAMETERS": "BadRequestException",
    "THROTTLED": "TooManyRequestsException",
    "UNSUPPORTED_MEDIA_TYPE": "BadRequestException",
    "REQUEST_TOO_LARGE": "RequestEntityTooLargeException",
    "INTEGRATION_TIMEOUT": "InternalServerErrorException",
    "INTEGRATION_FAILURE": "InternalServerErrorException",
    "API_CONFIGURATION_ERROR": "InternalServerErrorException",
    "DEFAULT_5XX": "InternalServerErrorException",
    "ACCESS_DENIED": "AccessDeniedException",
}
