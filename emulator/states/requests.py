"""Reading the parameters of API calls: names, ARNs, pages."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable
from operator import itemgetter
from typing import Any, TypeVar

from emulator.core.errors import AwsError

ARN = re.compile(r"arn:aws[a-z-]*:states:[a-z0-9-]+:\d{12}:(?P<kind>[A-Za-z]+):(?P<rest>.+)\Z")
PAGE_DEFAULT = 100
Item = TypeVar("Item")

# https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html#StepFunctions-StartExecution-request-name
_NAME_FORBIDDEN = re.compile(
    r"[\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff\U0010ffff]"
)
NAME_CHARS_MAX = 80


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
    items: Iterable[Item],
    params: dict[str, Any],
    key: Callable[[Item], Any],
    *,
    newest_first: bool = False,
) -> tuple[list[Item], str | None]:
    """The page of ``items`` that ``maxResults`` and ``nextToken`` ask for, and the next token.

    ``key`` gives an item's place: a number, or a list of numbers and text. The token says where
    the last page ended, so that items that come or go between pages shift nothing. Raises
    InvalidToken.
    """
    size = params.get("maxResults") or PAGE_DEFAULT
    places = sorted(((key(item), item) for item in items), key=itemgetter(0), reverse=newest_first)
    after = _place(params.get("nextToken"))
    if after is not None:
        try:
            places = [
                (place, item)
                for place, item in places
                if (place < after if newest_first else place > after)
            ]
        except TypeError:
            raise _invalid_token() from None
    chosen = places[:size]
    more = len(places) > size
    return [item for _, item in chosen], _token(chosen[-1][0]) if more else None


def _token(place: Any) -> str:
    return base64.b64encode(json.dumps({"after": place}).encode()).decode()


def _place(token: Any) -> Any:
    if token is None:
        return None
    try:
        return json.loads(base64.b64decode(token, validate=True))["after"]
    except (ValueError, TypeError, KeyError):
        raise _invalid_token() from None


def _invalid_token() -> AwsError:
    return AwsError("InvalidToken", "Invalid Token: 'Invalid token'")
