"""A time limit on a block, on the emulator's clock."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from emulator.core.clock import Clock, Timer
from emulator.states.faults import StateFault


class Deadline:
    """``async with Deadline(clock, seconds, fault)`` raises ``fault`` when time is up.

    ``seconds`` None means no limit. `renew` starts the time anew (a heartbeat). Like
    asyncio.timeout, it tells its own cancellation from one that comes from outside.
    """

    def __init__(self, clock: Clock, seconds: float | None, fault: StateFault) -> None:
        self._clock = clock
        self._seconds = seconds
        self._fault = fault
        self._timer: Timer | None = None
        self._task: asyncio.Task[object] | None = None
        self._expired = False

    async def __aenter__(self) -> Self:
        self._task = asyncio.current_task()
        self.renew()
        return self

    def renew(self) -> None:
        """Start the time anew; after it was up this does nothing."""
        if self._seconds is None or self._expired:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._clock.call_later(self._seconds, self._expire)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._expired and self._task is not None:
            others = self._task.uncancel()
            if kind is asyncio.CancelledError and others == 0:
                raise self._fault from error

    def _expire(self) -> None:
        if self._task is not None and not self._task.done():
            self._expired = True
            self._task.cancel()
