"""How a stub task works: its times, and how often something is wrong with it or its pictures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Habits:
    """How a stub works: times in seconds, as the worker's own (``worker/service/timings.py``)."""

    startup_s: tuple[float, float] = (0.5, 4.0)
    order_patience_s: float = 20.0
    token_patience_s: float = 30.0
    watch_patience_s: float = 60.0
    watch_poll_max_s: float = 2.0
    heartbeat_s: float = 10.0
    log_s: float = 10.0
    """The worker writes its log every 2 s at most; a stub that did would mostly do that."""
    contact_lost_s: float = 60.0
    retry_s: float = 1.0
    report_patience_s: float = 30.0
    finish_s: float = 6.0
    share_of_deadline: tuple[float, float] = (0.05, 1.1)
    """How long it paints; beyond 1 it stops early at its deadline."""
    refused: float = 0.05
    """How often a picture turns out to be none."""
    failed: float = 0.03
    hung: float = 0.03
    """How often it falls silent for good, and takes no SIGTERM either."""
