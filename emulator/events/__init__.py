"""EventBridge: events to targets by rules, and schedules that fire."""

from emulator.events.service import EventsService
from emulator.events.settings import EventsSettings

__all__ = ["EventsService", "EventsSettings"]
