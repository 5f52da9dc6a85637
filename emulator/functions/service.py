"""Lambda's Invoke: synchronous, asynchronous and dry runs."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Coroutine, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from emulator.core import ids
from emulator.core.bus import Bus, Caller, Measure
from emulator.core.clock import Clock
from emulator.core.credentials import CredentialStore
from emulator.core.errors import AwsError, NotSupported
from emulator.core.logs import Lane, LogSink
from emulator.functions import moto_functions, outcome
from emulator.functions.asynchronous import EventQueue
from emulator.functions.catalog import Catalog
from emulator.functions.concurrency import Concurrency
from emulator.functions.definition import AsyncPolicy, Found
from emulator.functions.outcome import Event, Outcome
from emulator.functions.pool import SandboxPool
from emulator.functions.runtime_api import RuntimeApi
from emulator.functions.sandbox import Sandbox
from emulator.functions.settings import FunctionsSettings

log = logging.getLogger("emulator.functions")

PARAMETERS = frozenset(
    {"FunctionName", "Payload", "InvocationType", "LogType", "Qualifier", "ClientContext"}
)
ROOT_PREFIX = "nst-functions-"
CLIENT_CONTEXT_BYTES_MAX = 3583
"""In base64, as it is sent."""


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
        # Not in /tmp where there is another place: sandboxes have a /tmp of their own.
        elsewhere = "/var/tmp" if os.access("/var/tmp", os.W_OK) else None  # noqa: S108 - made below
        prefix = f"{ROOT_PREFIX}{os.getpid()}-"
        self._root = Path(tempfile.mkdtemp(prefix=prefix, dir=elsewhere))
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
        default = AsyncPolicy(settings.async_retries_max, settings.async_event_age_s_max)
        self._catalog = Catalog(lane, default)
        self._queue = EventQueue(clock, bus, settings, self._catalog.find, self._invoke)
        self._running: set[asyncio.Task[tuple[Outcome, str]]] = set()
        self._aside: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Start the Runtime API; moto learns what it forgets of functions, on its lane."""
        loop = asyncio.get_running_loop()

        def take(arn: str, event: bytes) -> None:
            loop.call_soon_threadsafe(lambda: self._start(self._take(arn, event)))

        # Not waited for: the lane may still import moto, and does one thing after another.
        self._start(self._lane.run(lambda: moto_functions.extend(take)))
        self._start(asyncio.to_thread(_sweep, self._root.parent))
        await self._api.start()

    def prepare(self) -> None:
        """Begin to start ahead what starts sandboxes; nobody need wait for it."""
        self._start(self._pool.prepare(sdk=True))
        self._start(self._pool.prepare(sdk=False))

    async def stop(self) -> None:
        """End everything: events that wait, invocations, processes, files."""
        await self._queue.stop()
        tasks = [*self._running, *self._aside]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._pool.stop()
        await self._api.stop()
        await asyncio.to_thread(shutil.rmtree, self._root, ignore_errors=True)

    def forget(self) -> None:
        """The control plane changes functions: their definitions are read again.

        To be called before and after a change; without it changes are not seen.
        """
        self._catalog.forget()

    async def prewarm(self, names: Iterable[str], caller: Caller | None = None) -> None:
        """Start one sandbox of each named function ahead: only the init phase runs.

        A function whose start fails is left for its first invocation to report.
        """
        who = caller or Caller(
            ids.ACCOUNT, self._settings.region, f"arn:aws:iam::{ids.ACCOUNT}:root"
        )
        await asyncio.gather(*(self._prewarm(name, who) for name in names))

    async def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Answer an invocation; raises AwsError as Lambda does, NotSupported for other calls."""
        if operation == "InvokeAsync":
            event = {"FunctionName": params["FunctionName"], "Payload": params.get("InvokeArgs")}
            answered = await self.call("Invoke", {**event, "InvocationType": "Event"}, caller)
            return {"Status": answered["StatusCode"]}
        if operation != "Invoke":
            raise NotSupported(f"lambda:{operation}")
        unknown = sorted(params.keys() - PARAMETERS)
        if unknown:
            raise NotSupported(f"the parameter {unknown[0]} of lambda:Invoke")
        kind = params.get("InvocationType") or "RequestResponse"
        if kind not in {"RequestResponse", "Event", "DryRun"}:
            raise AwsError("InvalidParameterValueException", f"{kind!r} is not an invocation type.")
        if params.get("LogType") not in {None, "None", "Tail"}:
            raise AwsError("InvalidParameterValueException", "LogType must be None or Tail.")
        context = _client_context(params.get("ClientContext"))
        found = await self._catalog.find(params["FunctionName"], params.get("Qualifier"), caller)
        payload = self._payload(params.get("Payload"), kind)
        request_id = caller.request_id or ids.request_id()
        if kind == "DryRun":
            return {"StatusCode": 204, "Payload": b""}
        if kind == "Event":
            self._queue.put(found, request_id, payload, caller)
            return {"StatusCode": 202, "Payload": b""}
        result, tail = await self._invoke(found, request_id, payload, context)
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

    async def _invoke(
        self, found: Found, request_id: str, payload: bytes, context: str = ""
    ) -> tuple[Outcome, str]:
        """Run one event; goes on when the caller no longer waits, as Lambda does."""
        try:
            leave = self._concurrency.enter(found)
        except AwsError:
            self._measure(found, "Throttles", 1, "Count")
            raise
        event = self._event(found, request_id, payload, context)
        task = asyncio.create_task(self._measured(found, event))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        task.add_done_callback(lambda _: leave())
        return await asyncio.shield(task)

    def _measure(self, found: Found, name: str, value: float, unit: str) -> None:
        """A metric of a function.

        Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
        """
        function = found.function
        self._bus.measure(
            Measure(
                function.account,
                function.region,
                "AWS/Lambda",
                name,
                value,
                unit,
                (("FunctionName", function.name),),
            )
        )

    def _event(self, found: Found, request_id: str, payload: bytes, context: str) -> Event:
        now = self._clock.now()
        return Event(
            request_id=request_id,
            arn=found.arn,
            payload=payload,
            deadline_ms=0,
            trace_id=f"Root=1-{int(now):08x}-{ids.hex_id(24)};Parent={ids.hex_id(16)};Sampled=0",
            client_context=context,
        )

    async def _measured(self, found: Found, event: Event) -> tuple[Outcome, str]:
        begun = self._clock.now()
        result, tail = await self._run(found, event)
        self._measure(found, "Invocations", 1, "Count")
        self._measure(found, "Errors", 1 if result.function_error else 0, "Count")
        self._measure(found, "Duration", (self._clock.now() - begun) * 1000, "Milliseconds")
        return result, tail

    async def _run(self, found: Found, event: Event) -> tuple[Outcome, str]:
        function = found.function
        sandbox = self._pool.take_idle(function)
        if sandbox is not None:
            sandbox.begin(event.request_id)
            return await self._run_in(sandbox, event, function.timeout_s)
        if self._settings.cold_start_s > 0:
            await self._clock.sleep(self._settings.cold_start_s)
        # A start that fails or takes too long is tried once more, as part of the invocation.
        sandbox = await self._pool.create(function)
        failed = await self._ready(sandbox, event, self._settings.init_s_max, "init")
        left = function.timeout_s
        if failed is not None:
            sandbox = await self._pool.create(function)
            begun = self._clock.now()
            failed = await self._ready(sandbox, event, left, "invoke")
            left = function.timeout_s - (self._clock.now() - begun)
            if failed is not None:
                return failed, sandbox.tail()
        sandbox.begin(event.request_id)
        return await self._run_in(sandbox, event, left)

    async def _ready(
        self, sandbox: Sandbox, event: Event, within_s: float, phase: str
    ) -> Outcome | None:
        """Wait for the init phase; a failure is written, ends the sandbox and is returned."""
        begun = self._clock.now()
        try:
            failed = await sandbox.ready(within_s, event.request_id)
        except TimeoutError:
            failed = outcome.timed_out(event.request_id, sandbox.function.timeout_s)
        except BaseException:
            self._pool.end(sandbox)
            raise
        if failed is None:
            return None
        sandbox.fail_init(event.request_id, failed, self._clock.now() - begun, phase)
        self._pool.end(sandbox)
        return failed

    async def _run_in(self, sandbox: Sandbox, event: Event, left_s: float) -> tuple[Outcome, str]:
        deadline_ms = round((self._clock.now() + left_s) * 1000)
        try:
            result = await sandbox.run(replace(event, deadline_ms=deadline_ms), left_s)
        except BaseException:
            self._pool.end(sandbox)
            raise
        self._pool.give_back(sandbox)
        return result

    async def _prewarm(self, name: str, caller: Caller) -> None:
        function = (await self._catalog.find(name, None, caller)).function
        if self._pool.count(function):
            return
        sandbox = await self._pool.create(function)
        nothing = Event("", "", b"", 0, "")
        if await self._ready(sandbox, nothing, self._settings.init_s_max, "init") is None:
            self._pool.give_back(sandbox)

    async def _take(self, arn: str, event: bytes) -> None:
        """An event that another of moto's services (SNS) sends to a function."""
        account, region = arn.split(":")[4], arn.split(":")[3]
        caller = Caller(account, region, f"arn:aws:iam::{account}:root")
        call = {"FunctionName": arn, "InvocationType": "Event", "Payload": event}
        try:
            await self.call("Invoke", call, caller)
        except AwsError:
            log.exception("an event for %s is lost", arn)

    def _start(self, doing: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(doing)
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)


def _sweep(place: Path) -> None:
    """Remove what emulators that were killed have left behind."""
    for root in place.glob(f"{ROOT_PREFIX}*"):
        pid = root.name.removeprefix(ROOT_PREFIX).partition("-")[0]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(root, ignore_errors=True)


def _client_context(given: Any) -> str:
    """The client context as the runtime gets it: JSON, sent in base64.

    Raises InvalidRequestContentException for anything else.
    """
    if not given:
        return ""
    try:
        context = json.loads(base64.b64decode(given, validate=True))
    except ValueError:
        context = None
    if not isinstance(context, dict) or len(given) > CLIENT_CONTEXT_BYTES_MAX:
        raise AwsError(
            "InvalidRequestContentException",
            "Client context must be a JSON object in base64, of "
            f"{CLIENT_CONTEXT_BYTES_MAX} bytes at most.",
            400,
            {"Type": "User"},
        )
    return json.dumps(context)
