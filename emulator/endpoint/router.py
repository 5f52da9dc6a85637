"""Which service a request to the AWS endpoint is for, and which API it names.

The endpoint has one port for all services. The order follows what tells most: the host name
(virtual-host buckets, ``execute-api``), paths that no AWS service has, the signature's credential
scope, the operation header, and at last S3, which is what anonymous and presigned requests are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs

from starlette.requests import Request

_USER_REQUEST = re.compile(
    r"^/restapis/(?P<api>[a-zA-Z0-9]+)/(?P<stage>[^/]+)/_user_request_(?P<path>/.*)?$"
)
_AWS_EXECUTE_API = re.compile(
    r"^/_aws/execute-api/(?P<api>[a-zA-Z0-9]+)/(?P<stage>[^/]+)(?P<path>/.*)?$"
)
_EXECUTE_API_HOST = re.compile(r"^(?P<api>[a-z0-9]+)\.execute-api\.")
_S3_HOST = re.compile(
    r"^(?:[a-z0-9.\-]+\.)?s3(?:[.-][a-z0-9-]+)?\.(?:localhost|localhost\.localstack\.cloud|amazonaws\.com)$"
)
_SERVICE_HOST = re.compile(
    r"^(?P<service>[a-z0-9-]+)(?:\.(?P<region>[a-z]{2}-[a-z]+-\d))?\.(?:localhost\.localstack\.cloud|amazonaws\.com)$"
)
_SCOPE = re.compile(r"Credential=(?P<key>[^/\s]+)/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4")

_TARGETS = {
    "AWSStepFunctions": "states",
    "AmazonEC2ContainerServiceV20141113": "ecs",
    "AWSEvents": "events",
    "Logs_20140328": "logs",
    "GraniteServiceVersion20100801": "monitoring",
}


FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Route:
    """Where a request goes.

    ``kind`` is ``internal`` (health, console), ``execute-api`` or ``aws``; ``service`` the bus
    name of the service for ``aws``; ``access_key`` and ``region`` what the signature's scope says
    (None: not signed by a header).
    """

    kind: str
    service: str = ""
    api: str = ""
    stage: str = ""
    path: str = "/"
    access_key: str | None = None
    region: str | None = None


def route(request: Request) -> Route:
    """Find the service that a request is for."""
    # Raw: an encoded slash or quote in a parameter must reach the gateway as it was sent.
    path = request.scope["raw_path"].decode("latin-1")
    if path.startswith(("/_localstack/", "/_nst/", "/_aws/health")) or path == "/health":
        return Route("internal")
    host = request.headers.get("host", "").split(":", 1)[0].lower()
    found = _USER_REQUEST.match(path) or _AWS_EXECUTE_API.match(path)
    if found:
        return Route(
            "execute-api", api=found["api"], stage=found["stage"], path=found["path"] or "/"
        )
    by_host = _EXECUTE_API_HOST.match(host)
    if by_host:
        stage, _, rest = path.lstrip("/").partition("/")
        return Route("execute-api", api=by_host["api"], stage=stage, path="/" + rest)
    scope = _SCOPE.search(request.headers.get("authorization", ""))
    key, region = (scope["key"], scope["region"]) if scope else (None, None)
    return Route("aws", _service(request, host, scope), access_key=key, region=region)


def operation_of(request: Request) -> str:
    """The operation in ``X-Amz-Target`` (``""`` when there is none)."""
    return request.headers.get("x-amz-target", "").partition(".")[2]


def query_action(body: bytes) -> str:
    """The ``Action`` of a query-protocol body (``""`` when there is none)."""
    if not body.startswith((b"Action=", b"Version=")) and b"&Action=" not in body[:4096]:
        return ""
    values = parse_qs(body[:4096].decode("utf-8", "replace")).get("Action", [""])
    return values[0]


def _service(request: Request, host: str, scope: re.Match[str] | None) -> str:
    if _S3_HOST.match(host):
        return "s3"
    if scope:
        return scope["service"].lower()
    target = request.headers.get("x-amz-target", "").partition(".")[0]
    if target in _TARGETS:
        return _TARGETS[target]
    by_host = _SERVICE_HOST.match(host)
    if by_host and by_host["service"] not in {"localhost", "nst-art"}:
        return by_host["service"]
    if request.method == "POST" and request.headers.get("content-type", "").startswith(FORM):
        # No call of S3 has such a body; STS has calls that come without a signature.
        return "sts"
    return "s3"
