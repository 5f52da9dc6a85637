"""Settings of the emulator: what ``nst up`` takes, with defaults and limits."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from emulator.cloudwatch.settings import CloudWatchSettings
from emulator.core import ids
from emulator.core.errors import EmulatorError
from emulator.core.timings import AWS, FAST, Timings
from system.settings import BUDGET_STORES, BudgetStore

TaskDriver = Literal["processes", "docker"]
TASK_DRIVERS: tuple[TaskDriver, ...] = ("processes", "docker")

AWS_PORT = 4566
EDGE_PORT = 8080
LIVE_NAME_CHARS_MAX = 27
"""A load balancer's name has 32, of which "-live" takes five."""


@dataclass(frozen=True)
class Settings:
    """How one emulator runs.

    Ports of 0 let the system choose; ``stepfunctions_port`` None opens none. ``data_dir`` None
    keeps everything in memory. ``bare`` starts without the NST system deployed. ``iam`` False
    checks no permissions. ``host`` is a loopback address unless the user says otherwise.
    ``budget_store`` is where the deployed system keeps its ledger: ``s3`` or ``dynamodb``.
    ``tasks`` says what runs a task: ``processes`` (``worker_command`` stands for the worker's
    image) or ``docker`` (containers of ``worker_image``).
    ``aws_timing`` makes it as slow as AWS (``emulator.core.timings``) once it is deployed.
    ``live_events`` adds the stream of a run's events to the deployed API.
    """

    host: str = "127.0.0.1"
    aws_port: int = AWS_PORT
    edge_port: int = EDGE_PORT
    stepfunctions_port: int | None = None
    data_dir: Path | None = None
    bare: bool = False
    iam: bool = True
    name: str = "nst"
    account: str = ids.ACCOUNT
    region: str = ids.REGION
    limit_microusd: int | None = None
    worker_command: tuple[str, ...] = ()
    tasks: TaskDriver = "processes"
    worker_image: str = "nst-worker"
    budget_store: BudgetStore = "s3"
    aws_timing: bool = False
    live_events: bool = False
    cloudwatch: CloudWatchSettings = field(default_factory=CloudWatchSettings)

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        ports = [self.aws_port, self.edge_port, self.stepfunctions_port or 0]
        for port in ports:
            if not 0 <= port <= 65535:  # noqa: PLR2004
                raise EmulatorError(f"{port} is not a port; choose one from 1 to 65535.")
        named = [port for port in ports if port]
        if len(set(named)) < len(named):
            raise EmulatorError(
                "The AWS endpoint, the edge and Step Functions Local need different ports."
            )
        if self.budget_store not in BUDGET_STORES:
            raise EmulatorError(f"The ledger is kept in one of {', '.join(BUDGET_STORES)}.")
        if self.tasks not in TASK_DRIVERS:
            raise EmulatorError(f"Tasks run as one of {', '.join(TASK_DRIVERS)}.")
        if self.live_events and len(self.name) > LIVE_NAME_CHARS_MAX:
            raise EmulatorError(
                f"With live events the name has {LIVE_NAME_CHARS_MAX} characters at most: a load "
                "balancer is called by it."
            )
        if self.data_dir is not None and self.budget_store == "dynamodb":
            raise EmulatorError(
                "Tables live in memory only, and a budget must not vanish with a restart: "
                "keep the ledger in s3, or leave out the data directory."
            )

    @property
    def timings(self) -> Timings:
        """How long things take here."""
        return AWS if self.aws_timing else FAST


def state_dir() -> Path:
    """Where running emulators leave their notes (``$XDG_STATE_HOME/nst``)."""
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "nst"
