"""How long things take in a world."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """How long things take in a world, in seconds: bounds of what is drawn."""

    call_s: tuple[float, float] = (0.002, 0.12)
    provisioning_s: tuple[float, float] = (1.0, 20.0)
    pull_s: tuple[float, float] = (5.0, 60.0)
    deprovisioning_s: tuple[float, float] = (1.0, 20.0)
    tasks_shown_after_s: float = 0.0
    """ECS is eventually consistent: a task may not be seen right after RunTask.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
    """
    executions_shown_after_s: float = 0.0
    """So is DescribeExecution.

    https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html
    """


INSTANT = Pace((0.0, 0.0), (0.0, 0.0), (0.0, 0.0), (0.0, 0.0))
