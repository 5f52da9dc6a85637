"""The thread that writes the event log and the previews to S3, neither more often than paid for."""

from __future__ import annotations

import logging
import threading

from worker.service.aws import AwsErrors, error_code
from worker.service.clock import Clock
from worker.service.eventlog import EventLog, LogClosedError
from worker.service.storage import Storage
from worker.service.timings import Timings

log = logging.getLogger("nst.logwriter")


class LogWriter:
    """Writes the log of ``run_id`` whole, at most every ``log_s``, the newest preview before it.

    The preview's line follows its object, so that a client that reads the line finds the picture.
    A write that fails is tried again with the next one; only ``finish`` insists.
    """

    def __init__(
        self, run_id: str, events: EventLog, storage: Storage, clock: Clock, timings: Timings
    ) -> None:
        self._run_id = run_id
        self._events = events
        self._storage = storage
        self._clock = clock
        self._timings = timings
        self._preview: bytes | None = None
        self._version = 0
        self._written_id = 0
        self._next_at = clock.monotonic()
        self._closing_until: float | None = None
        self._ended = False
        self._thread = threading.Thread(target=self._write_all, name="log-writer", daemon=True)

    def start(self) -> None:
        """Begin to write; harmless when it has begun."""
        if self._thread.ident is None:
            self._thread.start()

    def offer(self, jpeg: bytes) -> None:
        """Upload this preview with the next write; one that waits already is dropped for it."""
        with self._events.condition:
            if self._closing_until is None:
                self._preview = jpeg
                self._events.condition.notify_all()

    def finish(self, patience_s: float) -> bool:
        """Write what is left at once and end; False when S3 did not take it in ``patience_s``."""
        with self._events.condition:
            self._next_at = self._clock.monotonic()
            self._closing_until = self._next_at + patience_s
            self._preview = None
            self._events.condition.notify_all()
            while not self._ended and self._thread.is_alive():
                left = self._closing_until - self._clock.monotonic()
                if left <= 0:
                    break
                self._clock.wait(self._events.condition, left)
            return not self._behind

    @property
    def _behind(self) -> bool:
        return self._events.last_id > self._written_id

    def _write_all(self) -> None:
        while self._await_work():
            self._write_preview()
            self._write_log()

    def _await_work(self) -> bool:
        """Wait until something may be written; False when the log is closed."""
        with self._events.condition:
            while True:
                now = self._clock.monotonic()
                closing = self._closing_until is not None
                if self._closing_until is not None and (
                    not self._behind or now >= self._closing_until
                ):
                    self._ended = True
                    self._events.condition.notify_all()
                    return False
                work = self._behind or self._preview is not None
                if work and now >= self._next_at:
                    self._next_at = now + (
                        self._timings.retry_s if closing else self._timings.log_s
                    )
                    return True
                self._clock.wait(self._events.condition, self._next_at - now if work else None)

    def _write_preview(self) -> None:
        with self._events.condition:
            jpeg, self._preview = self._preview, None
        if jpeg is None:
            return
        try:
            key = self._storage.put_preview(self._run_id, jpeg)
        except AwsErrors as error:
            log.warning("a preview was not stored: %s", error_code(error))
            return
        self._version += 1
        try:
            self._events.append("preview", key=key, version=self._version)
        except LogClosedError:
            log.info("the run ended while its last preview was stored")

    def _write_log(self) -> None:
        with self._events.condition:
            text, last_id = self._events.text(), self._events.last_id
        try:
            self._storage.put_log(self._run_id, text)
        except AwsErrors as error:
            log.warning("the event log was not stored: %s", error_code(error))
            return
        with self._events.condition:
            self._written_id = last_id
            self._events.condition.notify_all()
