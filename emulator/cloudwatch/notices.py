"""What the world hears of an alarm that changed its state: an event, and a notification.

Sources: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
and https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from emulator.cloudwatch.alarms import Alarm
from emulator.core.clock import iso

REGIONS = {
    "us-east-1": "US East (N. Virginia)",
    "us-east-2": "US East (Ohio)",
    "us-west-1": "US West (N. California)",
    "us-west-2": "US West (Oregon)",
    "eu-west-1": "EU (Ireland)",
    "eu-central-1": "EU (Frankfurt)",
}
"""Names of regions as notifications write them; others are written by their code."""


def event(alarm: Alarm, before: dict[str, Any]) -> dict[str, Any]:
    """The event "CloudWatch Alarm State Change"; ``before`` is what ``state`` gave before."""
    metric = alarm.metric
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch",
        "account": metric.account,
        "time": iso(alarm.changed_at)[:19] + "Z",
        "region": metric.region,
        "resources": [alarm.arn],
        "detail": {
            "alarmName": alarm.name,
            "state": state(alarm),
            "previousState": before,
            "configuration": {
                "description": alarm.config.get("AlarmDescription") or "",
                "metrics": [
                    {
                        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, alarm.arn)),
                        "metricStat": {
                            "metric": {
                                "namespace": metric.namespace,
                                "name": metric.name,
                                "dimensions": dict(metric.dimensions),
                            },
                            "period": alarm.period_s,
                            "stat": alarm.config["Statistic"],
                        },
                        "returnData": True,
                    }
                ],
            },
        },
    }


def state(alarm: Alarm) -> dict[str, Any]:
    """The state of an alarm as events have it."""
    found = {"value": alarm.state, "reason": alarm.reason, "timestamp": _stamp(alarm.changed_at)}
    if alarm.reason_data:
        found["reasonData"] = alarm.reason_data
    return found


def notification(alarm: Alarm, before: str) -> dict[str, str]:
    """Subject and Message of the notification to a topic."""
    metric, config = alarm.metric, alarm.config
    region = REGIONS.get(metric.region, metric.region)
    message = {
        "AlarmName": alarm.name,
        "AlarmDescription": config.get("AlarmDescription"),
        "AWSAccountId": metric.account,
        "AlarmConfigurationUpdatedTimestamp": _stamp(alarm.configured_at),
        "NewStateValue": alarm.state,
        "NewStateReason": alarm.reason,
        "StateChangeTime": _stamp(alarm.changed_at),
        "Region": region,
        "AlarmArn": alarm.arn,
        "OldStateValue": before,
        **{key: config[key] for key in ("OKActions", "AlarmActions", "InsufficientDataActions")},
        "Trigger": {
            "MetricName": metric.name,
            "Namespace": metric.namespace,
            "StatisticType": "Statistic",
            "Statistic": str(config["Statistic"]).upper(),
            "Unit": config.get("Unit"),
            "Dimensions": [{"value": v, "name": n} for n, v in metric.dimensions],
            "Period": alarm.period_s,
            "EvaluationPeriods": alarm.evaluation_periods,
            "DatapointsToAlarm": alarm.datapoints,
            "ComparisonOperator": config["ComparisonOperator"],
            "Threshold": config["Threshold"],
            "TreatMissingData": alarm.missing,
            "EvaluateLowSampleCountPercentile": "",
        },
    }
    return {
        "Subject": f'{alarm.state}: "{alarm.name}" in {region}'[:100],
        "Message": json.dumps(message, separators=(",", ":")),
    }


def _stamp(at: float) -> str:
    return iso(at)[:-1] + "+0000"
