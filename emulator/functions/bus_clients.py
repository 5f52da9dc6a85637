"""SDK clients whose calls go over the bus, for functions that run inside of the emulator.

A call is checked against the SDK's model, answered in the SDK's types, retried as its standard mode
does, and fails with the SDK's errors: code that was written for boto3 cannot tell.

Sources: https://docs.aws.amazon.com/boto3/latest/guide/retries.html (standard mode),
https://docs.aws.amazon.com/boto3/latest/guide/error-handling.html (ClientError).
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.response import StreamingBody
from botocore.validate import validate_parameters

from emulator.core.bus import Bus, Caller
from emulator.core.clock import Clock
from emulator.core.credentials import Credential
from emulator.core.errors import AwsError, NoReply, NotSupported
from emulator.core.models import service_model
from emulator.functions import presigning
from emulator.functions.bridge import wait

READ_TIMEOUT_S = 4.0
"""What the system's functions set; the SDK's own is 60 s."""
ATTEMPTS = 3
BACKOFF_MAX_S = 20.0
TRANSIENT_STATUSES = frozenset({500, 502, 503, 504})
TRANSIENT = frozenset({"RequestTimeout", "RequestTimeoutException", "PriorRequestNotComplete"})
THROTTLED = frozenset(
    {
        *("Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled"),
        *("RequestThrottledException", "TooManyRequestsException", "RequestLimitExceeded"),
        *("ProvisionedThroughputExceededException", "TransactionInProgressException"),
        *("BandwidthLimitExceeded", "LimitExceededException", "SlowDown"),
        "EC2ThrottledException",
    }
)


@dataclass(frozen=True)
class Wiring:
    """What clients of one function work with."""

    bus: Bus
    clock: Clock
    caller: Callable[[], Caller]
    credential: Callable[[], Credential]
    rng: random.Random


@dataclass(frozen=True)
class _Operation:
    service: str
    name: str
    model: Any
    head: bool

    def answer(self, answered: Mapping[str, Any], caller: Caller, retries: int) -> dict[str, Any]:
        converted: dict[str, Any] = _converted(self.model.output_shape, dict(answered))
        converted["ResponseMetadata"] = _metadata(200, caller, retries)
        return converted

    def error(self, error: AwsError, caller: Caller, retries: int) -> ClientError:
        """As the SDK raises it. A HEAD's answer has no body: its status is all that is known."""
        code, message = error.code, error.message
        if self.head:
            code, message = str(error.status), _HEAD_MESSAGES.get(error.status, message)
        response: dict[str, Any] = {
            **error.fields,
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": _metadata(error.status, caller, retries),
        }
        return ClientError(response, self.name)


_HEAD_MESSAGES = {403: "Forbidden", 404: "Not Found", 412: "Precondition Failed"}


class BusClient:
    """A client of one service; its methods are the operations in snake case.

    Raises NotSupported for what a client has besides: paginators, waiters, events.
    """

    def __init__(self, service: str, wiring: Wiring) -> None:
        self._service = service
        self._wiring = wiring

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """The method of an operation."""
        operation = _operations(self._service).get(name)
        if operation is None:
            if name.startswith("_"):
                raise AttributeError(name)
            raise NotSupported(f"{name} of an in-process client of {self._service}")

        def call(**params: Any) -> dict[str, Any]:
            return self._call(operation, params)

        return call

    def generate_presigned_url(
        self,
        ClientMethod: str,  # noqa: N803
        Params: dict[str, Any],  # noqa: N803
        ExpiresIn: int = 3600,  # noqa: N803
    ) -> str:
        """As the SDK's, at the clock's time, with the credentials of the function's session."""
        return presigning.url(
            self._wiring.credential(), self._region(), self._wiring.clock.now(),
            ClientMethod, Params, ExpiresIn,
        )  # fmt: skip

    def generate_presigned_post(
        self,
        Bucket: str,  # noqa: N803
        Key: str,  # noqa: N803
        Fields: dict[str, Any] | None = None,  # noqa: N803
        Conditions: list[Any] | None = None,  # noqa: N803
        ExpiresIn: int = 3600,  # noqa: N803
    ) -> dict[str, Any]:
        """As the SDK's, at the clock's time, with the credentials of the function's session."""
        return presigning.post(
            self._wiring.credential(), self._region(), self._wiring.clock.now(),
            {
                "Bucket": Bucket,
                "Key": Key,
                "Fields": Fields,
                "Conditions": Conditions,
                "ExpiresIn": ExpiresIn,
            },
        )  # fmt: skip

    def _region(self) -> str:
        return self._wiring.caller().region

    def _call(self, operation: _Operation, params: dict[str, Any]) -> dict[str, Any]:
        validate_parameters(params, operation.model.input_shape)
        caller = self._wiring.caller()
        for attempt in range(ATTEMPTS):
            last = attempt == ATTEMPTS - 1
            try:
                answered = wait(
                    self._wiring.bus.call(operation.service, operation.name, dict(params), caller)
                )
            except NoReply as error:
                wait(self._wiring.clock.sleep(READ_TIMEOUT_S))
                if last:
                    url = f"https://{operation.service}.{caller.region}.amazonaws.com/"
                    raise ReadTimeoutError(endpoint_url=url) from error
            except AwsError as error:
                if last or not _is_retried(error):
                    raise operation.error(error, caller, attempt) from error
            else:
                return operation.answer(answered, caller, attempt)
            self._pause(attempt)
        raise AssertionError("the last attempt returns or raises")

    def _pause(self, attempt: int) -> None:
        seconds = min(BACKOFF_MAX_S, self._wiring.rng.random() * 2.0**attempt)
        wait(self._wiring.clock.sleep(seconds))


def _is_retried(error: AwsError) -> bool:
    return error.status in TRANSIENT_STATUSES or error.code in TRANSIENT | THROTTLED


@cache
def _operations(service: str) -> dict[str, _Operation]:
    """The operations of a service (the SDK's name for it) by their methods' names."""
    model = service_model(service)
    found = {}
    for name in model.operation_names:
        operation = model.operation_model(name)
        on_bus = model.endpoint_prefix
        found[xform_name(name)] = _Operation(
            on_bus, name, operation, operation.http.get("method") == "HEAD"
        )
    return found


def _metadata(status: int, caller: Caller, retries: int) -> dict[str, Any]:
    return {
        "RequestId": caller.request_id,
        "HTTPStatusCode": status,
        "HTTPHeaders": {"x-amzn-requestid": caller.request_id},
        "RetryAttempts": retries,
    }


def _converted(shape: Any, value: Any) -> Any:
    """A document of the bus in the SDK's types: moments for times, a stream for a streamed body."""
    kind = shape.type_name if shape is not None else ""
    if kind == "structure" and isinstance(value, dict):
        members = _members(shape)
        return {
            name: _converted(members[name], item) if name in members else item
            for name, item in value.items()
        }
    if kind == "list" and isinstance(value, list | tuple):
        if shape.member.type_name not in _CONVERTED:
            return list(value)
        return [_converted(shape.member, item) for item in value]
    if kind == "map" and isinstance(value, dict):
        return {key: _converted(shape.value, item) for key, item in value.items()}
    if kind == "timestamp" and isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    if kind == "blob" and isinstance(value, bytes) and shape.serialization.get("streaming"):
        return StreamingBody(io.BytesIO(value), len(value))
    return value


_CONVERTED = frozenset({"structure", "list", "map", "timestamp", "blob"})
_MEMBERS: dict[Any, dict[str, Any]] = {}


def _members(shape: Any) -> dict[str, Any]:
    """The members of a structure that need conversion; botocore resolves them anew each time."""
    members = _MEMBERS.get(shape)
    if members is None:
        members = _MEMBERS[shape] = {
            name: member for name, member in shape.members.items() if member.type_name in _CONVERTED
        }
    return members
