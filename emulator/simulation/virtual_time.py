"""Virtual time: an event loop whose time jumps to the next timer when nothing can run."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

EPOCH = 1_767_225_600.0
"""2026-01-01T00:00:00Z, when virtual time begins."""

Result = TypeVar("Result")


class DeadlockError(RuntimeError):
    """Nothing can run and no timer is armed: time has nowhere to go."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time passes only when nothing is ready, and then all at once.

    There is no other source of events: neither sockets nor threads may be waited for.
    """

    def __init__(self, start: float = 0.0) -> None:
        super().__init__(_JumpingSelector(self))
        self.virtual_now = start

    def time(self) -> float:
        """Seconds since the loop began."""
        return self.virtual_now


class _JumpingSelector(selectors.SelectSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        """Nothing is ever ready; the time that would be waited passes."""
        if timeout is None:
            raise DeadlockError("nothing can run and no timer is armed")
        if timeout > 0:
            self._loop.virtual_now += timeout
        return []


class VirtualClock:
    """The emulator's Clock over the running VirtualLoop; it begins at ``epoch``."""

    def __init__(self, epoch: float = EPOCH) -> None:
        self._epoch = epoch

    def now(self) -> float:
        """Seconds since the Unix epoch."""
        return self._epoch + asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Return after ``seconds``."""
        await asyncio.sleep(max(0.0, seconds))

    def call_later(self, seconds: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        """Call ``callback`` after ``seconds``."""
        return asyncio.get_running_loop().call_later(max(0.0, seconds), callback)


def run(main: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """Run ``main()`` to its end on virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main())
