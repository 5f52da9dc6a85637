"""AWS SDK integrations: names and documents between the states language and the SDK's models.

In a state machine every member is in PascalCase, blobs are text and times are ISO strings,
whatever the API's own form is. Source:
https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from botocore.model import OperationNotFoundError

from emulator.core.clock import iso
from emulator.core.errors import NotSupported
from emulator.core.models import service_model, service_names
from emulator.states.documents import dumps
from emulator.states.faults import RUNTIME, StateFault
from emulator.states.timestamps import parse_timestamp

NESTING_MAX = 100
# What the SDK for Java v2 calls a service, where botocore's name without hyphens is another.
_BOTOCORE = {
    "sfn": "stepfunctions",
    "eventbridge": "events",
    "cloudwatchlogs": "logs",
    "cloudwatchevents": "events",
    "cognitoidentityprovider": "cognito-idp",
    "configservice": "config",
    "costandusagereport": "cur",
    "costexplorer": "ce",
    "databasemigration": "dms",
    "directory": "ds",
    "elasticloadbalancing": "elb",
    "elasticloadbalancingv2": "elbv2",
    "elasticsearch": "es",
    "iotdataplane": "iot-data",
}
_BUS = {"stepfunctions": "states", "cloudwatch": "monitoring"}
"""Services that the bus knows by another name than botocore."""
_QUERY_PREFIX = "AWS.SimpleQueueService."
_QUERY_CODES = {"NonExistentQueue": "QueueDoesNotExist", "QueueAlreadyExists": "QueueNameExists"}
"""Codes that SQS still answers with from its older protocol, and the shapes that they are."""
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*|[a-z0-9]+")


@dataclass(frozen=True)
class SdkOperation:
    """An operation of a service.

    ``bus_name`` is the service's name on the bus, ``prefix`` what error names begin with
    (``DynamoDb``), ``name`` the operation in PascalCase, ``model`` botocore's.
    """

    bus_name: str
    prefix: str
    name: str
    model: Any

    def to_wire(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """``parameters`` of a state as the SDK takes them.

        Raises StateFault for members that the operation does not have.
        """
        if self.model.input_shape is None:
            return {}
        found: dict[str, Any] = _to_wire(self.model.input_shape, parameters, self.name, 0)
        return found

    def from_wire(self, answer: dict[str, Any], *, times_as_millis: bool = False) -> Any:
        """The SDK's answer as a state sees it."""
        shape = self.model.output_shape
        document = {k: v for k, v in answer.items() if k != "ResponseMetadata"}
        return _from_wire(shape, document, times_as_millis)

    def exception(self, code: str) -> str | None:
        """The SDK's exception for an error code, or None for a code that the model lacks."""
        name = code.removeprefix(_QUERY_PREFIX)
        name = _QUERY_CODES.get(name, name)
        for shape in self.model.service_model.error_shapes:
            if name in {shape.name, shape.error_code, shape.name.removesuffix("Exception")}:
                return f"{shape.name.removesuffix('Exception')}Exception"
        return None


@lru_cache(maxsize=2_000)
def find_operation(service: str, action: str) -> SdkOperation:
    """The operation that ``aws-sdk:<service>:<action>`` names; raises ValueError."""
    botocore_name, model = _service(service)
    name = action[:1].upper() + action[1:]
    if not action[:1].islower():
        raise ValueError(f"the action of an AWS SDK integration is in camelCase: {action}")
    try:
        operation = model.operation_model(name)
    except OperationNotFoundError:
        names = {candidate.lower(): candidate for candidate in model.operation_names}
        if name.lower() not in names:
            raise ValueError(f"aws-sdk:{service} has no action {action}") from None
        operation = model.operation_model(names[name.lower()])
    prefix = "".join(word.capitalize() for word in _WORDS.findall(model.service_id))
    bus_name = _BUS.get(botocore_name, botocore_name)
    return SdkOperation(bus_name, prefix, operation.name, operation)


def _service(name: str) -> tuple[str, Any]:
    """Botocore's name and model of what is ``aws-sdk:<name>``."""
    known = _BOTOCORE.get(name, name)
    try:
        return known, service_model(known)
    except NotSupported:
        for found in service_names():
            if found.replace("-", "") == name:
                return found, service_model(found)
        raise ValueError(f"aws-sdk:{name} is not a service of the AWS SDK") from None


def _to_wire(shape: Any, value: Any, where: str, depth: int) -> Any:
    if depth > NESTING_MAX:
        raise StateFault(RUNTIME, f"the parameter {where} is nested too deeply")
    if value is None:
        return None
    kind = shape.type_name
    if kind == "structure":
        return _structure_to_wire(shape, value, where, depth)
    if kind == "list" and isinstance(value, list):
        return [_to_wire(shape.member, item, where, depth + 1) for item in value]
    if kind == "map" and isinstance(value, dict):
        return {k: _to_wire(shape.value, v, where, depth + 1) for k, v in value.items()}
    if kind == "blob":
        return value.encode() if isinstance(value, str) else dumps(value).encode()
    if kind == "timestamp" and isinstance(value, str):
        at = parse_timestamp(value)
        if at is None:
            raise StateFault(RUNTIME, f"The parameter {where} is not a timestamp: {value}")
        return at
    if kind == "string" and isinstance(value, dict | list):
        # Documented for Input of startExecution and for message bodies.
        return dumps(value)
    if kind in {"list", "map"}:
        raise StateFault(RUNTIME, f"The parameter {where} must be a {kind}: {dumps(value)[:200]}")
    return value


def _structure_to_wire(shape: Any, value: Any, where: str, depth: int) -> Any:
    if getattr(shape, "is_document_type", False):
        return value
    if not isinstance(value, dict):
        raise StateFault(RUNTIME, f"The parameter {where} must be an object: {dumps(value)[:200]}")
    members = _members(shape)
    made: dict[str, Any] = {}
    for key, item in value.items():
        name = members.get(key)
        if name is None:
            raise StateFault(
                RUNTIME, f"The field '{key}' is not supported by {where} (Service: {shape.name})"
            )
        converted = _to_wire(shape.members[name], item, f"{where}/{key}", depth + 1)
        if converted is not None:
            made[name] = converted
    return made


@lru_cache(maxsize=20_000)
def _members_of(name: str, names: tuple[str, ...]) -> dict[str, str]:  # noqa: ARG001 (cache key)
    return {member[:1].upper() + member[1:]: member for member in names}


def _members(shape: Any) -> dict[str, str]:
    return _members_of(shape.name, tuple(shape.members))


def _from_wire(shape: Any, value: Any, times_as_millis: bool) -> Any:
    kind = shape.type_name if shape is not None else ""
    if isinstance(value, dict):
        if kind == "map":
            return {k: _from_wire(shape.value, v, times_as_millis) for k, v in value.items()}
        members = shape.members if kind == "structure" else {}
        return {
            key[:1].upper() + key[1:]: _from_wire(members.get(key), item, times_as_millis)
            for key, item in value.items()
            if item is not None
        }
    if isinstance(value, list | tuple):
        member = shape.member if kind == "list" else None
        return [_from_wire(member, item, times_as_millis) for item in value]
    if isinstance(value, bytes | bytearray):
        return _text(bytes(value))
    if isinstance(value, datetime):
        value, kind = value.timestamp(), "timestamp"
    if kind == "timestamp" and isinstance(value, int | float):
        return round(value * 1000) if times_as_millis else iso(value)
    return value


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return base64.b64encode(data).decode()
