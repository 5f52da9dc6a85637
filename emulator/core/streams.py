"""Bodies that are passed on piece by piece, with the time limits of those that pass them on."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from emulator.core.clock import Clock
from emulator.core.errors import EmulatorError

T = TypeVar("T")

log = logging.getLogger("emulator.streams")

HOP_BY_HOP = frozenset(
    {
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te"),
        *("trailer", "transfer-encoding", "upgrade", "proxy-connection"),
    }
)
"""Headers that are for the next one alone (RFC 9110, section 7.6.1)."""


@dataclass(frozen=True)
class Asked:
    """A request that one service passes on to another; ``path`` has its query string."""

    method: str
    path: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    source_ip: str = ""


@dataclass
class Answered:
    """The answer to it; whoever has it reads ``parts`` to the end, or closes them."""

    status: int
    headers: list[tuple[str, str]]
    parts: AsyncGenerator[bytes]


class StreamCut(EmulatorError):  # noqa: N818 - what happened, not what is wrong
    """A body ended too soon, by a time limit or as its source did; so does the connection."""


class Relayed(StreamingResponse):
    """An answer that is passed on as it comes; however that ends, its source is closed."""

    def __init__(self, answer: Answered) -> None:
        super().__init__(answer.parts, status_code=answer.status)
        # no media type of ours: the source has said what it is
        for name, value in answer.headers:
            self.headers.append(name, value)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        except StreamCut as error:
            log.info("%s", error)
            # ASGI has no message for it; the server's own object behind it has the connection.
            connection = getattr(getattr(send, "__self__", None), "transport", None)
            if connection is None:
                raise
            connection.abort()
        finally:
            close = getattr(self.body_iterator, "aclose", None)
            if close is not None:
                await close()


async def within(work: Coroutine[Any, Any, T], clock: Clock, seconds: float) -> T:
    """What ``work`` returns; raises TimeoutError when ``seconds`` of the clock were not enough."""
    task = asyncio.ensure_future(work)
    late = False

    def expire() -> None:
        nonlocal late
        late = not task.done()
        task.cancel()

    timer = clock.call_later(seconds, expire)
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        task.cancel()
        await _unwound(task)
        raise
    finally:
        timer.cancel()
    if late and task.cancelled():
        raise TimeoutError
    return task.result()


async def _unwound(task: asyncio.Future[Any]) -> None:
    """Return when a cancelled task has cleaned up.

    anyio's cancel scopes cancel again and again whoever waits in them. Passed on to the task, the
    second time would cut off what it does to close its connection.
    """
    while not task.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait({task})
    if not task.cancelled():
        task.exception()


async def paced(
    parts: Any, clock: Clock, *, idle_s: float, until: float | None = None
) -> AsyncGenerator[bytes]:
    """``parts`` (an asynchronous generator) as they come.

    Raises StreamCut when nothing comes for ``idle_s``, and at the clock's ``until``.
    """
    try:
        while True:
            seconds = idle_s if until is None else min(idle_s, until - clock.now())
            try:
                part = await within(_next(parts), clock, seconds)
            except TimeoutError:
                raise StreamCut(f"Nothing more was sent within {seconds:.0f} s.") from None
            if part is None:
                return
            yield part
    finally:
        close = getattr(parts, "aclose", None)
        if close is not None:
            await close()


def passed_on(headers: Sequence[tuple[str, str]], more: Mapping[str, str]) -> list[tuple[str, str]]:
    """Headers for the next hop: without those of this one, and with ``more`` in place of theirs."""
    own = {name.lower() for name in more} | HOP_BY_HOP
    return [*((n, v) for n, v in headers if n.lower() not in own), *more.items()]


async def _next(parts: Any) -> bytes | None:
    async for part in parts:
        return part.encode() if isinstance(part, str) else bytes(part)
    return None
