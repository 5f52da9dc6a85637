"""Lambda's Invoke: synchronous, asynchronous and dry runs."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from emulator.core import ids
from emulator.core.bus import Bus, Caller
from emulator.core.clock import Clock
from emulator.core.credentials import CredentialStore
from emulator.core.errors import AwsError, NotSupported
from emulator.core.logs import Lane, LogSink
from emulator.functions import definition, outcome
from emulator.functions.concurrency import Concurrency
from emulator.functions.definition import AsyncPolicy, Found
from emulator.functions.destinations import record, tell
from emulator.functions.outcome import Event, Outcome
from emulator.functions.pool import SandboxPool
from emulator.functions.runtime_api import RuntimeApi
from emulator.functions.sandbox import Sandbox
from emulator.functions.settings import FunctionsSettings

log = logging.getLogger("emulator.functions")

PARAMETERS = frozenset({"FunctionName", "Payload", "InvocationType", "LogType", "Qualifier"})


class FunctionsService:
    """Runs functions; their definitions are moto's, reached through ``lane``.

    ``bus`` carries records to the destinations of asynchronous invocations.
    """

    def __init__(  # noqa: PLR0917 (one place wires it)
        self,
        lane: Lane,
        clock: Clock,
        credentials: CredentialStore,
        bus: Bus,
        logs: LogSink,
        settings: FunctionsSettings,
    ) -> None:
        self._lane = lane
        self._clock = clock
        self._bus = bus
        self._settings = settings
        self._root = Path(tempfile.mkdtemp(prefix="nst-functions-"))
        self._api = RuntimeApi(self._find_sandbox)
        self._pool = SandboxPool(
            root=self._root,
            clock=clock,
            credentials=credentials,
            logs=logs,
            bus=bus,
            settings=settings,
            api_address=lambda: self._api.address,
        )
        self._concurrency = Concurrency(settings.concurrency)
        self._default_policy = AsyncPolicy(
            settings.async_retries_max, settings.async_event_age_s_max, None, None
        )
        self._events: set[asyncio.Task[None]] = set()
        self._running: set[asyncio.Task[tuple[Outcome, str]]] = set()

    async def start(self) -> None:
        """Start the Runtime API."""
        await self._api.start()

    async def stop(self) -> None:
        """End everything: events that wait, invocations, processes, files."""
        for task in [*self._events, *self._running]:
            task.cancel()
        await asyncio.gather(*self._events, *self._running, return_exceptions=True)
        await self._pool.stop()
        await self._api.stop()
        await asyncio.to_thread(shutil.rmtree, self._root, ignore_errors=True)

    async def prewarm(self, names: Iterable[str], caller: Caller | None = None) -> None:
        """Start one sandbox of each named function ahead: only the init phase runs.

        A function whose start fails is left for its first invocation to report.
        """
        who = caller or Caller(
            ids.ACCOUNT, self._settings.region, f"arn:aws:iam::{ids.ACCOUNT}:root"
        )
        await asyncio.gather(*(self._prewarm(name, who) for name in names))

    async def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Answer ``Invoke``; raises AwsError as Lambda does, NotSupported for other calls."""
        if operation != "Invoke":
            raise NotSupported(f"lambda:{operation}")
        unknown = sorted(params.keys() - PARAMETERS)
        if unknown:
            raise NotSupported(f"the parameter {unknown[0]} of lambda:Invoke")
        kind = params.get("InvocationType") or "RequestResponse"
        if kind not in {"RequestResponse", "Event", "DryRun"}:
            raise AwsError("InvalidParameterValueException", f"{kind!r} is not an invocation type.")
        found = await self._find(params["FunctionName"], params.get("Qualifier"), caller)
        payload = self._payload(params.get("Payload"), kind)
        request_id = caller.request_id or ids.request_id()
        if kind == "DryRun":
            return {"StatusCode": 204, "Payload": b""}
        if kind == "Event":
            self._queue(found, request_id, payload, caller)
            return {"StatusCode": 202, "Payload": b""}
        result, tail = await self._invoke(found, request_id, payload)
        answer: dict[str, Any] = {
            "StatusCode": 200,
            "Payload": result.payload,
            "ExecutedVersion": found.function.version,
        }
        if result.function_error:
            answer["FunctionError"] = result.function_error
        if params.get("LogType") == "Tail":
            kept = tail.encode()[-self._settings.log_tail_bytes :]
            answer["LogResult"] = base64.b64encode(kept).decode()
        return answer

    def _find_sandbox(self, identity: str) -> Sandbox | None:
        return self._pool.find(identity)

    async def _find(self, name: str, qualifier: str | None, caller: Caller) -> Found:
        ref = definition.parse(name, qualifier, caller)
        default = self._default_policy
        return await self._lane.run(lambda: definition.find(ref, default))

    def _payload(self, given: Any, kind: str) -> bytes:
        payload = given.encode() if isinstance(given, str) else bytes(given or b"")
        settings = self._settings
        limit = settings.async_request_bytes_max if kind == "Event" else settings.request_bytes_max
        if len(payload) > limit:
            raise AwsError(
                "RequestTooLargeException",
                f"Request must be smaller than {limit} bytes for the InvokeFunction operation",
                413,
                {"Type": "User"},
            )
        if not payload:
            return b"{}"
        try:
            json.loads(payload)
        except ValueError as error:
            raise AwsError(
                "InvalidRequestContentException",
                f"Could not parse request body into json: {error}",
                400,
                {"Type": "User"},
            ) from error
        return payload

    async def _invoke(self, found: Found, request_id: str, payload: bytes) -> tuple[Outcome, str]:
        """Run one event; goes on when the caller no longer waits, as Lambda does."""
        leave = self._concurrency.enter(found)
        task = asyncio.create_task(self._run(found, request_id, payload))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        task.add_done_callback(lambda _: leave())
        return await asyncio.shield(task)

    async def _run(self, found: Found, request_id: str, payload: bytes) -> tuple[Outcome, str]:
        function = found.function
        sandbox = self._pool.take_idle(function)
        if sandbox is not None:
            sandbox.begin(request_id)
            return await self._run_in(sandbox, found, request_id, payload, function.timeout_s)
        # A start that fails or takes too long is tried once more, as part of the invocation.
        sandbox = await self._pool.create(function)
        failed = await self._ready(sandbox, request_id, self._settings.init_s_max, "init")
        left = function.timeout_s
        if failed is not None:
            sandbox = await self._pool.create(function)
            begun = self._clock.now()
            failed = await self._ready(sandbox, request_id, left, "invoke")
            left = function.timeout_s - (self._clock.now() - begun)
            if failed is not None:
                return failed, sandbox.tail()
        return await self._run_in(sandbox, found, request_id, payload, left)

    async def _ready(
        self, sandbox: Sandbox, request_id: str, within_s: float, phase: str
    ) -> Outcome | None:
        """Wait for the init phase; a failure is written, ends the sandbox and is returned."""
        if phase == "invoke":
            sandbox.begin(request_id)
        begun = self._clock.now()
        try:
            failed = await sandbox.ready(within_s)
        except TimeoutError:
            failed = outcome.timed_out(request_id, sandbox.function.timeout_s)
        except BaseException:
            self._pool.end(sandbox)
            raise
        if failed is None:
            if phase == "init":
                sandbox.begin(request_id)
            return None
        took = self._clock.now() - begun
        sandbox.fail_init(request_id, failed, took, phase)
        self._pool.end(sandbox)
        return failed

    async def _run_in(
        self, sandbox: Sandbox, found: Found, request_id: str, payload: bytes, left_s: float
    ) -> tuple[Outcome, str]:
        event = Event(
            request_id=request_id,
            arn=found.arn,
            payload=payload,
            deadline_ms=round((self._clock.now() + left_s) * 1000),
            trace_id=f"Root=1-{int(self._clock.now()):08x}-{ids.hex_id(24)};"
            f"Parent={ids.hex_id(16)};Sampled=0",
        )
        try:
            result = await sandbox.run(event, left_s)
        except BaseException:
            self._pool.end(sandbox)
            raise
        self._pool.give_back(sandbox)
        return result

    async def _prewarm(self, name: str, caller: Caller) -> None:
        function = (await self._find(name, None, caller)).function
        if self._pool.count(function):
            return
        sandbox = await self._pool.create(function)
        if await self._ready(sandbox, "", self._settings.init_s_max, "prewarm") is None:
            self._pool.give_back(sandbox)

    def _queue(self, found: Found, request_id: str, payload: bytes, caller: Caller) -> None:
        if len(self._events) >= self._settings.async_events_max:
            raise AwsError(
                "TooManyRequestsException",
                "Rate Exceeded.",
                429,
                {"Reason": "FunctionInvocationRateLimitExceeded", "Type": "User"},
            )
        task = asyncio.create_task(self._deliver(found, request_id, payload, caller))
        self._events.add(task)
        task.add_done_callback(self._events.discard)

    async def _deliver(self, found: Found, request_id: str, payload: bytes, caller: Caller) -> None:
        """Run an asynchronous event: errors are retried twice, throttles until it is too old."""
        queued = self._clock.now()
        errors, throttles = 0, 0
        result: Outcome | None = None
        condition = "RetriesExhausted"
        while True:
            if self._clock.now() - queued > found.policy.age_s_max:
                condition = "EventAgeExceeded"
                break
            try:
                now = await self._find(found.arn, None, caller)
                result, _ = await self._invoke(now, request_id, payload)
            except AwsError as error:
                if error.code != "TooManyRequestsException":
                    log.exception("an asynchronous event of %s is lost", found.arn)
                    return
                await self._clock.sleep(self._throttle_delay(throttles))
                throttles += 1
                continue
            if result.function_error is None:
                condition = "Success"
                break
            if errors >= found.policy.retries_max:
                break
            delays = self._settings.async_retry_delays_s
            await self._clock.sleep(delays[min(errors, len(delays) - 1)])
            errors += 1
        if condition != "Success":
            log.warning("an asynchronous event of %s ended: %s", found.arn, condition)
        told = record(
            found,
            request_id,
            payload,
            result,
            condition=condition,
            attempts=errors + 1,
            at=self._clock.now(),
        )
        await self._tell(found, told, caller)

    def _throttle_delay(self, throttles: int) -> float:
        delay = self._settings.async_throttle_delay_s * 2.0 ** min(throttles, 20)
        return min(delay, self._settings.async_throttle_delay_s_max)

    async def _tell(self, found: Found, told: dict[str, Any], caller: Caller) -> None:
        succeeded = told["requestContext"]["condition"] == "Success"
        destination = found.policy.on_success if succeeded else found.policy.on_failure
        if destination is None:
            return
        try:
            await tell(self._bus, destination, told, found.function.caller(caller.request_id))
        except AwsError:
            log.exception("the destination %s of %s did not take a record", destination, found.arn)
