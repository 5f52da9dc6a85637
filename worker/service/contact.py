"""The thread that keeps in contact: second token, heartbeats, cancel mark."""

from __future__ import annotations

import logging
import threading

from worker.service.aws import AwsErrors, error_code
from worker.service.callbacks import TokenGoneError
from worker.service.control import Control, Stop
from worker.service.parts import Parts

log = logging.getLogger("nst.contact")


class Contact:
    """Finds the second token, shows the workflow that the task lives, and hears of a stop.

    It stops the run through ``control`` when the visitor cancelled it, when the workflow no longer
    waits for it, and when AWS did not answer for ``contact_lost_s``: so a task whose world is gone
    ends by itself.
    """

    def __init__(self, run_id: str, control: Control, parts: Parts) -> None:
        self._run_id = run_id
        self._storage = parts.storage
        self._callbacks = parts.callbacks
        self._control = control
        self._clock = parts.clock
        self._timings = parts.timings
        self._condition = threading.Condition()
        self._token: str | None = None
        self._ended = False
        self._since = self._heard_at = self._beat_at = parts.clock.monotonic()
        self._poll_s = parts.timings.watch_poll_s
        self._thread = threading.Thread(target=self._keep, name="contact", daemon=True)

    def start(self) -> None:
        """Begin; called when ``started`` was accepted."""
        self._since = self._heard_at = self._beat_at = self._clock.monotonic()
        self._thread.start()

    def end(self) -> None:
        """No more heartbeats after the one under way."""
        with self._condition:
            self._ended = True
            self._condition.notify_all()

    def token(self, patience_s: float) -> str | None:
        """The newest second token, waited for at most ``patience_s``; None without one."""
        until = self._clock.monotonic() + patience_s
        with self._condition:
            while self._token is None and self._thread.is_alive():
                left = until - self._clock.monotonic()
                if left <= 0:
                    return None
                self._clock.wait(self._condition, left)
            return self._token

    def renewed(self, gone: str) -> str | None:
        """The token that took the place of ``gone``; None when there is none. Raises AWS errors."""
        token = self._storage.watch_token(self._run_id)
        if token is None or token == gone:
            return None
        with self._condition:
            self._token = token
        log.info("the workflow has a newer token")
        return token

    def _keep(self) -> None:
        try:
            while not self._ended:
                self._look()
                with self._condition:
                    if not self._ended:
                        self._clock.wait(self._condition, self._pause_s())
        except BaseException:
            # Without heartbeats the workflow gives the run up: better to know it here as well.
            self._control.stop(Stop.LOST)
            raise

    def _look(self) -> None:
        now = self._clock.monotonic()
        try:
            if self._token is None:
                self._look_for_token()
            if now >= self._beat_at:
                self._beat_at = now + self._timings.heartbeat_s
                self._beat()
            self._heard_at = self._clock.monotonic()
        except (*AwsErrors, ValueError) as error:
            log.warning("no contact: %s", error_code(error))
            if self._clock.monotonic() - self._heard_at >= self._timings.contact_lost_s:
                self._control.stop(Stop.LOST)

    def _pause_s(self) -> float:
        beat_s = max(0.0, self._beat_at - self._clock.monotonic())
        if self._token is not None:
            return beat_s
        pause_s, self._poll_s = self._poll_s, min(2 * self._poll_s, self._timings.watch_poll_max_s)
        return min(pause_s, beat_s) if beat_s else pause_s

    def _look_for_token(self) -> None:
        token = self._storage.watch_token(self._run_id)
        if token is not None:
            with self._condition:
                self._token = token
                self._condition.notify_all()
            log.info("the workflow watches the run")
        elif self._clock.monotonic() - self._since >= self._timings.watch_patience_s:
            log.error("the workflow does not watch the run")
            self._control.stop(Stop.LOST)

    def _beat(self) -> None:
        if self._storage.cancelled(self._run_id):
            self._control.stop(Stop.CANCELLED)
        token = self._token
        if token is None:
            return
        try:
            self._callbacks.heartbeat(token)
        except TokenGoneError as gone:
            if self.renewed(token) is not None:
                return
            log.warning("the run was ended elsewhere: %s", gone)
            self._control.stop(
                Stop.CANCELLED if self._storage.cancelled(self._run_id) else Stop.ENDED
            )
