"""Application load balancers, as a VPC link reaches them: listener, target group, target.

Balancers, listeners, target groups and their targets are moto's, asked over the bus. Requests go
to the registered targets in turn; one that cannot be reached is passed over, as a balancer does
with those that fail its health checks. Security groups are not looked at.
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/introduction.html
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import httpx

from emulator.core.bus import Bus, Caller
from emulator.core.clock import Clock
from emulator.core.errors import AwsError, NotSupported
from emulator.core.streams import Answered, Asked, StreamCut, paced, passed_on

IDLE_S = 60.0
"""A balancer closes a connection on which nothing was sent for so long, unless it says otherwise.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html
"""
CONNECT_S = 10.0
CONNECTIONS_MAX = 256


class LoadBalancers:
    """Sends requests through balancers to their targets."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock
        self._turns: Counter[str] = Counter()
        self._http = httpx.AsyncClient(
            # nothing of the user's environment stands between a balancer and its targets
            trust_env=False,
            timeout=httpx.Timeout(None, connect=CONNECT_S),
            limits=httpx.Limits(max_connections=CONNECTIONS_MAX),
        )

    async def stop(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def through_link(
        self, link_id: str, balancer_arn: str, port: int, asked: Asked, caller: Caller
    ) -> Answered:
        """The answer of a target of the balancer, reached by a VPC link of version 2.

        Raises AwsError when there is no such link, balancer or listener, NotSupported for a
        listener that does anything but forward to one target group.
        """
        await self._bus.call("apigatewayv2", "GetVpcLink", {"VpcLinkId": link_id}, caller)
        balancer = await self._balancer(balancer_arn, caller)
        group_arn = await self._target_group(balancer_arn, port, caller)
        listed = await self._bus.call(
            "elbv2", "DescribeTargetHealth", {"TargetGroupArn": group_arn}, caller
        )
        targets = [found["Target"] for found in listed["TargetHealthDescriptions"]]
        first = self._turns[group_arn]
        self._turns[group_arn] += 1
        for number in range(len(targets)):
            target = targets[(first + number) % len(targets)]
            address = f"{target['Id']}:{target['Port']}"
            try:
                return await self._ask(address, _for_target(asked, balancer, port))
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
            except httpx.TransportError:
                return _page(502, "Bad Gateway")
        return _page(503, "Service Temporarily Unavailable")

    async def _balancer(self, arn: str, caller: Caller) -> Mapping[str, Any]:
        listed = await self._bus.call(
            "elbv2", "DescribeLoadBalancers", {"LoadBalancerArns": [arn]}, caller
        )
        found: Mapping[str, Any] = listed["LoadBalancers"][0]
        return found

    async def _target_group(self, balancer_arn: str, port: int, caller: Caller) -> str:
        listed = await self._bus.call(
            "elbv2", "DescribeListeners", {"LoadBalancerArn": balancer_arn}, caller
        )
        listener = next((one for one in listed["Listeners"] if one["Port"] == port), None)
        if listener is None:
            raise AwsError("ListenerNotFound", f"Nothing listens on port {port} of {balancer_arn}.")
        if listener["Protocol"] != "HTTP":
            raise NotSupported(f"a listener with {listener['Protocol']}")
        rules = await self._bus.call(
            "elbv2", "DescribeRules", {"ListenerArn": listener["ListenerArn"]}, caller
        )
        if any(not rule["IsDefault"] for rule in rules["Rules"]):
            raise NotSupported("a listener with rules besides its default")
        actions = listener["DefaultActions"]
        if len(actions) != 1 or actions[0]["Type"] != "forward":
            raise NotSupported("a listener that does anything but forward")
        groups = (actions[0].get("ForwardConfig") or {}).get("TargetGroups") or [actions[0]]
        if len(groups) != 1:
            raise NotSupported("a listener that forwards to several target groups")
        return str(groups[0]["TargetGroupArn"])

    async def _ask(self, address: str, asked: Asked) -> Answered:
        request = httpx.Request(
            asked.method,
            f"http://{address}{asked.path}",
            headers=list(asked.headers),
            content=asked.body,
        )
        answer = await self._http.send(request, stream=True)
        parts = paced(_body(answer), self._clock, idle_s=IDLE_S)
        return Answered(answer.status_code, passed_on(answer.headers.multi_items(), {}), parts)


def _for_target(asked: Asked, balancer: Mapping[str, Any], port: int) -> Asked:
    """The request with what a balancer adds to it.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/x-forwarded-headers.html
    """
    before = next((v for n, v in asked.headers if n.lower() == "x-forwarded-for"), "")
    host = next((v for n, v in asked.headers if n.lower() == "host"), str(balancer["DNSName"]))
    ours = {
        "Host": host,
        "X-Forwarded-For": ", ".join(part for part in (before, asked.source_ip) if part),
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Port": str(port),
        "X-Amzn-Trace-Id": f"Root=1-{secrets.token_hex(4)}-{secrets.token_hex(12)}",
        "Content-Length": str(len(asked.body)),
    }
    return Asked(asked.method, asked.path, passed_on(asked.headers, ours), asked.body)


async def _body(answer: httpx.Response) -> AsyncGenerator[bytes]:
    try:
        async for part in answer.aiter_raw():
            yield part
    except httpx.TransportError as error:
        raise StreamCut(f"The target ended in the middle of its answer: {error}") from error
    finally:
        await answer.aclose()


def _page(status: int, title: str) -> Answered:
    """A balancer's own answer, which is a page, not a problem document."""
    text = (
        f"<html>\r\n<head><title>{status} {title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{status} {title}</h1></center>\r\n</body>\r\n</html>\r\n"
    ).encode()

    async def whole() -> AsyncGenerator[bytes]:
        yield text

    headers = [
        ("Server", "awselb/2.0"),
        ("Content-Type", "text/html"),
        ("Content-Length", str(len(text))),
    ]
    return Answered(status, headers, whole())
