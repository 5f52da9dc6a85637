"""Fakes at the gateway's edges: a clock that is moved by hand, services that answer as told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
from starlette.requests import Request

from emulator.apigateway import GatewayService
from emulator.core.bus import Bus, Caller

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
PROXY_URI = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{FUNCTION}/invocations"
STATES_URI = "arn:aws:apigateway:us-east-1:states:action/"
ROLE = "arn:aws:iam::000000000000:role/nst-gateway"


class HandClock:
    def __init__(self) -> None:
        self.time = 1_795_435_200.0
        self._timers: list[tuple[float, Callable[[], None], list[bool]]] = []

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        done = asyncio.Event()
        self.call_later(seconds, done.set)
        await done.wait()

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Any:
        off = [False]
        self._timers.append((self.time + seconds, callback, off))

        class Timer:
            def cancel(self) -> None:
                off[0] = True

        return Timer()

    def advance(self, seconds: float) -> None:
        self.time += seconds
        due = [t for t in self._timers if t[0] <= self.time]
        self._timers = [t for t in self._timers if t[0] > self.time]
        for _, callback, off in due:
            if not off[0]:
                callback()


Reply = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]


class FakeService:
    """Remembers calls; ``reply`` is what it answers (a dict, an exception, or a coroutine)."""

    def __init__(self, reply: Any = None) -> None:
        self.reply = reply if reply is not None else {}
        self.calls: list[tuple[str, dict[str, Any], Caller]] = []

    async def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        self.calls.append((operation, params, caller))
        if isinstance(self.reply, Exception):
            raise self.reply
        if callable(self.reply):
            answer: dict[str, Any] = await self.reply(operation, params)
            return answer
        return dict(self.reply)


def lambda_reply(document: Any) -> dict[str, Any]:
    return {"StatusCode": 200, "Payload": json.dumps(document).encode()}


class Gateway:
    """A gateway with one API and fakes behind it; ``send`` makes one request."""

    def __init__(self, document: dict[str, Any], stage: str = "prod") -> None:
        self.clock = HandClock()
        self.functions = FakeService(lambda_reply({"statusCode": 200, "body": "{}"}))
        self.states = FakeService()
        bus = Bus()
        bus.register("lambda", self.functions)
        bus.register("states", self.states)
        self.service = GatewayService(bus, self.clock)
        self.stage = stage
        self.service.load_api("api1", stage, document)

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        path = scope["raw_path"].decode()
        response = await self.service.handle("api1", self.stage, path, request)
        await response(scope, receive, send)

    async def asend(self, method: str, path: str, **options: Any) -> httpx.Response:
        transport = httpx.ASGITransport(app=self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
            return await client.request(method, path, **options)

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        return asyncio.run(self.asend(method, path, **options))

    def event(self) -> dict[str, Any]:
        """The last event that the function got."""
        parsed: dict[str, Any] = json.loads(self.functions.calls[-1][1]["Payload"])
        return parsed


def document(paths: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "openapi": "3.0.1",
        "info": {"title": "t", "version": "1"},
        "x-amazon-apigateway-request-validators": {
            "all": {"validateRequestBody": True, "validateRequestParameters": True}
        },
        "x-amazon-apigateway-request-validator": "all",
        "paths": paths,
        **more,
    }


def proxy(**more: Any) -> dict[str, Any]:
    return {
        "responses": {},
        "x-amazon-apigateway-integration": {
            "type": "aws_proxy",
            "httpMethod": "POST",
            "uri": PROXY_URI,
        },
        **more,
    }


def service(action: str, **integration: Any) -> dict[str, Any]:
    return {
        "responses": {},
        "x-amazon-apigateway-integration": {
            "type": "aws",
            "httpMethod": "POST",
            "uri": STATES_URI + action,
            "credentials": ROLE,
            "responses": {"default": {"statusCode": "200"}},
            **integration,
        },
    }
