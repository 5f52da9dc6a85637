"""What a call takes on its way: half before its effect, half before its answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from emulator.core.bus import BusCall, Proceed
from emulator.core.clock import Clock
from emulator.core.timings import Timings

T = TypeVar("T")


class Latency:
    """Makes calls as slow as the table of timings has them; ``timings`` gives what counts now."""

    def __init__(self, clock: Clock, timings: Callable[[], Timings]) -> None:
        self._clock = clock
        self._timings = timings

    async def around(self, call: BusCall, proceed: Proceed) -> dict[str, Any]:
        """The bus's middleware."""
        return await self.of(call.service, proceed)

    async def of(self, service: str, serve: Callable[[], Awaitable[T]]) -> T:
        """Serve one call of ``service``; a refusal takes its way back, too."""
        half_s = self._timings().of_call(service) / 2
        if half_s <= 0:
            return await serve()
        await self._clock.sleep(half_s)
        try:
            return await serve()
        finally:
            await self._clock.sleep(half_s)
