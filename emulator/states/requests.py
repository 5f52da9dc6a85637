"""Reading the parameters of API calls: types, lengths, ARNs, pages."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from typing import Any

from emulator.core.errors import AwsError

ARN = re.compile(r"arn:aws[a-z-]*:states:[a-z0-9-]+:\d{12}:(?P<kind>[A-Za-z]+):(?P<rest>.+)\Z")
PAGE_DEFAULT = 100
PAGE_MAX = 1_000

# https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html#StepFunctions-StartExecution-request-name
_NAME_FORBIDDEN = re.compile(
    r"[\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff]"
)
NAME_CHARS_MAX = 80


def invalid(message: str) -> AwsError:
    """ValidationException, as the API's model checks give it."""
    return AwsError("ValidationException", f"1 validation error detected: {message}")


def text(params: dict[str, Any], name: str, *, most: int = 1_048_576) -> str:
    """A required string."""
    value = params.get(name)
    if value is None:
        raise invalid(
            f"Value null at '{name}' failed to satisfy constraint: Member must not be null"
        )
    if not isinstance(value, str):
        raise AwsError("SerializationException", f"'{name}' must be a string")
    if len(value) > most:
        raise invalid(
            f"Value at '{name}' failed to satisfy constraint: Member must have length less than "
            f"or equal to {most}"
        )
    return value


def optional_text(params: dict[str, Any], name: str, *, most: int = 1_048_576) -> str | None:
    """An optional string."""
    return None if params.get(name) is None else text(params, name, most=most)


def flag(params: dict[str, Any], name: str, default: bool) -> bool:
    """An optional boolean."""
    value = params.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise AwsError("SerializationException", f"'{name}' must be a boolean")
    return value


def resource_name(value: str) -> str:
    """The name of a state machine or execution; raises InvalidName."""
    if not 1 <= len(value) <= NAME_CHARS_MAX or _NAME_FORBIDDEN.search(value):
        raise AwsError("InvalidName", f"Invalid Name: '{value}'")
    return value


def arn(value: str, *kinds: str) -> str:
    """An ARN of Step Functions of one of ``kinds``; raises InvalidArn."""
    if not value.startswith("arn:"):
        raise AwsError("InvalidArn", f"Invalid Arn: 'Invalid ARN prefix: {value}'")
    found = ARN.match(value)
    if found is None:
        raise AwsError("InvalidArn", f"Invalid Arn: 'Invalid ARN: {value}'")
    if found["kind"] not in kinds:
        raise AwsError(
            "InvalidArn", f"Invalid Arn: 'Resource type not valid in this context: {found['kind']}'"
        )
    return value


def page(
    items: Sequence[Any], params: dict[str, Any], *, default: int = PAGE_DEFAULT
) -> tuple[Sequence[Any], str | None]:
    """The page of ``items`` that ``maxResults`` and ``nextToken`` ask for, and the next token.

    Raises ValidationException and InvalidToken.
    """
    size = params.get("maxResults") or default
    if not isinstance(size, int) or isinstance(size, bool):
        raise AwsError("SerializationException", "'maxResults' must be an integer")
    if not 0 < size <= PAGE_MAX:
        bound = "less than or equal to 1000" if size > 0 else "greater than or equal to 0"
        raise invalid(
            f"Value '{size}' at 'maxResults' failed to satisfy constraint: Member must have value "
            f"{bound}"
        )
    start = _offset(params.get("nextToken"))
    chosen = items[start : start + size]
    more = start + size < len(items)
    return chosen, _token(start + size) if more else None


def _token(offset: int) -> str:
    return base64.b64encode(json.dumps({"offset": offset}).encode()).decode()


def _offset(token: Any) -> int:
    if token is None:
        return 0
    try:
        offset = json.loads(base64.b64decode(token, validate=True))["offset"]
    except (ValueError, TypeError, KeyError):
        offset = None
    if not isinstance(offset, int) or offset < 0:
        raise AwsError("InvalidToken", "Invalid Token: 'Invalid token'")
    return offset
