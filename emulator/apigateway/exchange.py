"""One request on its way through the gateway, and the answer that it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from emulator.apigateway.errors import GatewayError
from emulator.core import ids

PAYLOAD_BYTES_MAX = 10 * 1024 * 1024
HEADER_BYTES_MAX = 10_240
"""API Gateway's quotas: https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html"""


@dataclass
class Exchange:
    """A request as the gateway sees it; ``path`` is percent-encoded and without the stage."""

    api_id: str
    stage: str
    method: str
    path: str
    request_id: str
    at: float
    source_ip: str
    scheme: str
    headers: list[tuple[str, str]]
    query: list[tuple[str, str]]
    body: bytes
    resource: str = ""
    path_parameters: dict[str, str] = field(default_factory=dict)
    stage_variables: dict[str, str] = field(default_factory=dict)

    def header(self, name: str) -> str:
        """The last value of a header, or an empty string."""
        found = [value for key, value in self.headers if key.lower() == name]
        return found[-1] if found else ""

    def content_type(self) -> str:
        """The MIME type of the body, without parameters; JSON when none is given."""
        found = self.header("content-type").partition(";")[0].strip().lower()
        return found or "application/json"

    def params(self) -> dict[str, dict[str, str]]:
        """The parameters of ``$input.params``."""
        return {
            "path": self.path_parameters,
            "querystring": dict(self.query),
            "header": dict(self.headers),
        }

    def context(self) -> dict[str, Any]:
        """``$context`` as templates and gateway responses read it."""
        host = self.header("host")
        return {
            "accountId": ids.ACCOUNT,
            "apiId": self.api_id,
            "awsEndpointRequestId": self.request_id,
            "domainName": host,
            "domainPrefix": host.partition(".")[0],
            "extendedRequestId": extended(self.request_id),
            "httpMethod": self.method,
            "identity": {"sourceIp": self.source_ip, "userAgent": self.header("user-agent")},
            "path": f"/{self.stage}{self.path}",
            "protocol": "HTTP/1.1",
            "requestId": self.request_id,
            "requestTime": request_time(self.at),
            "requestTimeEpoch": int(self.at * 1000),
            "resourceId": resource_id(self.resource),
            "resourcePath": self.resource,
            "stage": self.stage,
            "responseOverride": {"header": {}},
        }


@dataclass
class Answer:
    """What an integration or a gateway response sends back."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def begin(request: Request, api_id: str, stage: str, path: str, at: float) -> Exchange:
    """The exchange of a request whose body is still to be read."""
    return Exchange(
        api_id=api_id,
        stage=stage,
        method=request.method,
        path=path,
        request_id=ids.request_id(),
        at=at,
        source_ip=request.client.host if request.client else "127.0.0.1",
        scheme=request.url.scheme,
        headers=[
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw
        ],
        query=parse_qsl(request.url.query, keep_blank_values=True),
        body=b"",
    )


async def read_body(request: Request, exchange: Exchange) -> None:
    """Read the body into ``exchange``; GatewayError REQUEST_TOO_LARGE beyond the quotas."""
    size = sum(len(name) + len(value) for name, value in exchange.headers)
    if size > HEADER_BYTES_MAX:
        raise GatewayError("REQUEST_TOO_LARGE", "Request header too large", status=431)
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > PAYLOAD_BYTES_MAX:
            raise GatewayError("REQUEST_TOO_LARGE", "HTTP content length exceeded 10485760 bytes.")
        parts.append(part)
    exchange.body = b"".join(parts)


def resource_id(resource: str) -> str:
    """A stable id of a resource path, in the form of API Gateway's."""
    value = 0
    for character in resource:
        value = (value * 131 + ord(character)) % 36**6
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    return "".join(digits[value // 36**place % 36] for place in range(6))


def extended(request_id: str) -> str:
    """The extended request id (``x-amz-apigw-id``) that goes with a request id."""
    return request_id.replace("-", "")[:15] + "="


def request_time(at: float) -> str:
    """``23/Nov/2026:14:03:59 +0000``."""
    return datetime.fromtimestamp(at, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")


def grouped(pairs: list[tuple[str, str]]) -> Mapping[str, list[str]]:
    """All values of each name, in order."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found
