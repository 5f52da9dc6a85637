"""Schedule expressions: ``rate(...)``, ``cron(...)`` and ``at(...)``."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from emulator.events.cron import Cron, invalid, parse_cron

UNITS = {"minute": 60, "hour": 3600, "day": 86400}
_RATE = re.compile(r"rate\((\d{1,9}) (minute|hour|day)(s?)\)")
_CRON = re.compile(r"cron\((.+)\)")
_AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")


class Times(Protocol):
    """The times that an expression names."""

    def after(self, at: float, since: float) -> float | None:
        """The first one after ``at``; ``since`` is where a rate starts to count."""


@dataclass(frozen=True)
class Rate:
    """Every so many seconds from the start on."""

    period_s: float

    def after(self, at: float, since: float) -> float | None:
        """The first full period after ``at``."""
        if at < since:
            return since
        return since + (math.floor((at - since) / self.period_s) + 1) * self.period_s


@dataclass(frozen=True)
class Once:
    """One time."""

    at: float

    def after(self, at: float, since: float) -> float | None:  # noqa: ARG002 (of no meaning here)
        """That time, unless it is over."""
        return self.at if self.at > at else None


@dataclass(frozen=True)
class Zoned:
    """A cron expression in a time zone."""

    cron: Cron
    zone: ZoneInfo

    def after(self, at: float, since: float) -> float | None:
        """The first named time after ``at`` and not before ``since``."""
        return self.cron.after(max(at, math.nextafter(since, -math.inf)), self.zone)


def parse(expression: str, timezone: str = "UTC") -> Times:
    """Parse an expression; raises ValidationException."""
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise invalid(f"{timezone!r} is not a time zone") from error
    if match := _RATE.fullmatch(expression):
        value = int(match[1])
        # A scheduled rule wants "1 minute", EventBridge Scheduler takes "1 minutes" too.
        if value < 1 or (value > 1 and not match[3]):
            raise invalid(f"{expression} does not count right")
        return Rate(value * UNITS[match[2]])
    if match := _CRON.fullmatch(expression):
        return Zoned(parse_cron(match[1]), zone)
    if match := _AT.fullmatch(expression):
        try:
            moment = datetime.fromisoformat(match[1]).replace(tzinfo=zone)
        except ValueError as error:
            raise invalid(f"{expression} is no time") from error
        return Once(moment.timestamp())
    raise invalid(f"{expression!r} is none of rate(), cron() and at()")
