"""All time in the emulator is read from one clock.

No other module of the emulator reads the time or sleeps by itself; ruff's banned-api rule holds it
to that. Times are seconds since the Unix epoch (UTC) as floats.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

# a year in five minutes; above it, rounding of the machine's clock shows
MAX_SCALE = 100_000


class Timer(Protocol):
    """Something armed on a clock that can be called off."""

    def cancel(self) -> None:
        """Call it off; harmless when it has fired already."""


class Clock(Protocol):
    """The time, and waiting for it.

    Three of them: `RealClock`, the same with a scale, and `emulator.core.virtual_clock`'s.
    """

    @property
    def keeps_real_time(self) -> bool:
        """Whether its seconds are the machine's, which other processes live by."""

    def now(self) -> float:
        """Seconds since the Unix epoch."""

    async def sleep(self, seconds: float) -> None:
        """Return after ``seconds`` of this clock (at once for zero or less)."""

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """Call ``callback`` on the event loop after ``seconds`` of this clock."""


class RealClock:
    """The machine's clock; ``scale`` > 1 makes emulated time pass faster than real time.

    Scaled time counts from the moment of creation. Values beyond 1 are for tests of the engines
    alone: real worker processes do not hurry with it.
    """

    def __init__(self, scale: float = 1.0) -> None:
        if not 0 < scale <= MAX_SCALE:
            raise ValueError("the clock's scale must be above 0 and at most 100000")
        self._scale = scale
        self._epoch = time.time()
        self._start = time.monotonic()

    @property
    def keeps_real_time(self) -> bool:
        """Whether it is not scaled."""
        return self._scale == 1

    def now(self) -> float:
        """Seconds since the Unix epoch, never running backwards."""
        return self._epoch + (time.monotonic() - self._start) * self._scale

    async def sleep(self, seconds: float) -> None:
        """Sleep ``seconds`` of emulated time."""
        await asyncio.sleep(max(0.0, seconds) / self._scale)

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """Arm ``callback`` on the running event loop."""
        loop = asyncio.get_running_loop()
        return loop.call_later(max(0.0, seconds) / self._scale, callback)


def iso(at: float) -> str:
    """``at`` as AWS writes times in JSON documents: ``2026-01-02T03:04:05.678Z``."""
    moment = datetime.fromtimestamp(at, UTC)
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
