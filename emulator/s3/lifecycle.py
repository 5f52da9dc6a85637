"""Lifecycle rules: when objects expire, and the sweep that removes them.

Source: "Managing the lifecycle of objects" of the S3 user guide: an expiry is the object's time
plus the days, rounded up to the next midnight UTC. Transitions are refused when the rules are put.
"""

from __future__ import annotations

import calendar
import functools
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import formatdate
from itertools import pairwise
from typing import Any
from urllib.parse import quote

from emulator.core.errors import AwsError, NotSupported
from emulator.s3 import errors
from emulator.s3.access import Call
from emulator.s3.model import Bucket, ObjectEntry, Upload
from emulator.s3.state import State

DAY_S = 86_400
SWEEP_INTERVAL_S = 3600.0
"""AWS runs the rules once a day; an hour of the emulator's clock is soon enough to see them."""
RULES_MAX = 1000


def validate(configuration: dict[str, Any]) -> dict[str, Any]:
    """Check rules before they are stored; transitions are refused by name."""
    rules = configuration.get("Rules") or []
    if not 1 <= len(rules) <= RULES_MAX:
        raise errors.malformed_xml()
    seen: set[str] = set()
    for number, rule in enumerate(rules):
        for name in ("Transitions", "NoncurrentVersionTransitions"):
            if rule.get(name):
                raise NotSupported(f"{name} of a lifecycle rule")
        if not any(name in rule for name in _ACTIONS):
            raise errors.invalid_request("At least one action needs to be specified in a rule")
        if rule.get("Status") not in {"Enabled", "Disabled"}:
            raise errors.malformed_xml()
        if ("Filter" in rule) == ("Prefix" in rule):
            raise errors.malformed_xml()
        days = rule.get("Expiration", {}).get("Days", 1)
        if days <= 0:
            raise errors.invalid_argument(
                "Days", days, "'Days' for Expiration action must be a positive integer"
            )
        rule.setdefault("ID", f"rule-{number}")
        if rule["ID"] in seen:
            raise errors.invalid_argument("ID", rule["ID"], "Rule ID must be unique.")
        seen.add(rule["ID"])
    return configuration


def expiration(bucket: Bucket, entry: ObjectEntry) -> str | None:
    """The ``x-amz-expiration`` header of a current object, or None."""
    if "lifecycle" not in bucket.config:
        return None
    due = _due(bucket, entry)
    if due is None:
        return None
    at, rule = due
    return _expiration(at, rule["ID"])


@functools.lru_cache(maxsize=1024)
def _expiration(at: float, rule_id: str) -> str:
    return f'expiry-date="{formatdate(at, usegmt=True)}", rule-id="{quote(rule_id)}"'


def sweep(state: State, call: Call) -> int:
    """Apply every bucket's rules now; returns how many versions and uploads were removed."""
    return sum(_sweep(state, bucket, call) for bucket in list(state.buckets.values()))


def _sweep(state: State, bucket: Bucket, call: Call) -> int:
    if "lifecycle" not in bucket.config:
        return 0
    now, removed = state.clock.now(), 0
    for entry in list(bucket.objects.values()):
        due = _due(bucket, entry)
        if due is not None and due[0] <= now:
            if bucket.versions is None:
                state.remove(bucket, entry, call, "Lifecycle Expiration")
            else:
                state.marker(bucket, entry.key, call, "Lifecycle Expiration")
            removed += 1
    # Two rules may name one version.
    for entry in {id(entry): entry for entry in _stale(bucket, now)}.values():
        state.remove(bucket, entry, call, "Lifecycle Expiration")
        removed += 1
    for upload in list(_abandoned(bucket, now)):
        if not upload.busy:
            del bucket.uploads[upload.upload_id]
            state.store.remove_upload(upload)
            removed += 1
    return removed


def _due(bucket: Bucket, entry: ObjectEntry) -> tuple[float, dict[str, Any]] | None:
    found: tuple[float, dict[str, Any]] | None = None
    for rule in _rules(bucket):
        action = rule.get("Expiration")
        if action is None or not _covers(rule, entry):
            continue
        if "Days" in action:
            at = _midnight(entry.modified + action["Days"] * DAY_S)
        elif "Date" in action:
            at = instant(action["Date"])
        else:
            continue
        if found is None or at < found[0]:
            found = at, rule
    return found


def _stale(bucket: Bucket, now: float) -> Iterator[ObjectEntry]:
    """Noncurrent versions whose time is over, and delete markers that hide nothing."""
    if bucket.versions is None:
        return
    for rule in _rules(bucket):
        action = rule.get("NoncurrentVersionExpiration", {})
        keep = action.get("NewerNoncurrentVersions", 0)
        lone = rule.get("Expiration", {}).get("ExpiredObjectDeleteMarker")
        for versions in list(bucket.versions.values()):
            if lone and len(versions) == 1 and versions[0].marker and _covers(rule, versions[0]):
                yield versions[0]
            if "NoncurrentDays" not in action:
                continue
            older = list(pairwise(versions))
            for entry, newer in older[: max(0, len(older) - keep)]:
                due = _midnight(newer.modified + action["NoncurrentDays"] * DAY_S)
                if due <= now and _covers(rule, entry) and entry in versions:
                    yield entry


def _abandoned(bucket: Bucket, now: float) -> Iterator[Upload]:
    for upload in bucket.uploads.values():
        for rule in _rules(bucket):
            days = rule.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation")
            prefix = rule.get("Prefix", rule.get("Filter", {}).get("Prefix", ""))
            if (
                days is not None
                and upload.key.startswith(prefix)
                and _midnight(upload.initiated + days * DAY_S) <= now
            ):
                yield upload
                break


def _rules(bucket: Bucket) -> list[dict[str, Any]]:
    rules = bucket.config["lifecycle"]["Rules"]
    return [rule for rule in rules if rule["Status"] == "Enabled"]


def _covers(rule: dict[str, Any], entry: ObjectEntry) -> bool:
    chosen = rule.get("Filter", rule)
    every = chosen.get("And", chosen)
    tags = [*every.get("Tags", []), *([chosen["Tag"]] if "Tag" in chosen else [])]
    return (
        entry.key.startswith(every.get("Prefix") or "")
        and all(entry.tags.get(tag["Key"]) == tag["Value"] for tag in tags)
        and entry.size > every.get("ObjectSizeGreaterThan", -1)
        and entry.size < every.get("ObjectSizeLessThan", math.inf)
    )


def _midnight(at: float) -> float:
    return math.ceil(at / DAY_S) * float(DAY_S)


def instant(value: Any) -> float:
    """A time as epoch seconds, from a number, a datetime, or ISO 8601 text."""
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise AwsError("InvalidArgument", f"{value} is not a time in ISO 8601") from error
    return float(calendar.timegm(moment.utctimetuple()))


_ACTIONS = ("Expiration", "NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload")
