"""API Gateway's data plane: REST APIs served from the OpenAPI body that was imported.

The order of the steps is API Gateway's: find the method, throttle, validate the request, map it,
call the integration, map the answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from emulator.apigateway import (
    access_log,
    gateway_responses,
    integrations,
    lambda_proxy,
    private,
)
from emulator.apigateway import exchange as exchanges
from emulator.apigateway.access_log import AccessLog, Sink
from emulator.apigateway.errors import GatewayError
from emulator.apigateway.exchange import Answer, Exchange
from emulator.apigateway.openapi import Api, Method, compile_api
from emulator.apigateway.routing import Router
from emulator.apigateway.throttle import Bucket, Throttle, throttles
from emulator.apigateway.validation import validate
from emulator.core import ids
from emulator.core.bus import Bus, Caller, Measure
from emulator.core.clock import Clock
from emulator.core.credentials import session_arn
from emulator.core.errors import NotSupported
from emulator.core.streams import Answered, Relayed, within

log = logging.getLogger("emulator.apigateway")

STAGES_MAX = 100


@dataclass(frozen=True)
class GatewaySettings:
    """``region`` and ``account`` of the APIs; ``log_requests`` writes a line for each request."""

    region: str = ids.REGION
    account: str = ids.ACCOUNT
    log_requests: bool = False


@dataclass
class _Deployed:
    """An API as a stage serves it."""

    api: Api
    router: Router
    throttles: dict[str, Throttle] = field(default_factory=dict)
    buckets: dict[str, Bucket] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)


class GatewayService:
    """Serves REST APIs; ``bus`` reaches what they integrate with, ``logs`` takes access logs.

    ``forward`` reaches load balancers; without it private integrations are refused.
    """

    def __init__(
        self,
        bus: Bus,
        clock: Clock,
        settings: GatewaySettings | None = None,
        logs: Sink | None = None,
        forward: private.Forward | None = None,
    ) -> None:
        self._bus = bus
        self._logs = logs
        self._forward = forward
        self._access_logs: dict[tuple[str, str], AccessLog | None] = {}
        self._writing: set[asyncio.Task[None]] = set()
        self._clock = clock
        self._settings = settings or GatewaySettings()
        self._stages: dict[tuple[str, str], _Deployed] = {}
        self._names: dict[str, str] = {}

    def load_api(self, api_id: str, stage: str, openapi_document: Mapping[str, Any]) -> None:
        """Serve a document at a stage; throttles and variables of the stage stay as they are.

        Raises AwsError BadRequestException for a broken document and NotSupported for what is not
        emulated; the stage then serves what it served before.
        """
        api = compile_api(openapi_document)
        for methods in api.methods.values():
            for method in methods.values():
                integrations.check(method.integration)
                if method.integration.kind == "aws_proxy":
                    _check_function(method)
                if method.integration.private is not None and self._forward is None:
                    raise NotSupported("a private integration without load balancers")
        key = (api_id, stage)
        if key not in self._stages and len(self._stages) >= STAGES_MAX:
            raise NotSupported(f"more than {STAGES_MAX} stages")
        before = self._stages.get(key)
        self._stages[key] = _Deployed(
            api,
            Router(api),
            throttles=before.throttles if before else {},
            variables=before.variables if before else {},
        )

    def remove_api(self, api_id: str, stage: str | None = None) -> None:
        """Stop to serve one stage, or all stages of an API."""
        for key in [k for k in self._stages if k[0] == api_id and stage in {None, k[1]}]:
            del self._stages[key]
            self._access_logs.pop(key, None)

    def name_api(self, api_id: str, name: str) -> None:
        """Name an API: its metrics are found by this name."""
        self._names[api_id] = name

    def set_throttles(
        self, api_id: str, stage: str, settings: Mapping[str, Mapping[str, Any]]
    ) -> None:
        """Set the stage's throttles (the forms of ``settings``: ``throttle.throttles``)."""
        deployed = self._stages[(api_id, stage)]
        deployed.throttles = throttles(settings)
        deployed.buckets = {}

    def set_access_log(
        self, api_id: str, stage: str, settings: Mapping[str, Any] | None, role_arn: str
    ) -> None:
        """Set the stage's ``accessLogSettings``; raises AwsError (``access_log.access_log``)."""
        self._access_logs[(api_id, stage)] = access_log.access_log(settings, role_arn)

    def set_stage_variables(self, api_id: str, stage: str, variables: Mapping[str, str]) -> None:
        """Set ``$stageVariables``."""
        self._stages[(api_id, stage)].variables = dict(variables)

    async def handle(self, api_id: str, stage: str, path: str, request: Request) -> Response:
        """Answer a request; ``path`` is what follows the stage, percent-encoded.

        Path parameters are decoded once: give the path as it came (``raw_path``).
        """
        exchange = exchanges.begin(request, api_id, stage, path or "/", self._clock.now())
        deployed = self._stages.get((api_id, stage))
        answer: Answer | Answered
        refusal = None
        try:
            answer = await self._serve(deployed, exchange, request)
        except GatewayError as error:
            refusal = error
            answer = gateway_responses.answer(deployed.api if deployed else None, error, exchange)
            cause = error.__cause__
            log.info("%s %s: %s%s", exchange.method, path, error, f" ({cause})" if cause else "")
        if self._settings.log_requests:
            log.info("%s %s %d", exchange.method, path, answer.status)
        if deployed is not None:
            self._measure(exchange, answer.status)
        if isinstance(answer, Answered):
            answer.parts = self._logged(exchange, answer.status, answer.parts)
        else:
            await self._log_access(exchange, (answer.status, len(answer.body)), refusal)
        return _response(answer, exchange)

    async def _logged(
        self, exchange: Exchange, status: int, parts: AsyncGenerator[bytes]
    ) -> AsyncGenerator[bytes]:
        """The pieces of an answer; when it has ended, it is logged."""
        size = 0
        try:
            async for part in parts:
                size += len(part)
                yield part
        finally:
            await parts.aclose()
            # by a task of its own: who ends here may have been cancelled
            writing = asyncio.create_task(self._log_access(exchange, (status, size), None))
            self._writing.add(writing)
            writing.add_done_callback(self._writing.discard)

    async def _log_access(
        self, exchange: Exchange, answer: tuple[int, int], refusal: GatewayError | None
    ) -> None:
        kept = self._access_logs.get((exchange.api_id, exchange.stage))
        if kept is None or self._logs is None:
            return
        now = self._clock.now()
        latency_ms = round((now - exchange.at) * 1000)
        line = access_log.text(kept.line, exchange, answer, refusal, latency_ms)
        await access_log.write(self._bus, self._logs, kept, self._itself(exchange), (now, line))

    def _measure(self, exchange: Exchange, status: int) -> None:
        """The metrics of a request, for the API and for its stage.

        Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
        """
        if not self._bus.metered:
            return
        of_api = (("ApiName", self._names.get(exchange.api_id, exchange.api_id)),)
        settings = self._settings
        for name, value, unit in (
            ("Count", 1.0, "Count"),
            ("4XXError", float(400 <= status < 500), "Count"),  # noqa: PLR2004
            ("5XXError", float(status >= 500), "Count"),  # noqa: PLR2004
            ("Latency", (self._clock.now() - exchange.at) * 1000, "Milliseconds"),
        ):
            for whose in (of_api, (*of_api, ("Stage", exchange.stage))):
                self._bus.measure(
                    Measure(
                        settings.account,
                        settings.region,
                        "AWS/ApiGateway",
                        name,
                        value,
                        unit,
                        whose,
                    )
                )

    async def _serve(
        self, deployed: _Deployed | None, exchange: Exchange, request: Request
    ) -> Answer | Answered:
        if deployed is None:
            # execute-api answers so for hosts and stages that are nobody's.
            raise GatewayError("ACCESS_DENIED", "Forbidden")
        exchange.stage_variables = deployed.variables
        found = deployed.router.find(exchange.method, exchange.path)
        if found is None:
            raise GatewayError("MISSING_AUTHENTICATION_TOKEN", "Missing Authentication Token")
        method, exchange.path_parameters = found
        exchange.resource = method.resource
        self._throttle(deployed, method)
        await exchanges.read_body(request, exchange)
        validate(method, exchange)
        return await self._integrate(deployed.api, method, exchange)

    def _throttle(self, deployed: _Deployed, method: Method) -> None:
        name = f"{method.http_method} {method.resource}"
        bucket = deployed.buckets.get(name)
        if bucket is None:
            default = deployed.throttles.get("default", Throttle())
            bucket = Bucket(self._clock, deployed.throttles.get(name, default))
            deployed.buckets[name] = bucket
        if not bucket.take():
            raise GatewayError("THROTTLED", "Too Many Requests")

    async def _integrate(self, api: Api, method: Method, exchange: Exchange) -> Answer | Answered:
        integration = method.integration
        if integration.kind == "mock":
            result = integrations.mock(integration, exchange)
            return integrations.map_response(integration, result, exchange)
        if integration.private is not None and self._forward is not None:
            return await private.call(
                self._forward,
                integration.private,
                exchange,
                self._account(exchange),
                self._clock,
                integration.timeout_s,
            )
        caller = await self._caller(integration.credentials, exchange)
        if integration.kind == "aws_proxy":
            work = lambda_proxy.invoke(self._bus, api, integration.uri, exchange, caller)
            return await self._in_time(work, method)
        call = integrations.call_service(self._bus, integration, exchange, caller)
        result = await self._in_time(call, method)
        return integrations.map_response(integration, result, exchange)

    async def _in_time(self, work: Coroutine[Any, Any, Answer], method: Method) -> Answer:
        try:
            return await within(work, self._clock, method.integration.timeout_s)
        except TimeoutError:
            raise GatewayError("INTEGRATION_TIMEOUT", "Endpoint request timed out") from None
        except GatewayError:
            raise
        except Exception as error:
            log.exception("the integration of %s failed", method.resource)
            raise GatewayError("INTEGRATION_FAILURE", "Internal server error") from error

    def _account(self, exchange: Exchange) -> Caller:
        """Who looks up a private integration's way: nobody needs permission for that."""
        return Caller(
            account=self._settings.account,
            region=self._settings.region,
            principal=f"arn:aws:iam::{self._settings.account}:root",
            request_id=exchange.request_id,
        )

    def _itself(self, exchange: Exchange) -> Caller:
        return Caller(
            account=self._settings.account,
            region=self._settings.region,
            principal="apigateway.amazonaws.com",
            access_key="apigateway",
            request_id=exchange.request_id,
            source_arn=ids.arn(
                "execute-api",
                f"{exchange.api_id}/{exchange.stage}/{exchange.method}{exchange.resource}",
                region=self._settings.region,
                account=self._settings.account,
            ),
        )

    async def _caller(self, credentials: str, exchange: Exchange) -> Caller:
        caller = self._itself(exchange)
        if not credentials:
            return caller
        if not await self._bus.trusts(credentials, caller.principal, caller.source_arn):
            log.error("API Gateway may not assume the role %s", credentials)
            raise GatewayError("API_CONFIGURATION_ERROR", "Internal server error")
        return replace(
            caller,
            account=credentials.split(":")[4],
            principal=session_arn(credentials, "BackplaneAssumeRoleSession"),
            role_arn=credentials,
            source_arn="",
        )


def _check_function(method: Method) -> None:
    try:
        lambda_proxy.function_arn(method.integration.uri)
    except GatewayError as error:
        what = f"{method.http_method} {method.resource}"
        raise NotSupported(f"the integration URI {method.integration.uri!r} of {what}") from error


def _response(answer: Answer | Answered, exchange: Exchange) -> Response:
    response: Response
    if isinstance(answer, Answered):
        response = Relayed(answer)
    else:
        body = b"" if exchange.method == "HEAD" else answer.body
        response = Response(body, status_code=answer.status)
        for name, value in answer.headers:
            response.headers.append(name, value)
    response.headers["x-amzn-RequestId"] = exchange.request_id
    response.headers["x-amz-apigw-id"] = exchanges.extended(exchange.request_id)
    return response
