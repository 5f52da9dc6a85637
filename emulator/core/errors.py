"""The emulator's errors: one tree, each with a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class EmulatorError(Exception):
    """The emulator itself cannot go on (a port is taken, a setting is wrong)."""


class AwsError(Exception):
    """An error as an AWS service answers it.

    ``code`` is the error code that SDKs read (``ResourceNotFoundException``), ``status`` the HTTP
    status, ``fields`` further members of the error's shape. Every front writes it in the wire
    format of its protocol.
    """

    def __init__(
        self,
        code: str,
        message: str,
        status: int = 400,
        fields: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.fields = dict(fields or {})


class NotSupported(AwsError):  # noqa: N818 - reads as what the client is told
    """A call or a feature that the emulator refuses by name instead of pretending.

    501 would be honest HTTP, but SDKs and Terraform retry every 5xx for minutes: 400 ends it.
    """

    def __init__(self, what: str) -> None:
        super().__init__(
            "NotSupportedByEmulator",
            f"{what} is not supported by this emulator; see docs/fidelity.md",
            400,
        )


class NoReply(EmulatorError):  # noqa: N818 - what happened, not what is wrong
    """The caller gets no answer to its call, whether it had an effect or not.

    Clients see a connection that ends or a read that times out.
    """


class ProcessCrash(BaseException):
    """The process that made the call is gone, as killed at this very moment.

    No ``except Exception`` may take it. Raised to callers whose processes are parts of this
    program, which end as the process would.
    """
