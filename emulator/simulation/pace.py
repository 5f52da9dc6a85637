"""How long things take in a world."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from emulator.core.timings import Timings


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

    @classmethod
    def of(cls, timings: Timings) -> Self:
        """Exactly what the table says of tasks and of what is seen late; calls are not its own."""

        def exactly(seconds: float) -> tuple[float, float]:
            return seconds, seconds

        return cls(
            call_s=exactly(0.0),
            provisioning_s=exactly(timings.of("task_provisioning")),
            pull_s=exactly(timings.of("task_pull")),
            deprovisioning_s=exactly(timings.of("task_deprovisioning")),
            tasks_shown_after_s=timings.of("task_shown"),
            executions_shown_after_s=timings.of("execution_shown"),
        )


INSTANT = Pace((0.0, 0.0), (0.0, 0.0), (0.0, 0.0), (0.0, 0.0))
