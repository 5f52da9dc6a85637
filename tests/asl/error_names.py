"""Each error name of the language, with what catches it and what does not."""

from __future__ import annotations

from typing import Any

from tests.asl.cases import (
    FUNCTION,
    INVOKE,
    Case,
    Expected,
    Holds,
    Including,
    Takes,
    at,
    entered,
    failed,
    guide,
    line,
    one,
    recorded,
    started,
)
from tests.asl.failing_tasks import (
    BOOM,
    DONE,
    LARGE,
    NAMES,
    SCENARIOS,
    TOO_LARGE,
    attempts,
    catch,
    handled_task,
    task,
)


def caught(name: str, feature: str, names: list[str], answer: Any, error: str, **more: Any) -> Case:
    """An error of the task is caught by one of ``names``."""
    fields = more.pop("fields", {})
    outcome = more.pop("outcome", "Failed")
    return Case(
        name,
        feature,
        more.pop("cite", NAMES),
        task(Catch=catch(*names), **fields),
        more.pop("input", {}),
        {"f": answer},
        output=Holds(lambda output: output["Error"] == error),
        history=handled_task(outcome),
        **more,
    )


def uncaught(
    name: str, feature: str, names: list[str], answer: Any, error: str, **more: Any
) -> Case:
    """An error of the task is caught by none of ``names``: the execution fails with it."""
    fields = more.pop("fields", {})
    history = more.pop("history", attempts(more.pop("outcome", "Failed")))
    retry = [{"ErrorEquals": names, "IntervalSeconds": 50}]
    return Case(
        name,
        feature,
        more.pop("cite", NAMES),
        task(Catch=catch(*names), Retry=retry, **fields),
        more.pop("input", {}),
        {"f": answer},
        status="FAILED",
        error=error,
        history=history,
        **more,
    )


DATA_LIMIT_NOTE = (
    "as documented; AWS was recorded in 2024 catching it by States.ALL when a function's result is "
    "too large"
)
HEARTBEAT = {"Resource": f"{INVOKE}.waitForTaskToken", "HeartbeatSeconds": 2} | {
    "Parameters": {"FunctionName": "f", "Payload.$": "$$.Task.Token"},
    "ResultSelector": {"r.$": "$"},
}
SILENT: tuple[Expected, ...] = line(
    "ExecutionStarted",
    "TaskStateEntered",
    "TaskScheduled",
    "TaskStarted",
    "TaskSubmitted",
    "TaskTimedOut",
    "TaskStateExited",
    "PassStateEntered",
    "PassStateExited",
    "ExecutionSucceeded",
)


def silent(name: str, feature: str, by: str) -> Case:
    """A missed heartbeat is caught by ``by``."""
    return Case(
        name,
        feature,
        NAMES,
        task(Catch=catch(by), **HEARTBEAT),
        {},
        {"f": None},
        output={"Error": "States.Timeout", "Cause": ""},
        history=SILENT,
        lasts=2,
    )


ERROR_NAMES = [
    caught(
        "all-catches-errors", "States.ALL catches errors of functions", ["States.ALL"], BOOM, "Boom"
    ),
    caught(
        "task-failed-is-a-wildcard",
        "States.TaskFailed catches every error of a task but timeouts",
        ["States.TaskFailed"],
        BOOM,
        "Boom",
    ),
    caught(
        "all-catches-timeouts",
        "States.ALL catches States.Timeout",
        ["States.ALL"],
        Takes(50),
        "States.Timeout",
        fields={"TimeoutSeconds": 3},
        outcome="TimedOut",
        lasts=3,
    ),
    caught(
        "timeout-by-name",
        "States.Timeout is caught by its name",
        ["States.Timeout"],
        Takes(50),
        "States.Timeout",
        fields={"TimeoutSeconds": 3},
        outcome="TimedOut",
        lasts=3,
    ),
    uncaught(
        "task-failed-is-no-timeout",
        "States.TaskFailed does not catch States.Timeout",
        ["States.TaskFailed"],
        Takes(50),
        "States.Timeout",
        fields={"TimeoutSeconds": 3},
        outcome="TimedOut",
        lasts=3,
    ),
    silent(
        "heartbeat-timeout-by-name",
        "States.HeartbeatTimeout catches silence",
        "States.HeartbeatTimeout",
    ),
    silent("heartbeat-by-timeout", "States.Timeout catches silence", "States.Timeout"),
    uncaught(
        "names-are-case-sensitive",
        "Error names are case-sensitive",
        ["boom"],
        BOOM,
        "Boom",
        lasts=0,
    ),
    caught(
        "intrinsic-failure-by-name",
        "States.IntrinsicFailure",
        ["States.IntrinsicFailure"],
        1,
        "States.IntrinsicFailure",
        fields={"ResultSelector": {"r.$": "States.StringToJson('{')"}},
        outcome="Succeeded",
    ),
    caught(
        "result-path-match-failure-by-name",
        "States.ResultPathMatchFailure",
        ["States.ResultPathMatchFailure"],
        1,
        "States.ResultPathMatchFailure",
        fields={"ResultPath": "$.a.b"},
        outcome="Succeeded",
        input={"a": 3},
    ),
    uncaught(
        "all-does-not-catch-runtime",
        "States.Runtime is not retried or caught by States.ALL",
        ["States.ALL"],
        1,
        "States.Runtime",
        fields={"OutputPath": "$.gone"},
        outcome="Succeeded",
        history=(*attempts("Succeeded")[:-2], (5, "ExecutionFailed")),
        cite=f"{NAMES} {SCENARIOS}",
        lasts=0,
    ),
    uncaught(
        "task-failed-does-not-catch-runtime",
        "States.Runtime is not retried or caught by States.TaskFailed",
        ["States.TaskFailed"],
        1,
        "States.Runtime",
        fields={"OutputPath": "$.gone"},
        outcome="Succeeded",
        history=(*attempts("Succeeded")[:-2], (5, "ExecutionFailed")),
        lasts=0,
    ),
    uncaught(
        "all-does-not-catch-data-limit",
        "States.DataLimitExceeded is not retried or caught by States.ALL",
        ["States.ALL"],
        LARGE,
        "States.DataLimitExceeded",
        cause=f"The state/task 'lambda' {TOO_LARGE}",
        lasts=0,
        note=DATA_LIMIT_NOTE,
    ),
    uncaught(
        "task-failed-does-not-catch-data-limit",
        "States.DataLimitExceeded is not retried or caught by States.TaskFailed",
        ["States.TaskFailed"],
        LARGE,
        "States.DataLimitExceeded",
        lasts=0,
        note=DATA_LIMIT_NOTE,
    ),
    caught(
        "data-limit-by-name",
        "States.DataLimitExceeded is caught by its name",
        ["States.DataLimitExceeded"],
        LARGE,
        "States.DataLimitExceeded",
        cite=f"{NAMES} {recorded('error_handling/test_states_errors')}",
    ),
    Case(
        "data-limit-of-the-function-arn",
        "States.DataLimitExceeded names the resource",
        f"{NAMES} {recorded('error_handling/test_states_errors')}",
        one({"Type": "Task", "Resource": f"{FUNCTION}f"}),
        {},
        {"f": LARGE},
        status="FAILED",
        error="States.DataLimitExceeded",
        cause=f"The state/task '{FUNCTION}f' {TOO_LARGE}",
        history=(
            started({}),
            entered("Task", {}),
            (2, "LambdaFunctionScheduled"),
            (3, "LambdaFunctionStarted"),
            (4, "LambdaFunctionFailed", Including(error="States.DataLimitExceeded")),
            (5, "ExecutionFailed"),
        ),
    ),
    Case(
        "data-limit-of-a-state",
        "States.DataLimitExceeded of a state's output",
        f"{NAMES} {recorded('error_handling/test_states_errors')}",
        one({"Type": "Pass", "Output": "{% $pad('', 262145, 'x') %}"}, "JSONata"),
        {},
        status="FAILED",
        error="States.DataLimitExceeded",
        cause=f"The state/task 'S' {TOO_LARGE}",
        history=(
            started({}),
            entered("Pass", {}),
            failed(2, "States.DataLimitExceeded", f"The state/task 'S' {TOO_LARGE}"),
        ),
    ),
    Case(
        "data-limit-is-256-kib",
        "A payload of exactly 256 KiB is let through",
        guide("service-quotas"),
        one({"Type": "Pass", "Output": "{% $pad('', 262142, 'x') %}"}, "JSONata"),
        {},
        output=Holds(lambda text: len(text) == 262_142),
        history=line(
            "ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"
        ),
    ),
    Case(
        "data-limit-of-parameters",
        "States.DataLimitExceeded of a task's input after Parameters",
        NAMES,
        task(
            Parameters={"FunctionName": "f", "Payload": {"a.$": "$.x", "b.$": "$.x"}},
            Catch=catch("States.ALL"),
        ),
        {"x": "x" * 140_000},
        {"f": 1},
        status="FAILED",
        error="States.DataLimitExceeded",
        history=line("ExecutionStarted", "TaskStateEntered", "ExecutionFailed"),
    ),
    Case(
        "error-names-of-the-language",
        "Retry and Catch take every error name of the language",
        NAMES,
        task(
            Catch=[
                *catch(
                    "States.BranchFailed",
                    "States.DataLimitExceeded",
                    "States.ExceedToleratedFailureThreshold",
                    "States.HeartbeatTimeout",
                    "States.Http.Socket",
                    "States.IntrinsicFailure",
                    "States.ItemReaderFailed",
                    "States.NoChoiceMatched",
                    "States.ParameterPathFailure",
                    "States.Permissions",
                    "States.QueryEvaluationError",
                    "States.ResultPathMatchFailure",
                    "States.ResultWriterFailed",
                    "States.Runtime",
                    "States.TaskFailed",
                    "States.Timeout",
                ),
                *catch("States.ALL"),
            ]
        ),
        {},
        {"f": "done"},
        output={"r": "done"},
        history=attempts(DONE),
    ),
]


def query_error() -> Case:
    """A task of JSONata whose Output cannot be evaluated."""
    cause = at(
        "T",
        2,
        "The JSONata expression '$states.result.gone' specified for the field 'Output' returned "
        "nothing (undefined).",
    )
    return Case(
        "query-evaluation-error-by-name",
        "States.QueryEvaluationError is caught by its name",
        f"{NAMES} {guide('transforming-data')}",
        {
            "QueryLanguage": "JSONata",
            "StartAt": "T",
            "States": {
                "T": {
                    "Type": "Task",
                    "Resource": INVOKE,
                    "Arguments": {"FunctionName": "f"},
                    "Output": "{% $states.result.gone %}",
                    "Catch": catch("States.QueryEvaluationError"),
                    "End": True,
                },
                "H": {"Type": "Pass", "End": True},
            },
        },
        {},
        {"f": 1},
        output={"Error": "States.QueryEvaluationError", "Cause": cause},
        history=line(
            "ExecutionStarted",
            "TaskStateEntered",
            "TaskScheduled",
            "TaskStarted",
            "TaskSucceeded",
            "EvaluationFailed",
            "TaskStateExited",
            "PassStateEntered",
            "PassStateExited",
            "ExecutionSucceeded",
        ),
    )


CASES = [*ERROR_NAMES, query_error()]
