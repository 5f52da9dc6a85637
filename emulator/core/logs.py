"""Log lines of functions and tasks on their way into CloudWatch Logs.

Lines are gathered for a moment and written in batches: moto's lane is a single thread and must not
take a turn per line. What is in a stream can be read with the CloudWatch Logs API.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from emulator.core import ids
from emulator.core.clock import Clock

log = logging.getLogger("emulator.logs")

T = TypeVar("T")

FLUSH_S = 0.25
"""How long lines are gathered before they are written."""

LINES_WAITING_MAX = 20_000
"""Beyond this ``put`` waits for the writer, which in turn holds up the process that logs."""

EVENT_CHARS_MAX = 256 * 1024
"""Longer lines are split; CloudWatch Logs had 256 KiB per event for most of its life, now 1 MiB."""


class Lane(Protocol):
    """The one thread that owns moto's state."""

    async def run(self, fn: Callable[[], T]) -> T:
        """Run ``fn`` there and return what it returns."""


class LogLine(NamedTuple):
    """A line on its way into a log stream; ``at`` in epoch seconds."""

    account: str
    region: str
    group: str
    stream: str
    at: float
    text: str


class LogSink:
    """Writes lines to log streams; groups and streams are made when they are not there."""

    def __init__(
        self, lane: Lane, clock: Clock, read: Callable[[LogLine], None] | None = None
    ) -> None:
        """``read`` sees each line once, as it comes (metrics may be embedded in it)."""
        self._lane = lane
        self._clock = clock
        self._read = read
        self._waiting: deque[LogLine] = deque()
        self._arrived = asyncio.Event()
        self._written = asyncio.Event()
        self._writing = asyncio.Lock()
        self._writer: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the writer."""
        self._writer = asyncio.create_task(self._write_on())

    async def stop(self) -> None:
        """Stop the writer; everything put so far is written when this returns."""
        writer, self._writer = self._writer, None
        if writer is not None:
            async with self._writing:  # a batch that is being written must not be cut off
                writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        await self.flush()

    async def put(
        self,
        group: str,
        stream: str,
        lines: Iterable[tuple[float, str]],
        *,
        account: str = ids.ACCOUNT,
        region: str = ids.REGION,
    ) -> None:
        """Add ``(epoch seconds, text)`` lines to a stream.

        Returns at once while the queue has room, else when the writer has made some.
        """
        for at, text in lines:
            for piece in _pieces(text):
                while len(self._waiting) >= LINES_WAITING_MAX:
                    await self._room()
                line = LogLine(account, region, group, stream, at, piece)
                self._waiting.append(line)
                if self._read is not None:
                    self._read(line)
        self._arrived.set()

    async def flush(self) -> None:
        """Write everything that waits."""
        async with self._writing:
            batch = list(self._waiting)
            self._waiting.clear()
            self._written.set()
            if not batch:
                return
            try:
                await self._lane.run(lambda: _write(batch))
            except Exception:
                log.exception("%d log lines could not be written", len(batch))

    async def _room(self) -> None:
        if self._writer is None:
            await self.flush()
            return
        self._written.clear()
        self._arrived.set()
        await self._written.wait()

    async def _write_on(self) -> None:
        while True:
            await self._arrived.wait()
            if len(self._waiting) < LINES_WAITING_MAX:
                await self._clock.sleep(FLUSH_S)
            self._arrived.clear()
            await self.flush()


def _pieces(text: str) -> Sequence[str]:
    if len(text) <= EVENT_CHARS_MAX:
        return (text,)
    return [text[at : at + EVENT_CHARS_MAX] for at in range(0, len(text), EVENT_CHARS_MAX)]


def _write(batch: list[LogLine]) -> None:
    """On the lane: into moto's streams.

    Past moto's own check of the times, which compares with the machine's clock, not ours.
    """
    from moto.logs.models import logs_backends  # noqa: PLC0415 (slow import)

    streams: dict[tuple[str, str, str, str], list[dict[str, Any]]] = {}
    for line in batch:
        event = {"timestamp": round(line.at * 1000), "message": line.text}
        streams.setdefault(line[:4], []).append(event)
    for (account, region, group, stream), events in streams.items():
        backend = logs_backends[account][region]
        backend.ensure_log_group(group)
        backend.ensure_log_stream(group, stream)
        backend.groups[group].put_log_events(stream, sorted(events, key=_timestamp))


def _timestamp(event: dict[str, Any]) -> int:
    return int(event["timestamp"])
