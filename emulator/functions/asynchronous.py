"""Asynchronous invocations: the queue of events, retries, age, and where their end is told.

Source: AWS's pages "Invoking a Lambda function asynchronously", "How Lambda handles errors and
retries with asynchronous invocation" and "Adding a dead-letter queue".
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from emulator.core.bus import Bus, Caller
from emulator.core.clock import Clock
from emulator.core.errors import AwsError
from emulator.functions.definition import Found
from emulator.functions.destinations import End, bury, tell
from emulator.functions.outcome import Outcome
from emulator.functions.settings import FunctionsSettings

log = logging.getLogger("emulator.functions")

Find = Callable[[str, str | None, Caller], Awaitable[Found]]
Invoke = Callable[[Found, str, bytes], Awaitable[tuple[Outcome, str]]]


@dataclass(frozen=True)
class Queued:
    """An event that waits: for which function (as it was called), since when, from whom."""

    arn: str
    request_id: str
    payload: bytes
    since: float
    caller: Caller


class EventQueue:
    """Runs each event in a task of its own until it has succeeded or is given up."""

    def __init__(
        self, clock: Clock, bus: Bus, settings: FunctionsSettings, find: Find, invoke: Invoke
    ) -> None:
        self._clock = clock
        self._bus = bus
        self._settings = settings
        self._find = find
        self._invoke = invoke
        self.under_way: set[asyncio.Task[None]] = set()

    def put(self, found: Found, request_id: str, payload: bytes, caller: Caller) -> None:
        """Queue an event; raises TooManyRequestsException when too many wait."""
        if len(self.under_way) >= self._settings.async_events_max:
            raise AwsError(
                "TooManyRequestsException",
                "Rate Exceeded.",
                429,
                {"Reason": "FunctionInvocationRateLimitExceeded", "Type": "User"},
            )
        event = Queued(found.arn, request_id, payload, self._clock.now(), caller)
        task = asyncio.get_running_loop().create_task(self._deliver(event))
        self.under_way.add(task)
        task.add_done_callback(self.under_way.discard)

    async def stop(self) -> None:
        """Drop what waits."""
        tasks = list(self.under_way)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _deliver(self, event: Queued) -> None:
        try:
            found, end = await self._run(event)
        except AwsError:
            log.exception("an asynchronous event of %s is lost", event.arn)
            return
        await self._tell(found, event, end)

    async def _run(self, event: Queued) -> tuple[Found, End]:
        """Try until it works: errors are retried twice, throttles until the event is too old."""
        runs, throttles = 0, 0
        result: Outcome | None = None
        while True:
            # What applies is what applies now: a retry may meet new code and new settings.
            found = await self._find(event.arn, None, event.caller)
            if found.reserved == 0:
                return found, self._end("ZeroReservedConcurrency", runs, None)
            oldest = event.since + found.policy.age_s_max
            if self._clock.now() >= oldest:
                return found, self._end("EventAgeExceeded", runs, result)
            try:
                result, _ = await self._invoke(found, event.request_id, event.payload)
            except AwsError as error:
                if error.code != "TooManyRequestsException":
                    raise
                delay = self._throttle_delay(throttles)
                throttles += 1
            else:
                runs += 1
                if result.function_error is None:
                    return found, self._end("Success", runs, result)
                if runs > found.policy.retries_max:
                    return found, self._end("RetriesExhausted", runs, result)
                delays = self._settings.async_retry_delays_s
                delay = delays[min(runs, len(delays)) - 1]
            await self._clock.sleep(min(delay, oldest - self._clock.now()))

    def _end(self, condition: str, runs: int, result: Outcome | None) -> End:
        return End(condition, runs, result, self._clock.now())

    def _throttle_delay(self, throttles: int) -> float:
        delay = self._settings.async_throttle_delay_s * 2.0 ** min(throttles, 20)
        return min(delay, self._settings.async_throttle_delay_s_max)

    async def _tell(self, found: Found, event: Queued, end: End) -> None:
        policy = found.policy
        if end.condition != "Success":
            log.warning("an asynchronous event of %s ended: %s", event.arn, end.condition)
        about = (found, event.request_id, event.payload, end)
        destination = policy.on_success if end.condition == "Success" else policy.on_failure
        for target, send in ((destination, tell), (policy.dead_letters, bury)):
            if not target or (send is bury and end.condition == "Success"):
                continue
            try:
                # Lambda sends it with the function's role
                caller = found.function.caller(event.request_id)
                await send(self._bus, target, *about, caller)
            except AwsError:
                log.exception("%s did not take a record of %s", target, event.arn)
