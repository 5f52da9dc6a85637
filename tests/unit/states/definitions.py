"""Definitions, valid and broken, on which validators are compared."""

from __future__ import annotations

import importlib
import importlib.util
import json
from typing import Any

from emulator.deploy_values import placeholders
from emulator.settings import Settings
from system import stack

LIBRARY = "tests.asl.library"
"""The library of small machines: its CASES have a name and a definition."""

Definition = dict[str, Any]

PASS = {"Type": "Pass", "End": True}
END = {"Type": "Succeed"}
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
CATCH = {"ErrorEquals": ["States.ALL"], "Next": "E"}
RETRY = {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 2, "BackoffRate": 2}


def states(**named: Any) -> Definition:
    return {"StartAt": next(iter(named)), "States": named}


def single(**state: Any) -> Definition:
    return states(S={**state, "End": True})


def task(**more: Any) -> Definition:
    return single(Type="Task", Resource=FUNCTION, **more)


def choice(*rules: Any, **more: Any) -> Definition:
    made = {"Type": "Choice", "Choices": [{**rule, "Next": "E"} for rule in rules], **more}
    return states(S=made, E=END)


def in_jsonata(definition: Definition) -> Definition:
    return {"QueryLanguage": "JSONata", **definition}


GROUP = states(I=PASS)

VALID: dict[str, Definition] = {
    "pass": single(Type="Pass"),
    "comment-version-timeout": {
        **single(Type="Pass"), "Comment": "c", "Version": "1.0", "TimeoutSeconds": 5,
    },
    "paths": single(Type="Pass", InputPath="$.a", ResultPath="$.b", OutputPath="$['c'][0]"),
    "null-paths": single(Type="Pass", InputPath=None, ResultPath=None, OutputPath=None),
    "result": single(Type="Pass", Result={"a": [1, None]}),
    "parameters": single(Type="Pass", Parameters={"a.$": "$.b", "c": {"d.$": "$$.State.Name"}}),
    "intrinsic": single(Type="Pass", Parameters={"a.$": "States.Format('{}', $.b)"}),
    "assign": single(Type="Pass", Assign={"x": 1, "y.$": "$.a"}),
    "succeed": states(S=END),
    "fail": states(S={"Type": "Fail", "Error": "E", "Cause": "C"}),
    "fail-paths": states(S={"Type": "Fail", "ErrorPath": "$.e", "CausePath": "$.c"}),
    "fail-bare": states(S={"Type": "Fail"}),
    "wait-seconds": single(Type="Wait", Seconds=5),
    "wait-timestamp": single(Type="Wait", Timestamp="2026-01-02T03:04:05Z"),
    "wait-seconds-path": single(Type="Wait", SecondsPath="$.s"),
    "wait-timestamp-path": single(Type="Wait", TimestampPath="$.t"),
    "task": task(),
    "task-everything": states(
        S={
            "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "TimeoutSeconds": 9,
            "HeartbeatSeconds": 3, "Parameters": {"FunctionName": "f"}, "ResultSelector": {"a": 1},
            "Retry": [RETRY], "Catch": [{**CATCH, "ResultPath": "$.e"}], "Next": "E",
        },
        E=END,
    ),
    "task-jittered": task(
        Retry=[{**RETRY, "MaxDelaySeconds": 60, "JitterStrategy": "FULL"}],
    ),
    "task-timeout-paths": task(TimeoutSecondsPath="$.t", HeartbeatSecondsPath="$.h"),
    "task-token": single(
        Type="Task", Resource="arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        Parameters={"QueueUrl": "q", "MessageBody": {"t.$": "$$.Task.Token"}},
    ),
    "task-sync": single(
        Type="Task", Resource="arn:aws:states:::ecs:runTask.sync", Parameters={"Cluster": "c"}
    ),
    "task-sdk": single(Type="Task", Resource="arn:aws:states:::aws-sdk:s3:listBuckets"),
    "choice": choice(
        {"Variable": "$.a", "StringEquals": "b"}, {"Variable": "$.a", "IsPresent": True},
        {"Not": {"Variable": "$.n", "NumericGreaterThanPath": "$.m"}},
        {"And": [{"Variable": "$.a", "IsNull": False}, {"Variable": "$.b", "BooleanEquals": True}]},
        Default="E",
    ),
    "choice-timestamp": choice({"Variable": "$.t", "TimestampLessThan": "2026-01-02T03:04:05Z"}),
    "parallel": single(Type="Parallel", Branches=[GROUP, states(J=END)]),
    "map": single(Type="Map", ItemsPath="$.a", MaxConcurrency=2, ItemProcessor=GROUP),
    "map-inline": single(
        Type="Map", ItemSelector={"i.$": "$$.Map.Item.Index"},
        ItemProcessor={"ProcessorConfig": {"Mode": "INLINE"}, **GROUP},
    ),
    "map-iterator": single(Type="Map", Iterator=GROUP),
    "jsonata": in_jsonata(single(Type="Pass", Output={"a": "{% $states.input.b %}"})),
    "jsonata-task": in_jsonata(task(Arguments={"a": 1}, Output="{% $states.result %}")),
    "jsonata-choice": in_jsonata(choice({"Condition": "{% $states.input.a > 1 %}"})),
    "jsonata-map": in_jsonata(single(Type="Map", Items=[1, 2], ItemProcessor=GROUP)),
    "jsonata-one-state": single(Type="Pass", QueryLanguage="JSONata", Output="{% 1 + 1 %}"),
}  # fmt: skip

BROKEN: dict[str, Definition] = {
    "empty": {},
    "no-start": {"States": {"S": PASS}},
    "no-states": {"StartAt": "S"},
    "empty-states": {"StartAt": "S", "States": {}},
    "start-elsewhere": {"StartAt": "X", "States": {"S": PASS}},
    "next-elsewhere": states(S={"Type": "Pass", "Next": "X"}),
    "default-elsewhere": choice({"Variable": "$.a", "IsNull": True}, Default="X"),
    "catch-elsewhere": task(Catch=[{**CATCH, "Next": "X"}]),
    "next-out-of-a-branch": states(
        S={"Type": "Parallel", "Branches": [states(I={"Type": "Pass", "Next": "E"})], "Next": "E"},
        E=END,
    ),
    "unreachable": states(S=PASS, T=PASS),
    "no-end": states(S={"Type": "Pass", "Next": "T"}, T={"Type": "Pass", "Next": "S"}),
    "neither-next-nor-end": states(S={"Type": "Pass"}),
    "both-next-and-end": states(S={"Type": "Pass", "Next": "E", "End": True}, E=END),
    "duplicate-name": single(Type="Parallel", Branches=[states(S=PASS)]),
    "unknown-type": single(Type="Dance"),
    "no-type": {"StartAt": "S", "States": {"S": {"End": True}}},
    "unknown-field": single(Type="Pass", Dance=1),
    "unknown-machine-field": {**single(Type="Pass"), "Dance": 1},
    "retry-of-a-pass": single(Type="Pass", Retry=[RETRY]),
    "bad-path": single(Type="Pass", InputPath="a.b"),
    "result-path-of-many": single(Type="Pass", ResultPath="$.a[*]"),
    "task-without-resource": single(Type="Task"),
    "two-timeouts": task(TimeoutSeconds=5, TimeoutSecondsPath="$.t"),
    "wait-for-nothing": single(Type="Wait"),
    "wait-for-two": single(Type="Wait", Seconds=1, Timestamp="2026-01-02T03:04:05Z"),
    "wait-negative": single(Type="Wait", Seconds=-1),
    "choice-without-rules": states(S={"Type": "Choice", "Choices": []}),
    "choice-without-a-test": choice({"Variable": "$.a"}),
    "choice-of-a-wrong-type": choice({"Variable": "$.a", "NumericEquals": "1"}),
    "parallel-without-branches": single(Type="Parallel"),
    "map-without-processor": single(Type="Map"),
    "map-with-two": single(Type="Map", ItemProcessor=GROUP, Iterator=GROUP),
    "map-concurrency": single(Type="Map", ItemProcessor=GROUP, MaxConcurrency=-1),
    "error-and-path": states(S={"Type": "Fail", "Error": "E", "ErrorPath": "$.e"}),
    "retry-without-errors": task(Retry=[{"MaxAttempts": 1}]),
    "retry-attempts": task(Retry=[{**RETRY, "MaxAttempts": -1}]),
    "retry-backoff": task(Retry=[{**RETRY, "BackoffRate": 0.5}]),
    "retry-jitter": task(Retry=[{**RETRY, "JitterStrategy": "SOME"}]),
    "catch-without-next": task(Catch=[{"ErrorEquals": ["States.ALL"]}]),
    "parameter-twice": single(Type="Pass", Parameters={"a": 1, "a.$": "$.b"}),
    "jsonata-with-paths": in_jsonata(single(Type="Pass", InputPath="$.a")),
    "jsonpath-with-output": single(Type="Pass", Output={"a": 1}),
    "jsonata-syntax": in_jsonata(single(Type="Pass", Output="{% 1 + %}")),
    "unknown-language": {**single(Type="Pass"), "QueryLanguage": "SQL"},
    "jsonpath-inside-jsonata": in_jsonata(single(Type="Pass", QueryLanguage="JSONPath")),
    "heartbeat-longer-than-timeout": task(TimeoutSeconds=5, HeartbeatSeconds=6),
    "states-all-not-last": task(Retry=[RETRY, {"ErrorEquals": ["Other"]}]),
    "states-all-not-alone": task(Retry=[{"ErrorEquals": ["States.ALL", "Other"]}]),
    "reserved-error": task(Retry=[{"ErrorEquals": ["States.Dance"]}]),
    "unknown-intrinsic": single(Type="Pass", Parameters={"a.$": "States.Dance()"}),
    "variable-name": single(Type="Pass", Assign={"1x": 1}),
    "long-name": states(**{"x" * 81: PASS}),
    "unknown-sdk-action": single(Type="Task", Resource="arn:aws:states:::aws-sdk:s3:dance"),
}  # fmt: skip


def workflows() -> dict[str, Definition]:
    """The system's own."""
    declared = stack.declaration()
    values = placeholders(declared, Settings())
    return {
        f"workflow-{key}": json.loads(stack.workflow(workflow["definition"], values))
        for key, workflow in declared["workflows"].items()
    }


def library() -> dict[str, Definition]:
    """The library of small machines, as far as there is one."""
    if importlib.util.find_spec(LIBRARY.rpartition(".")[0]) is None:
        return {}
    cases = importlib.import_module(LIBRARY).CASES
    return {f"library-{case.name}": case.definition for case in cases}


def corpus() -> dict[str, Definition]:
    """All of them, by name."""
    return {**VALID, **BROKEN, **workflows(), **library()}
