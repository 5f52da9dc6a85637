"""Fakes behind the edge: a bucket of files, an API, a clock moved by hand."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from emulator.deploy_cdn import distribution_config, headers_config
from emulator.edge import EdgeService, EdgeSettings
from system import stack
from tests.unit.apigateway.gateway_fakes import HandClock


class Body:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.open_readers = 0

    def open(self) -> Body:
        self.open_readers += 1
        return self

    def read(self) -> bytes:
        return self.data

    def close(self) -> None:
        self.open_readers -= 1


@dataclass
class Entry:
    etag: str
    modified: float
    body: Body
    headers: dict[str, str] = field(default_factory=dict)


class Bucket:
    def __init__(self) -> None:
        self.files: dict[tuple[str, str], Entry] = {}
        self.reads: list[tuple[str, str]] = []

    def put(self, key: str, data: bytes, **headers: str) -> None:
        etag = hashlib.md5(data, usedforsecurity=False).hexdigest()
        self.files[("nst-website", key)] = Entry(etag, 1_795_000_000.4, Body(data), headers)

    async def read(self, bucket: str, key: str, arn: str) -> Entry | None:
        assert arn == "arn:aws:cloudfront::000000000000:distribution/E1"
        self.reads.append((bucket, key))
        return self.files.get((bucket, key))


class Api:
    def __init__(self) -> None:
        self.calls: list[tuple[str, str, str, str, dict[str, str], bytes]] = []
        self.response: Any = None

    async def handle(self, api_id: str, stage: str, path: str, request: Request) -> Response:
        body = await request.body()
        query = request.url.query
        full = f"{path}?{query}" if query else path
        self.calls.append((api_id, stage, request.method, full, dict(request.headers), body))
        made: Response = self.response() if self.response else JSONResponse({"ok": True})
        return made


PAGE, API = "page-headers", "api-headers"
FUNCTION = "arn:aws:cloudfront::000000000000:function/nst-single-page"
VALUES = {
    "name": "nst",
    "region": "us-east-1",
    "website_bucket": "nst-website",
    "upload_origin": "http://127.0.0.1:4566",
}


def system_config(api: tuple[str, str] = ("api1", "prod")) -> dict[str, Any]:
    """The system's distribution, with ids as these tests name them."""
    made = distribution_config(
        VALUES, api, FUNCTION, {"website": PAGE, "api": API}, CDN["uncached_errors"]
    )
    made["Origins"]["Items"][0]["OriginAccessControlId"] = "E2"
    return made


CDN = stack.fill(stack.declaration()["cdn"], VALUES)
HEADERS = {
    policy: headers_config(CDN["headers"][key], CDN["transport_security_s"])
    for key, policy in (("website", PAGE), ("api", API))
}
CODE = {FUNCTION: stack.text(CDN["function"]["code"])}


class Edge:
    """An edge with the system's distribution; ``send`` makes one request."""

    def __init__(self, **settings: Any) -> None:
        self.clock = HandClock()
        self.bucket = Bucket()
        self.api = Api()
        self.service = EdgeService(
            self.clock, self.api.handle, self.bucket.read, EdgeSettings(**settings)
        )
        self.service.load_distribution(
            "E1", system_config(), functions=CODE, header_policies=HEADERS
        )
        page = b"<!doctype html><title>nst</title>" + b"<p>page</p>" * 200
        self.bucket.put("index.html", page, ContentType="text/html", CacheControl="no-cache")
        app = b"export const a = 1;\n" * 100
        self.bucket.put(
            "app.js", app, ContentType="text/javascript", CacheControl="public, max-age=300"
        )
        self.bucket.put("small.txt", b"0123456789", ContentType="text/plain")
        self.bucket.put("photo.jpg", b"\xff\xd8" * 2000, ContentType="image/jpeg")

    def send(self, path: str, method: str = "GET", **options: Any) -> httpx.Response:
        return asyncio.run(self.asend(path, method, **options))

    async def asend(self, path: str, method: str = "GET", **options: Any) -> httpx.Response:
        transport = httpx.ASGITransport(app=self.service, client=("203.0.113.9", 5))
        base = options.pop("base_url", "http://localhost:8080")
        async with httpx.AsyncClient(transport=transport, base_url=base) as client:
            return await client.request(method, path, **options)

    def outcome(self, path: str, **options: Any) -> str:
        return str(self.send(path, **options).headers["x-cache"])


def stream(*parts: bytes) -> StreamingResponse:
    async def body() -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    return StreamingResponse(body(), media_type="text/event-stream")
