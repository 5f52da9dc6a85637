"""AWS service and mock integrations: request template, call, response selection, response template.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-integration-types.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from emulator.apigateway import gateway_responses, java
from emulator.apigateway.errors import GatewayError, TemplateError
from emulator.apigateway.exchange import Answer, Exchange
from emulator.apigateway.jsonpath import MISSING, select
from emulator.apigateway.openapi import Integration, IntegrationResponse
from emulator.apigateway.template import UTIL, Input, compact
from emulator.apigateway.vtl import Template
from emulator.core.bus import Bus, Caller
from emulator.core.errors import AwsError, NotSupported

_ACTION = re.compile(
    r"^arn:aws[\w-]*:apigateway:[\w-]+:(?P<service>[\w-]+):action/(?P<action>\w+)$"
)
ACTIONS: dict[str, frozenset[str]] = {
    "states": frozenset(
        {"StartSyncExecution", "StartExecution", "DescribeExecution", "StopExecution"}
    )
}
"""What an ``aws`` integration may call."""

_STATUS_MIN, _STATUS_MAX = 100, 599
_OK = 200


def check(integration: Integration) -> None:
    """Refuse an integration whose service or action is not supported (NotSupported)."""
    if integration.kind != "aws":
        return
    service, action = action_of(integration.uri)
    if action not in ACTIONS.get(service, frozenset()):
        raise NotSupported(f"an API Gateway integration with {service}:{action}")


def action_of(uri: str) -> tuple[str, str]:
    """Service and action of an integration's URI; NotSupported for other URIs."""
    found = _ACTION.match(uri)
    if found is None:
        raise NotSupported(f"the integration URI {uri!r}")
    return found["service"], found["action"]


async def call_service(
    bus: Bus, integration: Integration, exchange: Exchange, caller: Caller
) -> Answer:
    """Call the service of an ``aws`` integration; its errors are answers of their status."""
    service, action = action_of(integration.uri)
    payload = request_payload(integration, exchange)
    try:
        params = json.loads(payload)
    except ValueError as error:
        params = None
        wrong: Exception | None = error
    else:
        wrong = None
    if not isinstance(params, dict):
        refused = {"__type": "SerializationException", "message": str(wrong or "Not an object.")}
        return Answer(400, [("Content-Type", "application/x-amz-json-1.0")], _json(refused))
    try:
        result = await bus.call(service, action, params, caller)
    except AwsError as error:
        body = {"__type": error.code, "message": error.message, **error.fields}
        return Answer(error.status, [("Content-Type", "application/x-amz-json-1.0")], _json(body))
    return Answer(_OK, [("Content-Type", "application/x-amz-json-1.0")], _json(result))


def mock(integration: Integration, exchange: Exchange) -> Answer:
    """A ``mock`` integration: the request template says the status code."""
    payload = request_payload(integration, exchange)
    try:
        status = int(json.loads(payload)["statusCode"])
    except (ValueError, KeyError, TypeError) as error:
        raise GatewayError("API_CONFIGURATION_ERROR", "Internal server error") from error
    return Answer(status, [], payload)


def request_payload(integration: Integration, exchange: Exchange) -> bytes:
    """The body for the integration: its template's output, or the request's body as it is.

    Raises GatewayError UNSUPPORTED_MEDIA_TYPE as ``passthroughBehavior`` says.
    """
    kind = exchange.content_type()
    template = integration.templates.get(kind) or integration.templates.get("$default")
    if template is None:
        refused = integration.passthrough == "never" or (
            integration.passthrough == "when_no_templates" and integration.templates
        )
        if refused:
            raise GatewayError("UNSUPPORTED_MEDIA_TYPE", "Unsupported Media Type")
        return exchange.body
    text, _ = _render(template, exchange, exchange.body)
    return text.encode()


def map_response(integration: Integration, result: Answer, exchange: Exchange) -> Answer:
    """Turn the integration's answer into the method's: selected by status, mapped, overridden."""
    chosen = _select(integration, str(result.status))
    context = exchange.context()
    if not chosen.templates:
        override: dict[str, Any] = {}
        kind, body = "application/json", result.body
    else:
        kind, template = _response_template(chosen, exchange)
        text, override = _render(template, exchange, result.body)
        body = text.encode()
    headers = {"content-type": ("Content-Type", kind)}
    for name, source in chosen.headers.items():
        value = _mapped(source, result, context, exchange)
        if value:
            headers[name.lower()] = (name, value)
    for name, value in override.get("header", {}).items():
        headers[name.lower()] = (name, java.text_of(value))
    return Answer(_status(override, chosen.status), list(headers.values()), body)


def _select(integration: Integration, status: str) -> IntegrationResponse:
    default = None
    for response in integration.responses:
        if response.pattern is None:
            default = default or response
        elif response.pattern.fullmatch(status):
            return response
    if default is None:
        raise GatewayError("API_CONFIGURATION_ERROR", "Internal server error")
    return default


def _response_template(chosen: IntegrationResponse, exchange: Exchange) -> tuple[str, Template]:
    """Picked by the Accept header, else JSON, else the first."""
    for kind in (exchange.header("accept").strip(), "application/json"):
        if kind in chosen.templates:
            return kind, chosen.templates[kind]
    return next(iter(chosen.templates.items()))


def _render(template: Template, exchange: Exchange, body: bytes) -> tuple[str, dict[str, Any]]:
    context = exchange.context()
    variables = {
        "input": Input(body.decode("utf-8", "replace"), exchange.params()),
        "context": context,
        "util": UTIL,
        "stageVariables": dict(exchange.stage_variables),
    }
    try:
        text = template.render(variables)
    except TemplateError as error:
        raise GatewayError("API_CONFIGURATION_ERROR", "Internal server error") from error
    override: dict[str, Any] = context["responseOverride"]
    return text, override


def _status(override: Mapping[str, Any], status: int) -> int:
    """API Gateway ignores an override that is no status."""
    wanted = override.get("status")
    if isinstance(wanted, str) and wanted.isdecimal():
        wanted = int(wanted)
    if isinstance(wanted, int) and _STATUS_MIN <= wanted <= _STATUS_MAX:
        return wanted
    return status


def _mapped(source: str, result: Answer, context: dict[str, Any], exchange: Exchange) -> str:
    header = source.removeprefix("integration.response.header.")
    if header != source:
        return next((v for n, v in result.headers if n.lower() == header.lower()), "")
    if source == "integration.response.body":
        return result.body.decode("utf-8", "replace")
    member = source.removeprefix("integration.response.body.")
    if member != source:
        try:
            found = select(json.loads(result.body), "$." + member)
        except (ValueError, TemplateError) as error:
            raise GatewayError("API_CONFIGURATION_ERROR", "Internal server error") from error
        if found is MISSING or found is None:
            return ""
        return found if isinstance(found, str) else compact(found)
    return gateway_responses.mapped(source, context, exchange)


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
