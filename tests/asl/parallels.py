"""Parallel: branches at the same time."""

from __future__ import annotations

from typing import Any

from tests.asl.cases import (
    Case,
    entered,
    exited,
    failed,
    group,
    guide,
    handled,
    numbered,
    one,
    recorded,
    spec,
    started,
    succeeded,
)

PARALLEL = f"{guide('state-parallel')} {spec('parallel-state')}"
SCENARIOS = recorded("scenarios/test_base_scenarios")
PASS, FAIL = {"Type": "Pass"}, {"Type": "Fail", "Error": "Mine", "Cause": "because"}


def parallel(*branches: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A machine of a Parallel state."""
    return one({"Type": "Parallel", "Branches": list(branches), **fields})


TWO_PASSES = numbered(
    (0, "ExecutionStarted"),
    (0, "ParallelStateEntered"),
    (2, "ParallelStateStarted"),
    (3, "PassStateEntered"),
    (3, "PassStateEntered"),
    (4, "PassStateExited"),
    (5, "PassStateExited"),
    (7, "ParallelStateSucceeded"),
    (7, "ParallelStateExited"),
    (9, "ExecutionSucceeded"),
)
CASES = [
    Case(
        "parallel-outputs-in-order",
        "Parallel: the outputs in the order of the branches",
        f"{PARALLEL} {SCENARIOS}",
        parallel(group({**PASS, "Result": "first"}, "X"), group({**PASS, "Result": "second"}, "Y")),
        {"in": 1},
        output=["first", "second"],
        history=(
            started({"in": 1}),
            entered("Parallel", {"in": 1}),
            (2, "ParallelStateStarted", None),
            entered("Pass", {"in": 1}, "X", 3),
            entered("Pass", {"in": 1}, "Y", 3),
            exited("Pass", "first", "X", 4),
            exited("Pass", "second", "Y", 5),
            (7, "ParallelStateSucceeded", None),
            exited("Parallel", ["first", "second"], previous=7),
            succeeded(["first", "second"], 9),
        ),
    ),
    Case(
        "parallel-data-flow",
        "Parallel: Parameters, ResultSelector and ResultPath",
        PARALLEL,
        parallel(
            group(PASS, "X"),
            group(PASS, "Y"),
            Parameters={"x.$": "$.a"},
            ResultSelector={"both.$": "$[*].x"},
            ResultPath="$.out",
        ),
        {"a": 1},
        output={"a": 1, "out": {"both": [1, 1]}},
        history=TWO_PASSES,
    ),
    Case(
        "parallel-jsonata",
        "Parallel: Arguments and Output (JSONata)",
        f"{PARALLEL} {guide('transforming-data')}",
        {
            "QueryLanguage": "JSONata",
            **parallel(
                group({**PASS, "Output": "{% $states.input.n + 1 %}"}, "X"),
                group({**PASS, "Output": "{% $states.input.n + 2 %}"}, "Y"),
                Arguments={"n": "{% $states.input.a * 10 %}"},
                Output="{% $sum($states.result) %}",
            ),
        },
        {"a": 1},
        output=23,
        history=TWO_PASSES,
    ),
    Case(
        "parallel-runs-at-the-same-time",
        "Parallel: branches run at the same time, and all are waited for",
        PARALLEL,
        parallel(
            group({"Type": "Wait", "Seconds": 6}, "X"), group({"Type": "Wait", "Seconds": 2}, "Y")
        ),
        {},
        output=[{}, {}],
        history=numbered(
            (0, "ExecutionStarted"),
            (0, "ParallelStateEntered"),
            (2, "ParallelStateStarted"),
            (3, "WaitStateEntered"),
            (3, "WaitStateEntered"),
            (5, "WaitStateExited"),
            (4, "WaitStateExited"),
            (7, "ParallelStateSucceeded"),
            (7, "ParallelStateExited"),
            (9, "ExecutionSucceeded"),
        ),
        lasts=6,
        races=True,
    ),
    Case(
        "parallel-fails-with-its-branch",
        "Parallel: a branch's error is the state's; the others are ended",
        f"{PARALLEL} {SCENARIOS}",
        parallel(
            group({"Type": "Wait", "Seconds": 100}, "X"),
            {
                "StartAt": "Y",
                "States": {"Y": {"Type": "Wait", "Seconds": 2, "Next": "Z"}, "Z": FAIL},
            },
        ),
        {},
        status="FAILED",
        error="Mine",
        cause="because",
        history=(
            started({}),
            entered("Parallel", {}),
            (2, "ParallelStateStarted"),
            entered("Wait", {}, "X", 3),
            entered("Wait", {}, "Y", 3),
            exited("Wait", {}, "Y", 5),
            entered("Fail", {}, "Z", 6),
            (7, "WaitStateAborted", None),
            (7, "ParallelStateFailed", None),
            failed(9, "Mine", "because"),
        ),
        lasts=2,
        races=True,
    ),
    Case(
        "parallel-retry",
        "Parallel: Retry starts all branches anew",
        f"{PARALLEL} {SCENARIOS}",
        parallel(group(FAIL, "X"), Retry=[{"ErrorEquals": ["Mine"], "MaxAttempts": 2}]),
        {},
        status="FAILED",
        error="Mine",
        history=(
            started({}),
            entered("Parallel", {}),
            (2, "ParallelStateStarted"),
            (3, "FailStateEntered"),
            (4, "ParallelStateStarted"),
            (5, "FailStateEntered"),
            (6, "ParallelStateStarted"),
            (7, "FailStateEntered"),
            (8, "ParallelStateFailed"),
            failed(9, "Mine", "because"),
        ),
        lasts=3,
    ),
    Case(
        "parallel-catch",
        "Parallel: Catch",
        f"{PARALLEL} {SCENARIOS}",
        handled(parallel(group(FAIL, "X"), Catch=[{"ErrorEquals": ["States.ALL"], "Next": "H"}])),
        {"in": 1},
        output={"Error": "Mine", "Cause": "because"},
        history=(
            started({"in": 1}),
            entered("Parallel", {"in": 1}),
            (2, "ParallelStateStarted"),
            entered("Fail", {"in": 1}, "X", 3),
            (4, "ParallelStateFailed", None),
            exited("Parallel", {"Error": "Mine", "Cause": "because"}, previous=5),
            entered("Pass", {"Error": "Mine", "Cause": "because"}, "H", 6),
            (7, "PassStateExited"),
            (8, "ExecutionSucceeded"),
        ),
    ),
    Case(
        "parallel-nested",
        "Parallel inside of Parallel",
        f"{PARALLEL} {SCENARIOS}",
        parallel(group({"Type": "Parallel", "Branches": [group(PASS, "X")]}, "P")),
        [[1], [2]],
        output=[[[[1], [2]]]],
        history=numbered(
            (0, "ExecutionStarted"),
            (0, "ParallelStateEntered"),
            (2, "ParallelStateStarted"),
            (3, "ParallelStateEntered"),
            (4, "ParallelStateStarted"),
            (5, "PassStateEntered"),
            (6, "PassStateExited"),
            (7, "ParallelStateSucceeded"),
            (7, "ParallelStateExited"),
            (9, "ParallelStateSucceeded"),
            (9, "ParallelStateExited"),
            (11, "ExecutionSucceeded"),
        ),
    ),
    Case(
        "parallel-needs-branches",
        "Parallel: Branches is a non-empty array",
        PARALLEL,
        parallel(),
        refused="/States/S/Branches",
    ),
    Case(
        "parallel-branches-are-closed",
        "Parallel: a branch's Next stays inside of it",
        PARALLEL,
        {
            "StartAt": "S",
            "States": {
                "S": {
                    "Type": "Parallel",
                    "Branches": [{"StartAt": "X", "States": {"X": {**PASS, "Next": "O"}}}],
                    "Next": "O",
                },
                "O": {"Type": "Succeed"},
            },
        },
        refused="/States/S/Branches[0]/States/X/Next",
    ),
]
