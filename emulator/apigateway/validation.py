"""Request validation: required parameters, and the body against the model of its content type.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-request-validation.html
"""

from __future__ import annotations

import json

from emulator.apigateway.errors import GatewayError
from emulator.apigateway.exchange import Exchange
from emulator.apigateway.openapi import Method


def validate(method: Method, exchange: Exchange) -> None:
    """Raise GatewayError BAD_REQUEST_PARAMETERS or BAD_REQUEST_BODY for what does not fit."""
    if method.check_parameters:
        _parameters(method, exchange)
    if method.check_body:
        _body(method, exchange)


def _parameters(method: Method, exchange: Exchange) -> None:
    given = exchange.params()
    given["header"] = {name.lower(): value for name, value in given["header"].items()}
    missing = [
        name
        for place, name in method.required
        if not given[place].get(name.lower() if place == "header" else name)
    ]
    if missing:
        message = f"Missing required request parameters: [{', '.join(missing)}]"
        raise GatewayError("BAD_REQUEST_PARAMETERS", message, validation=message)


def _body(method: Method, exchange: Exchange) -> None:
    kind = exchange.content_type()
    check = method.models.get(kind) or method.models.get("$default")
    if check is None:
        # Without a model for it a body is not looked at: AWS's own gap, which $default closes.
        return
    try:
        document = json.loads(exchange.body) if exchange.body.strip() else {}
    except (ValueError, RecursionError) as error:
        raise GatewayError(
            "BAD_REQUEST_BODY", "Invalid request body", validation="Invalid JSON in request body."
        ) from error
    wrong = check(document)
    if wrong is not None:
        raise GatewayError("BAD_REQUEST_BODY", "Invalid request body", validation=f"[{wrong}]")
