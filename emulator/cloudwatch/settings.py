"""Limits and times of the emulated CloudWatch."""

from __future__ import annotations

from dataclasses import dataclass

MINUTE_S = 60
"""The finest resolution that is kept: high-resolution metrics are refused."""


@dataclass(frozen=True)
class CloudWatchSettings:
    """``evaluate_every_s``: how often alarms are looked at, as AWS does once a minute.

    ``evaluate_after_s``: how soon after new data of their metric as well; None waits for the
    minute, as AWS does. ``metrics_max`` and ``minutes_max`` bound the memory: AWS keeps minutes for
    fifteen days too, but coarser data for longer.
    """

    evaluate_every_s: float = 60.0
    evaluate_after_s: float | None = 0.5
    metrics_max: int = 20_000
    minutes_max: int = 15 * 24 * 60
    history_max: int = 1_000
    alarms_max: int = 5_000
