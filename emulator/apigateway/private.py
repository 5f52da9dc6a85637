"""Private integrations: HTTP proxies through a VPC link of version 2 to a load balancer.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-private-integration.html and
https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode.html
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from emulator.apigateway.errors import GatewayError
from emulator.apigateway.exchange import PAYLOAD_BYTES_MAX, Answer, Exchange
from emulator.core.bus import Caller
from emulator.core.clock import Clock
from emulator.core.errors import AwsError, NotSupported
from emulator.core.streams import Answered, Asked, StreamCut, paced, passed_on, within

log = logging.getLogger("emulator.apigateway")

STREAM_TIMEOUT_MS_MAX = 900_000
STREAM_IDLE_S = 300.0
"""Of a Regional API; of an edge-optimised one it is 30 s."""

Forward = Callable[[str, str, int, Asked, Caller], Awaitable[Answered]]
"""``await forward(link_id, balancer_arn, port, asked, caller)``."""

KEYS = frozenset(
    {"connectionType", "connectionId", "integrationTarget", "requestParameters"}
    | {"responseTransferMode"}
)
_PATH_PARAMETER = re.compile(r"\{([\w.-]+)\}")


@dataclass(frozen=True)
class Private:
    """Where a private integration goes.

    ``path`` has its parameters in braces, ``parameters`` says which parameter of the method each
    of them is.
    """

    verb: str
    link_id: str
    balancer_arn: str
    host: str
    port: int
    path: str
    parameters: Mapping[str, str]
    streams: bool


def compile_private(integration: Mapping[str, Any], where: str) -> Private:
    """The private integration of a method.

    Raises ValueError for one that is wrong, NotSupported for other HTTP integrations.
    """
    if integration.get("connectionType") != "VPC_LINK":
        raise NotSupported(f"an HTTP integration with the internet ({where})")
    if not integration.get("integrationTarget"):
        raise NotSupported(f"a VPC link of version 1 ({where})")
    for key in ("credentials", "requestTemplates", "responses"):
        if integration.get(key):
            raise NotSupported(f"{key} of a private integration ({where})")
    uri = urlsplit(str(integration.get("uri", "")))
    if uri.scheme != "http" or not uri.hostname:
        raise NotSupported(f"a private integration with the URI {integration.get('uri')!r}")
    if uri.query:
        raise NotSupported(f"a query in the URI of a private integration ({where})")
    if not integration.get("connectionId"):
        raise ValueError("connectionId is required with the connectionType VPC_LINK")
    parameters = dict(_parameters(integration.get("requestParameters") or {}, where))
    names = set(_PATH_PARAMETER.findall(uri.path))
    if names != set(parameters):
        raise ValueError("the path parameters of the uri are not those of requestParameters")
    return Private(
        verb=str(integration["httpMethod"]).upper(),
        link_id=str(integration["connectionId"]),
        balancer_arn=str(integration["integrationTarget"]),
        host=uri.netloc,
        port=uri.port or 80,
        path=uri.path,
        parameters=parameters,
        streams=integration.get("responseTransferMode") == "STREAM",
    )


def _parameters(mapping: Mapping[str, str], where: str) -> list[tuple[str, str]]:
    found = []
    for target, source in mapping.items():
        name = target.removeprefix("integration.request.path.")
        given = source.removeprefix("method.request.path.")
        if target == name or source == given:
            raise NotSupported(f"the parameter mapping of {target!r} from {source!r} ({where})")
        found.append((name, given))
    return found


async def call(  # noqa: PLR0917 (one place calls it)
    forward: Forward,
    private: Private,
    exchange: Exchange,
    caller: Caller,
    clock: Clock,
    timeout_s: float,
) -> Answer | Answered:
    """The target's answer: piece by piece where it streams, else whole.

    Raises GatewayError INTEGRATION_TIMEOUT, and API_CONFIGURATION_ERROR for a link, balancer or
    listener that is not there or not supported.
    """
    until = clock.now() + timeout_s
    work = forward(
        private.link_id, private.balancer_arn, private.port, _asked(private, exchange), caller
    )
    try:
        answered = await within(_awaited(work), clock, timeout_s)
        if private.streams:
            parts = paced(answered.parts, clock, idle_s=STREAM_IDLE_S, until=until)
            return Answered(answered.status, answered.headers, parts)
        return await _whole(answered, clock, until)
    except AwsError as error:
        log.error("a private integration cannot be called: %s", error)  # noqa: TRY400 (a sentence)
        raise GatewayError("API_CONFIGURATION_ERROR", "Internal server error") from error
    except (TimeoutError, StreamCut) as error:
        raise GatewayError("INTEGRATION_TIMEOUT", "Endpoint request timed out") from error


async def _awaited(work: Awaitable[Answered]) -> Answered:
    return await work


async def _whole(answered: Answered, clock: Clock, until: float) -> Answer:
    pieces, size = [], 0
    parts = paced(answered.parts, clock, idle_s=until - clock.now(), until=until)
    try:
        async for piece in parts:
            size += len(piece)
            if size > PAYLOAD_BYTES_MAX:
                raise GatewayError("INTEGRATION_FAILURE", "Internal server error")
            pieces.append(piece)
    finally:
        await parts.aclose()
    headers = [(n, v) for n, v in answered.headers if n.lower() != "content-length"]
    return Answer(answered.status, headers, b"".join(pieces))


def _asked(private: Private, exchange: Exchange) -> Asked:
    """The request as it leaves the gateway: the stage's name stands before the path.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/private-integration.html
    """
    path = f"/{exchange.stage}" + _PATH_PARAMETER.sub(
        lambda found: quote(exchange.path_parameters[private.parameters[found[1]]], safe=""),
        private.path,
    )
    if exchange.query:
        path += "?" + urlencode(exchange.query)
    ours = {"Host": private.host, "x-amzn-apigateway-api-id": exchange.api_id}
    verb = exchange.method if private.verb == "ANY" else private.verb
    return Asked(
        verb, path, passed_on(exchange.headers, ours), exchange.body, source_ip=exchange.source_ip
    )
