"""Task: calls, callbacks, heartbeats and timeouts, with the events they leave."""

from __future__ import annotations

from typing import Any

from tests.asl.cases import (
    FUNCTION,
    INVOKE,
    INVOKE_AND_WAIT,
    WHOLE,
    CallsBack,
    Case,
    Fails,
    Holds,
    Including,
    Takes,
    compact,
    entered,
    exited,
    failed,
    guide,
    line,
    one,
    recorded,
    spec,
    started,
    succeeded,
)

TASK = f"{guide('state-task')} {spec('task-state')}"
LAMBDA = f"{guide('connect-lambda')} {recorded('services/test_lambda_task_service')}"
CALLBACK = f"{guide('connect-to-resource')} {recorded('callback/test_callback')}"
TIMEOUTS = f"{guide('state-task concepts-error-handling')} {recorded('timeouts/test_timeouts')}"
HEARTBEATS = f"{guide('state-task concepts-error-handling')} {recorded('timeouts/test_heartbeats')}"
NAMES = {"resource": "invoke", "resourceType": "lambda"}
WAITS = {"resource": "invoke.waitForTaskToken", "resourceType": "lambda"}
SLOW = Takes(1000, "late")

CALLED = line(
    "ExecutionStarted",
    "TaskStateEntered",
    "TaskScheduled",
    "TaskStarted",
    "TaskSucceeded",
    "TaskStateExited",
    "ExecutionSucceeded",
)
CALLED_BACK = line(
    "ExecutionStarted",
    "TaskStateEntered",
    "TaskScheduled",
    "TaskStarted",
    "TaskSubmitted",
    "TaskSucceeded",
    "TaskStateExited",
    "ExecutionSucceeded",
)


def invoke(**fields: Any) -> dict[str, Any]:
    """A Task state (JSONPath) that calls the function ``f``."""
    return {
        "Type": "Task",
        "Resource": INVOKE,
        "Parameters": {"FunctionName": "f", "Payload.$": "$"},
        **fields,
    }


def wait(language: str | None = None, **fields: Any) -> dict[str, Any]:
    """A Task state that gives the function ``f`` its token and waits for it."""
    token: dict[str, Any] = {"FunctionName": "f", "Payload.$": "$$.Task.Token"}
    if language == "JSONata":
        token = {"FunctionName": "f", "Payload": "{% $states.context.Task.Token %}"}
    name = "Arguments" if language == "JSONata" else "Parameters"
    return {"Type": "Task", "Resource": INVOKE_AND_WAIT, name: token, **fields}


def timed_out(
    name: str,
    feature: str,
    cite: str,
    state: dict[str, Any],
    seconds: float,
    scheduled: Including,
    answer: Any = SLOW,
    language: str | None = None,
) -> Case:
    """The state's time is up: the execution FAILED with States.Timeout and without a cause."""
    waits = state["Resource"] == INVOKE_AND_WAIT
    names = WAITS if waits else NAMES
    submitted = [(4, "TaskSubmitted")] if waits else []
    last = 4 + len(submitted)
    history = (
        started({"s": 3}),
        entered("Task", {"s": 3}),
        (2, "TaskScheduled", scheduled),
        (3, "TaskStarted", names),
        *submitted,
        (last, "TaskTimedOut", {"error": "States.Timeout", **names}),
        failed(last + 1, "States.Timeout"),
    )
    return Case(
        name,
        feature,
        cite,
        one(state, language),
        {"s": 3},
        {"f": answer},
        status="FAILED",
        error="States.Timeout",
        cause=None,
        history=history,
        lasts=seconds,
        races=isinstance(answer, CallsBack),
    )


def called_back(
    name: str, feature: str, state: dict[str, Any], answer: CallsBack, **more: Any
) -> Case:
    """The state waits and gets what the function's callback gives."""
    return Case(name, feature, CALLBACK, one(state), {}, {"f": answer}, **more)


def refused(name: str, feature: str, state: dict[str, Any], reason: str, **more: Any) -> Case:
    """The state is not accepted."""
    return Case(name, feature, TASK, one(state), refused=reason, **more)


PARAMETERS = {"FunctionName": "f", "Payload": {"a": 1}}
CALLS = [
    Case(
        "task-invoke",
        "Task: lambda:invoke, its events and their details",
        f"{TASK} {LAMBDA}",
        one(invoke(ResultSelector={"r.$": "$.Payload"})),
        {"a": 1},
        {"f": lambda event: [event]},
        output={"r": [{"a": 1}]},
        history=(
            started({"a": 1}),
            entered("Task", {"a": 1}),
            (
                2,
                "TaskScheduled",
                {"parameters": compact(PARAMETERS), "region": "us-east-1", **NAMES},
            ),
            (3, "TaskStarted", NAMES),
            (4, "TaskSucceeded", Including(outputDetails=WHOLE, **NAMES)),
            exited("Task", {"r": [{"a": 1}]}, previous=5),
            succeeded({"r": [{"a": 1}]}, 6),
        ),
    ),
    Case(
        "task-invoke-result",
        "Task: lambda:invoke answers with Payload, StatusCode and ExecutedVersion",
        LAMBDA,
        one(invoke()),
        {},
        {"f": {"ok": True}},
        output=Holds(
            lambda result: (
                (result["Payload"], result["StatusCode"], result["ExecutedVersion"])
                == ({"ok": True}, 200, "$LATEST")
            )
        ),
        history=CALLED,
    ),
    Case(
        "task-function-arn",
        "Task: a function's ARN as the Resource",
        f"{TASK} {recorded('services/test_lambda_task')}",
        one({"Type": "Task", "Resource": f"{FUNCTION}f"}),
        {"a": 1},
        {"f": lambda event: {"got": event}},
        output={"got": {"a": 1}},
        history=(
            started({"a": 1}),
            entered("Task", {"a": 1}),
            (
                2,
                "LambdaFunctionScheduled",
                {"input": '{"a":1}', "inputDetails": WHOLE, "resource": f"{FUNCTION}f"},
            ),
            (3, "LambdaFunctionStarted", None),
            (
                4,
                "LambdaFunctionSucceeded",
                {"output": '{"got":{"a":1}}', "outputDetails": WHOLE},
            ),
            exited("Task", {"got": {"a": 1}}, previous=5),
            succeeded({"got": {"a": 1}}, 6),
        ),
    ),
    Case(
        "task-function-arn-fails",
        "Task: a function's error is the state's",
        f"{TASK} {recorded('error_handling/test_task_lambda')}",
        one({"Type": "Task", "Resource": f"{FUNCTION}f"}),
        {},
        {"f": Fails("CustomError", "no")},
        status="FAILED",
        error="CustomError",
        history=(
            started({}),
            entered("Task", {}),
            (2, "LambdaFunctionScheduled"),
            (3, "LambdaFunctionStarted"),
            (4, "LambdaFunctionFailed", Including(error="CustomError")),
            (5, "ExecutionFailed", Including(error="CustomError")),
        ),
    ),
    Case(
        "task-invoke-fails",
        "Task: the events of a call that fails",
        f"{TASK} {recorded('error_handling/test_task_service_lambda')}",
        one(invoke()),
        {},
        {"f": Fails("Boom")},
        status="FAILED",
        error="Boom",
        history=(
            started({}),
            entered("Task", {}),
            (2, "TaskScheduled"),
            (3, "TaskStarted"),
            (4, "TaskFailed", {"error": "Boom", "cause": Fails("Boom").cause(), **NAMES}),
            failed(5, "Boom", Fails("Boom").cause()),
        ),
    ),
    Case(
        "task-jsonata-arguments",
        "Task: Arguments and Output (JSONata)",
        f"{TASK} {guide('transforming-data')}",
        one(
            {
                "Type": "Task",
                "Resource": INVOKE,
                "Arguments": {
                    "FunctionName": "f",
                    "Payload": {"twice": "{% $states.input.n * 2 %}"},
                },
                "Output": "{% $states.result.Payload + $states.input.n %}",
            },
            "JSONata",
        ),
        {"n": 4},
        {"f": lambda event: event["twice"]},
        output=12,
        history=CALLED,
    ),
    Case(
        "task-takes-its-time",
        "Task: a call lasts as long as its service takes",
        TASK,
        one(invoke()),
        {},
        {"f": Takes(7, "done")},
        output=Holds(lambda result: result["Payload"] == "done"),
        history=CALLED,
        lasts=7,
    ),
    refused("task-needs-a-resource", "Task: Resource is required", {"Type": "Task"}, "/States/S"),
    refused(
        "task-resource-is-checked",
        "Task: the Resource is checked at creation",
        {"Type": "Task", "Resource": "invoke f"},
        "/States/S/Resource",
    ),
    refused(
        "task-activity",
        "Task: activities",
        {"Type": "Task", "Resource": "arn:aws:states:us-east-1:000000000000:activity:a"},
        "/States/S/Resource",
        verdict="refused",
        note="a Resource that is an activity is refused at creation",
    ),
    refused(
        "task-credentials",
        "Task: Credentials",
        {**invoke(), "Credentials": {"RoleArn": "arn:aws:iam::111122223333:role/r"}},
        "/States/S/Credentials",
        verdict="refused",
        note="there is one account",
    ),
]
CALLBACKS = [
    called_back(
        "callback-success",
        "Callback: SendTaskSuccess gives the result",
        wait(),
        CallsBack(after=5, output='{"done":[1]}'),
        output={"done": [1]},
        lasts=5,
        history=(
            started({}),
            entered("Task", {}),
            (2, "TaskScheduled", Including(region="us-east-1", **WAITS)),
            (3, "TaskStarted", WAITS),
            (4, "TaskSubmitted", Including(outputDetails=WHOLE, **WAITS)),
            (5, "TaskSucceeded", {"output": '{"done":[1]}', "outputDetails": WHOLE, **WAITS}),
            exited("Task", {"done": [1]}, previous=6),
            succeeded({"done": [1]}, 7),
        ),
    ),
    called_back(
        "callback-failure",
        "Callback: SendTaskFailure gives error and cause",
        wait(),
        CallsBack(after=5, error="Mine", cause="because"),
        status="FAILED",
        error="Mine",
        cause="because",
        lasts=5,
        history=(
            started({}),
            entered("Task", {}),
            (2, "TaskScheduled"),
            (3, "TaskStarted"),
            (4, "TaskSubmitted"),
            (5, "TaskFailed", {"error": "Mine", "cause": "because", **WAITS}),
            failed(6, "Mine", "because"),
        ),
    ),
    called_back(
        "callback-heartbeats",
        "Callback: SendTaskHeartbeat keeps the task alive",
        wait(HeartbeatSeconds=4),
        CallsBack(after=8, output='"alive"', beats=(3, 6)),
        output="alive",
        lasts=8,
        races=True,
        history=CALLED_BACK,
    ),
    Case(
        "callback-jsonata",
        "Callback: the token in $states.context (JSONata)",
        CALLBACK,
        one(wait("JSONata"), "JSONata"),
        {},
        {"f": CallsBack(after=1, output="[null]")},
        output=[None],
        history=CALLED_BACK,
        lasts=1,
    ),
    Case(
        "callback-retry-has-a-new-token",
        "Callback: each attempt has a token of its own",
        CALLBACK,
        one({**wait(HeartbeatSeconds=2), "Retry": [{"ErrorEquals": ["States.HeartbeatTimeout"]}]}),
        {},
        {"f": [CallsBack(after=2.5, output='"too late"'), CallsBack(after=1, output='"in time"')]},
        output="in time",
        history=(
            *CALLED_BACK[:5],
            (5, "TaskTimedOut"),
            (6, "TaskScheduled"),
            (7, "TaskStarted"),
            (8, "TaskSubmitted"),
            (9, "TaskSucceeded"),
            (10, "TaskStateExited"),
            (11, "ExecutionSucceeded"),
        ),
        lasts=4,
        races=True,
    ),
    Case(
        "call-pattern-is-checked",
        "Task: the call pattern is checked at creation",
        CALLBACK,
        one({"Type": "Task", "Resource": f"{INVOKE}.sync"}),
        refused="/States/S/Resource",
    ),
]
TIMES = [
    timed_out(
        "timeout-seconds",
        "TimeoutSeconds of a state: States.Timeout",
        TIMEOUTS,
        invoke(TimeoutSeconds=3),
        3,
        Including(timeoutInSeconds=3),
    ),
    timed_out(
        "timeout-seconds-path",
        "TimeoutSecondsPath",
        TIMEOUTS,
        invoke(TimeoutSecondsPath="$.s"),
        3,
        Including(timeoutInSeconds=3),
    ),
    timed_out(
        "timeout-seconds-jsonata",
        "TimeoutSeconds (JSONata)",
        f"{TIMEOUTS} {guide('transforming-data')}",
        {
            "Type": "Task",
            "Resource": INVOKE,
            "Arguments": {"FunctionName": "f"},
            "TimeoutSeconds": "{% $states.input.s + 1 %}",
        },
        4,
        Including(timeoutInSeconds=4),
        language="JSONata",
    ),
    timed_out(
        "heartbeat-seconds",
        "HeartbeatSeconds: silence is recorded as States.Timeout",
        HEARTBEATS,
        wait(HeartbeatSeconds=3, TimeoutSeconds=600),
        3,
        Including(heartbeatInSeconds=3, timeoutInSeconds=600),
        CallsBack(),
    ),
    timed_out(
        "heartbeat-seconds-path",
        "HeartbeatSecondsPath",
        HEARTBEATS,
        wait(HeartbeatSecondsPath="$.s"),
        3,
        Including(heartbeatInSeconds=3),
        CallsBack(),
    ),
    timed_out(
        "heartbeat-stops",
        "HeartbeatSeconds: the last heartbeat counts",
        HEARTBEATS,
        wait(HeartbeatSeconds=3),
        7,
        Including(heartbeatInSeconds=3),
        CallsBack(beats=(2, 4)),
    ),
    timed_out(
        "timeout-in-spite-of-heartbeats",
        "TimeoutSeconds ends a task that sends heartbeats",
        HEARTBEATS,
        wait(HeartbeatSeconds=3, TimeoutSeconds=7),
        7,
        Including(heartbeatInSeconds=3, timeoutInSeconds=7),
        CallsBack(beats=(2, 4, 6, 8)),
    ),
    Case(
        "timeout-of-the-function-arn",
        "TimeoutSeconds: LambdaFunctionTimedOut for a function's ARN",
        TIMEOUTS,
        one({"Type": "Task", "Resource": f"{FUNCTION}f", "TimeoutSeconds": 3}),
        {},
        {"f": SLOW},
        status="FAILED",
        error="States.Timeout",
        cause=None,
        history=(
            started({}),
            entered("Task", {}),
            (2, "LambdaFunctionScheduled", Including(timeoutInSeconds=3)),
            (3, "LambdaFunctionStarted"),
            (4, "LambdaFunctionTimedOut", {"error": "States.Timeout"}),
            failed(5, "States.Timeout"),
        ),
        lasts=3,
    ),
    Case(
        "timeout-of-the-machine",
        "TimeoutSeconds of the machine: the execution is TIMED_OUT",
        f"{guide('statemachine-structure')} {recorded('timeouts/test_timeouts')}",
        {**one({"Type": "Wait", "Seconds": 60}), "TimeoutSeconds": 3},
        {},
        status="TIMED_OUT",
        error=None,
        cause=None,
        history=(started({}), entered("Wait", {}), (0, "ExecutionTimedOut", {})),
        lasts=3,
    ),
    Case(
        "timeout-of-the-machine-is-not-caught",
        "TimeoutSeconds of the machine cannot be caught",
        f"{guide('concepts-error-handling')} {spec('toplevelfields')}",
        {
            "StartAt": "S",
            "TimeoutSeconds": 3,
            "States": {
                "S": invoke(
                    End=True,
                    Retry=[{"ErrorEquals": ["States.ALL"]}],
                    Catch=[{"ErrorEquals": ["States.ALL"], "Next": "H"}],
                ),
                "H": {"Type": "Succeed"},
            },
        },
        {},
        {"f": SLOW},
        status="TIMED_OUT",
        history=(
            started({}),
            entered("Task", {}),
            (2, "TaskScheduled"),
            (3, "TaskStarted"),
            (0, "ExecutionTimedOut"),
        ),
        lasts=3,
    ),
    refused(
        "heartbeat-below-timeout",
        "HeartbeatSeconds must be below TimeoutSeconds",
        invoke(TimeoutSeconds=5, HeartbeatSeconds=5),
        "/States/S/HeartbeatSeconds",
    ),
    refused(
        "timeout-and-its-path",
        "TimeoutSeconds and TimeoutSecondsPath exclude each other",
        invoke(TimeoutSeconds=5, TimeoutSecondsPath="$.s"),
        "/States/S",
    ),
    refused(
        "timeout-of-zero",
        "TimeoutSeconds is a positive integer",
        invoke(TimeoutSeconds=0),
        "/States/S/TimeoutSeconds",
    ),
    Case(
        "timeout-path-finds-no-number",
        "TimeoutSecondsPath that finds no positive integer",
        TASK,
        one(invoke(TimeoutSecondsPath="$.t")),
        {"t": "soon"},
        {"f": 1},
        status="FAILED",
        error="States.Runtime",
        history=(started({"t": "soon"}), entered("Task", {"t": "soon"}), (2, "ExecutionFailed")),
    ),
]

CASES = [*CALLS, *CALLBACKS, *TIMES]
