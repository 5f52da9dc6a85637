"""From the start order to ``started``: the first thing that a task does."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from worker.service.callbacks import TokenGoneError
from worker.service.control import Control, RunStoppedError, Stop
from worker.service.parts import Parts
from worker.service.patience import UnansweredError, insist
from worker.service.storage import Storage

log = logging.getLogger("nst.start")
T = TypeVar("T")


class NoOrderError(Exception):
    """There is no start order for this task, or none that can be read: it must not run."""


@dataclass(frozen=True)
class Order:
    """A start order: whom to tell, and the run input as the workflow gave it."""

    task_token: str
    run: Mapping[str, Any]
    correlation_id: str


def read_order(storage: Storage, run_id: str) -> Order | None:
    """The start order of ``run_id``; None when there is none.

    Raises NoOrderError for one that is not a start order of this run.
    """
    try:
        document = storage.order(run_id)
    except ValueError as error:
        raise NoOrderError(f"the start order of {run_id} is not JSON") from error
    if document is None:
        return None
    token, run = document.get("task_token"), document.get("run")
    if not isinstance(token, str) or not token or not isinstance(run, dict):
        raise NoOrderError(f"the start order of {run_id} has no token or no run")
    if document.get("run_id") != run_id or run.get("run_id") != run_id:
        raise NoOrderError(f"the start order of {run_id} is for another run")
    return Order(token, run, str(document.get("correlation_id") or run_id))


class Starter:
    """Reports ``started`` with the newest token of the start order.

    Its methods raise RunStoppedError when the run is over before it began: asked to stop, ended
    elsewhere, or AWS not answering.
    """

    def __init__(self, run_id: str, control: Control, parts: Parts) -> None:
        self._run_id = run_id
        self._storage = parts.storage
        self._callbacks = parts.callbacks
        self._control = control
        self._clock = parts.clock
        self._timings = parts.timings

    def order(self) -> Order:
        """The start order; raises NoOrderError when none comes in time."""
        order = self._look(self._read, self._timings.order_patience_s)
        if order is None:
            raise NoOrderError(f"there is no start order for {self._run_id}")
        return order

    def report(self, order: Order, output: Mapping[str, Any]) -> Order:
        """Report ``started``; returns the order whose token took it."""
        while True:
            try:
                self._insist(partial(self._callbacks.succeed, order.task_token, output))
            except TokenGoneError as gone:
                log.warning("the start token is over (%s): is there a newer order?", gone.code)
                order = self._newer(order)
            else:
                return order

    def _newer(self, old: Order) -> Order:
        """The order of a retry: its token differs."""

        def newer() -> Order | None:
            if self._storage.cancelled(self._run_id):
                raise RunStoppedError(Stop.CANCELLED)
            found = self._read()
            return found if found and found.task_token != old.task_token else None

        order = self._look(newer, self._timings.token_patience_s)
        if order is None:
            raise RunStoppedError(Stop.ENDED)
        return order

    def _read(self) -> Order | None:
        return read_order(self._storage, self._run_id)

    def _look(self, find: Callable[[], Order | None], patience_s: float) -> Order | None:
        """What ``find`` finds within ``patience_s``; None when it finds nothing."""
        until = self._clock.monotonic() + patience_s
        while True:
            found = self._insist(find)
            if found is not None or self._clock.monotonic() >= until:
                return found
            self._pause()

    def _insist(self, call: Callable[[], T]) -> T:
        try:
            return insist(call, self._timings.report_patience_s, self._clock, self._pause)
        except UnansweredError as error:
            raise RunStoppedError(Stop.LOST) from error

    def _pause(self) -> None:
        self._control.pause(self._timings.retry_s)
