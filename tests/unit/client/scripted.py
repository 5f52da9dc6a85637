"""A server made of a list of answers, and a clock that only pauses move."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx

from system import problems
from system.client.client import NstClient
from system.client.transport import Transport

RUN = "0123456789abcdef" * 2
BASE = "http://nst.test"
BUCKET = "http://bucket.test"
LINKS = {
    "events": f"{BUCKET}/events?sig=1",
    "preview": f"{BUCKET}/preview?sig=1",
    "result": f"{BUCKET}/result?sig=1",
    "expires_at": "2026-11-23T13:00:00Z",
}

Reply = httpx.Response | Exception


class Script:
    """Answers by ``method path``: each list is used up front to back, its last one stays."""

    def __init__(self) -> None:
        self.replies: dict[str, list[Reply | Callable[[httpx.Request], Reply]]] = {}
        self.requests: list[httpx.Request] = []
        self.pauses: list[float] = []
        self.now = 0.0

    def on(self, call: str, *replies: Reply | Callable[[httpx.Request], Reply]) -> Script:
        self.replies[call] = list(replies)
        return self

    def calls(self, call: str) -> list[httpx.Request]:
        return [r for r in self.requests if f"{r.method} {r.url.path}" == call]

    def bodies(self, call: str) -> list[Any]:
        return [json.loads(r.content) for r in self.calls(call)]

    def _handle(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        queue = self.replies[f"{request.method} {request.url.path}"]
        reply = queue.pop(0) if len(queue) > 1 else queue[0]
        if not isinstance(reply, httpx.Response | Exception):
            reply = reply(request)
        if isinstance(reply, Exception):
            raise reply
        # A response can be read once; the same reply may be given again.
        return httpx.Response(reply.status_code, headers=reply.headers, content=reply.content)

    def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds
        if len(self.pauses) > 5_000:
            raise AssertionError("the client never ends")

    def transport(self) -> Transport:
        http = httpx.Client(base_url=BASE, transport=httpx.MockTransport(self._handle))
        return Transport(http, pause=self._pause, jitter=lambda: 1.0)

    def client(self) -> NstClient:
        return NstClient(BASE, transport=self.transport(), now=lambda: self.now)


def answer(status: int = 200, **document: Any) -> httpx.Response:
    return httpx.Response(status, json=document)


def problem(name: str, detail: str | None = None) -> httpx.Response:
    document = problems.document(name, detail)
    return httpx.Response(document["status"], json=document)


def admission(*, styles: int = 1, most: int = 1_000_000) -> httpx.Response:
    post = {"url": f"{BUCKET}/upload", "fields": {"key": f"runs/{RUN}/content", "policy": "p"}}
    return answer(
        201,
        run_id=RUN,
        uploads={"content": post, "styles": [post] * styles},
        max_upload_bytes=most,
        uploads_expire_at="2026-11-23T12:15:00Z",
        links=LINKS,
        ceiling_microusd=13_000,
        budget={},
    )


def log(*events: dict[str, Any], etag: str | None = None) -> httpx.Response:
    """An event log with these events, ids and times filled in."""
    lines = [
        json.dumps({"id": i, "at": "2026-11-23T12:00:00.000Z", **event}) + "\n"
        for i, event in enumerate(events, start=1)
    ]
    headers = {"ETag": etag or f'"{len(events)}"'}
    return httpx.Response(200, content="".join(lines).encode(), headers=headers)


def state(name: str, **fields: Any) -> dict[str, Any]:
    return {"type": "state", "state": name, **fields}


def step(number: int, of: int = 3) -> dict[str, Any]:
    return {
        "type": "progress", "step": number, "steps": of, "size": 64, "loss": 1.0,
        "style_loss": 0.5, "content_loss": 0.5, "elapsed_s": 1.0, "eta_s": 1.0,
    }  # fmt: skip


def result() -> dict[str, Any]:
    return {"type": "result", "key": f"runs/{RUN}/result.png", "stopped_early": False}


NOT_YET = httpx.Response(403, content=b"<Error><Code>AccessDenied</Code></Error>")
EXPIRED = httpx.Response(
    403,
    content=b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>",
)
