"""Dashboards: kept as they are sent, once their body is JSON with widgets.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulator.core import ids
from emulator.core.errors import AwsError

WIDGETS_MAX = 500
_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")


@dataclass(frozen=True)
class Dashboard:
    """A dashboard as it was put; ``changed`` in epoch seconds."""

    arn: str
    name: str
    body: str
    changed: float

    @property
    def entry(self) -> dict[str, Any]:
        """How ListDashboards shows it."""
        return {
            "DashboardName": self.name,
            "DashboardArn": self.arn,
            "LastModified": self.changed,
            "Size": len(self.body.encode()),
        }


class Dashboards:
    """The dashboards of all accounts: they have no region."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], Dashboard] = {}

    def put(self, account: str, params: Mapping[str, Any], now: float) -> dict[str, Any]:
        """PutDashboard; raises InvalidParameterInput for a body that is none."""
        name, body = str(params["DashboardName"]), str(params["DashboardBody"])
        if not _NAME.fullmatch(name):
            raise AwsError(
                "InvalidParameterValue",
                "A dashboard's name has 1 to 255 letters, digits, hyphens and underscores.",
            )
        complaints = list(_complaints(body))
        if complaints:
            raise AwsError(
                "InvalidParameterInput",
                "The dashboard body is invalid.",
                fields={"dashboardValidationMessages": complaints},
            )
        arn = ids.arn("cloudwatch", f"dashboard/{name}", region="", account=account)
        self._kept[account, name] = Dashboard(arn, name, body, now)
        return {"DashboardValidationMessages": []}

    def get(self, account: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """GetDashboard; raises ResourceNotFound."""
        found = self._find(account, str(params["DashboardName"]))
        return {
            "DashboardArn": found.arn,
            "DashboardBody": found.body,
            "DashboardName": found.name,
        }

    def listed(self, account: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """ListDashboards."""
        prefix = str(params.get("DashboardNamePrefix") or "")
        found = [d for (owner, name), d in sorted(self._kept.items()) if owner == account]
        return {"DashboardEntries": [d.entry for d in found if d.name.startswith(prefix)]}

    def delete(self, account: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """DeleteDashboards: all or, when one of them is not there, none."""
        names = [self._find(account, str(name)).name for name in params["DashboardNames"]]
        for name in names:
            del self._kept[account, name]
        return {}

    def _find(self, account: str, name: str) -> Dashboard:
        found = self._kept.get((account, name))
        if found is None:
            raise AwsError("ResourceNotFound", f"Dashboard {name} does not exist", 404)
        return found


def _complaints(body: str) -> list[dict[str, str]]:
    try:
        document = json.loads(body)
    except ValueError as error:
        return [{"DataPath": "", "Message": f"The body is not JSON: {error}"}]
    widgets = document.get("widgets") if isinstance(document, dict) else None
    if not isinstance(widgets, list):
        return [{"DataPath": "/widgets", "Message": "Should be a list of widgets"}]
    if len(widgets) > WIDGETS_MAX:
        return [{"DataPath": "/widgets", "Message": f"Should have {WIDGETS_MAX} at most"}]
    return [
        {"DataPath": f"/widgets/{place}", "Message": "Should have type and properties"}
        for place, widget in enumerate(widgets)
        if not isinstance(widget, dict) or not {"type", "properties"} <= widget.keys()
    ]
