"""Deliberate bugs of the worker, each with the ordinary test that must fail on it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from unittest import mock

from PIL import Image

from system import runs
from tests.mutations.mutations import swap
from tests.mutations.patches import Patch
from tests.unit.worker import (
    service_fakes,
    test_pictures,
    test_protocol_contract,
    test_service_api,
    test_service_log,
    test_service_painter,
    test_service_run,
    test_service_stops,
)
from tests.unit.worker.protocol_stages import play_worker
from worker.engine import pictures
from worker.service import painter, run, start
from worker.service.api import Api
from worker.service.aws import AwsErrors
from worker.service.callbacks import Callbacks
from worker.service.contact import Contact
from worker.service.control import Control, Stop
from worker.service.lane import Lane
from worker.service.logwriter import LogWriter
from worker.service.outcome import Failure
from worker.service.report import Reporter
from worker.service.run import Run
from worker.service.runlog import RunLog
from worker.service.runner import Runner
from worker.service.start import Order, Starter
from worker.service.storage import Storage

PATIENCE_S = 3.0
"""With a bug in it a run may hang: its check fails after this, not after a patient test's time."""


@dataclass(frozen=True)
class WorkerBug:
    """A bug, and the test that finds it, with the parameters it is called with."""

    name: str
    patch: Patch
    check: Callable[..., None]
    given: tuple[Any, ...] = ()

    @property
    def found_by(self) -> str:
        """The check's name, or its module and its case."""
        module = self.check.__module__.rpartition(".")[2]
        if self.check is test_protocol_contract.test_the_same_order_is_the_same_protocol:
            return f"{module}[{self.given[0].arrange.__name__}]"
        return f"{module}::{self.check.__name__}"

    def run_check(self) -> None:
        """Call the check; raises what it raises."""
        with mock.patch.object(service_fakes, "PATIENCE_S", PATIENCE_S):
            self.check(*self.given)


def contract(arrange: Callable[..., None]) -> dict[str, Any]:
    """The case of the contract suite that ``arrange`` makes, played by the real worker."""
    (case,) = (c for c in test_protocol_contract.CASES if c.arrange is arrange)
    check = test_protocol_contract.test_the_same_order_is_the_same_protocol
    return {"check": check, "given": (case, play_worker)}


def _nothing(*_: Any, **__: Any) -> None:
    """Does not do it."""


async def _nothing_async(*_: Any) -> None:
    """Does not do it."""


# callbacks and tokens


def _told_before_stored(self: Any, painting: Any, key: str) -> Any:
    told = _succeed(self, painting, key)
    self._storage.put_result(self.run_id, painting.png)
    return told


def _not_stored(self: Any, painting: Any) -> str:
    del painting
    return runs.result_key(self.run_id)


def _success_before_the_result() -> Any:
    return mock.patch.multiple(Run, _store=_not_stored, _succeed=_told_before_stored)


_succeed = Run._succeed


def _told_twice(self: Any, *given: Any) -> bool:
    _success(self, *given)
    return bool(_success(self, *given))


_success = Reporter.success


def _order_read_once(self: Any) -> Order | None:
    """What was read first is the order for ever, with its first token."""
    if not hasattr(self, "remembered"):
        self.remembered = _read(self)
    found: Order | None = self.remembered
    return found


_read = Starter._read


def _any_order(storage: Storage, run_id: str) -> Order | None:
    document = storage.order(run_id)
    return document and Order(document["task_token"], document["run"], run_id)  # type: ignore[return-value]


def _no_reason(self: Any, token: str, error: str, sentence: str) -> None:
    del sentence
    _fail(self, token, error, "")


_fail = Callbacks.fail


def _everything_crashed(error: BaseException) -> Failure:
    del error
    return Failure("failed", "WorkerFailed", "The painter failed at these pictures.")


def _no_token_is_fine(self: Any, tokens: Any, send: Any, patience_s: float) -> bool:
    _report(self, tokens, send, patience_s)
    return True


_report = Reporter._report


def _one_try(call: Callable[[], Any], *_: Any) -> Any:
    """No answer passes for an answer."""
    try:
        return call()
    except AwsErrors:
        return "runs/unknown"


# stops and deadlines


def _deaf_to_sigterm(self: Any, reason: Stop) -> None:
    if reason is not Stop.TERMINATED:
        _stop(self, reason)


_stop = Control.stop


def _store_unasked(self: Any, painting: Any) -> str:
    return str(self._storage.put_result(self.run_id, painting.png))


def _paint_without_end(self: Any, order: Order) -> Any:
    return _paint(self, replace(order, run={**order.run, "deadline_s": 1e6}))


_paint = Run._paint


def _wait_for_ever(self: Any, call: Any, until: float) -> Any:
    del until
    return _wait(self, call, math.inf)


_wait = Lane.wait


def _never_lost(self: Any, run_id: str, control: Any, parts: Any) -> None:
    endless = replace(parts.timings, contact_lost_s=math.inf)
    _contact(self, run_id, control, replace(parts, timings=endless))


_contact = Contact.__init__


# pictures


def _fetch_all(self: Any, key: str, bytes_max: int, check: Any) -> bytes:
    del bytes_max
    return _fetch(self, key, 1 << 40, check)


_fetch = Storage.fetch


def _anything_is_a_picture(data: bytes, name: str, side: int) -> Any:
    del data, name, side
    return None


def _with_exif(*given: Any) -> Image.Image:
    image = _fromarray(*given)
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    image.save = partial(image.save, exif=exif)  # type: ignore[method-assign]
    return image


_fromarray = Image.fromarray


# the event log and the Web API


def _backwards(self: Any) -> tuple[str, int]:
    return "".join(reversed(self._lines)), len(self._lines)


def _announced_before_stored(self: Any, jpeg: bytes) -> None:
    self._events.append("preview", key=runs.preview_key(self._run_id), version=1)
    self._write_log()
    self._storage.put_preview(self._run_id, jpeg)


def _start_again(self: Any) -> None:
    self._thread = None
    _start(self)


_start = Runner.start


WORKER_BUGS = [
    WorkerBug(
        "heartbeats are not sent",
        swap(Callbacks, "heartbeat", _nothing),
        **contract(test_protocol_contract.all_is_well),
    ),
    WorkerBug(
        "success is told before the painting is stored",
        _success_before_the_result,
        **contract(test_protocol_contract.all_is_well),
    ),
    WorkerBug(
        "the outcome is told twice",
        swap(Reporter, "success", _told_twice),
        **contract(test_protocol_contract.all_is_well),
    ),
    WorkerBug(
        "a failure is told to nobody",
        swap(Reporter, "failure", lambda *_: True),
        **contract(test_protocol_contract.a_picture_is_none),
    ),
    WorkerBug(
        "a failure gives no reason",
        swap(Callbacks, "fail", _no_reason),
        **contract(test_protocol_contract.a_picture_is_none),
    ),
    WorkerBug(
        "a refused picture is told as a crash",
        swap(run, "failure", _everything_crashed),
        **contract(test_protocol_contract.a_picture_is_none),
    ),
    WorkerBug(
        "the stale token of the first order is used",
        swap(Starter, "_read", _order_read_once),
        **contract(test_protocol_contract.a_retry_has_a_newer_order),
    ),
    WorkerBug(
        "a renewed second token is not looked for",
        swap(Contact, "renewed", lambda *_: None),
        **contract(test_protocol_contract.its_token_is_renewed_when_it_reports),
    ),
    WorkerBug(
        "another run's order is obeyed",
        swap(start, "read_order", _any_order),
        **contract(test_protocol_contract.the_order_is_another_runs),
    ),
    WorkerBug(
        "it exits with 0 though nobody could be told",
        swap(Reporter, "_report", _no_token_is_fine),
        **contract(test_protocol_contract.nobody_watches_it),
    ),
    WorkerBug(
        "no answer of S3 passes for a stored painting",
        swap(run, "insist", _one_try),
        **contract(test_protocol_contract.the_painting_cannot_be_stored),
    ),
    WorkerBug(
        "SIGTERM is ignored",
        swap(Control, "stop", _deaf_to_sigterm),
        **contract(test_protocol_contract.it_gets_sigterm),
    ),
    WorkerBug(
        "the cancel mark is not looked for",
        swap(Storage, "cancelled", lambda *_: False),
        **contract(test_protocol_contract.the_visitor_stops_it),
    ),
    WorkerBug(
        "a run that was cancelled at its end is stored all the same",
        swap(Run, "_store", _store_unasked),
        test_service_stops.test_the_cancel_mark_is_looked_for_before_the_painting_is_stored,
    ),
    WorkerBug(
        "the deadline is not looked at",
        swap(Run, "_paint", _paint_without_end),
        test_service_run.test_the_engine_gets_the_time_that_is_left,
    ),
    WorkerBug(
        "an engine that hangs is waited for",
        swap(Lane, "wait", _wait_for_ever),
        test_service_run.test_an_engine_that_does_not_come_back_is_left_behind,
    ),
    WorkerBug(
        "a task whose world is gone paints on",
        swap(Contact, "__init__", _never_lost),
        test_service_stops.test_a_world_that_is_gone_ends_the_run,
    ),
    WorkerBug(
        "a picture of any size is taken",
        swap(Storage, "fetch", _fetch_all),
        test_service_run.test_a_picture_with_too_many_bytes_is_refused,
    ),
    WorkerBug(
        "what is no picture is taken",
        swap(painter, "_decode", _anything_is_a_picture),
        test_service_painter.test_the_content_picture_is_called_so,
    ),
    WorkerBug(
        "the painting carries EXIF",
        swap(pictures.Image, "fromarray", _with_exif),
        test_pictures.test_results_carry_no_metadata,
        ("PNG",),
    ),
    WorkerBug(
        "the event log is not in order",
        swap(RunLog, "text", _backwards),
        **contract(test_protocol_contract.all_is_well),
    ),
    WorkerBug(
        "the event log goes on after its end",
        swap(RunLog, "final", property(lambda _: False)),
        test_service_log.test_nothing_comes_after_the_final_line,
    ),
    WorkerBug(
        "the log's last lines are left unwritten",
        swap(LogWriter, "finish", lambda *_: True),
        test_service_run.test_the_log_is_complete_before_the_workflow_is_told,
    ),
    WorkerBug(
        "a preview is announced before it is there",
        swap(LogWriter, "_write_preview", _announced_before_stored),
        test_service_log.test_a_preview_is_stored_before_its_line,
    ),
    WorkerBug(
        "POST /run-nst starts without an order",
        swap(Api, "_require_order", _nothing_async),
        test_service_api.test_run_nst_obeys_start_orders_only,
    ),
    WorkerBug(
        "POST /run-nst starts the run again",
        swap(Runner, "start", _start_again),
        test_service_api.test_run_nst_twice_before_the_run_has_said_anything_is_one_run,
    ),
]
