"""TASK of the contract: what is known about a run's task, and what that costs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from handlers.errors import InvalidRequest
from system import money, prices
from system.settings import Environment

NEVER_STARTED: Mapping[str, Any] = {"state": "never_started"}
CONTAINER = "nst"


def stopped(task: Mapping[str, Any]) -> dict[str, Any]:
    """The report of a STOPPED task, from ECS's description of it; times in epoch seconds.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html
    """
    report: dict[str, Any] = {"state": "stopped", "task_arn": task["taskArn"]}
    times = {
        "pull_started_at": "pullStartedAt",
        "started_at": "startedAt",
        "stopped_at": "stoppedAt",
    }
    for name, field in times.items():
        if task.get(field) is not None:
            report[name] = task[field].timestamp()
    for container in task.get("containers", []):
        if container.get("name") == CONTAINER and container.get("exitCode") is not None:
            report["exit_code"] = container["exitCode"]
    reason = reason_of(task)
    if reason:
        report["reason"] = reason
    for name, field in {"cpu_units": "cpu", "memory_mib": "memory"}.items():
        if str(task.get(field, "")).isdigit():
            report[name] = int(task[field])
    return report


def unknown(task_arn: str | None = None) -> dict[str, Any]:
    """The report of a task that cannot be seen."""
    return {"state": "unknown"} if task_arn is None else {"state": "unknown", "task_arn": task_arn}


def reason_of(task: Mapping[str, Any]) -> str:
    """Why a task stopped, as ECS says it: the container's reason tells more than the task's."""
    reasons = [c.get("reason") for c in task.get("containers", []) if c.get("name") == CONTAINER]
    return str(next((r for r in reasons if r), None) or task.get("stoppedReason") or "")


def real_cost_microusd(task: object, environment: Environment) -> int | None:
    """What the run of this task cost; None when that cannot be known.

    A task that never started costs the overhead only. Raises InvalidRequest for what is no TASK.
    """
    if not isinstance(task, Mapping) or task.get("state") not in (
        "stopped",
        "never_started",
        "unknown",
    ):
        raise InvalidRequest("task must have the state stopped, never_started or unknown.")
    rate = environment.rates()
    if task["state"] == "never_started":
        return prices.overhead_microusd(rate)
    if task["state"] == "unknown":
        return None
    pulled, started, ended = (
        _moment(task, name) for name in ("pull_started_at", "started_at", "stopped_at")
    )
    if pulled is None and started is None:
        # Fargate bills from the start of the pull: before it a task costs nothing.
        return prices.overhead_microusd(rate)
    if pulled is None or ended is None or ended < pulled:
        return None
    running = 0.0 if started is None else max(0.0, ended - started)
    rate = environment.rates(task.get("cpu_units"), task.get("memory_mib"))
    return min(money.MICROUSD_MAX, prices.run_cost_microusd(rate, ended - pulled, running))


def _moment(task: Mapping[str, Any], name: str) -> float | None:
    value = task.get(name)
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise InvalidRequest(f"{name} of a task must be epoch seconds.")
    return float(value)
