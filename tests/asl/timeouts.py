"""TimeoutSeconds and HeartbeatSeconds of states, and the time of a machine."""

from __future__ import annotations

from typing import Any

from tests.asl.cases import (
    FUNCTION,
    INVOKE,
    INVOKE_AND_WAIT,
    CallsBack,
    Case,
    Including,
    Takes,
    entered,
    failed,
    guide,
    one,
    recorded,
    spec,
    started,
)
from tests.asl.tasks import NAMES, TASK, WAITS, invoke, refused, wait

TIMEOUTS = f"{guide('state-task concepts-error-handling')} {recorded('timeouts/test_timeouts')}"
HEARTBEATS = f"{guide('state-task concepts-error-handling')} {recorded('timeouts/test_heartbeats')}"
SLOW = Takes(1000, "late")


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


CASES = [
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
