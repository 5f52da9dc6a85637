"""Schedules that fire: EventBridge Scheduler's, and rules with a schedule expression.

The control plane is looked at every second; what is new or changed is timed from then on. A
schedule that was missed several times (the clock jumped) fires once.
"""

from __future__ import annotations

import json
import logging
import re
import uuid
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from emulator.core.clock import Clock, iso
from emulator.core.errors import AwsError
from emulator.core.logs import Lane
from emulator.events import control, expressions
from emulator.events.control import Rule, Schedule
from emulator.events.expressions import Once, Times
from emulator.events.settings import EventsSettings
from emulator.events.targets import Deliveries, call_of

log = logging.getLogger("emulator.events")

ONE_TIME_LATE_S_MAX = 60.0
"""A one-time schedule that is made up to this late still fires."""

JUST_BEFORE_S = 1e-3
"""So that what is due at this very moment counts as coming."""


@dataclass
class _Timed:
    made_of: Hashable
    times: Times | None
    since: float
    next: float | None


class Scheduler:
    """Fires schedules; ``fire_rule`` gets the event of a rule with a schedule expression."""

    def __init__(
        self,
        lane: Lane,
        clock: Clock,
        settings: EventsSettings,
        deliveries: Deliveries,
        fire_rule: Callable[[Rule, dict[str, Any]], None],
    ) -> None:
        self._lane = lane
        self._clock = clock
        self._settings = settings
        self._deliveries = deliveries
        self._fire_rule = fire_rule
        self._timed: dict[str, _Timed] = {}

    async def run(self) -> None:
        """Look and fire, for ever."""
        while True:
            try:
                await self.look()
            except Exception:
                log.exception("the schedules could not be read")
            await self._clock.sleep(self._pause())

    async def look(self) -> None:
        """Read the control plane once and fire what is due."""
        account, region = self._settings.account, self._settings.region
        schedules, rules = await self._lane.run(
            lambda: (
                control.schedules(account, region),
                [r for r in control.rules(account, region) if r.expression],
            )
        )
        now = self._clock.now()
        seen = {s.arn for s in schedules} | {r.arn for r in rules}
        for gone in self._timed.keys() - seen:
            del self._timed[gone]
        for schedule in schedules:
            at = _due(self._time(schedule, now), now)
            if at is not None and (schedule.end is None or at <= schedule.end):
                self._fire(schedule, at)
            await self._complete(schedule)
        for rule in rules:
            at = _due(self._time_rule(rule, now), now)
            if at is not None:
                self._fire_rule(rule, _scheduled_event(rule, at))

    def _pause(self) -> float:
        """Until the next look: earlier when something is due before."""
        due = [t.next for t in self._timed.values() if t.next is not None]
        until = min(due, default=float("inf")) - self._clock.now()
        return max(0.0, min(self._settings.poll_s, until))

    def _time(self, schedule: Schedule, now: float) -> _Timed:
        made_of = (schedule.expression, schedule.timezone, schedule.start, schedule.changed)
        timed = self._timed.get(schedule.arn)
        if timed is None or timed.made_of != made_of:
            times = _parse(schedule.arn, schedule.expression, schedule.timezone)
            # Without a start a rate begins at once; a start in the past is where it counts from.
            since = now if schedule.start is None else schedule.start
            before = now - (ONE_TIME_LATE_S_MAX if isinstance(times, Once) else JUST_BEFORE_S)
            first = times.after(before, since) if times else None
            timed = self._timed[schedule.arn] = _Timed(made_of, times, since, first)
        return timed

    def _time_rule(self, rule: Rule, now: float) -> _Timed:
        timed = self._timed.get(rule.arn)
        if timed is None or timed.made_of != rule.expression:
            times = _parse(rule.arn, str(rule.expression), "UTC")
            # A rule's rate fires for the first time when its first period is over.
            first = times.after(now, now) if times else None
            timed = self._timed[rule.arn] = _Timed(rule.expression, times, now, first)
        return timed

    def _fire(self, schedule: Schedule, at: float) -> None:
        target = schedule.target
        text = _context(str(target.get("Input") or _default_input(schedule, at)), schedule, at)
        try:
            call = call_of(str(target["Arn"]), text)
        except (AwsError, ValueError) as error:
            log.error("the schedule %s cannot fire: %s", schedule.arn, error)  # noqa: TRY400
            return
        log.info("the schedule %s fires", schedule.arn)
        self._deliveries.send(
            call,
            target,
            schedule.account,
            schedule.region,
            schedule.arn,
            after_s=self._settings.schedule_late_s,
        )

    async def _complete(self, schedule: Schedule) -> None:
        """Delete a schedule that will not fire again, when it says so."""
        timed = self._timed[schedule.arn]
        ended = timed.next is None or (schedule.end is not None and timed.next > schedule.end)
        if schedule.deleted_after and timed.times is not None and ended:
            await self._lane.run(lambda: control.delete_schedule(schedule))


def _parse(arn: str, expression: str, timezone: str) -> Times | None:
    try:
        return expressions.parse(expression, timezone)
    except AwsError as error:
        log.error("%s never fires: %s", arn, error)  # noqa: TRY400 (the sentence says it all)
        return None


def _due(timed: _Timed, now: float) -> float | None:
    """The time for which it fires now, or None; its next time is set."""
    at = timed.next
    if at is None or at > now or timed.times is None:
        return None
    timed.next = timed.times.after(now, timed.since)
    return at


def _scheduled_event(rule: Rule, at: float) -> dict[str, Any]:
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": rule.account,
        "time": iso(at)[:19] + "Z",
        "region": rule.region,
        "resources": [rule.arn],
        "detail": {},
    }


def _default_input(schedule: Schedule, at: float) -> str:
    return json.dumps(
        {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": schedule.account,
            "time": iso(at)[:19] + "Z",
            "region": schedule.region,
            "resources": [schedule.arn],
            "detail": "{}",
        }
    )


def _context(text: str, schedule: Schedule, at: float) -> str:
    """Put in the context attributes that an input may name."""
    values = {
        "schedule-arn": schedule.arn,
        "scheduled-time": iso(at)[:19] + "Z",
        "execution-id": str(uuid.uuid4()),
        "attempt-number": "1",
    }
    return re.sub(r"<aws\.scheduler\.([a-z-]+)>", lambda m: values.get(m[1], m[0]), text)
