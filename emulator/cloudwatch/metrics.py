"""What was measured: statistics by metric, unit and minute.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from emulator.cloudwatch.settings import MINUTE_S, CloudWatchSettings
from emulator.core.errors import AwsError

Dimensions = tuple[tuple[str, str], ...]
STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
DIMENSIONS_MAX = 30


@dataclass(frozen=True, slots=True)
class Metric:
    """What identifies a metric; ``dimensions`` are in the order of their names."""

    account: str
    region: str
    namespace: str
    name: str
    dimensions: Dimensions = ()


@dataclass(slots=True)
class Statistics:
    """A statistic set: of one value, of a minute, of a period."""

    count: float = 0.0
    total: float = 0.0
    least: float = math.inf
    most: float = -math.inf

    def add(self, other: Statistics) -> None:
        """Take the values of another set into this one."""
        self.count += other.count
        self.total += other.total
        self.least = min(self.least, other.least)
        self.most = max(self.most, other.most)

    def value(self, statistic: str) -> float:
        """``SampleCount``, ``Average``, ``Sum``, ``Minimum`` or ``Maximum``."""
        return {
            "SampleCount": self.count,
            "Average": self.total / self.count if self.count else 0.0,
            "Sum": self.total,
            "Minimum": self.least,
            "Maximum": self.most,
        }[statistic]


@dataclass
class _Series:
    """The minutes of a metric; in each, a statistic set by unit."""

    minutes: dict[int, dict[str, Statistics]] = field(default_factory=dict)
    newest: int = 0


class MetricStore:
    """All metrics of the emulator."""

    def __init__(self, settings: CloudWatchSettings) -> None:
        self._settings = settings
        self._series: dict[Metric, _Series] = {}

    def add(self, metric: Metric, at: float, unit: str, given: Statistics) -> None:
        """Add values at a moment; raises LimitExceeded when there are too many metrics."""
        series = self._series.get(metric)
        if series is None:
            if len(self._series) >= self._settings.metrics_max:
                raise AwsError(
                    "LimitExceeded",
                    f"The emulator keeps {self._settings.metrics_max} metrics at most.",
                )
            series = self._series[metric] = _Series()
        minute = int(at // MINUTE_S)
        series.newest = max(series.newest, minute)
        series.minutes.setdefault(minute, {}).setdefault(unit, Statistics()).add(given)
        if len(series.minutes) > 2 * self._settings.minutes_max:
            oldest = series.newest - self._settings.minutes_max
            series.minutes = {m: s for m, s in series.minutes.items() if m > oldest}

    def period(
        self, metric: Metric, start: float, end: float, unit: str | None = None
    ) -> Statistics | None:
        """The statistics from ``start`` until before ``end`` (whole minutes); None: no data."""
        series = self._series.get(metric)
        if series is None:
            return None
        first, last = int(start // MINUTE_S), math.ceil(end / MINUTE_S)
        found = Statistics()
        # whichever is fewer: the minutes asked for, or those that there are
        if last - first <= len(series.minutes):
            chosen: Iterable[int] = (m for m in range(first, last) if m in series.minutes)
        else:
            chosen = (m for m in series.minutes if first <= m < last)
        for minute in chosen:
            for of_unit, statistics in series.minutes[minute].items():
                if unit in {None, of_unit}:
                    found.add(statistics)
        return found if found.count else None

    def metrics(self, account: str, region: str) -> Iterator[tuple[Metric, float]]:
        """The metrics of an account and region with the time of their newest data."""
        for metric, series in self._series.items():
            if (metric.account, metric.region) == (account, region):
                yield metric, series.newest * MINUTE_S


def one(value: float) -> Statistics:
    """The statistic set of a single value."""
    return Statistics(1.0, value, value, value)


def dimensions(pairs: Iterable[tuple[str, str]]) -> Dimensions:
    """Dimensions in their order; raises InvalidParameterValue for more than thirty."""
    found = tuple(sorted(set(pairs)))
    if len(found) > DIMENSIONS_MAX:
        raise AwsError(
            "InvalidParameterValue",
            f"A metric has at most {DIMENSIONS_MAX} dimensions.",
        )
    return found
