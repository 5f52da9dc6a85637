"""The parts of a state machine beside its definition: role, logging, tracing, encryption, tags.

Source: https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html
"""

from __future__ import annotations

import re
from typing import Any

from emulator.core.errors import AwsError, NotSupported

TAGS_MAX = 50
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/.+\Z")
_LOG_GROUP = re.compile(r"arn:aws[a-z-]*:logs:[a-z0-9-]+:\d{12}:log-group:[^:]+:\*\Z")


def role_arn(params: dict[str, Any]) -> str:
    """The role that executions take; raises InvalidArn."""
    role: str = params["roleArn"]
    if not _ROLE.match(role):
        raise AwsError("InvalidArn", f"Invalid Arn: 'Invalid Role Arn: {role}'")
    return role


def logging(params: dict[str, Any]) -> dict[str, Any]:
    """LoggingConfiguration with its defaults; raises InvalidLoggingConfiguration."""
    given = params.get("loggingConfiguration") or {}
    found = {"level": "OFF", "includeExecutionData": False, **given}
    destinations = found.get("destinations") or []
    if len(destinations) > 1 or (found["level"] != "OFF" and not destinations):
        raise _bad_logging("Must specify exactly one Log Destination.")
    for destination in destinations:
        group = (destination.get("cloudWatchLogsLogGroup") or {}).get("logGroupArn", "")
        if not _LOG_GROUP.match(group):
            raise _bad_logging(f"Invalid Log Group Arn: {group}")
    return found


def tracing(params: dict[str, Any]) -> dict[str, Any]:
    """TracingConfiguration with its default."""
    return {"enabled": False, **(params.get("tracingConfiguration") or {})}


def encryption(params: dict[str, Any]) -> dict[str, Any]:
    """EncryptionConfiguration; a customer's key is refused by name."""
    found: dict[str, Any] = params.get("encryptionConfiguration") or {}
    if found.get("type", "AWS_OWNED_KEY") != "AWS_OWNED_KEY":
        raise NotSupported("encryption of state machines with a customer managed key")
    return found


def tags(params: dict[str, Any], known: dict[str, str] | None = None) -> dict[str, str]:
    """``known`` tags with those of the call; raises TooManyTags."""
    given = {tag["key"]: tag.get("value", "") for tag in params.get("tags") or [] if "key" in tag}
    made = {**(known or {}), **given}
    if len(made) > TAGS_MAX:
        raise AwsError("TooManyTags", f"A resource has at most {TAGS_MAX} tags")
    return made


def _bad_logging(what: str) -> AwsError:
    return AwsError("InvalidLoggingConfiguration", f"Invalid Logging Configuration: {what}")
