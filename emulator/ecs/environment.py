"""The environment of a container's process: nothing of the host's."""

from __future__ import annotations

import math
from pathlib import Path

from emulator.ecs.requests import ContainerPlan, TaskPlan
from emulator.ecs.settings import TasksSettings
from emulator.ecs.task import Task

CPU_UNITS = 1024


def environment(
    task: Task,
    plan: TaskPlan,
    container: ContainerPlan,
    settings: TasksSettings,
    *,
    metadata_url: str,
    credentials_url: str | None,
    scratch: Path,
) -> dict[str, str]:
    """What ECS sets, what the definition and the overrides say, and what a process needs here.

    PORT is 0 whatever the definition says: there is one loopback interface for all tasks, so each
    picks a free port, which is then shown in the container's network bindings.
    """
    threads = max(1, math.ceil(int(plan.cpu) / CPU_UNITS))
    defaults = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "OMP_NUM_THREADS": str(threads),
        "AWS_REGION": task.region,
        "AWS_DEFAULT_REGION": task.region,
        "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE",
    }
    if settings.endpoint_url:
        defaults["AWS_ENDPOINT_URL"] = settings.endpoint_url
    ours = {"PORT": "0", "ECS_CONTAINER_METADATA_URI_V4": metadata_url}
    if credentials_url is not None:
        ours["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = credentials_url
    return {**defaults, **container.environment, **ours}
