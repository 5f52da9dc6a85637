"""Alarms are evaluated once a minute, and soon after new data of their metric."""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections.abc import Mapping

from emulator.cloudwatch import notices
from emulator.cloudwatch.alarms import Alarm
from emulator.cloudwatch.evaluation import State, evaluate, range_of
from emulator.cloudwatch.history import History
from emulator.cloudwatch.metrics import Metric, MetricStore
from emulator.cloudwatch.settings import MINUTE_S, CloudWatchSettings
from emulator.core import ids
from emulator.core.bus import Bus, Caller
from emulator.core.clock import Clock, Timer, iso
from emulator.core.errors import AwsError, NoReply

log = logging.getLogger("emulator.cloudwatch")

Datapoint = tuple[float, float | None]
"""When a period began, and the value of its statistic (None: there is none)."""


class Watch:
    """Evaluates ``alarms``, tells EventBridge and SNS of changes."""

    def __init__(  # noqa: PLR0917 (one place makes it)
        self,
        clock: Clock,
        bus: Bus,
        store: MetricStore,
        alarms: Mapping[str, Alarm],
        history: History,
        settings: CloudWatchSettings,
    ) -> None:
        self._clock = clock
        self._bus = bus
        self._store = store
        self._alarms = alarms
        self._history = history
        self._settings = settings
        self._timer: Timer | None = None
        self._soon: Timer | None = None
        self._due: set[str] = set()
        self._of_metric: dict[Metric, set[str]] = {}
        self._sending: set[asyncio.Task[None]] = set()
        self._stopped = True

    def start(self) -> None:
        """Begin: from now on every alarm is looked at once a minute."""
        self._stopped = False
        if self._alarms:
            self._arm()

    async def stop(self) -> None:
        """End, with the notifications under way."""
        self._stopped = True
        for timer in (self._timer, self._soon):
            if timer is not None:
                timer.cancel()
        self._timer = self._soon = None
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)

    def hear(self, metric: Metric) -> None:
        """There are new data of a metric."""
        for arn in self._of_metric.get(metric, ()):
            self.soon(arn)

    def put(self, alarm: Alarm) -> None:
        """Watch a new alarm, or one that is configured anew."""
        self.drop(alarm.arn)
        self._of_metric.setdefault(alarm.metric, set()).add(alarm.arn)
        self.soon(alarm.arn)

    def drop(self, arn: str) -> None:
        """Watch an alarm no longer."""
        for arns in self._of_metric.values():
            arns.discard(arn)

    def soon(self, arn: str) -> None:
        """Evaluate an alarm soon; the first one starts the minutes."""
        if self._stopped:
            return
        if self._timer is None:
            self._arm()
        after = self._settings.evaluate_after_s
        if after is None:
            return
        self._due.add(arn)
        if self._soon is None:
            self._soon = self._clock.call_later(after, self._look_at_due)

    def change(self, alarm: Alarm, state: State, reason: str, reason_data: str) -> None:
        """Set an alarm's state; what changed is told to EventBridge, and its actions are taken."""
        now = self._clock.now()
        before, old = notices.state(alarm), alarm.state
        alarm.reason, alarm.reason_data, alarm.updated_at = reason, reason_data, now
        if state == old:
            return
        alarm.state, alarm.changed_at = state, now
        self._history.changed(alarm, before, notices.state(alarm))
        log.info("the alarm %s went from %s to %s: %s", alarm.name, old, state, reason)
        self._bus.publish(notices.event(alarm, before))
        for action in alarm.actions():
            task = asyncio.get_running_loop().create_task(self._act(alarm, old, action))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    def _arm(self) -> None:
        every = self._settings.evaluate_every_s
        now = self._clock.now()
        until = (math.floor(now / every) + 1) * every - now
        self._timer = self._clock.call_later(until, self._look_at_all)

    def _look_at_all(self) -> None:
        self._timer = None
        for alarm in list(self._alarms.values()):
            self._evaluate(alarm)
        if self._alarms and not self._stopped:
            self._arm()

    def _look_at_due(self) -> None:
        self._soon = None
        due, self._due = self._due, set()
        for arn in sorted(due):
            alarm = self._alarms.get(arn)
            if alarm is not None:
                self._evaluate(alarm)

    def _evaluate(self, alarm: Alarm) -> None:
        points = self._datapoints(alarm)
        breaches = [None if value is None else alarm.breaches(value) for _, value in points]
        state = evaluate(breaches, alarm.evaluation_periods, alarm.datapoints, alarm.missing)
        if state is not None and state != alarm.state:
            self.change(alarm, state, *_reason(alarm, points, state, self._clock.now()))

    def _datapoints(self, alarm: Alarm) -> list[Datapoint]:
        """The datapoints of the evaluation range, oldest first.

        The window slides: it ends with the present minute.
        """
        period = alarm.period_s
        end = (math.floor(self._clock.now() / MINUTE_S) + 1) * MINUTE_S
        found: list[Datapoint] = []
        for place in range(range_of(period, alarm.evaluation_periods), 0, -1):
            start = end - place * period
            statistics = self._store.period(
                alarm.metric, start, start + period, alarm.config.get("Unit")
            )
            value = None if statistics is None else statistics.value(alarm.config["Statistic"])
            found.append((start, value))
        return found

    async def _act(self, alarm: Alarm, before: State, topic: str) -> None:
        # A topic lets its own account publish; CloudWatch does so for the alarm's owner.
        account = alarm.metric.account
        caller = Caller(
            account,
            alarm.metric.region,
            f"arn:aws:iam::{account}:root",
            request_id=ids.request_id(),
        )
        message = {"TopicArn": topic, **notices.notification(alarm, before)}
        try:
            await self._bus.call("sns", "Publish", message, caller)
        except (AwsError, NoReply) as error:
            log.error("the alarm %s could not notify %s: %s", alarm.name, topic, error)  # noqa: TRY400
            self._history.acted(alarm, self._clock.now(), topic, str(error) or "no answer")
        else:
            self._history.acted(alarm, self._clock.now(), topic)


def _reason(alarm: Alarm, points: list[Datapoint], state: State, now: float) -> tuple[str, str]:
    """Why an alarm is in a state: for people, and as JSON."""
    real = [(at, value) for at, value in points if value is not None]
    recent = real[-alarm.evaluation_periods :]
    data = {
        "version": "1.0",
        "queryDate": iso(now)[:-1] + "+0000",
        "statistic": alarm.config["Statistic"],
        "period": alarm.period_s,
        "recentDatapoints": [value for _, value in recent],
        "threshold": alarm.config["Threshold"],
    }
    text = json.dumps(data, separators=(",", ":"))
    if not recent:
        many = alarm.evaluation_periods
        words = "datapoint was" if many == 1 else "datapoints were"
        if state == "INSUFFICIENT_DATA":
            return f"Insufficient Data: {many} {words} unknown.", text
        treated = "Breaching" if state == "ALARM" else "NonBreaching"
        told = (
            f"Threshold Crossed: no datapoints were received for {many} "
            f"period{'s' if many > 1 else ''} and {many} missing {words} treated as [{treated}]."
        )
        return told, text
    shown = ", ".join(
        f"{value} ({iso(at)[8:10]}/{iso(at)[5:7]}/{iso(at)[2:4]} {iso(at)[11:19]})"
        for at, value in reversed(recent)
    )
    than = {
        "GreaterThanOrEqualToThreshold": "greater than or equal to",
        "GreaterThanThreshold": "greater than",
        "LessThanThreshold": "less than",
        "LessThanOrEqualToThreshold": "less than or equal to",
    }[alarm.config["ComparisonOperator"]]
    was = "was" if state == "ALARM" else "was not"
    many = alarm.evaluation_periods
    told = (
        f"Threshold Crossed: {len(recent)} out of the last {many} datapoints [{shown}] {was} "
        f"{than} the threshold ({alarm.config['Threshold']})."
    )
    return told, text
