"""Limits and defaults of the task engine.

Sources: AWS's pages "Amazon ECS service quotas" and "Amazon ECS task definition parameters for
Fargate".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from emulator.core import ids
from emulator.core.timings import Timings

PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class TaskTiming:
    """Seconds of the clock that a task stays in a state before anything happens there."""

    provisioning_s: float = 0.0
    """PROVISIONING: the network interface is made."""
    pull_s: float = 0.0
    """PENDING: the image is pulled."""
    deprovisioning_s: float = 0.0
    """DEPROVISIONING: the network interface is removed."""

    @classmethod
    def of(cls, timings: Timings) -> Self:
        """What the table of timings says of tasks."""
        return cls(
            timings.of("task_provisioning"),
            timings.of("task_pull"),
            timings.of("task_deprovisioning"),
        )


@dataclass(frozen=True)
class TasksSettings:
    """How tasks run here.

    ``images`` maps an image to the command that stands for its entry point: the image's whole
    name, or its repository's last part without tag and digest. ``working_dir`` is where commands
    start; by default the directory that holds the project's packages.
    """

    endpoint_url: str = ""
    """The AWS endpoint as tasks reach it."""
    in_containers: bool = False
    """Tasks have a file system and a network of their own, and an image with its environment."""
    host: str = "127.0.0.1"
    """Where to listen for tasks; ``host_name`` is what they call it."""
    host_name: str = "127.0.0.1"
    metadata_url: str = ""
    """Where containers find their metadata; by default the engine serves it itself."""
    region: str = ids.REGION
    images: Mapping[str, Sequence[str]] = field(default_factory=dict)
    working_dir: Path = PROJECT
    scratch_dir: Path | None = None
    """Home and temporary folder of all tasks; by default each has its own, gone with it."""
    task_timing: TaskTiming = field(default_factory=TaskTiming)
    capacity_tasks: int = 16
    """Tasks that are not STOPPED; more get a failure, as when Fargate has no capacity."""
    count_max: int = 10
    stop_timeout_s: float = 30.0
    """Between SIGTERM and SIGKILL, for containers that do not say."""
    stop_timeout_s_max: float = 120.0
    stopped_kept_s: float = 3600.0
    client_token_s: float = 24 * 3600.0
    credentials_s: float = 6 * 3600.0
    watch_s: float = 0.25
    """Between two looks at a task's memory and ports."""
    overrides_chars_max: int = 8192
