"""Where the end of an asynchronous invocation is told, when the function has destinations.

Source: AWS's page "Capturing records of Lambda asynchronous invocations".
"""

from __future__ import annotations

import json
from typing import Any

from emulator.core.bus import Bus, Caller
from emulator.core.clock import iso
from emulator.core.errors import NotSupported
from emulator.functions.definition import Found
from emulator.functions.outcome import Outcome


def record(
    found: Found,
    request_id: str,
    payload: bytes,
    result: Outcome | None,
    *,
    condition: str,
    attempts: int,
    at: float,
) -> dict[str, Any]:
    """The record that a destination gets; ``result`` is None when the event never ran."""
    version = found.function.version
    told: dict[str, Any] = {
        "version": "1.0",
        "timestamp": iso(at),
        "requestContext": {
            "requestId": request_id,
            "functionArn": f"{found.arn}:{version}",
            "condition": condition,
            "approximateInvokeCount": attempts,
        },
        "requestPayload": json.loads(payload),
    }
    if result is not None:
        context: dict[str, Any] = {"statusCode": 200, "executedVersion": version}
        if result.function_error:
            context["functionError"] = result.function_error
        told["responseContext"] = context
        told["responsePayload"] = _json(result.payload)
    return told


async def tell(bus: Bus, destination: str, told: dict[str, Any], caller: Caller) -> None:
    """Send a record; raises AwsError as the destination answers, NotSupported for other kinds."""
    service = destination.split(":")[2]
    body = json.dumps(told)
    if service == "lambda":
        call = {
            "FunctionName": destination,
            "InvocationType": "Event",
            "Payload": body.encode(),
        }
        await bus.call("lambda", "Invoke", call, caller)
    elif service == "sns":
        await bus.call("sns", "Publish", {"TopicArn": destination, "Message": body}, caller)
    elif service == "events":
        context = told["requestContext"]
        entry = {
            "Source": "lambda",
            "DetailType": f"Lambda Function Invocation Result - {_ending(context['condition'])}",
            "Resources": [destination, context["functionArn"]],
            "Detail": body,
            "EventBusName": destination,
        }
        await bus.call("events", "PutEvents", {"Entries": [entry]}, caller)
    else:
        raise NotSupported(f"the Lambda destination {destination}")


def _ending(condition: str) -> str:
    return "Success" if condition == "Success" else "Failure"


def _json(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except ValueError:
        return payload.decode("utf-8", "replace")
