"""What can go wrong for a client, each with a sentence that its user can act on.

::

    ClientError
    ├── UnreachableError        nobody answers at the address
    ├── BadAnswerError          somebody answers, but not as the API promises
    ├── ProblemError       the API said no, with a problem document
    │   ├── InvalidInputError   400, 409, 413, 415, 422: something about the request
    │   ├── RefusedError        402, 429, 503 of the budget: no money or no room now
    │   ├── NotFoundError       404
    │   └── ServerFailedError   every other status
    ├── UploadFailedError       the bucket did not take a picture
    └── RunEndedError           the run ended without a painting
        ├── RunFailedError
        └── RunStoppedError
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from system import problems

_SENTENCE_CHARS_MAX = 500
_REFUSALS = frozenset(
    problems.KINDS[name].code
    for name in ("BudgetExhausted", "DailyLimitReached", "TooManyRuns", "BudgetUnavailable")
)


class ClientError(Exception):
    """The root of all of them; ``str`` of it is one or two sentences."""


class UnreachableError(ClientError):
    """Nobody answers at the address, or the connection broke and stayed broken."""


class BadAnswerError(ClientError):
    """An answer is not what the API promises: another program, a proxy, a broken download."""


class UploadFailedError(ClientError):
    """The bucket did not take a picture; ``status`` and S3's error ``code`` say why."""

    def __init__(self, sentence: str, *, status: int, code: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code


class ProblemError(ClientError):
    """A problem document (RFC 9457) as an exception.

    ``status``: of the answer; ``code``: kebab case, such as ``budget-exhausted``; ``title`` and
    ``detail``: for people; ``run_id`` and ``correlation_id``: None when not said.
    """

    def __init__(self, status: int, document: Mapping[str, Any]) -> None:
        self.status = status
        self.code = _text(document, "code") or "internal-error"
        self.title = _text(document, "title") or f"The server answered {status}"
        self.detail = _text(document, "detail") or "It gave no reason."
        self.run_id = _text(document, "run_id")
        self.correlation_id = _text(document, "correlation_id")
        super().__init__(sentence(document) or f"{self.title}. {self.detail}")


class InvalidInputError(ProblemError):
    """Something about the request or its pictures must be changed first."""


class RefusedError(ProblemError):
    """No money or no room for one more run now."""


class NotFoundError(ProblemError):
    """There is no such run, or not yet."""


class ServerFailedError(ProblemError):
    """Something went wrong on the other side."""


class RunEndedError(ClientError):
    """A run ended without a painting; ``problem`` is its cause, if one was given."""

    def __init__(self, problem: Mapping[str, Any] | None) -> None:
        super().__init__(sentence(problem or {}) or self.default)
        self.problem = dict(problem or {})

    default = "The run ended without a painting."


class RunFailedError(RunEndedError):
    """The run failed."""

    default = "The run failed and gave no reason; please try again."


class RunStoppedError(RunEndedError):
    """Somebody stopped the run."""

    default = "The run was stopped."


def from_problem(status: int, document: Mapping[str, Any]) -> ProblemError:
    """The exception of a problem document."""
    if _text(document, "code") in _REFUSALS or status in {402, 429}:
        return RefusedError(status, document)
    if status == 404:  # noqa: PLR2004 (an HTTP status is its own name)
        return NotFoundError(status, document)
    if status in {400, 409, 413, 415, 422}:
        return InvalidInputError(status, document)
    return ServerFailedError(status, document)


def sentence(document: Mapping[str, Any]) -> str:
    """A problem's title and detail as one text for people; empty when it has neither."""
    title, detail = _text(document, "title"), _text(document, "detail")
    return f"{title}: {detail}" if title and detail else detail or title or ""


def _text(document: Mapping[str, Any], name: str) -> str | None:
    value = document.get(name)
    # What a server says goes to terminals: no control characters, and no novels.
    if not isinstance(value, str):
        return None
    return "".join(c if c.isprintable() else " " for c in value)[:_SENTENCE_CHARS_MAX] or None
