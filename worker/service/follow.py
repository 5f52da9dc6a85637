"""Event logs of other tasks' runs, read from S3 once for all their readers."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable

from system import events
from worker.service.aws import AwsErrors, error_code
from worker.service.storage import Storage
from worker.service.timings import Timings

log = logging.getLogger("nst.follow")

RUNS_MAX = 64
"""Logs kept in memory; the one that was asked for longest ago makes room for a new one."""


class FollowedLog:
    """The log of one run as S3 last showed it. Used on one event loop only."""

    def __init__(self, run_id: str, storage: Storage, timings: Timings) -> None:
        self._run_id = run_id
        self._storage = storage
        self._timings = timings
        self._events: list[events.Event] = []
        self._reader = events.EventLog()
        self._etag: str | None = None
        self._looked_at: float | None = None
        self._grown_at = 0.0
        self._lock = asyncio.Lock()
        self._listeners: set[Callable[[], None]] = set()
        self._polling: asyncio.Task[None] | None = None
        self.abandoned = False
        """Whether it was silent for so long that nobody seems to write it any more."""

    @property
    def final(self) -> bool:
        """Whether its last line is there."""
        return self._reader.finished

    @property
    def last_id(self) -> int:
        """The id of the newest line."""
        return len(self._events)

    def after(self, last_id: int) -> list[events.Event]:
        """The events with ids above ``last_id``."""
        return self._events[max(0, last_id) :]

    async def refresh(self) -> None:
        """Look at S3, unless somebody did less than ``follow_s`` ago.

        Raises ObjectMissingError when there is no such log, and botocore's errors.
        """
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if self.final or (
                self._looked_at is not None and now - self._looked_at < self._timings.follow_s
            ):
                return
            stored = await asyncio.to_thread(self._storage.log, self._run_id, self._etag)
            self._looked_at = now
            if stored is None:
                return
            self._events += self._reader.feed(stored.text)
            self._etag, self._grown_at = stored.etag, now
            for listener in tuple(self._listeners):
                listener()

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` when there is more; returns how to end that."""
        self._listeners.add(listener)
        if self._polling is None or self._polling.done():
            self.abandoned = False
            self._grown_at = asyncio.get_running_loop().time()
            self._polling = asyncio.create_task(self._poll())

        def end() -> None:
            self._listeners.discard(listener)
            if not self._listeners:
                self.close()

        return end

    def close(self) -> None:
        """Look no more."""
        if self._polling is not None:
            self._polling.cancel()
            self._polling = None

    async def _poll(self) -> None:
        loop = asyncio.get_running_loop()
        while not self.final and not self.abandoned:
            await asyncio.sleep(self._timings.follow_s)
            try:
                await self.refresh()
            except (*AwsErrors, ValueError) as error:
                log.warning("the log of another run cannot be read: %s", error_code(error))
            self.abandoned = loop.time() - self._grown_at >= self._timings.follow_idle_s
        for listener in tuple(self._listeners):
            listener()


class Follower:
    """The followed logs, a bounded number of them."""

    def __init__(self, storage: Storage, timings: Timings) -> None:
        self._storage = storage
        self._timings = timings
        self._logs: OrderedDict[str, FollowedLog] = OrderedDict()

    async def log(self, run_id: str) -> FollowedLog:
        """The log of ``run_id``, fresh enough; raises as ``FollowedLog.refresh``."""
        found = self._logs.get(run_id)
        if found is None:
            # Kept before it is read: a second reader that comes meanwhile waits for the same read.
            found = self._logs[run_id] = FollowedLog(run_id, self._storage, self._timings)
        self._logs.move_to_end(run_id)
        while len(self._logs) > RUNS_MAX:
            # Its streams go on, if it has any; a newcomer to that run reads it anew.
            self._logs.popitem(last=False)
        try:
            await found.refresh()
        except BaseException:
            if not found.last_id:
                self._logs.pop(run_id, None)
            raise
        return found

    def close(self) -> None:
        """Look no more at any of them."""
        for found in self._logs.values():
            found.close()
