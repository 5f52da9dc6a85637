"""Asking a run to stop, from any thread, and finding out in any other."""

from __future__ import annotations

import enum
import threading

from worker.service.clock import Clock


class Stop(enum.Enum):
    """Why a run ends before its engine is done."""

    CANCELLED = "the visitor stopped the run"
    ENDED = "the run was ended elsewhere"
    LOST = "AWS did not answer any more"
    TERMINATED = "the task was told to end"


class RunStoppedError(Exception):
    """The run is asked to end without a picture."""

    def __init__(self, reason: Stop) -> None:
        super().__init__(reason.value)
        self.reason = reason


class Control:
    """One run's stop switch; the first reason stands."""

    def __init__(self, clock: Clock) -> None:
        self.condition = threading.Condition()
        self._clock = clock
        self._reason: Stop | None = None

    @property
    def reason(self) -> Stop | None:
        """Why the run is to stop; None while it is not."""
        return self._reason

    def stop(self, reason: Stop) -> None:
        """Ask the run to stop; harmless when it is asked already."""
        with self.condition:
            self._reason = self._reason or reason
            self.condition.notify_all()

    def check(self) -> None:
        """Raise RunStoppedError when the run is asked to stop."""
        if self._reason is not None:
            raise RunStoppedError(self._reason)

    def pause(self, seconds: float) -> None:
        """Wait ``seconds``; raises RunStoppedError as soon as the run is to end."""
        until = self._clock.monotonic() + seconds
        with self.condition:
            while True:
                self.check()
                left = until - self._clock.monotonic()
                if left <= 0:
                    return
                self._clock.wait(self.condition, left)
