"""Calls that Task states make over the bus, and how their failures are named."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from emulator.core.bus import Bus, Caller
from emulator.core.clock import Clock
from emulator.core.errors import AwsError, NoReply
from emulator.states.faults import StateFault
from emulator.states.integrations.jobs import Jobs
from emulator.states.integrations.sdk_models import SdkOperation

log = logging.getLogger("emulator.states")


@dataclass(frozen=True)
class V1Client:
    """Names of a client of the SDK for Java v1, which the optimised integrations speak with.

    ``prefix`` begins error names, ``service`` stands in causes, ``base`` is the name of errors
    that the client's model does not have; ``unknown`` are codes that only newer models have.
    """

    prefix: str
    service: str
    base: str
    unknown: frozenset[str] = frozenset()


V1_CLIENTS = {
    "lambda": V1Client("Lambda", "AWSLambda", "AWSLambdaException"),
    "ecs": V1Client("ECS", "AmazonECS", "AmazonECSException"),
    "states": V1Client("StepFunctions", "AWSStepFunctions", "AWSStepFunctionsException"),
    "events": V1Client("EventBridge", "AmazonEventBridge", "AmazonEventBridgeException"),
    "sns": V1Client("SNS", "AmazonSNS", "AmazonSNSException"),
    "sqs": V1Client(
        "SQS", "AmazonSQS", "AmazonSQSException", unknown=frozenset({"MissingParameter"})
    ),
    "dynamodb": V1Client("DynamoDB", "AmazonDynamoDBv2", "AmazonDynamoDBException"),
}


class Background:
    """Calls under way. One whose state has gone on (a timeout) ends by itself, as on AWS."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    async def run(self, call: Coroutine[Any, Any, Any]) -> Any:
        """Await ``call``; a cancelled waiter leaves it running."""
        task = asyncio.get_running_loop().create_task(call)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return await asyncio.shield(task)

    def start(self, call: Coroutine[Any, Any, Any]) -> None:
        """Run ``call`` with nobody waiting for it; a failure is logged."""
        task = asyncio.get_running_loop().create_task(_logged(call))
        self._tasks.add(task)
        task.add_done_callback(self._done)

    async def stop(self) -> None:
        """End all of them."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # marks it as seen: nobody may be waiting any more


async def _logged(call: Coroutine[Any, Any, Any]) -> None:
    try:
        await call
    except Exception:
        log.exception("a call in the background failed")


@dataclass(frozen=True)
class CallContext:
    """What a call needs to know of the execution that makes it."""

    bus: Bus
    clock: Clock
    caller: Caller
    jobs: Jobs
    background: Background

    async def call(self, service: str, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        """Call over the bus; the call survives the state that made it."""
        answer: dict[str, Any] = await self.background.run(
            self.bus.call(service, operation, params, self.caller)
        )
        return answer


async def call_sdk(
    context: CallContext, operation: SdkOperation, params: dict[str, Any]
) -> dict[str, Any]:
    """Call as an AWS SDK integration; failures are named as the SDK for Java v2 does."""
    try:
        return await context.call(operation.bus_name, operation.name, params)
    except AwsError as error:
        name = operation.exception(error.code) or f"{operation.prefix}Exception"
        raise StateFault(
            f"{operation.prefix}.{name}",
            f"{error.message} (Service: {operation.prefix}, Status Code: {error.status}, "
            f"Request ID: {context.caller.request_id}) (SDK Attempt Count: 1)",
        ) from error
    except (StateFault, asyncio.CancelledError):
        raise
    except Exception as error:
        if not isinstance(error, NoReply):
            log.exception("%s.%s broke", operation.bus_name, operation.name)
        raise StateFault(
            f"{operation.prefix}.SdkClientException", f"Unable to execute HTTP request: {error}"
        ) from error


async def call_v1(
    context: CallContext, service: str, operation: SdkOperation, params: dict[str, Any]
) -> dict[str, Any]:
    """Call as an optimised integration; failures are named as the SDK for Java v1 does."""
    client = V1_CLIENTS[service]
    try:
        return await context.call(operation.bus_name, operation.name, params)
    except AwsError as error:
        code = error.code
        modelled = None if code in client.unknown else operation.exception(code)
        name = modelled or client.base
        raise StateFault(
            f"{client.prefix}.{name}",
            f"{error.message} (Service: {client.service}; Status Code: {error.status}; Error "
            f"Code: {code}; Request ID: {context.caller.request_id}; Proxy: null)",
        ) from error
    except (StateFault, asyncio.CancelledError):
        raise
    except Exception as error:
        if not isinstance(error, NoReply):
            log.exception("%s.%s broke", service, operation.name)
        raise StateFault(
            f"{client.prefix}.SdkClientException", f"Unable to execute HTTP request: {error}"
        ) from error


def with_http_metadata(document: dict[str, Any], request_id: str) -> dict[str, Any]:
    """The members that optimised integrations add to an answer."""
    headers = {"x-amzn-RequestId": request_id, "Content-Type": "application/x-amz-json-1.0"}
    return {
        **document,
        "SdkHttpMetadata": {
            "AllHttpHeaders": {name: [value] for name, value in headers.items()},
            "HttpHeaders": headers,
            "HttpStatusCode": 200,
        },
        "SdkResponseMetadata": {"RequestId": request_id},
    }
