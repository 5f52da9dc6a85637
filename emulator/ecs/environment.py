"""The environment of a container: nothing of the host's."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from emulator.ecs.requests import ContainerPlan, TaskPlan
from emulator.ecs.settings import TasksSettings
from emulator.ecs.task import Task

CPU_UNITS = 1024
SPINS = 1_000
"""How often a thread of a task's program asks whether there is work before it sleeps.

A Fargate task has its processors for itself; here tasks, functions and the emulator share the
machine's. GNU OpenMP asks 300,000 times by default, which takes the processor from the thread that
has the work: on two cores, three paintings at once took twice the time (17 s for 8), as did one
beside a busy program (20 s for 10). With 1,000 a painting alone takes 8 percent more.
https://gcc.gnu.org/onlinedocs/libgomp/GOMP_005fSPINCOUNT.html
"""


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
        "GOMP_SPINCOUNT": str(SPINS),
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
