"""Callback tokens of Step Functions: success, failure and heartbeat."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from worker.service.aws import StepFunctionsClient, error_code

ERROR_CHARS_MAX = 256
CAUSE_CHARS_MAX = 32_768
GONE = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})


class TokenGoneError(Exception):
    """Nothing waits for this token any more: it timed out, was answered, or never was one."""

    def __init__(self, code: str) -> None:
        super().__init__(f"the callback token is over ({code})")
        self.code = code


class Callbacks:
    """Answers to callback tokens. All calls raise TokenGoneError or botocore's errors."""

    def __init__(self, client: StepFunctionsClient) -> None:
        self._client = client

    def succeed(self, token: str, output: Mapping[str, Any]) -> None:
        """The task is done; ``output`` becomes the state's result."""
        self._call(self._client.send_task_success, taskToken=token, output=json.dumps(output))

    def fail(self, token: str, error: str, sentence: str) -> None:
        """The task failed with the error name ``error`` and a sentence for the visitor."""
        self._call(
            self._client.send_task_failure,
            taskToken=token,
            error=error[:ERROR_CHARS_MAX],
            cause=sentence[:CAUSE_CHARS_MAX],
        )

    def heartbeat(self, token: str) -> None:
        """The task is alive."""
        self._call(self._client.send_task_heartbeat, taskToken=token)

    @staticmethod
    def _call(operation: Callable[..., dict[str, Any]], **params: Any) -> None:
        try:
            operation(**params)
        except ClientError as error:
            code = error_code(error)
            if code in GONE:
                raise TokenGoneError(code) from error
            raise
