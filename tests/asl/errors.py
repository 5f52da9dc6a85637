"""Retry and Catch, and each error name of the language with what catches it and what does not."""

from __future__ import annotations

from typing import Any

from tests.asl.cases import (
    FUNCTION,
    INVOKE,
    Case,
    Expected,
    Fails,
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
    spec,
    started,
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


def handled(*outcomes: str) -> tuple[Expected, ...]:
    """The events of attempts of which the last one was caught."""
    kinds = ["ExecutionStarted", "TaskStateEntered"]
    for outcome in outcomes:
        kinds += ["TaskScheduled", "TaskStarted", f"Task{outcome}"]
    kinds += ["TaskStateExited", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"]
    return line(*kinds)


def retried(
    name: str,
    feature: str,
    retriers: list[dict[str, Any]],
    answers: Any,
    outcomes: tuple[str, ...],
    seconds: Any,
    cite: str = RETRY,
) -> Case:
    """A task that is tried again; its last answer decides the end."""
    well = outcomes[-1] == "Succeeded"
    return Case(
        name,
        feature,
        cite,
        task(Retry=retriers),
        {},
        {"f": answers},
        status="SUCCEEDED" if well else "FAILED",
        **({"output": {"r": "done"}} if well else {"error": "Boom"}),
        history=attempts(*outcomes),
        lasts=seconds,
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
        history=handled(outcome),
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


BOOM, FAILED, DONE = Fails("Boom"), "Failed", "Succeeded"
RETRIES = [
    retried(
        "retry-defaults",
        "Retry: 3 attempts after 1, 2 and 4 seconds by default",
        [{"ErrorEquals": ["Boom"]}],
        BOOM,
        (FAILED,) * 4,
        7,
    ),
    retried(
        "retry-succeeds",
        "Retry: an attempt that succeeds ends it",
        [{"ErrorEquals": ["States.ALL"]}],
        [BOOM, BOOM, "done"],
        (FAILED, FAILED, DONE),
        3,
    ),
    retried(
        "retry-interval-and-backoff",
        "Retry: IntervalSeconds and BackoffRate",
        [{"ErrorEquals": ["Boom"], "IntervalSeconds": 3, "MaxAttempts": 2, "BackoffRate": 1.5}],
        BOOM,
        (FAILED,) * 3,
        7.5,
    ),
    retried(
        "retry-backoff-of-one",
        "Retry: a BackoffRate of 1 keeps the interval",
        [{"ErrorEquals": ["Boom"], "IntervalSeconds": 2, "BackoffRate": 1}],
        BOOM,
        (FAILED,) * 4,
        6,
    ),
    retried(
        "retry-max-delay",
        "Retry: MaxDelaySeconds",
        [{"ErrorEquals": ["Boom"], "IntervalSeconds": 2, "MaxDelaySeconds": 5, "MaxAttempts": 4}],
        BOOM,
        (FAILED,) * 5,
        16,
    ),
    retried(
        "retry-max-attempts-zero",
        "Retry: MaxAttempts 0 never retries",
        [{"ErrorEquals": ["Boom"], "MaxAttempts": 0}],
        BOOM,
        (FAILED,),
        0,
        f"{RETRY} {SCENARIOS}",
    ),
    retried(
        "retry-jitter-full",
        "Retry: JitterStrategy FULL draws from zero to the delay",
        [{"ErrorEquals": ["Boom"], "IntervalSeconds": 4, "JitterStrategy": "FULL"}],
        BOOM,
        (FAILED,) * 4,
        (0.001, 27.999),
    ),
    retried(
        "retry-jitter-none",
        "Retry: JitterStrategy NONE",
        [{"ErrorEquals": ["Boom"], "JitterStrategy": "NONE"}],
        BOOM,
        (FAILED,) * 4,
        7,
        f"{RETRY} {SCENARIOS}",
    ),
    retried(
        "retry-other-error",
        "Retry: an error that no retrier names is not retried",
        [{"ErrorEquals": ["Bang"]}],
        BOOM,
        (FAILED,),
        0,
    ),
    retried(
        "retry-each-retrier-counts-its-own",
        "Retry: each retrier counts its own attempts",
        [
            {"ErrorEquals": ["Bang"], "IntervalSeconds": 10, "MaxAttempts": 2, "BackoffRate": 2},
            {"ErrorEquals": ["Boom"], "IntervalSeconds": 1, "MaxAttempts": 2, "BackoffRate": 2},
        ],
        [BOOM, Fails("Bang"), BOOM, Fails("Bang"), BOOM],
        (FAILED,) * 5,
        33,
        f"{RETRY} {SCENARIOS}",
    ),
    retried(
        "retry-first-that-names-it",
        "Retry: the first retrier that names the error decides",
        [{"ErrorEquals": ["Boom"], "MaxAttempts": 1}, {"ErrorEquals": ["States.ALL"]}],
        BOOM,
        (FAILED,) * 2,
        1,
    ),
    Case(
        "retry-count-in-the-context",
        "Context object: State.RetryCount counts retries",
        guide("input-output-contextobject"),
        task(
            Parameters={"FunctionName": "f", "Payload.$": "$$.State.RetryCount"},
            Retry=[{"ErrorEquals": ["States.ALL"]}],
        ),
        {},
        {"f": [BOOM, BOOM, lambda event: event]},
        output={"r": 2},
        history=attempts(FAILED, FAILED, DONE),
    ),
    Case(
        "retry-then-catch",
        "Catch follows when the retries are used up",
        CATCH,
        task(Retry=[{"ErrorEquals": ["Boom"], "MaxAttempts": 1}], Catch=catch("Boom")),
        {},
        {"f": BOOM},
        output=Holds(lambda output: output["Error"] == "Boom"),
        history=handled(FAILED, FAILED),
        lasts=1,
    ),
    Case(
        "retry-a-timeout",
        "Retry: timeouts can be retried, each attempt has all the time",
        RETRY,
        task(TimeoutSeconds=4, Retry=[{"ErrorEquals": ["States.Timeout"], "MaxAttempts": 1}]),
        {},
        {"f": [Takes(50), Takes(3, "done")]},
        output={"r": "done"},
        history=attempts("TimedOut", DONE),
        lasts=8,
        races=True,
    ),
    Case(
        "retry-jitter-unknown",
        "Retry: fields are checked at creation",
        RETRY,
        task(Retry=[{"ErrorEquals": ["Boom"], "JitterStrategy": "SOME"}]),
        refused="/States/T/Retry",
    ),
    Case(
        "retry-backoff-below-one",
        "Retry: BackoffRate is 1 or more",
        RETRY,
        task(Retry=[{"ErrorEquals": ["Boom"], "BackoffRate": 0.5}]),
        refused="/States/T/Retry",
    ),
    Case(
        "retry-all-stands-last",
        "States.ALL stands alone and last",
        f"{RETRY} {spec('errors')}",
        task(Retry=[{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["Boom"]}]),
        refused="/States/T/Retry",
    ),
    Case(
        "catch-all-stands-alone",
        "States.ALL stands alone and last",
        f"{CATCH} {spec('errors')}",
        task(Catch=catch("Boom", "States.ALL")),
        refused="/States/T/Catch",
    ),
    Case(
        "pass-cannot-retry",
        "Retry and Catch belong to Task, Parallel and Map",
        spec("state-type-table"),
        one({"Type": "Pass", "Retry": [{"ErrorEquals": ["States.ALL"]}]}),
        refused="/States/S/Retry",
    ),
]
CATCHES = [
    Case(
        "catch-error-output",
        "Catch: the error output is Error and Cause",
        f"{CATCH} {recorded('error_handling/test_task_service_lambda')}",
        task(Catch=catch("Boom")),
        {"in": 1},
        {"f": Fails("Boom", "m")},
        output={"Error": "Boom", "Cause": Fails("Boom", "m").cause()},
        history=handled(FAILED),
    ),
    Case(
        "catch-result-path",
        "Catch: ResultPath adds the error to the raw input",
        CATCH,
        task(InputPath="$.part", Catch=catch("Boom", ResultPath="$.error")),
        {"part": {"a": 1}},
        {"f": Fails("Boom", "m")},
        output={"part": {"a": 1}, "error": {"Error": "Boom", "Cause": Fails("Boom", "m").cause()}},
        history=handled(FAILED),
    ),
    Case(
        "catch-result-path-null",
        "Catch: ResultPath null discards the error",
        CATCH,
        task(Catch=catch("Boom", ResultPath=None)),
        {"in": 1},
        {"f": BOOM},
        output={"in": 1},
        history=handled(FAILED),
    ),
    Case(
        "catch-first-that-names-it",
        "Catch: the first catcher that names the error decides",
        CATCH,
        {
            "StartAt": "T",
            "States": {
                **task(
                    Catch=[
                        {"ErrorEquals": ["Bang"], "Next": "X"},
                        *catch("Boom", ResultPath=None),
                        {"ErrorEquals": ["States.ALL"], "Next": "X"},
                    ]
                )["States"],
                "X": {"Type": "Fail"},
            },
        },
        {"in": 1},
        {"f": BOOM},
        output={"in": 1},
        history=handled(FAILED),
    ),
    Case(
        "catch-output-jsonata",
        "Catch: Output and $states.errorOutput (JSONata)",
        f"{CATCH} {recorded('states_variables/test_error_output')}",
        {
            "QueryLanguage": "JSONata",
            "StartAt": "T",
            "States": {
                "T": {
                    "Type": "Task",
                    "Resource": INVOKE,
                    "Arguments": {"FunctionName": "f"},
                    "Catch": catch(
                        "States.ALL",
                        Output=["{% $states.errorOutput.Error %}", "{% $states.input.k %}"],
                    ),
                    "End": True,
                },
                "H": {"Type": "Pass", "End": True},
            },
        },
        {"k": 7},
        {"f": BOOM},
        output=["Boom", 7],
        history=handled(FAILED),
    ),
    Case(
        "catch-default-output-jsonata",
        "Catch: without Output the error output is the output (JSONata)",
        CATCH,
        {
            "QueryLanguage": "JSONata",
            "StartAt": "T",
            "States": {
                "T": {
                    "Type": "Task",
                    "Resource": INVOKE,
                    "Arguments": {"FunctionName": "f"},
                    "Catch": catch("Boom"),
                    "End": True,
                },
                "H": {"Type": "Pass", "Output": "{% $states.input.Error %}", "End": True},
            },
        },
        {},
        {"f": BOOM},
        output="Boom",
        history=handled(FAILED),
    ),
    Case(
        "catch-next-is-checked",
        "Catch: Next is checked at creation",
        CATCH,
        {"StartAt": "T", "States": {"T": task(Catch=catch("Boom"))["States"]["T"]}},
        refused="/States/T/Catch[0]/Next",
    ),
]
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


CASES = [
    *RETRIES,
    *CATCHES,
    *ERROR_NAMES,
    query_error(),
]
