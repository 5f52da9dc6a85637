"""The history of alarms.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarmHistory.html
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from typing import Any

from emulator.cloudwatch.alarms import Alarm
from emulator.cloudwatch.queries import epoch
from emulator.core.bus import Caller

RECORDS_DEFAULT = 100


class History:
    """The newest ``most`` items of all alarms."""

    def __init__(self, most: int) -> None:
        self._items: deque[tuple[str, dict[str, Any]]] = deque(maxlen=most)

    def configured(self, alarm: Alarm, at: float, what: str) -> None:
        """An alarm was created, updated or deleted."""
        self._add(alarm, at, "ConfigurationUpdate", f'Alarm "{alarm.name}" {what}', {"type": what})

    def changed(self, alarm: Alarm, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
        """An alarm changed its state; both as events have them."""
        summary = f"Alarm updated from {before['value']} to {now['value']}"
        document = {"version": "1.0", "oldState": dict(before), "newState": dict(now)}
        self._add(alarm, alarm.changed_at, "StateUpdate", summary, document)

    def acted(self, alarm: Alarm, at: float, action: str, error: str = "") -> None:
        """An action was taken, or failed."""
        told = "Failed" if error else "Successfully executed"
        document = {
            "actionState": "Failed" if error else "Succeeded",
            "notificationResource": action,
        }
        if error:
            document["error"] = error
        self._add(alarm, at, "Action", f"{told} action {action}", document)

    def described(self, params: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        """DescribeAlarmHistory, in one page."""
        prefix = f":{caller.region}:{caller.account}:"
        start = epoch(params["StartDate"]) if params.get("StartDate") is not None else 0.0
        end = epoch(params["EndDate"]) if params.get("EndDate") is not None else float("inf")
        found = [
            item
            for arn, item in self._items
            if prefix in arn
            and params.get("AlarmName") in {None, item["AlarmName"]}
            and params.get("HistoryItemType") in {None, item["HistoryItemType"]}
            and start <= item["Timestamp"] <= end
        ]
        if params.get("ScanBy") != "TimestampAscending":
            found.reverse()
        return {"AlarmHistoryItems": found[: int(params.get("MaxRecords") or RECORDS_DEFAULT)]}

    def _add(
        self, alarm: Alarm, at: float, kind: str, summary: str, document: Mapping[str, Any]
    ) -> None:
        item = {
            "AlarmName": alarm.name,
            "AlarmType": "MetricAlarm",
            "Timestamp": at,
            "HistoryItemType": kind,
            "HistorySummary": summary,
            "HistoryData": json.dumps(document),
        }
        self._items.append((alarm.arn, item))
