"""Compiles an OpenAPI 3.0 document with API Gateway's extensions into what the gateway serves.

It reads what API Gateway's import reads
(https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions.html)
and refuses by name the extensions that are not emulated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from emulator.apigateway import private
from emulator.apigateway.errors import DEFAULT_STATUS, TemplateError
from emulator.apigateway.schema import Check, ModelCompiler
from emulator.apigateway.vtl import Template
from emulator.core.errors import AwsError, NotSupported

METHODS = ("get", "post", "put", "patch", "delete", "head", "options")
ANY = "x-amazon-apigateway-any-method"
TIMEOUT_MS_MIN, TIMEOUT_MS_MAX = 50, 29_000

_ROOT_EXTENSIONS = frozenset(
    {
        "x-amazon-apigateway-request-validators",
        "x-amazon-apigateway-request-validator",
        "x-amazon-apigateway-gateway-responses",
        "x-amazon-apigateway-binary-media-types",
    }
)
_METHOD_EXTENSIONS = frozenset(
    {"x-amazon-apigateway-integration", "x-amazon-apigateway-request-validator"}
)
_INTEGRATION_KEYS = frozenset(
    {
        "type",
        "httpMethod",
        "uri",
        "credentials",
        "passthroughBehavior",
        "requestTemplates",
        "responses",
        "timeoutInMillis",
        "responseTransferMode",
    }
)
_SEGMENT = re.compile(r"^(?:[\w.:,~-]+|\{[\w.-]+\+?\})$")


@dataclass(frozen=True)
class IntegrationResponse:
    """One entry of an integration's ``responses``."""

    pattern: re.Pattern[str] | None
    status: int
    templates: dict[str, Template]
    headers: dict[str, str]


@dataclass(frozen=True)
class Integration:
    """Where a method's requests go.

    ``kind`` is ``aws``, ``aws_proxy``, ``mock`` or ``http_proxy``; the last goes to ``private``.
    """

    kind: str
    uri: str
    credentials: str
    passthrough: str
    templates: dict[str, Template]
    responses: tuple[IntegrationResponse, ...]
    timeout_s: float
    private: private.Private | None = None


@dataclass(frozen=True)
class Method:
    """A method of a resource.

    ``required`` holds (place, name) of required parameters, ``models`` the body's checks by content
    type.
    """

    http_method: str
    resource: str
    integration: Integration
    required: tuple[tuple[str, str], ...]
    models: dict[str, Check]
    check_parameters: bool
    check_body: bool


@dataclass(frozen=True)
class GatewayResponse:
    """A customised gateway response."""

    status: int | None
    headers: dict[str, str]
    templates: dict[str, str]


@dataclass(frozen=True)
class Api:
    """A compiled API: methods by resource path and HTTP method (``ANY`` for any)."""

    methods: dict[str, dict[str, Method]]
    gateway_responses: dict[str, GatewayResponse]
    binary_types: frozenset[str] = field(default_factory=frozenset)


def compile_api(document: Mapping[str, Any]) -> Api:
    """Compile a document.

    Raises AwsError BadRequestException for a broken one, NotSupported for what is not emulated.
    """
    if not str(document.get("openapi", "")).startswith("3.0."):
        raise NotSupported("a REST API body that is not OpenAPI 3.0")
    _refuse_unknown(document, _ROOT_EXTENSIONS, "the API")
    try:
        return Api(
            methods=_methods(document),
            gateway_responses=dict(_gateway_responses(document)),
            binary_types=frozenset(document.get("x-amazon-apigateway-binary-media-types", ())),
        )
    except TemplateError as error:
        raise _broken(str(error)) from error
    except (KeyError, TypeError, ValueError, re.error) as error:
        raise _broken(f"{type(error).__name__}: {error}") from error


def _methods(document: Mapping[str, Any]) -> dict[str, dict[str, Method]]:
    compiler = ModelCompiler(document.get("components", {}).get("schemas", {}))
    found: dict[str, dict[str, Method]] = {}
    for path, item in document["paths"].items():
        _check_path(path)
        shared = item.get("parameters", [])
        for name, operation in item.items():
            if name != ANY and name not in METHODS:
                if name in {"parameters", "summary", "description"}:
                    continue
                raise NotSupported(f"{name!r} of the path {path}")
            verb = "ANY" if name == ANY else name.upper()
            try:
                method = _method(document, compiler, (path, verb), operation, shared)
            except TemplateError as error:
                raise _broken(f"{verb} {path}: {error}") from error
            found.setdefault(path, {})[verb] = method
    return found


def _check_path(path: str) -> None:
    segments = path.strip("/").split("/")
    for number, segment in enumerate(segments):
        greedy = segment.endswith("+}")
        if segment and not _SEGMENT.match(segment):
            raise _broken(f"the path {path!r} has characters that a resource may not have")
        if greedy and number + 1 < len(segments):
            raise _broken(f"the path {path!r} has something after its proxy parameter")


def _method(
    document: Mapping[str, Any],
    compiler: ModelCompiler,
    place: tuple[str, str],
    operation: Mapping[str, Any],
    shared: list[Mapping[str, Any]],
) -> Method:
    path, verb = place
    _refuse_unknown(operation, _METHOD_EXTENSIONS, f"{verb} {path}")
    if operation.get("security"):
        raise NotSupported(f"authorization of {verb} {path}")
    if "x-amazon-apigateway-integration" not in operation:
        raise _broken(f"No integration defined for method {verb} {path}")
    name = operation.get(
        "x-amazon-apigateway-request-validator",
        document.get("x-amazon-apigateway-request-validator"),
    )
    validators = document.get("x-amazon-apigateway-request-validators", {})
    if name is not None and name not in validators:
        raise _broken(f"{verb} {path} names the validator {name!r}, which is not defined")
    validator = validators.get(name, {})
    places = {"query": "querystring", "path": "path", "header": "header"}
    body = operation.get("requestBody", {})
    return Method(
        http_method=verb,
        resource=path,
        integration=_integration(operation["x-amazon-apigateway-integration"], f"{verb} {path}"),
        required=tuple(
            (places[p["in"]], p["name"])
            for p in [*shared, *operation.get("parameters", [])]
            if p.get("required") and p["in"] in places
        ),
        models={
            kind: compiler.compile(media["schema"])
            for kind, media in body.get("content", {}).items()
            if "schema" in media
        },
        check_parameters=bool(validator.get("validateRequestParameters")),
        check_body=bool(validator.get("validateRequestBody")),
    )


def _integration(integration: Mapping[str, Any], where: str) -> Integration:
    kind = str(integration["type"]).lower()
    if kind not in {"aws", "aws_proxy", "mock", "http_proxy"}:
        raise NotSupported(f"the integration type {kind!r} of {where}")
    known = _INTEGRATION_KEYS | (private.KEYS if kind == "http_proxy" else frozenset())
    for key, value in integration.items():
        if key not in known and value:
            raise NotSupported(f"{key!r} of the integration of {where}")
    passthrough = str(integration.get("passthroughBehavior", "when_no_match")).lower()
    if passthrough not in {"when_no_match", "when_no_templates", "never"}:
        raise _broken(f"{where}: the passthroughBehavior {passthrough!r}")
    if kind in {"aws", "aws_proxy"} and str(integration.get("httpMethod", "")).upper() != "POST":
        raise _broken(f"{where}: an AWS integration has the httpMethod POST")
    return Integration(
        kind=kind,
        uri=str(integration.get("uri", "")),
        credentials=str(integration.get("credentials", "")),
        passthrough=passthrough,
        templates=_templates(integration.get("requestTemplates", {}), where),
        responses=tuple(_responses(integration.get("responses", {}), where)),
        timeout_s=_timeout_ms(integration, kind, where) / 1000,
        private=private.compile_private(integration, where) if kind == "http_proxy" else None,
    )


def _timeout_ms(integration: Mapping[str, Any], kind: str, where: str) -> int:
    mode = integration.get("responseTransferMode") or "BUFFERED"
    if mode not in {"BUFFERED", "STREAM"}:
        raise _broken(f"{where}: the responseTransferMode {mode!r}")
    if mode == "STREAM" and kind in {"aws", "mock"}:
        raise _broken(f"{where}: only proxy integrations can stream")
    if mode == "STREAM" and kind == "aws_proxy":
        raise NotSupported(f"response streaming of a function ({where})")
    most = private.STREAM_TIMEOUT_MS_MAX if mode == "STREAM" else TIMEOUT_MS_MAX
    timeout_ms = int(integration.get("timeoutInMillis", TIMEOUT_MS_MAX))
    if not TIMEOUT_MS_MIN <= timeout_ms <= most:
        raise _broken(f"Timeout should be between {TIMEOUT_MS_MIN} ms and {most} ms")
    return timeout_ms


def _responses(responses: Mapping[str, Any], where: str) -> Iterator[IntegrationResponse]:
    for pattern, response in responses.items():
        for key, value in response.items():
            if key not in {"statusCode", "responseTemplates", "responseParameters"} and value:
                raise NotSupported(f"{key!r} of an integration response of {where}")
        headers = {}
        for target, source in response.get("responseParameters", {}).items():
            prefix, _, name = target.rpartition("method.response.header.")
            if prefix or not name:
                raise _broken(f"{where}: invalid mapping expression {target!r}")
            headers[name] = str(source)
        yield IntegrationResponse(
            pattern=None if pattern == "default" else re.compile(pattern),
            status=int(response["statusCode"]),
            templates=_templates(response.get("responseTemplates", {}), where),
            headers=headers,
        )


def _templates(templates: Mapping[str, str], where: str) -> dict[str, Template]:
    for text in templates.values():
        if "requestOverride" in text:
            raise NotSupported(f"$context.requestOverride in {where}")
    return {kind: Template(text) for kind, text in templates.items()}


def _gateway_responses(document: Mapping[str, Any]) -> Iterator[tuple[str, GatewayResponse]]:
    for kind, response in document.get("x-amazon-apigateway-gateway-responses", {}).items():
        if kind not in DEFAULT_STATUS:
            raise _broken(f"Invalid gateway response type {kind!r}")
        headers = {}
        for target, source in response.get("responseParameters", {}).items():
            if not target.startswith("gatewayresponse.header."):
                raise _broken(f"Invalid gateway response parameter {target!r}")
            headers[target.removeprefix("gatewayresponse.header.")] = str(source)
        status = response.get("statusCode")
        yield (
            kind,
            GatewayResponse(
                status=None if status in {None, "", "DEFAULT"} else int(status),
                headers=headers,
                templates=dict(response.get("responseTemplates", {})),
            ),
        )


def _refuse_unknown(item: Mapping[str, Any], known: frozenset[str], where: str) -> None:
    for key in item:
        if key.startswith("x-amazon-apigateway-") and key not in known:
            raise NotSupported(f"{key} of {where}")


def _broken(what: str) -> AwsError:
    return AwsError("BadRequestException", f"Invalid OpenAPI input: {what}")
