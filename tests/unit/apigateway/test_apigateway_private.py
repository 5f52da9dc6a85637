"""Private integrations: what goes through the VPC link, how long it may take, what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from emulator.apigateway import GatewayService
from emulator.apigateway.openapi import compile_api
from emulator.apigateway.private import STREAM_IDLE_S
from emulator.core.bus import Bus, Caller
from emulator.core.errors import AwsError, NotSupported
from emulator.core.streams import Answered, Asked, StreamCut
from tests.unit.apigateway.gateway_fakes import HandClock, document

BALANCER = "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/app/b/0123456789abcdef"
PATH = "/things/{thing_id}/events"
PAGE = "https://docs.aws.amazon.com/apigateway/latest/developerguide/"


def integration(**more: Any) -> dict[str, Any]:
    return {
        "type": "http_proxy",
        "httpMethod": "GET",
        "connectionType": "VPC_LINK",
        "connectionId": "link1",
        "integrationTarget": BALANCER,
        "uri": "http://balancer.internal/inner/{thing}/events",
        "requestParameters": {"integration.request.path.thing": "method.request.path.thing_id"},
        "responseTransferMode": "STREAM",
        "timeoutInMillis": 900_000,
        **more,
    }


def api(**more: Any) -> dict[str, Any]:
    operation = {"responses": {}, "x-amazon-apigateway-integration": integration(**more)}
    return document({PATH: {"get": operation}})


class Target:
    """Stands for balancer and target: notes what it is asked, answers what the test says."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, int, Asked]] = []
        self.pieces: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.status = 200
        self.headers = [("Content-Type", "text/event-stream")]
        self.error: AwsError | None = None
        self.silent = False
        self.closed = False

    async def forward(
        self, link: str, balancer: str, port: int, asked: Asked, caller: Caller
    ) -> Answered:
        assert caller.account == "000000000000"
        self.asked.append((link, balancer, port, asked))
        if self.error is not None:
            raise self.error
        if self.silent:
            await asyncio.Event().wait()
        return Answered(self.status, self.headers, self._parts())

    async def _parts(self) -> AsyncGenerator[bytes]:
        try:
            while (piece := await self.pieces.get()) is not None:
                yield piece
        finally:
            self.closed = True


class Lab:
    def __init__(self, **more: Any) -> None:
        self.clock, self.target = HandClock(), Target()
        self.service = GatewayService(Bus(), self.clock, forward=self.target.forward)
        self.service.load_api("api1", "prod", api(**more))

    async def get(self, path: str, query: str = "", **headers: str) -> Response:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "scheme": "https",
            "headers": [(n.replace("_", "-").encode(), v.encode()) for n, v in headers.items()],
            "client": ("203.0.113.9", 5),
            "server": ("api.test", 443),
        }
        return await self.service.handle("api1", "prod", path, Request(scope, receive))


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.mark.fidelity(
    area="API Gateway",
    feature="private integrations with a load balancer through a VPC link of version 2",
    source=f"{PAGE}set-up-private-integration.html",
    verdict="works",
    note="HTTP proxies of an OpenAPI body; the link is looked up by the call, not by the import",
)
def test_a_request_goes_through_the_link_with_its_parameters_and_headers() -> None:
    async def run() -> None:
        lab = Lab()
        lab.target.pieces.put_nowait(None)
        response = await lab.get(
            "/things/a%20b/events", "q=1&q=2", host="api.test", last_event_id="7"
        )
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/event-stream"
        [(link, balancer, port, asked)] = lab.target.asked
        assert (link, balancer, port) == ("link1", BALANCER, 80)
        assert asked.method == "GET"
        assert asked.path.endswith("/inner/a%20b/events?q=1&q=2")
        headers = {name.lower(): value for name, value in asked.headers}
        assert headers["last-event-id"] == "7"
        assert headers["host"] == "balancer.internal"
        assert headers["x-amzn-apigateway-api-id"] == "api1"
        assert asked.source_ip == "203.0.113.9"

    asyncio.run(run())


@pytest.mark.fidelity(
    area="API Gateway",
    feature="a private integration's path begins with the name of the stage",
    source=f"{PAGE}private-integration.html",
    verdict="works",
    note="the page gives no example with a path of its own in the uri; the worker takes both",
)
def test_the_stage_stands_before_the_path_of_the_uri() -> None:
    async def run() -> None:
        lab = Lab()
        lab.target.pieces.put_nowait(None)
        await lab.get("/things/x/events")
        assert lab.target.asked[0][3].path == "/prod/inner/x/events"

    asyncio.run(run())


def test_pieces_go_on_as_they_come_and_the_end_closes_the_source() -> None:
    async def run() -> None:
        lab = Lab()
        response: Any = await lab.get("/things/x/events")
        parts = response.body_iterator
        lab.target.pieces.put_nowait(b"one")
        assert await anext(parts) == b"one"
        waiting = asyncio.ensure_future(anext(parts, None))
        await settle()
        assert not waiting.done()
        lab.target.pieces.put_nowait(b"two")
        assert await waiting == b"two"
        lab.target.pieces.put_nowait(None)
        assert await anext(parts, None) is None
        assert lab.target.closed

    asyncio.run(run())


@pytest.mark.parametrize(("silence_s", "pieces"), [(STREAM_IDLE_S, 0), (200.0, 4)])
def test_a_stream_is_cut_after_five_silent_minutes_or_fifteen_in_all(
    silence_s: float, pieces: int
) -> None:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode.html"""

    async def run() -> None:
        lab = Lab()
        response: Any = await lab.get("/things/x/events")
        parts = response.body_iterator
        for _ in range(pieces):
            lab.clock.advance(silence_s)
            lab.target.pieces.put_nowait(b"piece")
            assert await anext(parts) == b"piece"
        late = asyncio.ensure_future(anext(parts))
        await settle()
        lab.clock.advance(min(silence_s, 900 - silence_s * pieces) - 1)
        await settle()
        assert not late.done()
        lab.clock.advance(2)
        with pytest.raises(StreamCut):
            await late
        assert lab.target.closed

    asyncio.run(run())


def test_a_stream_is_in_the_access_log_when_it_has_ended_with_all_its_bytes() -> None:
    async def run() -> None:
        lab = Lab()
        logged: list[tuple[int, int]] = []

        async def note(exchange: Any, answer: tuple[int, int], refusal: Any) -> None:
            assert refusal is None
            logged.append(answer)

        lab.service._log_access = note  # type: ignore[method-assign]
        response: Any = await lab.get("/things/x/events")
        for piece in (b"one", b"three", None):
            lab.target.pieces.put_nowait(piece)
        assert logged == []
        assert [part async for part in response.body_iterator] == [b"one", b"three"]
        await settle()
        assert logged == [(200, 8)]

    asyncio.run(run())


def test_a_target_that_says_nothing_in_time_is_a_504() -> None:
    async def run() -> None:
        lab = Lab(responseTransferMode="BUFFERED", timeoutInMillis=29_000)
        lab.target.silent = True
        asking = asyncio.ensure_future(lab.get("/things/x/events"))
        await settle()
        lab.clock.advance(30)
        assert (await asking).status_code == 504

    asyncio.run(run())


def test_a_link_or_balancer_that_is_not_there_is_a_500_that_says_nothing_of_it() -> None:
    async def run() -> None:
        lab = Lab()
        lab.target.error = AwsError("NotFoundException", "Invalid VpcLink identifier", 404)
        response = await lab.get("/things/x/events")
        assert response.status_code == 500
        assert b"VpcLink" not in bytes(response.body)

    asyncio.run(run())


def test_without_streaming_the_answer_is_whole_and_bounded() -> None:
    async def run() -> None:
        lab = Lab(responseTransferMode="BUFFERED", timeoutInMillis=29_000)
        for piece in (b"one", b"two", None):
            lab.target.pieces.put_nowait(piece)
        response = await lab.get("/things/x/events")
        assert response.body == b"onetwo"
        for piece in (b"x" * 6_000_000, b"x" * 6_000_000, None):
            lab.target.pieces.put_nowait(piece)
        assert (await lab.get("/things/x/events")).status_code == 504
        assert lab.target.closed

    asyncio.run(run())


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"connectionType": "INTERNET"}, "the internet"),
        ({"integrationTarget": None}, "VPC link of version 1"),
        ({"uri": "https://balancer.internal/inner/{thing}/events"}, "https://"),
        ({"responses": {"default": {"statusCode": "200"}}}, "responses"),
        ({"requestParameters": {"integration.request.header.x": "'1'"}}, "parameter mapping"),
        ({"type": "http"}, "integration type 'http'"),
        ({"cacheKeyParameters": ["a"]}, "cacheKeyParameters"),
    ],
)
def test_what_is_not_emulated_is_refused_by_name(change: dict[str, Any], named: str) -> None:
    with pytest.raises(NotSupported, match=named):
        compile_api(api(**change))


def test_streaming_of_functions_is_refused_by_name() -> None:
    uri = (
        "arn:aws:apigateway:us-east-1:lambda:path/2021-11-15/functions/"
        "arn:aws:lambda:us-east-1:000000000000:function:f/response-streaming-invocations"
    )
    only = {"type": "aws_proxy", "httpMethod": "POST", "uri": uri, "responseTransferMode": "STREAM"}
    operation = {"responses": {}, "x-amazon-apigateway-integration": only}
    with pytest.raises(NotSupported, match="response streaming of a function"):
        compile_api(document({"/x": {"get": operation}}))


@pytest.mark.parametrize(
    "change",
    [
        {"requestParameters": {}},
        {"connectionId": ""},
        {"timeoutInMillis": 900_001},
        {"responseTransferMode": "BUFFERED"},  # with its 15 minutes
        {"responseTransferMode": "CHUNKED"},
    ],
)
def test_what_api_gateway_would_not_import_is_a_bad_request(change: dict[str, Any]) -> None:
    with pytest.raises(AwsError) as refused:
        compile_api(api(**change))
    assert refused.value.code == "BadRequestException"


def test_only_proxies_stream() -> None:
    only = {"type": "mock", "responseTransferMode": "STREAM"}
    operation = {"responses": {}, "x-amazon-apigateway-integration": only}
    with pytest.raises(AwsError, match="only proxy integrations can stream"):
        compile_api(document({"/x": {"get": operation}}))


def test_a_gateway_without_load_balancers_refuses_private_integrations() -> None:
    with pytest.raises(NotSupported, match="load balancers"):
        GatewayService(Bus(), HandClock()).load_api("api1", "prod", api())
