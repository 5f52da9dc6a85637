"""Waiting for jobs that other services run: tasks of ECS, executions of other workflows.

Their end is heard from their events; a slow poll makes up for an event that never came.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from emulator.core.bus import Bus
from emulator.core.clock import Clock
from emulator.states.faults import StateFault

POLL_S = 60.0
POLL_FAULTS_MAX = 3
"""Polls in a row that may fail (a throttled describe call) before the wait fails."""

Poll = Callable[[], Awaitable[dict[str, Any] | None]]


class Jobs:
    """Who waits for which job, by its ARN."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}
        bus.subscribe(self._hear)

    async def wait(self, arn: str, poll: Poll) -> dict[str, Any]:
        """What ``poll`` answers once the job is over (it answers None before).

        Raises the StateFault of ``poll`` when it failed too often; the job may run on then.
        """
        faults = 0
        while True:
            heard: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.setdefault(arn, []).append(heard)
            timer = self._clock.call_later(POLL_S, lambda heard=heard: _wake(heard))  # type: ignore[misc]
            try:
                try:
                    over = await poll()
                    faults = 0
                except StateFault:
                    faults += 1
                    if faults >= POLL_FAULTS_MAX:
                        raise
                    over = None
                if over is not None:
                    return over
                await heard
            finally:
                timer.cancel()
                self._forget(arn, heard)

    async def _hear(self, event: dict[str, Any]) -> None:
        detail = event.get("detail", {})
        if event.get("source") == "aws.ecs" and detail.get("lastStatus") == "STOPPED":
            self._tell(detail.get("taskArn", ""))
        elif event.get("source") == "aws.states" and detail.get("status") != "RUNNING":
            self._tell(detail.get("executionArn", ""))

    def _tell(self, arn: str) -> None:
        for future in self._waiting.get(arn, []):
            _wake(future)

    def _forget(self, arn: str, future: asyncio.Future[None]) -> None:
        waiting = self._waiting.get(arn, [])
        if future in waiting:
            waiting.remove(future)
        if not waiting:
            self._waiting.pop(arn, None)


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
