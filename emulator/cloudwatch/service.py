"""CloudWatch's API, and the alarms that watch the metrics."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from emulator.cloudwatch import data, queries
from emulator.cloudwatch.alarms import Alarm, alarm_arn, configured, state_given, tags_of
from emulator.cloudwatch.dashboards import Dashboards
from emulator.cloudwatch.embedded import embedded
from emulator.cloudwatch.history import History
from emulator.cloudwatch.metrics import Metric, MetricStore, Statistics, one
from emulator.cloudwatch.settings import CloudWatchSettings
from emulator.cloudwatch.watch import Watch
from emulator.core.bus import Bus, Caller, Measure
from emulator.core.clock import Clock
from emulator.core.errors import AwsError, NotSupported
from emulator.core.logs import LogLine

log = logging.getLogger("emulator.cloudwatch")

Answer = Callable[[Mapping[str, Any], Caller], dict[str, Any]]


class CloudWatchService:
    """Keeps metrics, alarms and dashboards; alarms are evaluated on ``clock``.

    ``bus`` brings the measures of other services and carries state changes to EventBridge and SNS.
    """

    def __init__(self, clock: Clock, bus: Bus, settings: CloudWatchSettings | None = None) -> None:
        self._clock = clock
        self._settings = settings or CloudWatchSettings()
        self._store = MetricStore(self._settings)
        self._alarms: dict[str, Alarm] = {}
        self._history = History(self._settings.history_max)
        self._dashboards = Dashboards()
        self._watch = Watch(clock, bus, self._store, self._alarms, self._history, self._settings)
        self._answers: dict[str, Answer] = {
            "PutMetricData": self._put_data,
            "ListMetrics": lambda p, c: queries.list_metrics(self._store, p, c, self._clock.now()),
            "GetMetricStatistics": lambda p, c: queries.statistics(self._store, p, c),
            "GetMetricData": lambda p, c: queries.data(self._store, p, c),
            "PutMetricAlarm": self._put_alarm,
            "DescribeAlarms": self._describe,
            "DescribeAlarmsForMetric": self._describe_for_metric,
            "DescribeAlarmHistory": self._history.described,
            "SetAlarmState": self._set_state,
            "DeleteAlarms": self._delete,
            "EnableAlarmActions": lambda p, c: self._enable(p, c, enabled=True),
            "DisableAlarmActions": lambda p, c: self._enable(p, c, enabled=False),
            "TagResource": self._tag,
            "UntagResource": self._untag,
            "ListTagsForResource": self._tags,
            "PutDashboard": lambda p, c: self._dashboards.put(c.account, p, self._clock.now()),
            "GetDashboard": lambda p, c: self._dashboards.get(c.account, p),
            "ListDashboards": lambda p, c: self._dashboards.listed(c.account, p),
            "DeleteDashboards": lambda p, c: self._dashboards.delete(c.account, p),
        }

    async def start(self) -> None:
        """Begin to evaluate alarms."""
        self._watch.start()

    async def stop(self) -> None:
        """Stop it; notifications under way end, too."""
        await self._watch.stop()

    async def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Answer one API call; raises AwsError as CloudWatch does, NotSupported by name."""
        answer = self._answers.get(operation)
        if answer is None:
            raise NotSupported(f"cloudwatch:{operation}")
        return answer(params, caller)

    def take(self, measure: Measure) -> None:
        """A measure of one of the emulator's services."""
        metric = Metric(
            measure.account,
            measure.region,
            measure.namespace,
            measure.name,
            tuple(sorted(measure.dimensions)),
        )
        self._add(metric, self._clock.now(), measure.unit, one(measure.value))

    def read_log(self, line: LogLine) -> None:
        """A line of a log: it may carry metrics in the embedded format."""
        for found in embedded(line.text):
            metric = Metric(
                line.account, line.region, found.namespace, found.name, found.dimensions
            )
            for value in found.values:
                self._add(metric, found.at, found.unit, one(value))

    def _add(self, metric: Metric, at: float, unit: str, values: Statistics) -> None:
        try:
            self._store.add(metric, at, unit, values)
        except AwsError:
            log.exception("a measure of %s is lost", metric.name)
        else:
            self._watch.hear(metric)

    def _put_data(self, params: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        # all of it is read before any of it counts
        for metric, at, unit, values in list(data.read(params, caller, self._clock.now())):
            self._store.add(metric, at, unit, values)
            self._watch.hear(metric)
        return {}

    def _put_alarm(self, params: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        alarm = configured(params, caller, self._clock.now())
        before = self._alarms.get(alarm.arn)
        if before is None and len(self._alarms) >= self._settings.alarms_max:
            raise AwsError("LimitExceeded", "The limit of alarms is reached.")
        if before is not None:
            # the state is left unchanged, and tags are only for new alarms
            for member in ("state", "reason", "reason_data", "updated_at", "changed_at", "tags"):
                setattr(alarm, member, getattr(before, member))
        self._alarms[alarm.arn] = alarm
        self._history.configured(
            alarm, self._clock.now(), "created" if before is None else "updated"
        )
        self._watch.put(alarm)
        return {}

    def _describe(self, params: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        if params.get("ChildrenOfAlarmName") or params.get("ParentsOfAlarmName"):
            raise NotSupported("composite alarms")
        names, prefix = params.get("AlarmNames"), str(params.get("AlarmNamePrefix") or "")
        action = str(params.get("ActionPrefix") or "")
        found = [
            alarm.described()
            for alarm in self._of(caller)
            if (not names or alarm.name in names)
            and alarm.name.startswith(prefix)
            and params.get("StateValue") in {None, alarm.state}
            and (not action or any(a.startswith(action) for a in alarm.config["AlarmActions"]))
        ]
        kinds = params.get("AlarmTypes") or ["MetricAlarm"]
        return {"MetricAlarms": found if "MetricAlarm" in kinds else [], "CompositeAlarms": []}

    def _describe_for_metric(self, params: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        metric = queries.metric_of(params, caller)
        alike = ("Statistic", "Period", "Unit")
        return {
            "MetricAlarms": [
                alarm.described()
                for alarm in self._of(caller)
                if alarm.metric == metric
                and all(params.get(m) in {None, alarm.config.get(m)} for m in alike)
            ]
        }

    def _set_state(self, params: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        alarm = self._find(alarm_arn(caller, str(params["AlarmName"])))
        state, reason, reason_data = state_given(params)
        self._watch.change(alarm, state, reason, reason_data)
        return {}

    def _delete(self, params: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        found = [self._find(alarm_arn(caller, str(name))) for name in params["AlarmNames"]]
        for alarm in found:
            del self._alarms[alarm.arn]
            self._watch.drop(alarm.arn)
            self._history.configured(alarm, self._clock.now(), "deleted")
        return {}

    def _enable(
        self, params: Mapping[str, Any], caller: Caller, *, enabled: bool
    ) -> dict[str, Any]:
        for name in params["AlarmNames"]:
            self._find(alarm_arn(caller, str(name))).config["ActionsEnabled"] = enabled
        return {}

    def _tag(self, params: Mapping[str, Any], _: Caller) -> dict[str, Any]:
        self._find(str(params["ResourceARN"])).tags |= tags_of(params["Tags"])
        return {}

    def _untag(self, params: Mapping[str, Any], _: Caller) -> dict[str, Any]:
        alarm = self._find(str(params["ResourceARN"]))
        for key in params["TagKeys"]:
            alarm.tags.pop(str(key), None)
        return {}

    def _tags(self, params: Mapping[str, Any], _: Caller) -> dict[str, Any]:
        tags = self._find(str(params["ResourceARN"])).tags
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def _of(self, caller: Caller) -> list[Alarm]:
        prefix = alarm_arn(caller, "")
        return [self._alarms[arn] for arn in sorted(self._alarms) if arn.startswith(prefix)]

    def _find(self, arn: str) -> Alarm:
        alarm = self._alarms.get(arn)
        if alarm is None:
            raise AwsError("ResourceNotFound", f"{arn} does not exist", 404)
        return alarm
