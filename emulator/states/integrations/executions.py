"""``states:startExecution``: start another workflow; ``.sync`` and ``.sync:2`` wait for its end.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
"""

from __future__ import annotations

from typing import Any

from emulator.states.documents import dumps, loads
from emulator.states.faults import RUNTIME, TASK_FAILED, StateFault
from emulator.states.integrations.calls import CallContext, call_v1, with_http_metadata
from emulator.states.integrations.resources import Resource
from emulator.states.integrations.sdk_models import find_operation


class ExecutionHandler:
    """Runs another workflow."""

    def complete(self, _resource: Resource, parameters: Any) -> Any:
        """Nothing is added."""
        return parameters

    async def submit(self, context: CallContext, resource: Resource, parameters: Any) -> Any:
        """StartExecution."""
        operation = resource.operation
        if operation is None or not isinstance(parameters, dict):
            raise StateFault(RUNTIME, f"The parameters of {resource.text} must be an object")
        answer = await call_v1(context, "states", operation, operation.to_wire(parameters))
        document = operation.from_wire(answer, times_as_millis=True)
        return with_http_metadata(document, context.caller.request_id)

    async def finish(self, context: CallContext, resource: Resource, submitted: Any) -> Any:
        """Wait for the end; ``.sync:2`` gives input and output as JSON instead of text."""
        arn = submitted["ExecutionArn"]
        describe = find_operation("sfn", "describeExecution")

        async def poll() -> dict[str, Any] | None:
            answer = await call_v1(context, "states", describe, {"executionArn": arn})
            document = describe.from_wire(answer, times_as_millis=True)
            return None if document["Status"] == "RUNNING" else _without_redrive(document)

        document = await context.jobs.wait(arn, poll)
        if document["Status"] != "SUCCEEDED":
            raise StateFault(TASK_FAILED, dumps(document))
        if resource.parsed_output:
            for name in ("Input", "Output"):
                if name in document:
                    document[name] = loads(document[name])
        return document

    async def stop(self, context: CallContext, submitted: Any, reason: str) -> None:
        """StopExecution."""
        params = {"executionArn": submitted["ExecutionArn"], "cause": reason}
        await context.call("states", "StopExecution", params)


def _without_redrive(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if not key.startswith("Redrive")}
