"""Tasks that fail, are tried again and are caught: machines and the events they leave."""

from __future__ import annotations

from typing import Any

from tests.asl.cases import (
    INVOKE,
    Expected,
    Fails,
    guide,
    line,
    recorded,
    spec,
)

RETRY = f"{guide('concepts-error-handling')} {spec('retrying-after-error')}"
CATCH = f"{guide('concepts-error-handling')} {spec('fallback-states')}"
NAMES = f"{guide('concepts-error-handling')} {spec('appendix-a')}"
SCENARIOS = recorded("scenarios/test_base_scenarios")
LARGE = "x" * 262_145
TOO_LARGE = "returned a result with a size exceeding the maximum number of bytes service limit."


def task(**fields: Any) -> dict[str, Any]:
    """A machine of the task ``T`` that calls ``f``, and a handler ``H`` for what it catches."""
    state = {
        "Type": "Task",
        "Resource": INVOKE,
        "Parameters": {"FunctionName": "f"},
        "ResultSelector": {"r.$": "$.Payload"},
        "End": True,
        **fields,
    }
    states: dict[str, Any] = {"T": state}
    if "Catch" in fields:
        states["H"] = {"Type": "Pass", "End": True}
    return {"StartAt": "T", "States": states}


def catch(*names: str, **more: Any) -> list[dict[str, Any]]:
    """A Catch of one element that leads to ``H``."""
    return [{"ErrorEquals": list(names), "Next": "H", **more}]


def attempts(*outcomes: str) -> tuple[Expected, ...]:
    """The events of a task's attempts, each ``Failed``, ``TimedOut`` or ``Succeeded``."""
    kinds = ["ExecutionStarted", "TaskStateEntered"]
    for outcome in outcomes:
        kinds += ["TaskScheduled", "TaskStarted", f"Task{outcome}"]
    kinds += (
        ["TaskStateExited", "ExecutionSucceeded"]
        if outcomes[-1] == "Succeeded"
        else ["ExecutionFailed"]
    )
    return line(*kinds)


def handled_task(*outcomes: str) -> tuple[Expected, ...]:
    """The events of attempts of which the last one was caught."""
    kinds = ["ExecutionStarted", "TaskStateEntered"]
    for outcome in outcomes:
        kinds += ["TaskScheduled", "TaskStarted", f"Task{outcome}"]
    kinds += ["TaskStateExited", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"]
    return line(*kinds)


BOOM, FAILED, DONE = Fails("Boom"), "Failed", "Succeeded"
