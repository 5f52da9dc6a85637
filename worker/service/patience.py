"""Trying again, for a bounded time, when AWS does not answer."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from worker.service.aws import AwsErrors, error_code
from worker.service.clock import Clock

log = logging.getLogger("nst.patience")
T = TypeVar("T")


class UnansweredError(Exception):
    """AWS did not do it in time; the cause is its last error."""


def insist(
    call: Callable[[], T],
    patience_s: float,
    clock: Clock,
    pause: Callable[[], None],
) -> T:
    """What ``call`` returns; made again after ``pause`` while AWS refuses or does not answer.

    The first call is always made, the last one begins within ``patience_s``; raises UnansweredError
    after it. Every other exception, of the call or of the pause, goes through.
    """
    until = clock.monotonic() + patience_s
    while True:
        try:
            return call()
        except AwsErrors as error:
            log.warning("no success: %s", error_code(error))
            if clock.monotonic() >= until:
                raise UnansweredError(str(error)) from error
        pause()
