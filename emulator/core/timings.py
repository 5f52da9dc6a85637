"""How long things take on AWS and here: one table, which the services read.

A row has two figures. ``here_s`` is what the emulator adds by default: next to nothing, so that a
test is over soon. ``aws_s`` is what AWS takes, as near as its pages say: ``nst up --aws-timing``
(``Stack(aws_timing=True)``) lives by those, on the real clock for whoever wants to see the waits,
on virtual time in no time. Where AWS publishes no figure the row says what ours stands for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Name = Literal[
    "task_provisioning",
    "task_pull",
    "task_deprovisioning",
    "task_shown",
    "function_cold",
    "function_call",
    "execution_call",
    "execution_shown",
    "event_delivery",
    "schedule_late",
    "object_call",
    "table_call",
    "distribution_change",
    "invalidation",
    "permission_change",
]
ECS = "https://docs.aws.amazon.com/AmazonECS/latest"


@dataclass(frozen=True)
class Row:
    """One thing that takes time; seconds."""

    what: str
    here_s: float
    aws_s: float
    source: str


TABLE: Mapping[Name, Row] = {
    "task_provisioning": Row(
        "Fargate task: network interface and machine (PROVISIONING)",
        0.0,
        10.0,
        f"{ECS}/developerguide/task-lifecycle-explanation.html (no figure)",
    ),
    "task_pull": Row(
        "Fargate task: the whole image is pulled for every task (PENDING), some 0.5 GB compressed",
        0.0,
        35.0,
        f"{ECS}/developerguide/fargate-pull-behavior.html (no figure: it grows with the image)",
    ),
    "task_deprovisioning": Row(
        "Fargate task: network interface removed (DEPROVISIONING)",
        0.0,
        15.0,
        f"{ECS}/developerguide/task-lifecycle-explanation.html (no figure)",
    ),
    "task_shown": Row(
        "RunTask until ListTasks and DescribeTasks show the task",
        0.0,
        1.0,
        f"{ECS}/APIReference/API_RunTask.html (eventually consistent, seconds)",
    ),
    "function_cold": Row(
        "Lambda: code fetched and environment made, before the function's own init",
        0.0,
        0.3,
        "https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html "
        "(cold starts take under 100 ms to over 1 s, init included)",
    ),
    "function_call": Row(
        "Lambda: what Invoke adds to a warm function",
        0.0,
        0.01,
        "https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html (no figure)",
    ),
    "execution_call": Row(
        "Step Functions: a call of its API",
        0.0,
        0.05,
        "https://docs.aws.amazon.com/step-functions/latest/dg/choosing-workflow-type.html "
        "(no figure)",
    ),
    "execution_shown": Row(
        "StartExecution until DescribeExecution finds the execution",
        0.0,
        0.5,
        "https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html "
        "(eventually consistent)",
    ),
    "event_delivery": Row(
        "EventBridge: from the event to the call of a rule's target",
        0.0,
        0.5,
        "https://aws.amazon.com/eventbridge/faqs/ (typically about half a second)",
    ),
    "schedule_late": Row(
        "EventBridge Scheduler: how late a schedule fires",
        0.0,
        30.0,
        "https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html "
        "(within 60 s of its time: the middle)",
    ),
    "object_call": Row(
        "S3: first byte of a small object",
        0.0,
        0.1,
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html "
        "(100 to 200 ms)",
    ),
    "table_call": Row(
        "DynamoDB: a call",
        0.0,
        0.008,
        "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Introduction.html "
        "(single-digit milliseconds)",
    ),
    "distribution_change": Row(
        "CloudFront: a changed distribution reaches the edge locations",
        0.0,
        180.0,
        "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
        "HowToUpdateDistribution.html (minutes)",
    ),
    "invalidation": Row(
        "CloudFront: an invalidation is completed",
        0.0,
        20.0,
        "https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/"
        "API_CreateInvalidation.html (no figure: AWS's waiter looks every 20 s)",
    ),
    "permission_change": Row(
        "IAM: a changed role or policy counts everywhere",
        0.0,
        10.0,
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html (eventually "
        "consistent, seconds)",
    ),
}
CALLS: Mapping[str, Name] = {
    "s3": "object_call",
    "lambda": "function_call",
    "states": "execution_call",
    "dynamodb": "table_call",
}
"""What a call of a service takes, by the service's name on the bus."""

CALLS_OF_A_RUN = 100
"""Calls that a run waits for one after another, at most; the simulation counts fewer."""


@dataclass(frozen=True)
class Timings:
    """The table, as fast as here or (``aws``) as slow as AWS."""

    aws: bool = False

    def of(self, name: Name) -> float:
        """Seconds of one row."""
        row = TABLE[name]
        return row.aws_s if self.aws else row.here_s

    def of_call(self, service: str) -> float:
        """Seconds that a call of a service takes; zero for those without a row."""
        name = CALLS.get(service)
        return self.of(name) if name else 0.0

    @property
    def task_start_s(self) -> float:
        """From RunTask to the start of the container."""
        return self.of("task_provisioning") + self.of("task_pull")

    @property
    def run_s(self) -> float:
        """What all this adds to a run at most, from its click to the settled money."""
        calls = CALLS_OF_A_RUN * max(self.of(name) for name in CALLS.values())
        events = self.of("event_delivery") + self.of("execution_shown") + self.of("task_shown")
        cold = 5 * self.of("function_cold")
        return self.task_start_s + self.of("task_deprovisioning") + calls + events + cold


FAST = Timings()
AWS = Timings(aws=True)


def markdown() -> str:
    """The table for the docs."""
    lines = ["| what | here | AWS | source |", "|---|---|---|---|"]
    lines.extend(
        f"| {row.what} | {_seconds(row.here_s)} | {_seconds(row.aws_s)} | {row.source} |"
        for row in TABLE.values()
    )
    return "\n".join(lines)


def _seconds(value: float) -> str:
    if value == 0:
        return "at once"
    return f"{value:g} s" if value >= 1 else f"{value * 1000:g} ms"
