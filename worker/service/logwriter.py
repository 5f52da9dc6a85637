"""The thread that writes the event log and the previews to S3, neither more often than paid for."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial

from worker.service.aws import AwsErrors, error_code
from worker.service.parts import Parts
from worker.service.runlog import LogClosedError, RunLog

log = logging.getLogger("nst.logwriter")


class LogWriter:
    """Writes the log of ``run_id``, whole, and its previews.

    A log is written at most every ``log_s``, a preview at most every ``preview_s``. A preview's
    line follows its object, so that a client that reads the line finds the picture. A write that
    fails is tried again when the next one is due; only ``finish`` insists.
    """

    def __init__(self, run_id: str, events: RunLog, parts: Parts) -> None:
        self._run_id = run_id
        self._events = events
        self._storage = parts.storage
        self._clock = parts.clock
        self._timings = parts.timings
        self._preview: bytes | None = None
        self._drawing = False
        self._version = 0
        self._written_id = 0
        self._log_at = self._preview_at = parts.clock.monotonic()
        self._closing_until: float | None = None
        self._ended = False
        self._thread = threading.Thread(target=self._write_all, name="log-writer", daemon=True)

    def start(self) -> None:
        """Begin to write; harmless when it has begun."""
        if self._thread.ident is None:
            self._thread.start()

    def offer(self, jpeg: bytes) -> None:
        """Upload this preview when one is due; one that waits already is dropped for it."""
        with self._events.condition:
            if self._closing_until is None:
                self._preview = jpeg
                self._events.condition.notify_all()

    def settle_preview(self, patience_s: float) -> None:
        """Wait for the upload under way, so that its line comes before the final one."""
        until = self._clock.monotonic() + patience_s
        with self._events.condition:
            while self._drawing or (self._preview is not None and self._version == 0):
                left = until - self._clock.monotonic()
                if left <= 0:
                    return
                self._clock.wait(self._events.condition, left)

    def finish(self, patience_s: float) -> bool:
        """Write what is left at once and end; False when S3 did not take it in ``patience_s``."""
        with self._events.condition:
            self._log_at = self._clock.monotonic()
            self._closing_until = self._log_at + patience_s
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
        while (write := self._next()) is not None:
            write()

    def _next(self) -> Callable[[], None] | None:
        """Wait until something may be written, and say what; None when the log is closed."""
        with self._events.condition:
            while True:
                now = self._clock.monotonic()
                closing_until = self._closing_until
                if closing_until is not None and (not self._behind or now >= closing_until):
                    self._ended = True
                    self._events.condition.notify_all()
                    return None
                if self._preview is not None and now >= self._preview_at:
                    self._preview_at = now + self._timings.preview_s
                    jpeg, self._preview, self._drawing = self._preview, None, True
                    return partial(self._write_preview, jpeg)
                if self._behind and now >= self._log_at:
                    closing = closing_until is not None
                    self._log_at = now + (self._timings.retry_s if closing else self._timings.log_s)
                    return self._write_log
                self._clock.wait(self._events.condition, self._idle_s(now))

    def _idle_s(self, now: float) -> float | None:
        """How long nothing may be written; None when there is nothing to write."""
        due = [self._preview_at] if self._preview is not None else []
        due += [self._log_at] if self._behind else []
        return min(due) - now if due else None

    def _write_preview(self, jpeg: bytes) -> None:
        try:
            key = self._storage.put_preview(self._run_id, jpeg)
            self._version += 1
            self._events.append("preview", key=key, version=self._version)
        except AwsErrors as error:
            log.warning("a preview was not stored: %s", error_code(error))
        except LogClosedError:
            log.info("the run ended while its last preview was stored")
        finally:
            with self._events.condition:
                self._drawing = False
                self._events.condition.notify_all()

    def _write_log(self) -> None:
        text, last_id = self._events.text()
        try:
            self._storage.put_log(self._run_id, text)
        except AwsErrors as error:
            log.warning("the event log was not stored: %s", error_code(error))
            return
        with self._events.condition:
            self._written_id = last_id
            self._events.condition.notify_all()
