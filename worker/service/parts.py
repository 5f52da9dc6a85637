"""What a run works with: one place to put fakes in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from worker.service.callbacks import Callbacks
from worker.service.clock import Clock
from worker.service.ports import Engine
from worker.service.storage import Storage
from worker.service.timings import Timings


def _ignore(_: str) -> None: ...


@dataclass(frozen=True)
class Parts:
    """The run's surroundings.

    ``task_arn`` finds out which task this is, and may raise; ``announce`` is told the correlation
    id when the start order is read, for the logs; ``picture_bytes_max`` bounds every picture.
    """

    storage: Storage
    callbacks: Callbacks
    engine: Engine
    clock: Clock
    timings: Timings
    task_arn: Callable[[], str]
    picture_bytes_max: int
    announce: Callable[[str], None] = _ignore
