"""The context object of JSONPath states."""

from __future__ import annotations

from typing import Any

from tests.asl.cases import (
    Case,
    Holds,
    chain,
    guide,
    line,
    one,
    recorded,
)
from tests.asl.data_flow import DATA

CONTEXT = guide("input-output-contextobject")


def context(name: str, feature: str, text: str, output: Any) -> Case:
    return Case(
        name,
        feature,
        CONTEXT,
        one({"Type": "Pass", "InputPath": text}),
        DATA,
        output=output,
        history=line(
            "ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"
        ),
    )


CASES = [
    context(
        "context-execution-input",
        "Context object: Execution.Input",
        "$$.Execution.Input.title",
        "Numbers to add",
    ),
    context(
        "context-execution-start",
        "Context object: Execution.StartTime",
        "$$.Execution.StartTime",
        Holds(lambda text: text.startswith("2026-01-01T00:00:0") and text.endswith("Z")),
    ),
    context("context-execution-name", "Context object: Execution.Name", "$$.Execution.Name", "run"),
    context(
        "context-execution-id",
        "Context object: Execution.Id",
        "$$.Execution.Id",
        "arn:aws:states:us-east-1:000000000000:execution:m:run",
    ),
    context(
        "context-role",
        "Context object: Execution.RoleArn",
        "$$.Execution.RoleArn",
        "arn:aws:iam::000000000000:role/workflow",
    ),
    context(
        "context-redrives", "Context object: Execution.RedriveCount", "$$.Execution.RedriveCount", 0
    ),
    context("context-state", "Context object: State.Name", "$$.State.Name", "S"),
    context(
        "context-state-entered",
        "Context object: State.EnteredTime",
        "$$.State.EnteredTime",
        Holds(lambda text: text.startswith("2026-01-01T00:00:0") and text.endswith("Z")),
    ),
    Case(
        "context-state-without-retries",
        "Context object: no RetryCount in states that cannot be retried",
        f"{CONTEXT} {recorded('context_object/test_context_object')}",
        one({"Type": "Pass", "InputPath": "$$.State"}),
        output=Holds(lambda state: sorted(state) == ["EnteredTime", "Name"]),
        history=line(
            "ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"
        ),
    ),
    context(
        "context-machine",
        "Context object: StateMachine.Id and Name",
        "$$.StateMachine",
        {"Id": "arn:aws:states:us-east-1:000000000000:stateMachine:m", "Name": "m"},
    ),
    Case(
        "context-in-a-later-state",
        "Context object follows the state",
        CONTEXT,
        chain(
            {"Type": "Pass", "Parameters": {"in.$": "$$.State.Name"}},
            {"Type": "Pass", "Parameters": {"was.$": "$.in", "is.$": "$$.State.Name"}},
        ),
        output={"was": "A", "is": "B"},
        history=line(
            "ExecutionStarted",
            "PassStateEntered",
            "PassStateExited",
            "PassStateEntered",
            "PassStateExited",
            "ExecutionSucceeded",
        ),
    ),
]
