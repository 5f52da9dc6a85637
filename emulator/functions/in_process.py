"""Lambda functions that run inside of the emulator's own process, on its clock.

For simulations on virtual time, and for breakpoints. A function is loaded by its declared entry
point, as Lambda's runtime does, and runs in a greenlet: its SDK clients call the bus, its time is
the clock's (`system.surroundings`). A hundred invocations may be under way at once; each has its
function's timeout, and its errors leave as Lambda's runtime reports them.

Not for strangers' code: there is no process to contain it.
"""

from __future__ import annotations

import asyncio
import contextvars
import importlib
import json
import random
import secrets
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from emulator.core.bus import Bus, Caller
from emulator.core.clock import Clock
from emulator.core.credentials import Credential, CredentialStore
from emulator.core.errors import AwsError, NotSupported, ProcessCrash
from emulator.functions import bridge, definition, outcome
from emulator.functions.bus_clients import BusClient, Wiring
from emulator.functions.outcome import Outcome
from system.surroundings import CURRENT, Surroundings

PARAMETERS = frozenset({"FunctionName", "Payload", "InvocationType", "LogType", "Qualifier"})
REQUEST_BYTES_MAX = 6 * 1024 * 1024
RESPONSE_BYTES_MAX = 6 * 1024 * 1024 + 100
CREDENTIALS_S = 12 * 3600.0

Handler = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class InProcessFunction:
    """A function as it is declared; ``handler`` is its entry point (``package.module.name``)."""

    name: str
    handler: str
    role_arn: str
    timeout_s: float
    memory_mb: int
    environment: Mapping[str, str]


@dataclass
class Context:
    """Lambda's context object.

    https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
    """

    function_name: str
    invoked_function_arn: str
    memory_limit_in_mb: str
    aws_request_id: str
    log_group_name: str
    deadline: float = field(repr=False)
    now: Callable[[], float] = field(repr=False)
    function_version: str = "$LATEST"
    log_stream_name: str = "in-process"

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds to the function's timeout."""
        return max(0, int((self.deadline - self.now()) * 1000))


class InProcessFunctions:
    """The service ``lambda`` of the bus: Invoke, synchronously.

    ``rng`` decides about jitter, ``token_hex`` about ids, ``skew`` gives how far the clock of an
    invocation's machine is off, ``write`` takes the functions' log lines. An invocation that finds
    no environment at rest waits ``cold_start_s`` for a new one.
    """

    def __init__(
        self,
        bus: Bus,
        clock: Clock,
        credentials: CredentialStore,
        functions: list[InProcessFunction],
        *,
        rng: random.Random | None = None,
        token_hex: Callable[[int], str] = secrets.token_hex,
        write: Callable[[str], None] = lambda _line: None,
        skew: Callable[[Caller], float] = lambda _caller: 0.0,
        cold_start_s: float = 0.0,
    ) -> None:
        self._bus = bus
        self._clock = clock
        self._credentials = credentials
        self._functions = {function.name: function for function in functions}
        self._rng = rng or random.Random()  # noqa: S311 (jitter)
        self._token_hex = token_hex
        self._write = write
        self._skew = skew
        self._cold_start_s = cold_start_s
        self._resting: Counter[str] = Counter()
        self._sessions: dict[str, Credential] = {}
        self._running: set[asyncio.Task[Outcome]] = set()

    async def stop(self) -> None:
        """End the invocations under way."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Answer Invoke; raises AwsError as Lambda does, NotSupported for all else."""
        if operation != "Invoke":
            raise NotSupported(f"lambda:{operation} of in-process functions")
        unknown = sorted(params.keys() - PARAMETERS)
        if unknown:
            raise NotSupported(f"the parameter {unknown[0]} of lambda:Invoke")
        kind = params.get("InvocationType") or "RequestResponse"
        if kind != "RequestResponse":
            raise NotSupported(f"the invocation type {kind} of in-process functions")
        ref = definition.parse(params["FunctionName"], params.get("Qualifier"), caller)
        function = self._functions.get(ref.name)
        if function is None or ref.qualifier not in {None, definition.LATEST}:
            message = f"Function not found: {ref.arn}"
            raise AwsError(
                "ResourceNotFoundException", message, 404, {"Type": "User", "Message": message}
            )
        event = _event(params.get("Payload"))
        if not await self._bus.trusts(function.role_arn, "lambda.amazonaws.com", ref.arn):
            raise AwsError(
                "AccessDeniedException",
                "The role defined for the function cannot be assumed by Lambda.",
                403,
            )
        await self._find_environment(function)
        result = await self._invoke(function, ref.arn, event, caller.request_id or self._id())
        answer: dict[str, Any] = {
            "StatusCode": 200,
            "Payload": result.payload,
            "ExecutedVersion": definition.LATEST,
        }
        if result.function_error:
            answer["FunctionError"] = result.function_error
        return answer

    async def _find_environment(self, function: InProcessFunction) -> None:
        """Take a warm environment, or wait for a cold one: no part of the function's timeout."""
        if self._resting[function.name]:
            self._resting[function.name] -= 1
        elif self._cold_start_s > 0:
            await self._clock.sleep(self._cold_start_s)

    def _id(self) -> str:
        text = self._token_hex(16)
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    async def _invoke(
        self, function: InProcessFunction, arn: str, event: Any, request_id: str
    ) -> Outcome:
        """One invocation in a task of its own: a caller that gives up does not end it."""
        work = self._run(function, arn, event, request_id)
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        task.add_done_callback(lambda _: self._resting.update([function.name]))
        timed_out = False

        def end() -> None:
            nonlocal timed_out
            timed_out = True
            task.cancel()

        timer = self._clock.call_later(function.timeout_s, end)
        task.add_done_callback(lambda _: timer.cancel())
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if timed_out and task.cancelled():
                return outcome.timed_out(request_id, function.timeout_s)
            raise

    async def _run(
        self, function: InProcessFunction, arn: str, event: Any, request_id: str
    ) -> Outcome:
        try:
            handler = _load(function.handler)
        except _NotLoadedError as error:
            return _failed(str(error), error.kind, [], request_id)
        context = contextvars.copy_context()
        surroundings = self._surroundings(function, request_id)
        context.run(CURRENT.set, surroundings)
        about = Context(
            function_name=function.name,
            invoked_function_arn=arn,
            memory_limit_in_mb=str(function.memory_mb),
            aws_request_id=request_id,
            log_group_name=f"/aws/lambda/{function.name}",
            deadline=surroundings.now() + function.timeout_s,
            now=surroundings.now,
        )
        try:
            result = await bridge.run(lambda: handler(event, about), context)
        except ProcessCrash:
            return outcome.exited(request_id, 1, out_of_memory=False)
        except Exception as error:  # noqa: BLE001 (whatever a function raises is its answer)
            stack = _stack(error)
            return _failed(str(error), type(error).__name__, stack, request_id)
        return _result(result, request_id)

    def _surroundings(self, function: InProcessFunction, request_id: str) -> Surroundings:
        account, region = function.role_arn.split(":")[4], function.environment["AWS_REGION"]
        role = function.role_arn.rsplit("/", 1)[-1]
        principal = f"arn:aws:sts::{account}:assumed-role/{role}/{function.name}"
        key = self._session(function).access_key
        caller = Caller(account, region, principal, key, request_id, role_arn=function.role_arn)
        off = self._skew(caller)

        def wiring_caller() -> Caller:
            return caller.with_request(self._id())

        wiring = Wiring(
            self._bus, self._clock, wiring_caller, lambda: self._session(function), self._rng
        )
        clients: dict[str, BusClient] = {}

        def client(service: str) -> BusClient:
            if service not in clients:
                clients[service] = BusClient(service, wiring)
            return clients[service]

        return Surroundings(
            variables=function.environment,
            client=client,
            now=lambda: self._clock.now() + off,
            sleep=lambda seconds: bridge.wait(self._clock.sleep(seconds)),
            rng=self._rng,
            token_hex=self._token_hex,
            write=self._write,
        )

    def _session(self, function: InProcessFunction) -> Credential:
        """The role's credentials, as a sandbox has them from its start."""
        session = self._sessions.get(function.name)
        if session is None or (session.expires_at or 0.0) <= self._clock.now():
            session = self._credentials.issue_session(
                function.role_arn, function.name, CREDENTIALS_S
            )
            self._sessions[function.name] = session
        return session


class _NotLoadedError(Exception):
    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def _load(entry: str) -> Handler:
    """The handler of an entry point; the names of errors are those of Lambda's Python runtime."""
    module_name, _, name = entry.rpartition(".")
    if not module_name:
        raise _NotLoadedError("Runtime.MalformedHandlerName", f"Bad handler '{entry}'")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise _NotLoadedError(
            "Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}"
        ) from error
    handler: Handler | None = getattr(module, name, None)
    if handler is None:
        raise _NotLoadedError(
            "Runtime.HandlerNotFound", f"Handler '{name}' missing on module '{module_name}'"
        )
    return handler


def _stack(error: BaseException) -> list[str]:
    """Where it was raised: file, line, function and text, as Lambda's Python runtime has them.

    Marks under a part of the line (the newer Pythons') are no part of it.
    """
    frames = traceback.extract_tb(error.__traceback__)[2:]
    plain = [traceback.FrameSummary(f.filename, f.lineno, f.name, line=f.line) for f in frames]
    return traceback.format_list(plain)


def _event(payload: Any) -> Any:
    body = bytes(payload or b"null") if not isinstance(payload, str) else payload.encode()
    if len(body) > REQUEST_BYTES_MAX:
        raise AwsError(
            "RequestTooLargeException",
            f"{len(body)} byte payload is too large for the RequestResponse invocation type "
            f"(limit {REQUEST_BYTES_MAX} bytes)",
            413,
        )
    try:
        return json.loads(body)
    except ValueError as error:
        raise AwsError(
            "InvalidRequestContentException",
            f"Could not parse request body into json: {error}",
        ) from error


def _result(result: Any, request_id: str) -> Outcome:
    try:
        payload = json.dumps(result, ensure_ascii=False).encode()
    except (TypeError, ValueError) as error:
        return _failed(
            f"Unable to marshal response: {error}", "Runtime.MarshalError", [], request_id
        )
    if len(payload) > RESPONSE_BYTES_MAX:
        return outcome.too_large(RESPONSE_BYTES_MAX)
    return outcome.succeeded(payload)


def _failed(message: str, kind: str, stack: list[str], request_id: str) -> Outcome:
    document = {
        "errorMessage": message,
        "errorType": kind,
        "requestId": request_id,
        "stackTrace": stack,
    }
    return outcome.reported(json.dumps(document, ensure_ascii=False).encode())
