"""Server-sent events of an event log.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable
from typing import Protocol

from system import events

CONTENT_TYPE = "text/event-stream"
KEEP_ALIVE = ": keep-alive\n\n"
_ID = re.compile(r"[0-9]{1,9}")


class Source(Protocol):
    """An event log that grows."""

    @property
    def final(self) -> bool:
        """Whether nothing comes any more."""

    def after(self, last_id: int) -> list[events.Event]:
        """The events with ids above ``last_id``."""

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` from any thread when there is more; returns how to end that."""


def last_event_id(header: str | None) -> int:
    """The id to resume after; raises ValueError for one that no stream of ours has sent."""
    if header is None or header == "":
        return 0
    if not _ID.fullmatch(header):
        raise ValueError("Last-Event-ID must be the id of an event")
    return int(header)


async def stream(
    source: Source,
    last_id: int,
    keep_alive_s: float,
    until: float,
    over: Callable[[], bool],
) -> AsyncGenerator[str]:
    """The events after ``last_id`` as they come, up to the final one, or to the loop's ``until``.

    There is no queue: a slow reader reads on from where it is, in the log itself. Silence of
    ``keep_alive_s`` gives a comment, so that proxies do not take the line for dead. ``over`` says
    that nothing comes any more, although the log has no final line.
    """
    loop = asyncio.get_running_loop()
    more = asyncio.Event()

    def wake() -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(more.set)

    end = source.listen(wake)
    try:
        while True:
            more.clear()
            ended = source.final or over()
            for event in source.after(last_id):
                yield _frame(event)
                last_id = event.id
            left = until - loop.time()
            if ended or left <= 0:
                return
            try:
                await asyncio.wait_for(more.wait(), min(keep_alive_s, left))
            except TimeoutError:
                yield KEEP_ALIVE
    finally:
        end()


def _frame(event: events.Event) -> str:
    """The lines have no line breaks within: they are compact JSON."""
    return f"id: {event.id}\nevent: {event.type}\ndata: {events.encode(event)}\n\n"
