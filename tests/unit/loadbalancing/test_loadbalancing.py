"""A balancer's data plane: which target answers, what it is told, what happens without one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse

from emulator.core import ids
from emulator.core.bus import Bus, Caller
from emulator.core.clock import RealClock
from emulator.core.errors import AwsError, NotSupported
from emulator.core.streams import Answered, Asked, StreamCut
from emulator.loadbalancing import LoadBalancers
from emulator.server import Listener, bind

CALLER = Caller(ids.ACCOUNT, ids.REGION, f"arn:aws:iam::{ids.ACCOUNT}:root")
BALANCER = "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/app/b/01"
GROUP = "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/g/01"
ASKED = Asked("GET", "/prod/x?q=1", [("Host", "b.internal"), ("X-Forwarded-For", "1.1.1.1")], b"",
              source_ip="2.2.2.2")  # fmt: skip


class ControlPlane:
    """What moto answers about one balancer with one listener and one target group."""

    def __init__(self) -> None:
        self.targets: list[dict[str, Any]] = []
        self.listener = {
            "ListenerArn": "listener",
            "Port": 80,
            "Protocol": "HTTP",
            "DefaultActions": [{"Type": "forward", "TargetGroupArn": GROUP}],
        }
        self.rules = [{"IsDefault": True}]

    async def call(self, operation: str, params: dict[str, Any], _: Caller) -> dict[str, Any]:
        if operation == "GetVpcLink":
            if params["VpcLinkId"] != "link1":
                raise AwsError("NotFoundException", "Invalid VpcLink identifier", 404)
            return {"VpcLinkStatus": "AVAILABLE"}
        return {
            "DescribeLoadBalancers": {"LoadBalancers": [{"DNSName": "internal-b.elb"}]},
            "DescribeListeners": {"Listeners": [self.listener]},
            "DescribeRules": {"Rules": self.rules},
            "DescribeTargetHealth": {
                "TargetHealthDescriptions": [{"Target": target} for target in self.targets]
            },
        }[operation]


class Lab:
    def __init__(self, balancers: LoadBalancers, control: ControlPlane) -> None:
        self.balancers = balancers
        self.control = control

    async def ask(self, link: str = "link1", port: int = 80) -> tuple[int, bytes]:
        answered = await self.answered(link, port)
        return answered.status, b"".join([part async for part in answered.parts])

    async def answered(self, link: str = "link1", port: int = 80) -> Answered:
        return await self.balancers.through_link(link, BALANCER, port, ASKED, CALLER)


@asynccontextmanager
async def lab(targets: int) -> AsyncIterator[Lab]:
    """A balancer with so many targets, each of which says its number and what it was asked."""
    control, bus = ControlPlane(), Bus()
    for service in ("elbv2", "apigatewayv2"):
        bus.register(service, control)
    balancers = LoadBalancers(bus, RealClock())
    listeners = []
    for number in range(targets):

        def app(number: int) -> Callable[[Any, Any, Any], Awaitable[None]]:
            async def serve(scope: Any, receive: Any, send: Any) -> None:
                request = Request(scope, receive)
                told = {"number": number, "url": str(request.url), **dict(request.headers)}
                await JSONResponse(told)(scope, receive, send)

            return serve

        listener = Listener(app(number), bind("127.0.0.1", 0, "a target"))
        await listener.__aenter__()
        listeners.append(listener)
        control.targets.append({"Id": "127.0.0.1", "Port": listener.port})
    try:
        yield Lab(balancers, control)
    finally:
        await balancers.stop()
        for listener in listeners:
            await listener.__aexit__(None, None, None)


def test_targets_take_turns_and_one_that_is_gone_is_passed_over() -> None:
    async def run() -> None:
        async with lab(2) as it:
            gone = bind("127.0.0.1", 0, "a target that is gone")
            it.control.targets.insert(1, {"Id": "127.0.0.1", "Port": gone.getsockname()[1]})
            gone.close()
            said = [(await it.ask())[1] for _ in range(6)]
            numbers = [0 if b'"number":0' in body else 1 for body in said]
            assert numbers.count(0) == 2
            assert numbers.count(1) == 4

    asyncio.run(run())


def test_a_target_is_told_who_asks() -> None:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/application/x-forwarded-headers.html"""

    async def run() -> None:
        async with lab(1) as it:
            status, body = await it.ask()
            assert status == 200
            assert b'"url":"http://b.internal/prod/x?q=1"' in body
            assert b'"x-forwarded-for":"1.1.1.1, 2.2.2.2"' in body
            assert b'"x-forwarded-proto":"http"' in body
            assert b'"x-forwarded-port":"80"' in body
            assert b'"x-amzn-trace-id":"Root=1-' in body

    asyncio.run(run())


@pytest.mark.fidelity(
    area="Elastic Load Balancing",
    feature="a balancer without a healthy target answers 503",
    source="https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html",
    verdict="differs",
    note="a target is healthy when it can be reached: there are no periodic health checks",
)
def test_without_a_target_the_balancer_answers_itself() -> None:
    async def run() -> None:
        async with lab(0) as it:
            answered = await it.answered()
            assert answered.status == 503
            assert ("Server", "awselb/2.0") in answered.headers
            await answered.parts.aclose()

    asyncio.run(run())


def test_a_target_that_dies_in_the_middle_of_its_answer_cuts_the_stream() -> None:
    async def run() -> None:
        async def half(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(half, "127.0.0.1", 0)
        async with server, lab(0) as it:
            port = server.sockets[0].getsockname()[1]
            it.control.targets.append({"Id": "127.0.0.1", "Port": port})
            answered = await it.answered()
            assert await anext(answered.parts) == b"one"
            with pytest.raises(StreamCut):
                await anext(answered.parts)

    asyncio.run(run())


def test_links_and_listeners_that_are_not_there_are_errors() -> None:
    async def run() -> None:
        async with lab(1) as it:
            with pytest.raises(AwsError, match="Invalid VpcLink"):
                await it.ask(link="other")
            with pytest.raises(AwsError, match="Nothing listens on port 81"):
                await it.ask(port=81)

    asyncio.run(run())


@pytest.mark.fidelity(
    area="Elastic Load Balancing",
    feature="listeners with rules, weights, TLS, or actions other than to forward",
    source="https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-listeners.html",
    verdict="refused",
    note="at the first request",
)
@pytest.mark.parametrize(
    ("change", "rules", "named"),
    [
        ({"Protocol": "HTTPS"}, [], "HTTPS"),
        ({}, [{"IsDefault": False}], "rules"),
        ({"DefaultActions": [{"Type": "redirect"}]}, [], "anything but forward"),
        (
            {
                "DefaultActions": [
                    {"Type": "forward", "ForwardConfig": {"TargetGroups": [{}, {}]}},
                ]
            },
            [],
            "several target groups",
        ),
    ],
)
def test_what_is_not_emulated_is_refused_by_name(
    change: dict[str, Any], rules: list[dict[str, Any]], named: str
) -> None:
    async def run() -> None:
        async with lab(1) as it:
            it.control.listener.update(change)
            it.control.rules += rules
            with pytest.raises(NotSupported, match=named):
                await it.ask()

    asyncio.run(run())
