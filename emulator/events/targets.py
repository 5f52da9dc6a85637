"""Delivery to targets: what a target's ARN means as a call, and retries of that call."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulator.core import ids
from emulator.core.bus import Bus, Caller
from emulator.core.clock import Clock
from emulator.core.credentials import session_arn
from emulator.core.errors import AwsError, NoReply, NotSupported
from emulator.events.settings import EventsSettings

log = logging.getLogger("emulator.events")

RETRIED = frozenset(
    {
        *("ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"),
        *("ExecutionLimitExceeded", "ServiceUnavailable", "ServiceException", "InternalFailure"),
        *("InternalServerError", "ServerException", "LimitExceededException"),
    }
)
UNIVERSAL = "arn:aws:scheduler:::aws-sdk:"
UNIVERSAL_SERVICES: Mapping[str, tuple[str, bool]] = {
    "sfn": ("states", True),
    "lambda": ("lambda", False),
    "ecs": ("ecs", True),
    "eventbridge": ("events", False),
}
"""Service of a universal target: its name on the bus, and whether its parameters begin small."""


@dataclass(frozen=True)
class Call:
    """A call that delivers."""

    service: str
    operation: str
    params: Mapping[str, Any]


def check_target(target: Mapping[str, Any]) -> None:
    """Refuse a target that nothing here can be delivered to; raises NotSupported."""
    if target.get("DeadLetterConfig"):
        raise NotSupported("a dead-letter queue of a target")
    call_of(str(target["Arn"]), "{}")


def call_of(arn: str, text: str) -> Call:
    """The call that delivers the JSON ``text`` to a target; raises NotSupported."""
    if arn.startswith(UNIVERSAL):
        return _universal(arn.removeprefix(UNIVERSAL), text)
    parts = arn.split(":", 5)
    service, resource = (parts[2], parts[5]) if len(parts) == 6 else ("", "")  # noqa: PLR2004
    if service == "lambda" and resource.startswith("function:"):
        event = {"FunctionName": arn, "InvocationType": "Event", "Payload": text.encode()}
        return Call("lambda", "Invoke", event)
    if service == "states" and resource.startswith("stateMachine:"):
        return Call("states", "StartExecution", {"stateMachineArn": arn, "input": text})
    raise NotSupported(f"the event target {arn}")


def _universal(name: str, text: str) -> Call:
    service, _, operation = name.partition(":")
    known = UNIVERSAL_SERVICES.get(service)
    if known is None or not operation:
        raise NotSupported(f"the universal target {UNIVERSAL}{name}")
    on_bus, small = known
    params = json.loads(text)
    if not isinstance(params, dict):
        raise AwsError("ValidationException", "The input of a universal target is an object.")
    if on_bus == "lambda" and isinstance(params.get("Payload"), str):
        params["Payload"] = params["Payload"].encode()
    return Call(on_bus, operation[0].upper() + operation[1:], _small(params) if small else params)


def _small(value: Any) -> Any:
    """Names with a small first letter, as the service's own protocol has them."""
    if isinstance(value, dict):
        return {k[:1].lower() + k[1:]: _small(v) for k, v in value.items()}
    return [_small(v) for v in value] if isinstance(value, list) else value


def service_of(source: str) -> str:
    """Who delivers for a rule or a schedule, by its ARN."""
    return f"{source.split(':')[2]}.amazonaws.com"


class Deliveries:
    """Makes the calls in the background, and makes them again when they were throttled."""

    def __init__(
        self, bus: Bus, clock: Clock, settings: EventsSettings, rng: random.Random | None = None
    ) -> None:
        self._bus = bus
        self._clock = clock
        self._settings = settings
        self._random = rng or random.Random()  # noqa: S311 (jitter)
        self._tasks: set[asyncio.Task[None]] = set()

    def send(
        self,
        call: Call,
        target: Mapping[str, Any],
        account: str,
        region: str,
        source: str,
        *,
        after_s: float = 0.0,
    ) -> None:
        """Deliver after a while; ``source`` (a rule's or a schedule's ARN) is named in the log."""
        if len(self._tasks) >= self._settings.deliveries_max:
            log.error("too many deliveries are under way; one of %s is lost", source)
            return
        role = str(target.get("RoleArn") or "")
        caller = Caller(
            account,
            region,
            session_arn(role, uuid.uuid4().hex) if role else service_of(source),
            request_id=ids.request_id(),
            role_arn=role,
            source_arn="" if role else source,
        )
        retry = target.get("RetryPolicy") or {}
        task = asyncio.create_task(self._deliver(call, caller, retry, source, after_s))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """End what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _deliver(
        self, call: Call, caller: Caller, retry: Mapping[str, Any], source: str, after_s: float
    ) -> None:
        if after_s > 0:
            await self._clock.sleep(after_s)
        settings = self._settings
        attempts = int(retry.get("MaximumRetryAttempts", settings.retry_attempts_max))
        age = float(retry.get("MaximumEventAgeInSeconds", settings.retry_age_s_max))
        began = self._clock.now()
        tried = 0
        while True:
            try:
                await self._assume(caller, source)
                await self._bus.call(call.service, call.operation, dict(call.params), caller)
            except (AwsError, NoReply) as error:
                again = _is_retried(error)
                if not again or tried >= attempts or self._clock.now() - began >= age:
                    log.error(  # noqa: TRY400 (the error's sentence says it all)
                        "%s could not reach its target by %s:%s: %s",
                        source,
                        call.service,
                        call.operation,
                        error,
                    )
                    return
            else:
                return
            delay = min(settings.retry_delay_s * 2.0 ** min(tried, 20), settings.retry_delay_s_max)
            await self._clock.sleep(delay * self._random.uniform(0.5, 1.0))
            tried += 1

    async def _assume(self, caller: Caller, source: str) -> None:
        """Raise AccessDeniedException unless the target's role trusts who delivers."""
        service = service_of(source)
        if caller.role_arn and not await self._bus.trusts(caller.role_arn, service, source):
            raise AwsError(
                "AccessDeniedException", f"{service} may not assume the role {caller.role_arn}."
            )


def _is_retried(error: AwsError | NoReply) -> bool:
    """Without an answer the event is delivered again, maybe twice: at least once is the promise."""
    if isinstance(error, NoReply):
        return True
    return error.code in RETRIED or error.status in {429, 500, 502, 503}
