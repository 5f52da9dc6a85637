"""Policies of browser uploads: what a form may contain.

Source: "Creating a POST policy" and "Browser-based uploads using POST" of the Amazon S3 API
Reference. Field names are compared without case, values exactly.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from emulator.core.errors import AwsError
from emulator.s3 import errors
from emulator.s3.params import SINGLE_PUT_BYTES_MAX

CONDITIONS_MAX = 200
_LIST_LENGTH = 3
_FREE = frozenset({"x-amz-signature", "file", "policy", "awsaccesskeyid", "signature"})
"""Fields that need no condition, beside those that start with ``x-ignore-``."""


@dataclass(frozen=True, slots=True)
class Range:
    """The sizes a policy allows, in bytes, both ends included."""

    least: int = 0
    most: int = SINGLE_PUT_BYTES_MAX


def check(encoded: str, fields: Mapping[str, str], now: float) -> Range:
    """Check the fields of a form (lower-case names, ``bucket`` among them) against its policy.

    Raises 403 AccessDenied "Invalid according to Policy: ...", 400 InvalidPolicyDocument. Returns
    the content length range, which the caller enforces while the file comes.
    """
    policy = _decoded(encoded)
    if now >= _expiration(policy.get("expiration")):
        raise _denied("Policy expired.")
    conditions = policy.get("conditions")
    if not isinstance(conditions, list):
        raise _invalid("Policy missing conditions.")
    if len(conditions) > CONDITIONS_MAX:
        raise _invalid(f"A policy has {CONDITIONS_MAX} conditions at most here.")
    covered: set[str] = set()
    allowed = Range()
    for condition in conditions:
        if isinstance(condition, list) and _operator(condition) == "content-length-range":
            allowed = _range(condition)
            continue
        operator, name, wanted = _simple(condition)
        covered.add(name.lower())
        if not _holds(operator, name.lower(), wanted, fields):
            raise _failed(condition)
    extra = [
        name
        for name in fields
        if name not in covered and name not in _FREE and not name.startswith("x-ignore-")
    ]
    if extra:
        raise _denied(f"Extra input fields: {', '.join(extra)}")
    return allowed


def _decoded(encoded: str) -> dict[str, Any]:
    try:
        policy = json.loads(base64.b64decode(encoded, validate=True))
    except (ValueError, binascii.Error) as error:
        raise _invalid("Invalid JSON.") from error
    if not isinstance(policy, dict):
        raise _invalid("Invalid JSON.")
    return policy


def _expiration(text: Any) -> float:
    if not isinstance(text, str):
        raise _invalid("Policy missing expiration.")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise _invalid(f"Invalid 'expiration' value: '{text}'") from error
    if not text.endswith("Z"):
        raise _invalid(f"Invalid 'expiration' value: '{text}'")
    return moment.astimezone(UTC).timestamp()


def _operator(condition: list[Any]) -> str:
    return condition[0].lower() if condition and isinstance(condition[0], str) else ""


def _simple(condition: Any) -> tuple[str, str, str]:
    """Operator, field name and value of ``{"name": "value"}`` or ``["eq", "$name", "value"]``."""
    if isinstance(condition, dict):
        if len(condition) != 1:
            raise _invalid(
                "Invalid Simple-Condition: Simple-Conditions must have exactly one property "
                "specified."
            )
        name, wanted = next(iter(condition.items()))
        if not isinstance(wanted, str):
            raise _invalid("Invalid Simple-Condition: value must be a string.")
        return "eq", name, wanted
    if (
        not isinstance(condition, list)
        or len(condition) != _LIST_LENGTH
        or not all(isinstance(one, str) for one in condition)
    ):
        raise _invalid("Invalid Condition: a condition has an operator, a name and a value.")
    operator = _operator(condition)
    if operator not in {"eq", "starts-with"}:
        raise _invalid(f"Invalid Condition: unknown operation '{condition[0]}'.")
    if not condition[1].startswith("$"):
        raise _failed(condition)
    return operator, condition[1][1:], condition[2]


def _holds(operator: str, name: str, wanted: str, fields: Mapping[str, str]) -> bool:
    given = fields.get(name)
    if given is None:
        # A condition on a field that was not sent holds only when it asks for nothing.
        return operator == "starts-with" and not wanted
    if operator == "eq":
        return given == wanted
    if name == "content-type":
        return all(one.strip().startswith(wanted) for one in given.split(","))
    return given.startswith(wanted)


def _range(condition: list[Any]) -> Range:
    if len(condition) != _LIST_LENGTH:
        raise _failed(condition)
    try:
        least, most = int(condition[1]), int(condition[2])
    except (TypeError, ValueError) as error:
        raise _failed(condition) from error
    if least < 0 or most < least:
        raise _failed(condition)
    return Range(least, min(most, SINGLE_PUT_BYTES_MAX))


def _failed(condition: Any) -> AwsError:
    return _denied(f"Policy Condition failed: {json.dumps(condition)}")


def _denied(message: str) -> AwsError:
    return errors.access_denied(f"Invalid according to Policy: {message}")


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidPolicyDocument", f"Invalid Policy: {message}", 400)
