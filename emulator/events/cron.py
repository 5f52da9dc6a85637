"""AWS's cron expressions: minutes, hours, day of month, month, day of week, year.

Source: AWS's page "Schedule types in EventBridge Scheduler". Own code, because the libraries for
cron know five fields, no ``?`` and count days of the week from another day.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from emulator.core.errors import AwsError

MONTHS = {name.upper(): n for n, name in enumerate(calendar.month_abbr) if name}
WEEKDAYS = {name: n for n, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)}
YEARS = (1970, 2199)
FRIDAY = 4

Days = Callable[[date], bool]


@dataclass(frozen=True)
class Cron:
    """A parsed expression."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: Days
    months: frozenset[int]
    years: frozenset[int]

    def after(self, at: float, zone: ZoneInfo) -> float | None:
        """The first time after ``at`` (epoch seconds) that it names; None when there is none."""
        day = datetime.fromtimestamp(at, zone).date()
        while day.year <= max(self.years, default=0):
            if day.year not in self.years:
                day = date(day.year + 1, 1, 1)
                continue
            if day.month not in self.months:
                day = _next_month(day)
                continue
            if self.days(day):
                for moment in self._times(day, zone):
                    if moment > at:
                        return moment
            day += timedelta(days=1)
        return None

    def _times(self, day: date, zone: ZoneInfo) -> Iterator[float]:
        for hour in self.hours:
            for minute in self.minutes:
                local = datetime.combine(day, time(hour, minute), zone)
                moment = local.astimezone(UTC)
                # A time that the change to summer time leaves out does not come back the same.
                if moment.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
                    yield moment.timestamp()


def parse_cron(fields: str) -> Cron:
    """Parse the six fields; raises ValidationException."""
    parts = fields.upper().split()
    if len(parts) != 6:  # noqa: PLR2004
        raise invalid(f"cron({fields}) does not have six fields")
    minutes, hours, month_days, months, week_days, years = parts
    if (month_days == "?") == (week_days == "?"):
        raise invalid("one of day of month and day of week must be ?")
    return Cron(
        minutes=tuple(sorted(_values(minutes, 0, 59))),
        hours=tuple(sorted(_values(hours, 0, 23))),
        days=_month_days(month_days) if week_days == "?" else _week_days(week_days),
        months=frozenset(_values(months, 1, 12, MONTHS)),
        years=frozenset(_values(years, *YEARS)),
    )


def invalid(why: str) -> AwsError:
    """The error for an expression that is none."""
    return AwsError("ValidationException", f"Invalid Schedule Expression: {why}.")


def _values(text: str, low: int, high: int, names: dict[str, int] | None = None) -> set[int]:
    """The numbers of a field: ``*``, ``a``, ``a-b``, each with ``/step``, with commas between."""
    values: set[int] = set()
    for part in text.split(","):
        span, slash, step = part.partition("/")
        first, dash, last = span.partition("-")
        if span == "*":
            start, end = low, high
        else:
            start = _number(first, low, high, names)
            end = _number(last, low, high, names) if dash else (high if slash else start)
        if slash and (not step.isdigit() or int(step) < 1):
            raise invalid(f"{part!r} has no valid step")
        if start > end:
            if names is not WEEKDAYS:
                raise invalid(f"{part!r} runs backwards")
            values |= set(range(start, high + 1)) | set(range(low, end + 1))
        else:
            values |= set(range(start, end + 1, int(step) if slash else 1))
    return values


def _number(text: str, low: int, high: int, names: dict[str, int] | None) -> int:
    if names and text in names:
        return names[text]
    if not text.isdigit() or not low <= int(text) <= high:
        raise invalid(f"{text!r} is not from {low} to {high}")
    return int(text)


def _month_days(text: str) -> Days:
    if text == "L":
        return lambda day: day.day == _last(day)
    if text == "LW":
        return lambda day: day == _nearest_weekday(day.replace(day=_last(day)))
    if match := re.fullmatch(r"(\d{1,2})W", text):
        wanted = _number(match[1], 1, 31, None)
        return lambda day: wanted <= _last(day) and day == _nearest_weekday(day.replace(day=wanted))
    values = _values(text, 1, 31)
    return lambda day: day.day in values


def _week_days(text: str) -> Days:
    if text == "L":
        return lambda day: _weekday(day) == WEEKDAYS["SAT"]
    if match := re.fullmatch(r"(\w+)#([1-5])", text):
        wanted, nth = _number(match[1], 1, 7, WEEKDAYS), int(match[2])
        return lambda day: _weekday(day) == wanted and (day.day - 1) // 7 + 1 == nth
    if match := re.fullmatch(r"(\d|SUN|MON|TUE|WED|THU|FRI|SAT)L", text):
        wanted = _number(match[1], 1, 7, WEEKDAYS)
        return lambda day: _weekday(day) == wanted and day.day + 7 > _last(day)
    values = _values(text, 1, 7, WEEKDAYS)
    return lambda day: _weekday(day) in values


def _weekday(day: date) -> int:
    """1 for Sunday to 7 for Saturday."""
    return day.isoweekday() % 7 + 1


def _last(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _nearest_weekday(day: date) -> date:
    """The weekday closest to a day, in its month."""
    if day.weekday() <= FRIDAY:
        return day
    saturday = day.weekday() == FRIDAY + 1
    step = -1 if saturday else 1
    near = day + timedelta(days=step)
    return near if near.month == day.month else day + timedelta(days=2 if saturday else -2)


def _next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)
