"""CloudWatch: metrics, alarms that evaluate on the emulator's clock, and dashboards."""

from emulator.cloudwatch.service import CloudWatchService
from emulator.cloudwatch.settings import CloudWatchSettings

__all__ = ["CloudWatchService", "CloudWatchSettings"]
