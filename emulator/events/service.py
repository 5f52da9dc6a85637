"""EventBridge: events in, by PutEvents or from other services, and out to the targets of rules."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from emulator.core.bus import Bus, Caller
from emulator.core.clock import Clock, iso
from emulator.core.errors import AwsError, NotSupported
from emulator.core.logs import Lane
from emulator.events import control, expressions
from emulator.events.control import DEFAULT_BUS, Rule
from emulator.events.inputs import Origin, check_input, input_of
from emulator.events.patterns import compile_pattern
from emulator.events.scheduler import Scheduler
from emulator.events.settings import EventsSettings
from emulator.events.targets import Deliveries, call_of, check_target

log = logging.getLogger("emulator.events")

ENTRY = frozenset({"Time", "Source", "Resources", "DetailType", "Detail", "EventBusName"})
DETAIL_TYPE_CHARS_MAX = 128


class EventsService:
    """Matches events with moto's rules and delivers them through the bus."""

    def __init__(
        self,
        lane: Lane,
        clock: Clock,
        bus: Bus,
        settings: EventsSettings | None = None,
        *,
        rng: random.Random | None = None,
    ) -> None:
        self._lane = lane
        self._clock = clock
        self._bus = bus
        self._settings = settings or EventsSettings()
        self._deliveries = Deliveries(bus, clock, self._settings, rng)
        self._scheduler = Scheduler(
            lane, clock, self._settings, self._deliveries, self._send_to_targets
        )
        self._polling: asyncio.Task[None] | None = None
        self._subscribed = False

    async def start(self) -> None:
        """Listen to the bus and start the schedules."""
        if not self._subscribed:
            self._subscribed = True
            self._bus.subscribe(self._on_event)
        self._polling = asyncio.create_task(self._scheduler.run())

    async def stop(self) -> None:
        """Stop the schedules and the deliveries under way."""
        polling, self._polling = self._polling, None
        if polling is not None:
            polling.cancel()
            await asyncio.gather(polling, return_exceptions=True)
        await self._deliveries.stop()

    async def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Answer PutEvents or TestEventPattern; raises AwsError, NotSupported for others."""
        if operation == "PutEvents":
            return await self._put_events(params, caller)
        if operation == "TestEventPattern":
            return _test_pattern(params)
        raise NotSupported(f"events:{operation}")

    @staticmethod
    def check(operation: str, params: Mapping[str, Any]) -> None:
        """Refuse a control-plane call whose rule or schedule could not work here.

        For PutRule, PutTargets, CreateSchedule and UpdateSchedule, before moto takes them; raises
        AwsError as AWS does, NotSupported for targets that nothing here delivers to.
        """
        if operation == "PutRule":
            if params.get("EventPattern"):
                compile_pattern(str(params["EventPattern"]))
            if params.get("ScheduleExpression"):
                expressions.parse(str(params["ScheduleExpression"]))
        elif operation == "PutTargets":
            for target in params.get("Targets") or ():
                check_target(target)
                check_input(target)
        elif operation in {"CreateSchedule", "UpdateSchedule"}:
            zone = str(params.get("ScheduleExpressionTimezone") or "UTC")
            expressions.parse(str(params["ScheduleExpression"]), zone)
            check_target(params["Target"])

    async def _on_event(self, event: dict[str, Any]) -> None:
        await self._dispatch(event, DEFAULT_BUS)

    async def _dispatch(self, event: dict[str, Any], bus: str) -> None:
        """Send an event to the targets of the rules that match it."""
        account = str(event.get("account") or self._settings.account)
        region = str(event.get("region") or self._settings.region)
        rules = await self._lane.run(lambda: control.rules(account, region, bus))
        for rule in rules:
            if rule.pattern is None:
                continue
            try:
                matches = compile_pattern(rule.pattern)(event)
            except AwsError as error:
                log.error("the rule %s never matches: %s", rule.arn, error)  # noqa: TRY400
                continue
            if matches:
                self._send_to_targets(rule, event)

    def _send_to_targets(self, rule: Rule, event: dict[str, Any]) -> None:
        origin, settings = Origin(rule.arn, rule.name, self._clock.now()), self._settings
        for target in rule.targets:
            try:
                call = call_of(str(target["Arn"]), input_of(target, event, origin))
            except (AwsError, ValueError) as error:
                log.error(  # noqa: TRY400 (the error's sentence says it all)
                    "the target %s of %s gets nothing: %s", target.get("Id"), rule.arn, error
                )
                continue
            after_s = settings.schedule_late_s if rule.pattern is None else settings.delivery_s
            self._deliveries.send(
                call, target, rule.account, rule.region, rule.arn, after_s=after_s
            )

    async def _put_events(self, params: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        entries = params.get("Entries") or []
        if not 1 <= len(entries) <= self._settings.entries_max:
            raise AwsError(
                "ValidationException",
                f"Entries must have 1 to {self._settings.entries_max} members.",
            )
        if sum(_size(entry) for entry in entries) > self._settings.entries_bytes_max:
            raise AwsError(
                "ValidationException",
                f"Total size of the entries in the request is over the limit of "
                f"{self._settings.entries_bytes_max} bytes.",
            )
        answers = [await self._put_event(entry, caller) for entry in entries]
        failed = sum("ErrorCode" in answer for answer in answers)
        return {"FailedEntryCount": failed, "Entries": answers}

    async def _put_event(self, entry: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        try:
            event = _event(entry, caller, self._clock.now())
            bus = str(entry.get("EventBusName") or DEFAULT_BUS).rsplit("/", 1)[-1]
            account, region = caller.account, caller.region
            await self._lane.run(lambda: control.check_bus(account, region, bus))
        except AwsError as error:
            return {"ErrorCode": error.code, "ErrorMessage": error.message}
        if bus == DEFAULT_BUS:
            self._bus.publish(event)
        else:
            await self._dispatch(event, bus)
        return {"EventId": event["id"]}


def _test_pattern(params: Mapping[str, Any]) -> dict[str, Any]:
    try:
        event = json.loads(params["Event"])
    except (ValueError, KeyError) as error:
        raise AwsError("ValidationException", "Parameter Event is not valid.") from error
    needed = {"id", "account", "source", "time", "region", "resources", "detail-type"}
    if not isinstance(event, dict) or needed - event.keys():
        raise AwsError("ValidationException", "Parameter Event is not valid.")
    return {"Result": compile_pattern(str(params.get("EventPattern", "")))(event)}


def _event(entry: Mapping[str, Any], caller: Caller, now: float) -> dict[str, Any]:
    """The envelope of an entry; raises AwsError with the entry's error code."""
    unknown = sorted(entry.keys() - ENTRY)
    if unknown:
        raise NotSupported(f"the member {unknown[0]} of an event")
    for name in ("Source", "DetailType", "Detail"):
        if not entry.get(name):
            raise AwsError("InvalidArgument", f"Parameter {name} is not valid. Reason: {name} is a "
                           "required argument.")  # fmt: skip
    if len(entry["DetailType"]) > DETAIL_TYPE_CHARS_MAX:
        raise AwsError("InvalidArgument", "Parameter DetailType is not valid. It is too long.")
    if str(entry["Source"]).startswith("aws.") or entry["Source"] == "aws":
        raise AwsError("NotAuthorizedForSourceException", "Not authorized for the source.")
    try:
        detail = json.loads(entry["Detail"])
    except ValueError as error:
        raise AwsError("MalformedDetail", "Detail is malformed.") from error
    if not isinstance(detail, dict):
        raise AwsError("MalformedDetail", "Detail is malformed.")
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": entry["DetailType"],
        "source": entry["Source"],
        "account": caller.account,
        "time": iso(_time(entry.get("Time"), now))[:19] + "Z",
        "region": caller.region,
        "resources": list(entry.get("Resources") or ()),
        "detail": detail,
    }


def _time(given: Any, now: float) -> float:
    if given is None:
        return now
    return given.timestamp() if isinstance(given, datetime) else float(given)


def _size(entry: Mapping[str, Any]) -> int:
    """As AWS counts: 14 bytes for a time, and the text's bytes."""
    texts = [entry.get("Source"), entry.get("DetailType"), entry.get("Detail")]
    texts += list(entry.get("Resources") or ())
    time_bytes = 14 if entry.get("Time") is not None else 0
    return time_bytes + sum(len(str(text).encode()) for text in texts if text)
