"""Deliberate bugs of the policies: one permission is missing, or one denial."""

from __future__ import annotations

from tests.mutations import scenes
from tests.mutations.patches import Mutation, permission

PERMISSIONS = [
    Mutation(
        "the gateway may not start workflows",
        permission("gateway", "StartWorkflows"),
        scenes.SUCCEEDS,
    ),
    Mutation(
        "the gateway may not describe runs", permission("gateway", "SeeRuns"), scenes.SUCCEEDS
    ),
    Mutation(
        "admit-run may not invoke its functions",
        permission("admit-run", "InvokeFunctions"),
        scenes.ADMITTED,
    ),
    Mutation(
        "get-upload-url may not look for uploads",
        permission("get-upload-url", "CheckUploadsAndSignLinks"),
        scenes.SUCCEEDS,
    ),
    Mutation(
        "get-upload-url may not sign uploads",
        permission("get-upload-url", "SignUploads"),
        scenes.SUCCEEDS,
    ),
    Mutation("start-run may not start runs", permission("start-run", "StartRuns"), scenes.SUCCEEDS),
    Mutation(
        "update-budget may not write the ledger",
        permission("update-budget", "ChangeLedger", "s3:PutObject"),
    ),
    Mutation("start-nst may not run tasks", permission("start-nst", "RunTask"), scenes.SUCCEEDS),
    Mutation(
        "start-nst may not pass the task its roles",
        permission("start-nst", "PassTaskRoles"),
        scenes.SUCCEEDS,
    ),
    Mutation(
        "the tasks' roles do not trust ECS",
        permission("trust-ecs-tasks", "Assume"),
        scenes.SUCCEEDS,
    ),
    Mutation(
        "tasks may not write their logs",
        permission("task-execution", "WriteLogs"),
        scenes.SUCCEEDS,
    ),
    Mutation("the task may not read its order", permission("task", "ReadOrders"), scenes.SUCCEEDS),
    Mutation(
        "the task may not report success",
        permission("task", "Report", "states:SendTaskSuccess"),
        scenes.SUCCEEDS,
    ),
    Mutation(
        "the task may not show its heartbeat",
        permission("task", "Report", "states:SendTaskHeartbeat"),
        scenes.TAKES_MINUTES,
    ),
    Mutation(
        "run-nst may not hand over its token",
        permission("run-nst", "HandOverToken"),
        scenes.SUCCEEDS,
    ),
    Mutation(
        "stop-nst may not stop tasks",
        permission("stop-nst", "SeeAndStopTasks", "ecs:StopTask"),
        scenes.HUNG_UP,
    ),
    Mutation(
        "stop-nst may not list tasks",
        permission("stop-nst", "ListTasks"),
        scenes.RUN_TASK_NEVER_ANSWERED,
    ),
    Mutation(
        "stop-nst may not fail callbacks",
        permission("stop-nst", "FailCallbacks"),
        scenes.KILLED_BEFORE_IT_REPORTS,
    ),
    Mutation(
        "stop-nst may not set its marks",
        permission("stop-nst", "SetMarks"),
        scenes.STARTED_AGAIN_WHEN_OVER,
    ),
    Mutation(
        "rules and schedules may not start reconcile",
        permission("events", "StartReconcile"),
        scenes.KILLED_BEFORE_IT_REPORTS,
    ),
    Mutation(
        "reconcile may not describe runs",
        permission("reconcile", "SeeRuns"),
        scenes.KILLED_BEFORE_IT_REPORTS,
    ),
    Mutation(
        "reconcile may not raise its alarm",
        permission("reconcile", "RaiseAlarm"),
        scenes.KILLED_BEFORE_IT_REPORTS,
    ),
]
