"""How each kind of resource is called: submit, wait for the job (``.sync``), stop it."""

from __future__ import annotations

import json
from typing import Any, Protocol

from emulator.states.documents import dumps, loads
from emulator.states.faults import RUNTIME, StateFault
from emulator.states.integrations.calls import (
    CallContext,
    call_sdk,
    call_v1,
    with_http_metadata,
)
from emulator.states.integrations.ecs_tasks import EcsHandler
from emulator.states.integrations.executions import ExecutionHandler
from emulator.states.integrations.resources import Resource
from emulator.states.integrations.sdk_models import SdkOperation, find_operation


class Handler(Protocol):
    """A way to call a resource."""

    def complete(self, resource: Resource, parameters: Any, /) -> Any:
        """``parameters`` with what Step Functions adds to them, as the history shows them."""

    async def submit(self, context: CallContext, resource: Resource, parameters: Any, /) -> Any:
        """Make the request; gives the answer as a document, raises StateFault."""

    async def finish(self, context: CallContext, resource: Resource, submitted: Any, /) -> Any:
        """Wait for the job that ``submit`` started; gives its result, raises StateFault."""

    async def stop(self, context: CallContext, submitted: Any, reason: str, /) -> None:
        """Stop the job, because nobody waits for it any more."""


class _Plain:
    """Base of the handlers without jobs."""

    def complete(self, _resource: Resource, parameters: Any) -> Any:
        """Nothing is added."""
        return parameters

    async def finish(self, _context: CallContext, resource: Resource, _submitted: Any) -> Any:
        raise StateFault(RUNTIME, f"{resource.text} has no job to wait for")

    async def stop(self, context: CallContext, submitted: Any, reason: str) -> None:
        """Nothing runs on."""


class FunctionHandler(_Plain):
    """A function's ARN as the resource: its input is the state's, its answer the result."""

    async def submit(self, context: CallContext, resource: Resource, parameters: Any) -> Any:
        """Invoke the function, and wait for its answer."""
        operation = find_operation("lambda", "invoke")
        params = {
            "FunctionName": resource.text,
            "InvocationType": "RequestResponse",
            "Payload": dumps(parameters).encode(),
        }
        answer = await call_v1(context, "lambda", operation, params)
        payload = bytes(answer.get("Payload") or b"null")
        if answer.get("FunctionError"):
            raise _function_fault(payload.decode("utf-8", "replace"))
        return _parsed(payload)


class LambdaHandler(_Plain):
    """``lambda:invoke``: the payload comes back parsed."""

    async def submit(self, context: CallContext, resource: Resource, parameters: Any) -> Any:
        """Invoke the function with ``Payload``."""
        operation = _operation(resource)
        given = dict(_object(parameters, resource))
        payload = given.pop("Payload", {})
        params = operation.to_wire(given)
        params.setdefault("InvocationType", "RequestResponse")
        params["Payload"] = dumps(payload).encode()
        answer = await call_v1(context, "lambda", operation, params)
        text = bytes(answer.get("Payload") or b"")
        if answer.get("FunctionError"):
            raise _function_fault(_compact(text))
        result = {"ExecutedVersion": answer.get("ExecutedVersion", "$LATEST")}
        if params["InvocationType"] == "RequestResponse" or text:
            result["Payload"] = _parsed(text or b"null")
        status = {"StatusCode": answer.get("StatusCode", 200)}
        return {**with_http_metadata(result, context.caller.request_id), **status}


class V1Handler(_Plain):
    """The other optimised integrations: one call, its answer with HTTP metadata."""

    async def submit(self, context: CallContext, resource: Resource, parameters: Any) -> Any:
        """Call the operation."""
        operation = _operation(resource)
        params = operation.to_wire(_object(parameters, resource))
        answer = await call_v1(context, resource.resource_type, operation, params)
        document = operation.from_wire(answer, times_as_millis=True)
        if resource.resource_type == "events" and document.get("FailedEntryCount"):
            raise StateFault("EventBridge.FailedEntry", dumps(document))
        return with_http_metadata(document, context.caller.request_id)


class SdkHandler(_Plain):
    """``aws-sdk:<service>:<action>``."""

    async def submit(self, context: CallContext, resource: Resource, parameters: Any) -> Any:
        """Call the operation."""
        operation = _operation(resource)
        params = operation.to_wire(_object(parameters, resource))
        return operation.from_wire(await call_sdk(context, operation, params))


_OPTIMISED: dict[str, Handler] = {
    "lambda": LambdaHandler(),
    "ecs": EcsHandler(),
    "states": ExecutionHandler(),
}
_FUNCTION: Handler = FunctionHandler()
_SDK: Handler = SdkHandler()
_V1: Handler = V1Handler()


def handler_of(resource: Resource) -> Handler:
    """The handler of a resource."""
    if resource.kind == "function":
        return _FUNCTION
    if resource.kind == "sdk":
        return _SDK
    return _OPTIMISED.get(resource.resource_type, _V1)


def _operation(resource: Resource) -> SdkOperation:
    if resource.operation is None:
        raise StateFault(RUNTIME, f"{resource.text} names no operation")
    return resource.operation


def _object(parameters: Any, resource: Resource) -> dict[str, Any]:
    if not isinstance(parameters, dict):
        raise StateFault(RUNTIME, f"The parameters of {resource.text} must be an object")
    return parameters


def _function_fault(text: str) -> StateFault:
    try:
        error = loads(text).get("errorType")
    except (ValueError, AttributeError):
        error = None
    return StateFault(error if isinstance(error, str) and error else "Lambda.Unknown", text)


def _parsed(payload: bytes) -> Any:
    text = payload.decode("utf-8", "replace")
    try:
        return loads(text)
    except ValueError:
        return text


def _compact(payload: bytes) -> str:
    text = payload.decode("utf-8", "replace")
    try:
        return dumps(loads(text))
    except (ValueError, json.JSONDecodeError):
        return text
