"""Task: calls and callbacks, with the events they leave."""

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
NAMES = {"resource": "invoke", "resourceType": "lambda"}
WAITS = {"resource": "invoke.waitForTaskToken", "resourceType": "lambda"}

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
CASES = [*CALLS, *CALLBACKS]
