"""The last word of a run, to whoever waits for it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from worker.service.callbacks import Callbacks, TokenGoneError
from worker.service.clock import Clock
from worker.service.patience import UnansweredError, insist
from worker.service.timings import Timings

log = logging.getLogger("nst.report")

TOKENS_MAX = 5
"""How many newer tokens are tried: each is a retry of the workflow's state."""


class Tokens(Protocol):
    """Where the newest callback token comes from."""

    def token(self, patience_s: float) -> str | None:
        """The token, waited for at most ``patience_s``; None when there is none."""

    def renewed(self, gone: str) -> str | None:
        """The token that took the place of ``gone``; None when there is none."""


class Reporter:
    """Reports the outcome with the newest token.

    Both methods return True when the report was taken or when nobody waits for one any more (the
    run was ended elsewhere); False when it could not be delivered in time.
    """

    def __init__(self, callbacks: Callbacks, clock: Clock, timings: Timings) -> None:
        self._callbacks = callbacks
        self._clock = clock
        self._timings = timings

    def success(self, tokens: Tokens, output: Mapping[str, Any], patience_s: float) -> bool:
        """The painting is stored."""
        return self._report(
            tokens, lambda token: self._callbacks.succeed(token, output), patience_s
        )

    def failure(self, tokens: Tokens, error: str, sentence: str, patience_s: float) -> bool:
        """The run failed: the error name for the workflow, the sentence for the visitor."""
        return self._report(
            tokens, lambda token: self._callbacks.fail(token, error, sentence), patience_s
        )

    def _report(self, tokens: Tokens, send: Callable[[str], None], patience_s: float) -> bool:
        until = self._clock.monotonic() + patience_s
        token = tokens.token(patience_s)
        for _ in range(TOKENS_MAX):
            if token is None:
                log.error("there is no callback token to report the outcome with")
                return False
            try:
                return self._send(tokens, send, token, until - self._clock.monotonic())
            except _RenewedError as renewed:
                token = renewed.token
            except UnansweredError:
                log.exception("the outcome could not be reported")
                return False
        log.error("the callback token changed %d times", TOKENS_MAX)
        return False

    def _send(
        self, tokens: Tokens, send: Callable[[str], None], token: str, patience_s: float
    ) -> bool:
        def once() -> bool:
            try:
                send(token)
            except TokenGoneError as gone:
                newer = tokens.renewed(token)
                if newer is not None:
                    raise _RenewedError(newer) from gone
                log.warning("nobody waits for the outcome any more (%s)", gone.code)
            return True

        return insist(once, patience_s, self._clock, self._pause)

    def _pause(self) -> None:
        until = self._clock.monotonic() + self._timings.retry_s
        condition = threading.Condition()
        with condition:
            while (left := until - self._clock.monotonic()) > 0:
                self._clock.wait(condition, left)


class _RenewedError(Exception):
    def __init__(self, token: str) -> None:
        super().__init__("there is a newer token")
        self.token = token
