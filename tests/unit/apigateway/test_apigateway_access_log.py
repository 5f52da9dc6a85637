"""Access logs: what a line says, who writes it, and which settings a stage cannot have."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Any

import httpx
import pytest

from emulator.apigateway import GatewayService
from emulator.core.bus import Bus
from emulator.core.errors import AwsError, NotSupported
from emulator.deploy_logs import line
from system import stack
from tests.unit.apigateway.gateway_fakes import FakeService, Gateway, document, lambda_reply, proxy

ROLE = "arn:aws:iam::000000000000:role/nst-gateway-logs"
GROUP = "arn:aws:logs:us-east-1:000000000000:log-group:/aws/apigateway/nst"
PAGE = "https://docs.aws.amazon.com/apigateway/latest/developerguide/"
LINE = line(stack.declaration()["api"]["access_log"])


class Sink:
    """Remembers lines."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    async def put(
        self, group: str, stream: str, lines: Iterable[tuple[float, str]], **_: Any
    ) -> None:
        assert stream
        self.lines += [(group, text) for _, text in lines]


class RoleGuard:
    """Lets one role be assumed, and write or not."""

    def __init__(self, *, trusted: bool = True, may_write: bool = True) -> None:
        self.trusted, self.may_write = trusted, may_write
        self.asked: list[tuple[str, str]] = []

    async def check(self, *_: Any) -> None: ...

    async def require(self, service: str, caller: Any, action: str, resource: str, _: Any) -> None:
        assert service == "logs"
        assert caller.role_arn == ROLE
        self.asked.append((action, resource))
        if not self.may_write:
            raise AwsError("AccessDeniedException", "no", 403)

    async def trusts(self, role_arn: str, service: str, source_arn: str) -> bool:
        assert (role_arn, service) == (ROLE, "apigateway.amazonaws.com")
        assert source_arn
        return self.trusted


class Logged(Gateway):
    """A gateway whose stage writes an access log."""

    def __init__(self, line: str = LINE, guard: RoleGuard | None = None) -> None:
        super().__init__(document({"/runs/{run_id}": {"get": proxy()}}))
        self.sink = Sink()
        self.guard = guard or RoleGuard()
        bus = Bus()
        bus.set_guard(self.guard)
        self.functions = FakeService(lambda_reply({"statusCode": 200, "body": "{}"}))
        bus.register("lambda", self.functions)
        self.service = GatewayService(bus, self.clock, logs=self.sink)
        self.service.load_api("api1", self.stage, document({"/runs/{run_id}": {"get": proxy()}}))
        self.service.set_access_log(
            "api1", self.stage, {"destinationArn": GROUP, "format": line}, ROLE
        )

    def one(self) -> dict[str, Any]:
        [(group, text)] = self.sink.lines
        assert group == "/aws/apigateway/nst"
        parsed: dict[str, Any] = json.loads(text)
        return parsed


@pytest.mark.fidelity(
    area="API Gateway",
    feature="access logs: one line for each request, variables filled",
    source=PAGE + "set-up-logging.html",
    verdict="works",
)
def test_a_line_says_what_was_asked_and_answered_under_the_correlation_id() -> None:
    gateway = Logged()
    answer = gateway.send("GET", "/runs/secret-id", headers={"user-agent": "x"})
    found = gateway.one()
    assert found["correlation_id"] == answer.headers["x-amzn-requestid"]
    assert (found["method"], found["resource"]) == ("GET", "/runs/{run_id}")
    assert (found["status"], found["bytes"]) == ("200", "2")
    assert found["error"] == found["integration_error"] == "-"
    assert int(found["latency_ms"]) >= 0
    assert "secret-id" not in json.dumps(found)


def test_a_refused_request_is_logged_with_its_kind() -> None:
    gateway = Logged()
    assert gateway.send("GET", "/nope").status_code == 403
    found = gateway.one()
    assert (found["status"], found["error"]) == ("403", "MISSING_AUTHENTICATION_TOKEN")
    assert found["resource"] == "-"


def test_a_broken_integration_is_named() -> None:
    gateway = Logged()
    gateway.functions.reply = AwsError("ServiceException", "gone", 500)
    gateway.send("GET", "/runs/x")
    found = gateway.one()
    assert int(found["status"]) >= 500
    assert found["integration_error"] != "-"


@pytest.mark.parametrize("guard", [RoleGuard(trusted=False), RoleGuard(may_write=False)])
def test_nothing_is_written_by_a_role_that_may_not_and_the_answer_stands(guard: RoleGuard) -> None:
    gateway = Logged(guard=guard)
    assert gateway.send("GET", "/runs/x").status_code == 200
    assert gateway.sink.lines == []


def test_lines_are_written_as_the_accounts_role() -> None:
    gateway = Logged()
    gateway.send("GET", "/runs/x")
    assert gateway.guard.asked == [("logs:PutLogEvents", f"{GROUP}:log-stream:*")]


def test_a_stage_without_settings_writes_nothing() -> None:
    gateway = Logged()
    gateway.service.set_access_log("api1", "prod", None, ROLE)
    gateway.send("GET", "/runs/x")
    assert gateway.sink.lines == []


@pytest.mark.fidelity(
    area="API Gateway",
    feature="access logs: a format without the request's id, or an account without a role",
    source=PAGE + "set-up-logging.html",
    verdict="refused",
    note="BadRequestException, as on AWS",
)
@pytest.mark.parametrize(
    ("settings", "role", "words"),
    [
        ({"destinationArn": GROUP, "format": "$context.requestId"}, "", "CloudWatch Logs role ARN"),
        ({"destinationArn": GROUP, "format": "$context.status"}, ROLE, "requestId"),
        ({"destinationArn": GROUP, "format": "a\n$context.requestId"}, ROLE, "single line"),
    ],
)
def test_settings_that_aws_refuses(settings: dict[str, str], role: str, words: str) -> None:
    with pytest.raises(AwsError, match=words) as refused:
        Logged().service.set_access_log("api1", "prod", settings, role)
    assert refused.value.code == "BadRequestException"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {
                "destinationArn": "arn:aws:firehose:::deliverystream/x",
                "format": "$context.requestId",
            },
            "firehose",
        ),
        (
            {
                "destinationArn": GROUP,
                "format": "$context.requestId $context.authorizer.principalId",
            },
            "authorizer.principalId",
        ),
    ],
)
def test_settings_that_are_not_emulated_are_refused_by_name(
    settings: dict[str, str], words: str
) -> None:
    with pytest.raises(NotSupported, match=words):
        Logged().service.set_access_log("api1", "prod", settings, ROLE)


def test_requests_beside_each_other_have_lines_of_their_own() -> None:
    gateway = Logged()

    async def both() -> list[httpx.Response]:
        return list(await asyncio.gather(*(gateway.asend("GET", f"/runs/{n}") for n in "ab")))

    ids = {answer.headers["x-amzn-requestid"] for answer in asyncio.run(both())}
    assert {json.loads(text)["correlation_id"] for _, text in gateway.sink.lines} == ids
