"""Lambda: functions run in processes of their own, through AWS's Runtime API."""

from emulator.functions.control import FunctionsControl
from emulator.functions.service import FunctionsService
from emulator.functions.settings import FunctionsSettings

__all__ = ["FunctionsControl", "FunctionsService", "FunctionsSettings"]
