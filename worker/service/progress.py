"""From the engine's steps to lines of the event log, as many as a visitor can use."""

from __future__ import annotations

import logging
from math import isfinite

from worker.service.logwriter import LogWriter
from worker.service.parts import Parts
from worker.service.ports import Step
from worker.service.runlog import RunLog

log = logging.getLogger("nst.progress")


class ProgressLog:
    """Takes each step in the engine's thread; writes some, and draws a preview when one is due.

    The first and the last step are always written.
    """

    def __init__(self, events: RunLog, writer: LogWriter, parts: Parts) -> None:
        self._events = events
        self._writer = writer
        self._clock = parts.clock
        self._timings = parts.timings
        self._running = False
        self._line_at = self._preview_at = parts.clock.monotonic()

    def __call__(self, step: Step) -> None:
        """Note one step."""
        if not self._running:
            self._running = True
            self._events.append("state", state="running", steps=step.steps, dtype=step.dtype)
        now = self._clock.monotonic()
        if now >= self._line_at or step.step >= step.steps:
            self._line_at = now + self._timings.progress_s
            self._write(step)
        if now >= self._preview_at:
            self._preview_at = now + self._timings.preview_s
            self._writer.offer(step.preview())

    def _write(self, step: Step) -> None:
        fields = {
            "step": step.step,
            "steps": step.steps,
            "size": step.size,
            "loss": _short(step.loss),
            "style_loss": _short(step.style_loss),
            "content_loss": _short(step.content_loss),
            "elapsed_s": round(step.elapsed_s, 2),
            "eta_s": round(step.eta_s, 1),
        }
        if all(isfinite(value) for value in fields.values()):
            self._events.append("progress", **fields)
        else:
            # JSON has no such number; the next step may be finite again.
            log.warning("step %d has a loss that is no number", step.step)


def _short(value: float) -> float:
    """Six significant digits: nobody reads more, and the log is written again and again."""
    return float(f"{value:.6g}")
