"""Task tokens: how a task that waits for a callback is told its outcome.

A token names its execution, so that one whose task is over can be told from one that never was
(AWS answers TaskTimedOut and InvalidToken), without remembering old tokens.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import Callable
from typing import Any

from emulator.core.errors import AwsError
from emulator.states.documents import BYTES_MAX, loads, utf8_bytes
from emulator.states.faults import CAUSE_CHARS_MAX, ERROR_CHARS_MAX, StateFault

TOKEN_CHARS_MAX = 2_048


class Callback:
    """One task that waits. ``outcome`` resolves with its output or raises a StateFault."""

    __slots__ = ("on_heartbeat", "outcome", "token")

    def __init__(self, token: str) -> None:
        self.token = token
        self.outcome: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.on_heartbeat: Callable[[], None] = _nothing


class Tokens:
    """The tokens of tasks that wait now."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._waiting: dict[str, Callback] = {}

    def issue(self, execution_arn: str) -> Callback:
        """A token for a task of ``execution_arn``; `close` it when the task is over."""
        secret = json.dumps([execution_arn, self._new_id()], separators=(",", ":"))
        callback = Callback(base64.b64encode(secret.encode()).decode())
        self._waiting[callback.token] = callback
        return callback

    def close(self, callback: Callback) -> None:
        """The task is over; its token says so from now on."""
        self._waiting.pop(callback.token, None)
        if callback.outcome.done() and not callback.outcome.cancelled():
            callback.outcome.exception()  # marks it as seen: nobody may have waited for it
        callback.outcome.cancel()

    def succeed(self, token: Any, output: Any) -> None:
        """SendTaskSuccess; raises AwsError (InvalidToken, TaskTimedOut, InvalidOutput)."""
        callback = self._find(token)
        if not isinstance(output, str) or utf8_bytes(output) > BYTES_MAX:
            raise AwsError("InvalidOutput", "Invalid Output: 'Invalid output.'")
        try:
            document = loads(output)
        except ValueError as error:
            raise AwsError("InvalidOutput", f"Invalid Output: '{error}'") from error
        self._take(callback).outcome.set_result(document)

    def fail(self, token: Any, error: Any, cause: Any) -> None:
        """SendTaskFailure; raises AwsError (InvalidToken, TaskTimedOut, ValidationException)."""
        callback = self._find(token)
        for name, value, most in (
            ("error", error, ERROR_CHARS_MAX),
            ("cause", cause, CAUSE_CHARS_MAX),
        ):
            if value is not None and (not isinstance(value, str) or len(value) > most):
                raise AwsError(
                    "ValidationException",
                    f"1 validation error detected: Value at '{name}' failed to satisfy "
                    f"constraint: Member must have length less than or equal to {most}",
                )
        self._take(callback).outcome.set_exception(StateFault(error, cause))

    def heartbeat(self, token: Any) -> None:
        """SendTaskHeartbeat; raises AwsError (InvalidToken, TaskTimedOut)."""
        self._find(token).on_heartbeat()

    @staticmethod
    def machine_of(token: Any) -> str | None:
        """The ARN of the workflow that a token belongs to, waiting or over; None for no token."""
        try:
            arn, _secret = json.loads(base64.b64decode(token, validate=True))
        except (ValueError, binascii.Error, TypeError):
            return None
        if not isinstance(arn, str) or ":execution:" not in arn:
            return None
        return arn.rpartition(":")[0].replace(":execution:", ":stateMachine:", 1)

    def _find(self, token: Any) -> Callback:
        if not isinstance(token, str) or not 1 <= len(token) <= TOKEN_CHARS_MAX:
            raise AwsError("InvalidToken", "Invalid Token: 'Invalid token'")
        callback = self._waiting.get(token)
        if callback is not None and not callback.outcome.done():
            return callback
        if self.machine_of(token) is None:
            raise AwsError("InvalidToken", "Invalid Token: 'Invalid token'")
        raise AwsError("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")

    def _take(self, callback: Callback) -> Callback:
        self._waiting.pop(callback.token, None)
        return callback


def _nothing() -> None:
    """No heartbeat is asked for."""
