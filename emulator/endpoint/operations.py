"""Which operation a request calls, and with which parameters: for the check of permissions.

REST services have no name of the operation on the wire; it is found in the SDK's model by method
and path. API Gateway's own actions are the HTTP methods ("Actions, resources, and condition keys
for Amazon API Gateway Management").
"""

from __future__ import annotations

import functools
import json
import re
from typing import Any
from urllib.parse import parse_qsl, unquote

from starlette.requests import Request

from emulator.core.errors import NotSupported
from emulator.core.models import service_model
from emulator.endpoint.router import operation_of
from emulator.endpoint.wire import Protocol

_SMITHY = re.compile(r"^/service/[^/]+/operation/(?P<operation>[A-Za-z0-9]+)$")
_LABEL = re.compile(r"\{([A-Za-z0-9_-]+)(\+?)\}")
_MODELS = {"states": "stepfunctions", "monitoring": "cloudwatch"}


def called(
    service: str, protocol: Protocol, request: Request, body: bytes
) -> tuple[str, dict[str, Any]]:
    """The operation and its parameters by the SDK's names, as far as the wire tells them.

    A request that fits no operation gets a name that no policy has but by a wildcard.
    """
    path: str = request.scope["raw_path"].decode("latin-1")
    if protocol == "json":
        return operation_of(request), _object(body)
    if protocol == "query":
        pairs = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        return pairs.pop("Action", ""), pairs
    if protocol == "cbor":
        found = _SMITHY.match(path)
        return (found["operation"] if found else f"{request.method} {path}"), {}
    if service == "apigateway":
        return request.method, {"path": path}
    for name, method, pattern in _rest(_MODELS.get(service, service)):
        match = pattern.fullmatch(path.rstrip("/") or "/")
        if match and method == request.method:
            labels = {_members(k): unquote(v) for k, v in match.groupdict().items()}
            return name, {**_object(body), **dict(request.query_params), **labels}
    return f"{request.method} {path}", {}


def is_anonymous(service: str, operation: str) -> bool:
    """Whether an operation is made to be called without a signature."""
    try:
        model = service_model(_MODELS.get(service, service))
    except NotSupported:
        return False
    if operation not in model.operation_names:
        return False
    return bool(model.operation_model(operation).auth_type == "none")


@functools.cache
def _rest(service: str) -> list[tuple[str, str, re.Pattern[str]]]:
    """Operations of a REST service, those with the fewest variable parts first."""
    try:
        model = service_model(service)
    except NotSupported:
        return []
    found = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        path = http["requestUri"].partition("?")[0].rstrip("/") or "/"
        found.append((path.count("{"), name, http["method"], _pattern(path)))
    return [(name, method, pattern) for _, name, method, pattern in sorted(found, key=_first)]


def _first(entry: tuple[int, str, str, re.Pattern[str]]) -> tuple[int, str]:
    return entry[0], entry[1]


def _pattern(path: str) -> re.Pattern[str]:
    parts, at = [], 0
    for number, label in enumerate(_LABEL.finditer(path)):
        name = re.sub(r"\W", "_", label[1])
        group = f"(?P<{name}__{number}>{'.+' if label[2] else '[^/]+'})"
        parts += [re.escape(path[at : label.start()]), group]
        at = label.end()
    return re.compile("".join((*parts, re.escape(path[at:]))))


def _members(group: str) -> str:
    return group.rpartition("__")[0]


def _object(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body or b"{}")
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
