"""The service reads time, and waits, only through a clock, so that tests can move it."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Time for threads."""

    def now(self) -> float:
        """Seconds since the Unix epoch (UTC)."""

    def monotonic(self) -> float:
        """Seconds that never run backwards; only differences mean anything."""

    def wait(self, condition: threading.Condition, timeout_s: float | None) -> None:
        """Wait on ``condition``, which the caller holds, at most ``timeout_s`` of this clock.

        None waits for a notification only. Returns for a notification, for the timeout, or for no
        reason at all: callers look at what they wait for in a loop.
        """


class RealClock:
    """The machine's clock."""

    def now(self) -> float:
        """Seconds since the Unix epoch (UTC)."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds of the machine's monotonic clock."""
        return time.monotonic()

    def wait(self, condition: threading.Condition, timeout_s: float | None) -> None:
        """Wait on ``condition`` at most ``timeout_s`` seconds."""
        condition.wait(None if timeout_s is None else max(0.0, timeout_s))
