"""Limits and defaults of the event engine.

Sources: AWS's pages "Amazon EventBridge quotas" and "Retrying event delivery in EventBridge".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from emulator.core import ids
from emulator.core.timings import Timings


@dataclass(frozen=True)
class EventsSettings:
    """How events are delivered here; times in seconds of the clock."""

    account: str = ids.ACCOUNT
    region: str = ids.REGION
    poll_s: float = 1.0
    """Between two looks at the control plane's schedules; AWS fires within a minute."""
    delivery_s: float = 0.0
    """From an event to the call of a target."""
    schedule_late_s: float = 0.0
    """From a schedule's time to the call of its target."""
    entries_max: int = 10
    entries_bytes_max: int = 1024 * 1024
    deliveries_max: int = 10_000
    """Under way at once, those that wait for a retry included; more are refused and logged."""
    retry_attempts_max: int = 185
    retry_age_s_max: float = 24 * 3600.0
    retry_delay_s: float = 1.0
    """First wait before a retry; doubles up to five minutes."""
    retry_delay_s_max: float = 300.0

    @classmethod
    def of(cls, timings: Timings, **settings: Any) -> Self:
        """As late as the table of timings has it."""
        return cls(
            delivery_s=timings.of("event_delivery"),
            schedule_late_s=timings.of("schedule_late"),
            **settings,
        )
