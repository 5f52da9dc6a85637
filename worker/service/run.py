"""The run of this task, from the start order to the report: one method per phase."""

from __future__ import annotations

import logging
import threading
from functools import partial
from typing import Any

from system import problems
from worker.service.aws import AwsErrors, error_code
from worker.service.contact import Contact
from worker.service.control import Control, RunStoppedError, Stop
from worker.service.lane import Lane
from worker.service.logwriter import LogWriter
from worker.service.outcome import Failure, failure
from worker.service.parts import Parts
from worker.service.patience import insist
from worker.service.pictures import Fetcher
from worker.service.ports import Painting, ParametersRefusedError, PictureRefusedError
from worker.service.progress import ProgressLog
from worker.service.report import Reporter, Tokens
from worker.service.runlog import RunLog
from worker.service.start import NoOrderError, Order, Starter, read_order
from worker.service.storage import Storage

log = logging.getLogger("nst.run")


class Run:
    """One run. ``execute`` is called once, in a thread of its own; all else from any thread.

    Its deadline counts from ``began_at`` (monotonic seconds), the start of the process.
    """

    def __init__(self, run_id: str, parts: Parts, began_at: float) -> None:
        self.run_id = run_id
        self.correlation_id = run_id
        self.control = Control(parts.clock)
        self.events = RunLog(parts.clock)
        self.begun = threading.Event()
        """Set when ``started`` was reported, or never will be."""
        self._parts = parts
        self._clock = parts.clock
        self._timings = parts.timings
        self._storage = parts.storage
        self._began_at = began_at
        self._writer = LogWriter(run_id, self.events, parts)
        self._contact = Contact(run_id, self.control, parts)
        self._pictures = Lane("pictures", self.control, parts.clock)
        self._painter = Lane("painter", self.control, parts.clock)
        self._reporter = Reporter(parts.callbacks, parts.clock, parts.timings)

    def execute(self) -> bool:
        """Do all of it; True when the outcome was reported, or nobody waits for one.

        Never raises: whatever goes wrong ends in the log and in the report.
        """
        try:
            return self._execute()
        except NoOrderError as error:
            log.error("%s", error)  # noqa: TRY400 (the sentence says all)
        except RunStoppedError as stopped:
            log.warning("ended before the start order was read: %s", stopped)
        except BaseException:
            log.exception("the run's protocol failed")
        finally:
            self.begun.set()
            self._contact.end()
        return False

    def _execute(self) -> bool:
        starter = Starter(self.run_id, self.control, self._parts)
        order = starter.order()
        self._adopt(order)
        tokens: Tokens = _StartToken(order, self._storage)
        try:
            order = starter.report(order, self._started())
            tokens = self._contact
            self._begin(order)
            painting = self._paint(order)
            key = self._store(painting)
        except BaseException as error:  # noqa: BLE001 (a failure of any kind is reported)
            return self._fail(error, tokens)
        return self._succeed(painting, key)

    def _adopt(self, order: Order) -> None:
        self.correlation_id = order.correlation_id
        self._parts.announce(order.correlation_id)
        self.events.append("state", state="starting")

    def _started(self) -> dict[str, Any]:
        return {"task_arn": self._parts.task_arn(), "started_at": round(self._clock.now(), 3)}

    def _begin(self, order: Order) -> None:
        log.info("started")
        self.begun.set()
        self._painter.begin(partial(self._parts.engine.prepare, order.run))
        self._contact.start()
        self.events.append("state", state="checking")
        self._writer.start()

    def _paint(self, order: Order) -> Painting:
        engine, run = self._parts.engine, order.run
        deadline_s = float(run["deadline_s"])
        deadline_at = self._began_at + max(deadline_s - self._timings.finish_s, deadline_s / 2)
        until = deadline_at + self._timings.engine_grace_s
        fetcher = Fetcher(self.control, self._parts)
        fetched = fetcher.fetch(run)
        pictures = self._pictures.wait(partial(engine.check, *fetched, run), deadline_at)
        on_step = ProgressLog(self.events, self._writer, self._parts)

        def paint() -> Painting:
            left_s = deadline_at - self._clock.monotonic()
            return engine.paint(pictures, run, left_s, on_step, self._stopped)

        return self._painter.wait(paint, until)

    def _stopped(self) -> bool:
        return self.control.reason is not None

    def _store(self, painting: Painting) -> str:
        """Upload the painting, unless the visitor has just stopped the run; returns its key."""

        def store() -> str:
            self.control.check()
            if self._storage.cancelled(self.run_id):
                raise RunStoppedError(Stop.CANCELLED)
            return self._storage.put_result(self.run_id, painting.png)

        return insist(store, self._timings.report_patience_s, self._clock, self._pause)

    def _pause(self) -> None:
        self.control.pause(self._timings.retry_s)

    def _succeed(self, painting: Painting, key: str) -> bool:
        """The log is complete before anybody is told: it is the truth that they will look at."""
        self._writer.settle_preview(self._timings.preview_patience_s)
        self.events.append("result", key=key, stopped_early=painting.stopped_early)
        self.events.append("state", state="succeeded")
        patience_s = self._timings.report_patience_s
        self._write_last(patience_s)
        output = {
            "result_key": key,
            "stopped_early": painting.stopped_early,
            "steps": painting.steps,
            "cpu_s": round(painting.cpu_s, 3),
            "dtype": painting.dtype,
        }
        log.info("succeeded", extra={"fields": output})
        return self._reporter.success(self._contact, output, patience_s)

    def _fail(self, error: BaseException, tokens: Tokens) -> bool:
        why = failure(self._cause(error))
        expected = isinstance(error, (RunStoppedError, PictureRefusedError, ParametersRefusedError))
        log.warning("%s: %s", why.error, why.sentence, exc_info=None if expected else error)
        self.begun.set()
        patience_s = self._timings.report_patience_s
        if self.control.reason in (Stop.TERMINATED, Stop.LOST):
            patience_s = self._timings.last_words_s
        self.events.append("state", state=why.state, problem=self._problem(why))
        self._writer.start()
        self._write_last(patience_s)
        return self._reporter.failure(tokens, why.error, why.sentence, patience_s)

    def _cause(self, error: BaseException) -> BaseException:
        """SIGTERM says that the task is to end, not why: the cancel mark may."""
        if isinstance(error, RunStoppedError) and error.reason is Stop.TERMINATED:
            try:
                if self._storage.cancelled(self.run_id):
                    return RunStoppedError(Stop.CANCELLED)
            except AwsErrors as unanswered:
                log.warning("the cancel mark cannot be read: %s", error_code(unanswered))
        return error

    def _problem(self, why: Failure) -> dict[str, Any]:
        return problems.document(
            why.error, why.sentence, run_id=self.run_id, correlation_id=self.correlation_id
        )

    def _write_last(self, patience_s: float) -> None:
        if not self._writer.finish(patience_s):
            log.error("the last lines of the event log are not stored")


class _StartToken:
    """The token of the start order, for a failure before ``started`` was accepted."""

    def __init__(self, order: Order, storage: Storage) -> None:
        self._order = order
        self._storage = storage

    def token(self, patience_s: float) -> str | None:  # noqa: ARG002 (it is there already)
        return self._order.task_token

    def renewed(self, gone: str) -> str | None:
        order = read_order(self._storage, str(self._order.run["run_id"]))
        return order.task_token if order and order.task_token != gone else None
