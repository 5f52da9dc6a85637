"""The environment of a container: nothing of the host's."""

from __future__ import annotations

import math
from collections.abc import Mapping
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
    credentials: Mapping[str, str],
    scratch: Path,
) -> dict[str, str]:
    """What ECS sets, what the definition and the overrides say, and what a process needs here.

    ``credentials`` say how the role's are found. A process gets 0 as PORT whatever the definition
    says: there is one loopback interface for all tasks, so each picks a free port, which is then
    shown in the container's network bindings.
    """
    threads = max(1, math.ceil(int(plan.cpu) / CPU_UNITS))
    defaults = {
        "OMP_NUM_THREADS": str(threads),
        "AWS_REGION": task.region,
        "AWS_DEFAULT_REGION": task.region,
        "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE",
    }
    if settings.endpoint_url:
        defaults["AWS_ENDPOINT_URL"] = settings.endpoint_url
    ours = {"ECS_CONTAINER_METADATA_URI_V4": metadata_url, **credentials}
    if not settings.in_containers:
        ours["PORT"] = "0"
        defaults = {**_of_a_process(scratch), **defaults}
    return {**defaults, **container.environment, **ours}


def _of_a_process(scratch: Path) -> dict[str, str]:
    """What an image would bring."""
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
    }
