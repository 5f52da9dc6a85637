"""The engine's thread, and waiting for it with a deadline."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from worker.service.clock import Clock
from worker.service.control import Control

T = TypeVar("T")


class EngineStuckError(Exception):
    """The engine did not come back after its deadline."""


class _Work:
    def __init__(self, call: Callable[[], Any]) -> None:
        self.call = call
        self.done = False
        self.value: Any = None
        self.error: BaseException | None = None


class Lane:
    """One daemon thread that makes calls in order; the first that fails is the last it makes.

    A thread of its own, because an engine can be slow to stop, or hang: the run's thread must be
    able to leave it behind and still report.
    """

    def __init__(self, name: str, control: Control, clock: Clock) -> None:
        self._control = control
        self._clock = clock
        self._works: queue.SimpleQueue[_Work] = queue.SimpleQueue()
        threading.Thread(target=self._serve, name=name, daemon=True).start()

    def begin(self, call: Callable[[], Any]) -> None:
        """Make ``call`` soon; when it fails, the next ``wait`` raises its error."""
        self._works.put(_Work(call))

    def wait(self, call: Callable[[], T], until: float) -> T:
        """What ``call`` returns, or raises, in the lane.

        Raises EngineStuckError at ``until`` (monotonic seconds), RunStoppedError as soon as the run
        is to stop: neither waits for the call.
        """
        work = _Work(call)
        self._works.put(work)
        with self._control.condition:
            while not work.done:
                self._control.check()
                left = until - self._clock.monotonic()
                if left <= 0:
                    raise EngineStuckError
                self._clock.wait(self._control.condition, left)
        self._control.check()
        if work.error is not None:
            raise work.error
        value: T = work.value
        return value

    def _serve(self) -> None:
        failed: BaseException | None = None
        while True:
            work = self._works.get()
            try:
                if failed is not None:
                    raise failed  # noqa: TRY301 (where a first call's error belongs)
                work.value = work.call()
            except BaseException as error:  # noqa: BLE001 (it is raised again where it is awaited)
                failed = work.error = error
            with self._control.condition:
                work.done = True
                self._control.condition.notify_all()
