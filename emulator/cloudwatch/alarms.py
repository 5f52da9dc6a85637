"""Metric alarms: what PutMetricAlarm takes, and how an alarm is shown.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from emulator.cloudwatch.evaluation import COMPARISONS, MISSING, State
from emulator.cloudwatch.metrics import STATISTICS, Metric, dimensions
from emulator.cloudwatch.settings import MINUTE_S
from emulator.core import ids
from emulator.core.bus import Caller
from emulator.core.errors import AwsError, NotSupported

STATES: tuple[State, ...] = ("OK", "ALARM", "INSUFFICIENT_DATA")
ACTIONS: Mapping[State, str] = {
    "OK": "OKActions",
    "ALARM": "AlarmActions",
    "INSUFFICIENT_DATA": "InsufficientDataActions",
}
ACTIONS_MAX = 5
DAY_S, WEEK_S, HOUR_S = 86_400, 7 * 86_400, 3_600
NAME_CHARS_MAX = 255
REFUSED = {
    "Metrics": "an alarm on a metric math expression",
    "ThresholdMetricId": "an alarm on an anomaly detection band",
    "ExtendedStatistic": "an alarm on a percentile or trimmed statistic",
    "EvaluateLowSampleCountPercentile": "an alarm on a percentile",
    "EvaluationCriteria": "an alarm on a PromQL query",
    "EvaluationInterval": "an alarm on a PromQL query",
}
"""Members of PutMetricAlarm that ask for what is not emulated."""
KNOWN = frozenset(
    {
        *("AlarmName", "AlarmDescription", "ActionsEnabled", "OKActions", "AlarmActions"),
        *("InsufficientDataActions", "MetricName", "Namespace", "Statistic", "Dimensions"),
        *("Period", "Unit", "EvaluationPeriods", "DatapointsToAlarm", "Threshold"),
        *("ComparisonOperator", "TreatMissingData", "Tags"),
    }
)


@dataclass
class Alarm:
    """An alarm and its state; times in epoch seconds.

    ``reason_data`` is the machine's version of ``reason``, JSON or empty.
    """

    arn: str
    name: str
    config: dict[str, Any]
    metric: Metric
    configured_at: float
    state: State = "INSUFFICIENT_DATA"
    reason: str = "Unchecked: Initial alarm creation"
    reason_data: str = ""
    updated_at: float = 0.0
    changed_at: float = 0.0
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def period_s(self) -> int:
        """Seconds of a datapoint."""
        return int(self.config["Period"])

    @property
    def evaluation_periods(self) -> int:
        """N of "M out of N"."""
        return int(self.config["EvaluationPeriods"])

    @property
    def datapoints(self) -> int:
        """M of "M out of N"."""
        return int(self.config.get("DatapointsToAlarm") or self.config["EvaluationPeriods"])

    @property
    def missing(self) -> str:
        """How missing data are treated."""
        return str(self.config.get("TreatMissingData") or "missing")

    def breaches(self, value: float) -> bool:
        """Whether a datapoint breaches the threshold."""
        compare = COMPARISONS[self.config["ComparisonOperator"]]
        return compare(value, float(self.config["Threshold"]))

    def actions(self) -> list[str]:
        """The actions of the present state; none when actions are not enabled."""
        if not self.config["ActionsEnabled"]:
            return []
        return list(self.config[ACTIONS[self.state]])

    def described(self) -> dict[str, Any]:
        """The alarm as DescribeAlarms shows it."""
        shown = {key: value for key, value in self.config.items() if value is not None}
        if self.reason_data:
            shown["StateReasonData"] = self.reason_data
        return {
            **shown,
            "AlarmArn": self.arn,
            "AlarmConfigurationUpdatedTimestamp": self.configured_at,
            "StateValue": self.state,
            "StateReason": self.reason,
            "StateUpdatedTimestamp": self.updated_at,
            "StateTransitionedTimestamp": self.changed_at,
        }


def alarm_arn(caller: Caller, name: str) -> str:
    """The ARN of an alarm."""
    return ids.arn("cloudwatch", f"alarm:{name}", region=caller.region, account=caller.account)


def configured(params: Mapping[str, Any], caller: Caller, now: float) -> Alarm:
    """The alarm that PutMetricAlarm asks for.

    Raises AwsError as CloudWatch does for parameters that contradict each other or are missing,
    NotSupported for kinds of alarms and actions that are not emulated.
    """
    _refuse(params)
    _check(params)
    name = str(params["AlarmName"])
    if not 0 < len(name) <= NAME_CHARS_MAX:
        raise _invalid("AlarmName has 1 to 255 characters.")
    pairs = dimensions((d["Name"], d["Value"]) for d in params.get("Dimensions") or ())
    shown = [{"Name": n, "Value": v} for n, v in pairs]
    enabled = params.get("ActionsEnabled")
    config = {
        **{key: params.get(key) for key in KNOWN if key not in {"Tags", "Dimensions"}},
        "ActionsEnabled": True if enabled is None else bool(enabled),
        "Dimensions": shown,
        **{key: list(params.get(key) or ()) for key in ACTIONS.values()},
        "Threshold": float(params["Threshold"]),
        "Period": int(params["Period"]),
        "EvaluationPeriods": int(params["EvaluationPeriods"]),
    }
    return Alarm(
        arn=alarm_arn(caller, name),
        name=name,
        config=config,
        metric=Metric(
            caller.account,
            caller.region,
            str(params["Namespace"]),
            str(params["MetricName"]),
            pairs,
        ),
        configured_at=now,
        updated_at=now,
        changed_at=now,
        tags=tags_of(params.get("Tags") or ()),
    )


def tags_of(pairs: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Tags by their keys."""
    return {str(pair["Key"]): str(pair["Value"]) for pair in pairs}


def _refuse(params: Mapping[str, Any]) -> None:
    for member, what in REFUSED.items():
        if params.get(member):
            raise NotSupported(what)
    window = params.get("EvaluationWindow") or {}
    if set(window) - {"SlidingWindow"}:
        raise NotSupported("an alarm with a wall clock window")
    unknown = sorted(params.keys() - KNOWN - REFUSED.keys() - {"EvaluationWindow"})
    if unknown:
        raise NotSupported(f"the parameter {unknown[0]} of cloudwatch:PutMetricAlarm")
    for member in ACTIONS.values():
        actions = params.get(member) or ()
        if len(actions) > ACTIONS_MAX:
            raise _invalid(f"{member} has at most {ACTIONS_MAX} members.")
        for action in actions:
            if not str(action).startswith("arn:aws:sns:"):
                raise NotSupported(f"the alarm action {action}")


def _check(params: Mapping[str, Any]) -> None:
    needed = ("AlarmName", "MetricName", "Namespace", "Statistic", "Period", "Threshold")
    for member in (*needed, "EvaluationPeriods", "ComparisonOperator"):
        if params.get(member) is None:
            raise AwsError("MissingParameter", f"The parameter {member} must be given.")
    _one_of(params, "Statistic", STATISTICS)
    _one_of(params, "ComparisonOperator", tuple(COMPARISONS))
    if params.get("TreatMissingData"):
        _one_of(params, "TreatMissingData", MISSING)
    period, periods = int(params["Period"]), int(params["EvaluationPeriods"])
    if period in {10, 20, 30}:
        raise NotSupported("an alarm on a high-resolution metric")
    if period <= 0 or period % MINUTE_S:
        raise _invalid("Period must be 10, 20, 30 or a multiple of 60.")
    if periods < 1:
        raise _invalid("EvaluationPeriods must be at least 1.")
    longest = WEEK_S if period >= HOUR_S else DAY_S
    if period * periods > longest:
        raise AwsError(
            "ValidationError",
            "Metrics cannot be checked across more than "
            f"{'a week' if longest == WEEK_S else 'a day'} (EvaluationPeriods * Period must be <= "
            f"{longest}).",
        )
    most = params.get("DatapointsToAlarm")
    if most is not None and not 1 <= int(most) <= periods:
        raise _invalid("DatapointsToAlarm is from 1 to EvaluationPeriods.")


def state_given(params: Mapping[str, Any]) -> tuple[State, str, str]:
    """State, reason and data of SetAlarmState; raises ValidationError and InvalidFormat."""
    _one_of(params, "StateValue", STATES)
    data = str(params.get("StateReasonData") or "")
    if data:
        try:
            json.loads(data)
        except ValueError as error:
            raise AwsError("InvalidFormat", "StateReasonData is not JSON.") from error
    state: State = params["StateValue"]
    return state, str(params["StateReason"]), data


def _one_of(params: Mapping[str, Any], member: str, allowed: tuple[str, ...]) -> None:
    if params[member] not in allowed:
        place = member[:1].lower() + member[1:]
        raise AwsError(
            "ValidationError",
            f"1 validation error detected: Value '{params[member]}' at '{place}' failed to satisfy "
            f"constraint: Member must satisfy enum value set: [{', '.join(allowed)}]",
        )


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterValue", message)
