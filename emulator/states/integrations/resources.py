"""The ``Resource`` of a Task state: which service it calls, and how it waits.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/integrate-services.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from emulator.states.diagnostics import InvalidResource, Unsupported
from emulator.states.integrations.sdk_models import SdkOperation, find_operation

REQUEST = "request"
SYNC = "sync"
TOKEN = "token"


@dataclass(frozen=True)
class Resource:
    """A parsed Resource.

    ``kind`` is ``function`` (a bare function ARN), ``optimised`` or ``sdk``; ``mode`` REQUEST,
    SYNC (wait for the job) or TOKEN (wait for a callback). ``resource_type`` and ``resource``
    are what history events call it. ``parsed_output``: ``.sync:2``, whose output is JSON.
    """

    text: str
    kind: str
    mode: str
    resource_type: str
    resource: str
    operation: SdkOperation | None = None
    parsed_output: bool = False


_FUNCTION = re.compile(
    r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_-]+(:[A-Za-z0-9$_-]+)?\Z"
)
_SERVICE = re.compile(
    r"arn:aws[a-z-]*:states:[a-z0-9-]*:\d*:(?:(?P<sdk>aws-sdk):)?(?P<service>[a-z0-9-]+):"
    r"(?P<action>[A-Za-z0-9]+)(?:\.(?P<pattern>sync|sync:2|waitForTaskToken))?\Z"
)
_OPTIMISED: dict[tuple[str, str], frozenset[str]] = {
    ("lambda", "invoke"): frozenset({REQUEST, TOKEN}),
    ("ecs", "runTask"): frozenset({REQUEST, SYNC, TOKEN}),
    ("states", "startExecution"): frozenset({REQUEST, SYNC, TOKEN}),
    ("events", "putEvents"): frozenset({REQUEST, TOKEN}),
    ("sns", "publish"): frozenset({REQUEST, TOKEN}),
    ("sqs", "sendMessage"): frozenset({REQUEST, TOKEN}),
    ("dynamodb", "getItem"): frozenset({REQUEST}),
    ("dynamodb", "putItem"): frozenset({REQUEST}),
    ("dynamodb", "updateItem"): frozenset({REQUEST}),
    ("dynamodb", "deleteItem"): frozenset({REQUEST}),
}
_SDK_NAMES = {"states": "sfn", "events": "eventbridge"}


def parse_resource(text: object, *, express: bool) -> Resource:
    """Parse; raises ValueError for what AWS refuses, Unsupported for what is refused here."""
    if not isinstance(text, str):
        raise InvalidResource("must be a string")
    if _FUNCTION.match(text):
        return Resource(text, "function", REQUEST, "lambda", text)
    if ":activity:" in text:
        raise Unsupported(f"an activity ({text}) is not supported")
    if not text.startswith("arn:"):
        raise InvalidResource(f"must be an ARN: {text}")
    found = _SERVICE.match(text)
    if found is None:
        raise ValueError(f"The resource provided {text} is not recognized.")
    pattern = found["pattern"]
    mode = {None: REQUEST, "waitForTaskToken": TOKEN}.get(pattern, SYNC)
    if express and mode != REQUEST:
        raise ValueError(
            f"Express state machine does not support '.{pattern}' service integration "
        )
    shown = found["action"] + (f".{pattern}" if pattern else "")
    if found["sdk"]:
        if mode == SYNC:
            raise ValueError(f"The resource provided {text} is not recognized.")
        operation = find_operation(found["service"], found["action"])
        return Resource(text, "sdk", mode, f"aws-sdk:{found['service']}", shown, operation)
    return _optimised(text, found["service"], found["action"], mode, shown)


def _optimised(text: str, service: str, action: str, mode: str, shown: str) -> Resource:
    modes = _OPTIMISED.get((service, action))
    if modes is None:
        raise Unsupported(f"the optimised integration {service}:{action} is not supported")
    parsed = shown.endswith(".sync:2")
    if mode not in modes or (parsed and service != "states"):
        raise ValueError(f"The resource provided {text} is not recognized.")
    operation = find_operation(_SDK_NAMES.get(service, service), action)
    return Resource(text, "optimised", mode, service, shown, operation, parsed_output=parsed)
