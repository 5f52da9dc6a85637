"""``ecs:runTask``: start a task; ``.sync`` also waits until it stopped.

When the execution ends before the task does, the task is stopped.
AWS documents that a task whose containers exit with another code than 0, or that never starts,
fails the state with States.TaskFailed and the task's description as the cause. A RunTask that
answers with ``failures`` is AmazonECS.Unknown for who waits, and a plain answer for who does not:
https://docs.aws.amazon.com/step-functions/latest/dg/connect-ecs.html
"""

from __future__ import annotations

from typing import Any

from emulator.states.documents import dumps
from emulator.states.faults import RUNTIME, TASK_FAILED, StateFault
from emulator.states.integrations.calls import CallContext, call_v1, with_http_metadata
from emulator.states.integrations.resources import REQUEST, Resource
from emulator.states.integrations.sdk_models import find_operation

STARTED_BY = "AWS Step Functions"


class EcsHandler:
    """Runs a task of ECS."""

    def complete(self, resource: Resource, parameters: Any) -> Any:
        """Tasks that are waited for say who started them."""
        if resource.mode == REQUEST or not isinstance(parameters, dict):
            return parameters
        return {"StartedBy": STARTED_BY, **parameters}

    async def submit(self, context: CallContext, resource: Resource, parameters: Any) -> Any:
        """RunTask."""
        operation = resource.operation
        if operation is None or not isinstance(parameters, dict):
            raise StateFault(RUNTIME, f"The parameters of {resource.text} must be an object")
        answer = await call_v1(context, "ecs", operation, operation.to_wire(parameters))
        document = operation.from_wire(answer, times_as_millis=True)
        if resource.mode != REQUEST and (document.get("Failures") or not document.get("Tasks")):
            raise StateFault("AmazonECS.Unknown", dumps(document))
        return with_http_metadata(document, context.caller.request_id)

    async def finish(self, context: CallContext, _resource: Resource, submitted: Any) -> Any:
        """Wait for STOPPED; a failure when a container did not exit with 0."""
        started: dict[str, Any] = submitted["Tasks"][0]
        describe = find_operation("ecs", "describeTasks")
        params = _names(started)

        async def poll() -> dict[str, Any] | None:
            answer = await call_v1(context, "ecs", describe, params)
            document = describe.from_wire(answer, times_as_millis=True)
            tasks: list[dict[str, Any]] = document.get("Tasks", [])
            if not tasks:
                # ECS forgets a stopped task after an hour: what it was like is not known any more.
                return started
            return tasks[0] if tasks[0].get("LastStatus") == "STOPPED" else None

        task = await context.jobs.wait(started["TaskArn"], poll)
        containers = task.get("Containers", [])
        if not containers or any(container.get("ExitCode") != 0 for container in containers):
            raise StateFault(TASK_FAILED, dumps(task))
        return task

    async def stop(self, context: CallContext, submitted: Any, reason: str) -> None:
        """StopTask."""
        names = _names(submitted["Tasks"][0])
        params = {"task": names["tasks"][0], "reason": reason}
        if "cluster" in names:
            params["cluster"] = names["cluster"]
        await context.call("ecs", "StopTask", params)


def _names(task: dict[str, Any]) -> dict[str, Any]:
    names: dict[str, Any] = {"tasks": [task["TaskArn"]]}
    if task.get("ClusterArn"):
        names["cluster"] = task["ClusterArn"]
    return names
