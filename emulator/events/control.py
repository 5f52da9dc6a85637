"""Rules and schedules as moto's control plane has them, read on its lane."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from emulator.core.documents import copied
from emulator.core.errors import AwsError

DEFAULT_BUS = "default"
DELETE = "DELETE"


@dataclass(frozen=True)
class Rule:
    """A rule that is enabled."""

    arn: str
    name: str
    account: str
    region: str
    pattern: str | None
    expression: str | None
    targets: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Schedule:
    """A schedule of EventBridge Scheduler that is enabled; dates in epoch seconds."""

    arn: str
    group: str
    name: str
    account: str
    region: str
    expression: str
    timezone: str
    start: float | None
    end: float | None
    deleted_after: bool
    changed: float
    target: Mapping[str, Any] = field(hash=False)


def check_bus(account: str, region: str, bus: str) -> None:
    """Raise ResourceNotFoundException when there is no such event bus; on the lane."""
    from moto.events.models import events_backends  # noqa: PLC0415 (slow import)

    if bus not in events_backends[account][region].event_buses:
        raise AwsError("ResourceNotFoundException", f"Event bus {bus} does not exist.")


def rules(account: str, region: str, bus: str = DEFAULT_BUS) -> list[Rule]:
    """The enabled rules of an event bus; on the lane."""
    from moto.events.models import events_backends  # noqa: PLC0415 (slow import)

    known = events_backends[account][region].event_buses.get(bus)
    return [
        Rule(
            arn=str(rule.arn),
            name=str(rule.name),
            account=account,
            region=region,
            pattern=rule.event_pattern.dump() or None,
            expression=rule.scheduled_expression or None,
            targets=tuple(copied(t) for t in rule.targets),
        )
        for rule in (known.rules.values() if known else ())
        if rule.state != "DISABLED"
    ]


def schedules(account: str, region: str) -> list[Schedule]:
    """The enabled schedules of all groups; on the lane."""
    from moto.scheduler.models import scheduler_backends  # noqa: PLC0415 (slow import)

    return [
        Schedule(
            arn=str(known.arn),
            group=str(group.name),
            name=str(known.name),
            account=account,
            region=region,
            expression=str(known.schedule_expression),
            timezone=str(known.schedule_expression_timezone or "UTC"),
            start=_seconds(known.start_date),
            end=_seconds(known.end_date),
            deleted_after=known.action_after_completion == DELETE,
            changed=float(known.last_modified_date),
            target=copied(known.target),
        )
        for group in scheduler_backends[account][region].schedule_groups.values()
        for known in group.schedules.values()
        if known.state == "ENABLED"
    ]


def delete_schedule(schedule: Schedule) -> None:
    """Delete a schedule that has done its work; on the lane."""
    from moto.scheduler.exceptions import ScheduleNotFound  # noqa: PLC0415 (slow import)
    from moto.scheduler.models import scheduler_backends  # noqa: PLC0415 (slow import)

    backend = scheduler_backends[schedule.account][schedule.region]
    try:
        backend.delete_schedule(schedule.group, schedule.name)
    except ScheduleNotFound:
        return  # somebody was faster


def _seconds(given: Any) -> float | None:
    return None if given is None else float(given)
