"""Where the end of an asynchronous invocation is told: destinations and dead-letter queues.

Sources: AWS's pages "Capturing records of Lambda asynchronous invocations" and "Adding a
dead-letter queue".
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from emulator.core import ids
from emulator.core.bus import Bus, Caller
from emulator.core.clock import iso
from emulator.core.errors import NotSupported
from emulator.functions.definition import Found
from emulator.functions.outcome import Outcome

ERROR_MESSAGE_BYTES_MAX = 1024
"""Of a dead letter's ErrorMessage attribute."""


@dataclass(frozen=True)
class End:
    """How an event ended: ``result`` is None when it never ran, ``runs`` how often it did."""

    condition: str
    runs: int
    result: Outcome | None
    at: float


def record(found: Found, request_id: str, payload: bytes, end: End) -> dict[str, Any]:
    """The record that a destination gets."""
    told: dict[str, Any] = {
        "version": "1.0",
        "timestamp": iso(end.at),
        "requestContext": {
            "requestId": request_id,
            "functionArn": found.arn_of_version,
            "condition": end.condition,
            "approximateInvokeCount": end.runs,
        },
        "requestPayload": json.loads(payload),
    }
    if end.result is not None:
        context: dict[str, Any] = {
            "statusCode": 200,
            "executedVersion": found.function.version,
        }
        if end.result.function_error:
            context["functionError"] = end.result.function_error
        told["responseContext"] = context
        told["responsePayload"] = _json(end.result.payload)
    return told


async def tell(  # noqa: PLR0917 (the same as bury)
    bus: Bus,
    destination: str,
    found: Found,
    request_id: str,
    payload: bytes,
    end: End,
    caller: Caller,
) -> None:
    """Send the record of an event's end.

    Raises AwsError as the destination answers, NotSupported for other kinds.
    """
    told = record(found, request_id, payload, end)
    service = destination.split(":")[2]
    body = json.dumps(told)
    if service == "lambda":
        call = {"FunctionName": destination, "InvocationType": "Event", "Payload": body.encode()}
        await bus.call("lambda", "Invoke", call, caller)
    elif service == "sns":
        await bus.call("sns", "Publish", {"TopicArn": destination, "Message": body}, caller)
    elif service == "sqs":
        await _to_queue(bus, destination, {"MessageBody": body}, caller)
    elif service == "events":
        ending = "Success" if end.condition == "Success" else "Failure"
        entry = {
            "Source": "lambda",
            "DetailType": f"Lambda Function Invocation Result - {ending}",
            "Resources": [destination, found.arn_of_version],
            "Detail": body,
            "EventBusName": destination,
        }
        await bus.call("events", "PutEvents", {"Entries": [entry]}, caller)
    elif service == "s3":
        moment = datetime.fromtimestamp(end.at, UTC)
        key = (
            f"aws/lambda/async/{found.function.name}/{moment:%Y/%m/%d}/"
            f"{moment:%Y-%m-%dT%H.%M.%S}-{ids.request_id()}"
        )
        put = {"Bucket": destination.rpartition(":")[2], "Key": key, "Body": body.encode()}
        await bus.call("s3", "PutObject", put, caller)
    else:
        raise NotSupported(f"the Lambda destination {destination}")


async def bury(  # noqa: PLR0917 (the same as tell)
    bus: Bus,
    target: str,
    found: Found,  # noqa: ARG001 (a dead letter does not name the function)
    request_id: str,
    payload: bytes,
    end: End,
    caller: Caller,
) -> None:
    """Send the event itself to a dead-letter queue or topic, with the reason in its attributes.

    Raises AwsError as the target answers, NotSupported for other kinds.
    """
    status, message = _reason(end)
    attributes = {
        "RequestID": {"DataType": "String", "StringValue": request_id},
        "ErrorCode": {"DataType": "Number", "StringValue": str(status)},
        "ErrorMessage": {"DataType": "String", "StringValue": message},
    }
    service = target.split(":")[2]
    body = payload.decode()
    if service == "sqs":
        letter = {"MessageBody": body, "MessageAttributes": attributes}
        await _to_queue(bus, target, letter, caller)
    elif service == "sns":
        call = {"TopicArn": target, "Message": body, "MessageAttributes": attributes}
        await bus.call("sns", "Publish", call, caller)
    else:
        raise NotSupported(f"the dead-letter target {target}")


async def _to_queue(bus: Bus, queue: str, message: dict[str, Any], caller: Caller) -> None:
    account, name = queue.split(":")[4:6]
    asked = {"QueueName": name, "QueueOwnerAWSAccountId": account}
    found = await bus.call("sqs", "GetQueueUrl", asked, caller)
    await bus.call("sqs", "SendMessage", {"QueueUrl": found["QueueUrl"], **message}, caller)


def _reason(end: End) -> tuple[int, str]:
    if end.result is None:
        return 429, "Rate Exceeded."
    told = _json(end.result.payload)
    message = str(told.get("errorMessage", "")) if isinstance(told, dict) else ""
    cut = message.encode()[:ERROR_MESSAGE_BYTES_MAX].decode("utf-8", "ignore")
    return 200, cut or "The function failed."


def _json(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except ValueError:
        return payload.decode("utf-8", "replace")
