"""The tasks of the cluster, as ECS shows them: late, and stopped ones for about an hour only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from handlers import task_report
from handlers.errors import TaskStillStopping
from handlers.function import Call
from system import runs

SHOWN_AFTER_S = 60
"""ECS is eventually consistent: a task that it does not show may be younger than this."""
SWEEP_AGE_MIN_S = 360
"""Reconcile reads the open runs up to 240 s before it sweeps, and clocks differ. A task older than
this was there at that reading, and so was its reservation, which is made first."""
PAGES_MAX = 10
DESCRIBED_MAX = 100
"""DescribeTasks takes so many at once."""


class Tasks:
    """Finds, describes and stops tasks. All methods pass on the SDK's errors."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._cluster = call.parts.environment.cluster

    @property
    def _ecs(self) -> Any:
        return self._call.parts.client("ecs")

    def find(self, run_id: str) -> str | None:
        """The ARN of the run's task; None proves nothing."""
        for status in ("RUNNING", "STOPPED"):
            arns = self._ecs.list_tasks(
                cluster=self._cluster, startedBy=run_id, desiredStatus=status
            )["taskArns"]
            if arns:
                return str(arns[0])
        return None

    def describe(self, task_arn: str) -> dict[str, Any] | None:
        """The task as ECS describes it; None when it does not show it."""
        return next(iter(self._described([task_arn])), None)

    def stop(self, task_arn: str | None, asked_at: int, reason: str) -> dict[str, Any]:
        """TASK of a task that is over, or that cannot be seen when it must be by now.

        Asks ECS to stop one that is not over; raises TaskStillStopping until it is.
        """
        task = self.describe(task_arn) if task_arn else None
        if task is None:
            if self._call.parts.now() - asked_at < SHOWN_AFTER_S:
                raise TaskStillStopping
            return task_report.unknown(task_arn)
        if task.get("lastStatus") == "STOPPED":
            return task_report.stopped(task)
        if task.get("desiredStatus") != "STOPPED":
            self._ecs.stop_task(cluster=self._cluster, task=task["taskArn"], reason=reason)
        raise TaskStillStopping

    def stop_orphans(self, open_runs: set[str]) -> list[str]:
        """Stop every old enough task of a run that is not open; returns their ARNs."""
        stopped = []
        youngest = self._call.parts.now() - SWEEP_AGE_MIN_S
        for task in self._running():
            run_id = task.get("startedBy")
            created = task.get("createdAt")
            if not runs.is_run_id(run_id) or run_id in open_runs:
                continue
            if created is None or created.timestamp() > youngest:
                continue
            self._ecs.stop_task(
                cluster=self._cluster, task=task["taskArn"], reason="its run holds no money"
            )
            self._call.log.warning("stopped an orphan", run_id=run_id, task_arn=task["taskArn"])
            stopped.append(str(task["taskArn"]))
        return stopped

    def _running(self) -> Iterator[dict[str, Any]]:
        page: dict[str, Any] = {}
        for _ in range(PAGES_MAX):
            listed = self._ecs.list_tasks(
                cluster=self._cluster,
                desiredStatus="RUNNING",
                maxResults=DESCRIBED_MAX,
                **page,
            )
            yield from self._described(listed["taskArns"])
            if not listed.get("nextToken"):
                return
            page = {"nextToken": listed["nextToken"]}

    def _described(self, arns: list[str]) -> list[dict[str, Any]]:
        if not arns:
            return []
        answer = self._ecs.describe_tasks(cluster=self._cluster, tasks=arns)
        return list(answer.get("tasks", []))
