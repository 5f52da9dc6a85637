"""Virtual time for tests: an event loop whose time jumps to the next timer when nothing can run.

``run(main)`` runs a coroutine function on such a loop; `VirtualClock` reads its time. A wait of
30 days takes as long as the work around it, and the order of events is the order of their times.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

EPOCH = 1_767_225_600.0
"""2026-01-01T00:00:00Z, when virtual time begins."""

Result = TypeVar("Result")


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time passes only when nothing is ready, and then all at once."""

    def __init__(self) -> None:
        self._selector_of_loop = _JumpingSelector(self)
        super().__init__(self._selector_of_loop)
        self.virtual_now = 0.0

    def time(self) -> float:
        return self.virtual_now


class _JumpingSelector(selectors.SelectSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("deadlock: nothing can run and no timer is armed")
        ready = super().select(0)
        if not ready and timeout > 0:
            self._loop.virtual_now += timeout
        return ready


class VirtualClock:
    """The emulator's Clock over the running VirtualLoop."""

    def now(self) -> float:
        return EPOCH + asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))

    def call_later(self, seconds: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(max(0.0, seconds), callback)


def run(main: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """Run ``main()`` to its end on virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main())
