"""The bus: the only way in which one emulated service reaches another.

A service registers under the name that its endpoint has in the SDKs (``s3``, ``states``, ``ecs``,
``lambda``, ``events``, ...) and answers ``call(operation, params, caller)`` with a dictionary
shaped like the SDK's response (bytes stay bytes, times are epoch seconds). Events for EventBridge
go through ``publish``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from emulator.core.errors import NotSupported

log = logging.getLogger("emulator.bus")


@dataclass(frozen=True)
class Caller:
    """Who makes a call: what SigV4 would have proven.

    ``principal`` is an ARN (the account's root for the ``test`` key, an assumed-role ARN for
    functions, tasks and workflows, or the name of a service that calls by itself);
    ``access_key`` the key that signed, ``request_id`` the id under which all parts log the
    request. ``role_arn`` is the role of a session, ``source_arn`` the resource for which a
    service calls; ``source_ip`` and ``user_agent`` are known of calls over HTTP.
    """

    account: str
    region: str
    principal: str
    access_key: str = "test"
    request_id: str = ""
    role_arn: str = ""
    source_arn: str = ""
    source_ip: str = ""
    user_agent: str = ""

    def with_request(self, request_id: str) -> Caller:
        """The same caller under another request id."""
        # Several times as fast as `replace`, and every call of a function makes one.
        same = object.__new__(Caller)
        same.__dict__.update(self.__dict__, request_id=request_id)
        return same


class Service(Protocol):
    """An emulated AWS service."""

    async def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Answer one API call; raises AwsError."""


class Guard(Protocol):
    """Decides who may do what. ``check`` and ``require`` raise AwsError for who may not."""

    async def check(
        self, service: str, operation: str, params: dict[str, Any], caller: Caller
    ) -> None:
        """Check a call before its service sees it."""

    async def require(
        self,
        service: str,
        caller: Caller,
        action: str,
        resource: str,
        context: Mapping[str, Any],
    ) -> None:
        """Check one action for ``service``, which knows what its call is about."""

    async def trusts(self, role_arn: str, service: str, source_arn: str) -> bool:
        """Whether a role lets a service assume it."""


Subscriber = Callable[[dict[str, Any]], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Measure:
    """One value of a metric that a service reports of itself, as CloudWatch names it."""

    account: str
    region: str
    namespace: str
    name: str
    value: float
    unit: str
    dimensions: tuple[tuple[str, str], ...] = ()


Meter = Callable[[Measure], None]


@dataclass(frozen=True)
class BusCall:
    """A call on its way to a service."""

    service: str
    operation: str
    params: dict[str, Any]
    caller: Caller


Proceed = Callable[[], Awaitable[dict[str, Any]]]
Middleware = Callable[[BusCall, Proceed], Awaitable[dict[str, Any]]]
"""Stands around every call: awaits ``proceed()`` for its effect and answer, or does not."""


class Bus:
    """Registry of the services and of those who listen to their events."""

    def __init__(self) -> None:
        self._services: dict[str, Service] = {}
        self._fallback: Callable[[str], Service | None] | None = None
        self._subscribers: list[Subscriber] = []
        self._meters: list[Meter] = []
        self._around: list[Middleware] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._guard: Guard | None = None

    def set_guard(self, guard: Guard) -> None:
        """Have every call checked; without a guard everybody may do everything."""
        self._guard = guard

    async def check(
        self, service: str, operation: str, params: dict[str, Any], caller: Caller
    ) -> None:
        """Raise the service's AccessDenied unless ``caller`` may make this call.

        For a call that goes another way than the bus; ``call`` does it by itself.
        """
        if self._guard is not None:
            await self._guard.check(service, operation, params, caller)

    async def require(
        self,
        service: str,
        caller: Caller,
        action: str,
        resource: str,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        """Raise ``service``'s AccessDenied unless ``caller`` may do ``action``.

        For what only the service knows: which role a task gets, which workflow has a token.
        """
        if self._guard is not None:
            await self._guard.require(service, caller, action, resource, context or {})

    async def trusts(self, role_arn: str, service: str, source_arn: str) -> bool:
        """Whether a role lets ``service`` (``lambda.amazonaws.com``) assume it.

        ``source_arn`` is the resource for which the service needs the role.
        """
        return self._guard is None or await self._guard.trusts(role_arn, service, source_arn)

    def register(self, name: str, service: Service) -> None:
        """Make ``service`` answer for ``name``."""
        self._services[name] = service

    def set_fallback(self, find: Callable[[str], Service | None]) -> None:
        """``find(name)`` gives a service for names that nobody registered, or None."""
        self._fallback = find

    def use(self, middleware: Middleware) -> None:
        """Put ``middleware`` around every call, inside of those that are there already."""
        self._around.append(middleware)

    async def call(
        self, service: str, operation: str, params: dict[str, Any], caller: Caller
    ) -> dict[str, Any]:
        """Call ``operation`` (PascalCase, as in the API) of ``service``.

        Raises AwsError as the service does (AccessDenied among others), NotSupported for a service
        that is not there; where faults are set, NoReply and ProcessCrash, too.
        """
        if not self._around:
            return await self._deliver(service, operation, params, caller)
        return await self._through(0, BusCall(service, operation, params, caller))

    def _through(self, index: int, call: BusCall) -> Awaitable[dict[str, Any]]:
        """The call from the middleware ``index`` on; no coroutine of its own for each of them."""
        if index == len(self._around):
            return self._deliver(call.service, call.operation, call.params, call.caller)
        return self._around[index](call, lambda: self._through(index + 1, call))

    async def _deliver(
        self, service: str, operation: str, params: dict[str, Any], caller: Caller
    ) -> dict[str, Any]:
        found = self._services.get(service)
        if found is None and self._fallback is not None:
            found = self._fallback(service)
        if found is None:
            raise NotSupported(f"the service {service!r}")
        await self.check(service, operation, params, caller)
        return await found.call(operation, params, caller)

    def subscribe(self, subscriber: Subscriber) -> None:
        """Hear every event that is published."""
        self._subscribers.append(subscriber)

    def publish(self, event: dict[str, Any]) -> None:
        """Publish an event in EventBridge's envelope.

        ``source``, ``detail-type`` and ``detail`` are required, ``account``, ``region``,
        ``time`` (ISO), ``resources`` and ``id`` are the publisher's to fill in. Delivery is
        asynchronous; a subscriber that fails is logged and does not disturb the publisher.
        """
        for subscriber in self._subscribers:
            task = asyncio.get_running_loop().create_task(_tell(subscriber, event))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def read_meters(self, meter: Meter) -> None:
        """Hear every measure that a service reports."""
        self._meters.append(meter)

    @property
    def metered(self) -> bool:
        """Whether anybody hears measures: where nobody does, none need be made."""
        return bool(self._meters)

    def measure(self, measure: Measure) -> None:
        """Report a measure; it counts at once."""
        for meter in self._meters:
            meter(measure)


async def _tell(subscriber: Subscriber, event: dict[str, Any]) -> None:
    try:
        await subscriber(event)
    except Exception:
        log.exception("a subscriber failed on an event of %s", event.get("source"))
