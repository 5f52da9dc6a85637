"""Everything that can go wrong for a visitor: one table of error names, codes, titles, statuses.

The *error name* is the class name that a function raises and that the workflows catch. A *problem*
is what a visitor gets: a document after RFC 9457 (https://www.rfc-editor.org/rfc/rfc9457).
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

CONTENT_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:nst:problem:"
DETAIL_CHARS_MAX = 2_000
INTERNAL = "InternalError"


@dataclass(frozen=True)
class Kind:
    """One kind of problem.

    ``code`` is in kebab case, ``status`` that of an HTTP answer which carries it, ``detail`` the
    sentence that stands when nobody has a better one.
    """

    code: str
    title: str
    status: int
    detail: str


KINDS: dict[str, Kind] = {
    "InvalidRequest": Kind(
        "invalid-request",
        "The request is not valid",
        400,
        "Something in the request is missing or out of range.",
    ),
    "BudgetExhausted": Kind(
        "budget-exhausted",
        "The budget is spent",
        402,
        "This period's budget for paintings is spent or reserved; please come back when it renews.",
    ),
    "DailyLimitReached": Kind(
        "daily-limit-reached",
        "Enough for today",
        402,
        "Today's share of the budget is spent; please come back tomorrow.",
    ),
    "TooManyRuns": Kind(
        "too-many-runs",
        "All easels are taken",
        429,
        "As many paintings as can be made at once are being made; please try again in a minute.",
    ),
    "BudgetUnavailable": Kind(
        "budget-unavailable",
        "The budget cannot be read",
        503,
        "The budget cannot be read or changed right now, so nothing is started; please try again.",
    ),
    "RunConflict": Kind(
        "run-conflict",
        "This run was started before",
        409,
        "This run was started before with other pictures or parameters; ask for a new run.",
    ),
    "UploadMissing": Kind(
        "upload-missing",
        "A picture is missing",
        422,
        "A picture of this run was not uploaded; please upload it and start again.",
    ),
    "UploadRefused": Kind(
        "upload-refused",
        "A picture cannot be taken",
        422,
        "An uploaded picture is empty or too large.",
    ),
    "RunNotFound": Kind(
        "run-not-found",
        "There is no such run",
        404,
        "There is no run of this id, or it was deleted after some days.",
    ),
    "RunCancelled": Kind(
        "run-cancelled",
        "The run was stopped",
        409,
        "You stopped this run.",
    ),
    "NoCapacity": Kind(
        "no-capacity",
        "No machine is free",
        503,
        "No machine is free for this painting right now; please try again in some minutes.",
    ),
    "TaskRefused": Kind(
        "task-refused",
        "The painter could not be started",
        500,
        "The painter could not be started; nothing was painted.",
    ),
    "TaskStillStopping": Kind(
        "task-still-stopping",
        "The painter is still stopping",
        503,
        "The painter of this run is still stopping.",
    ),
    "PictureRefused": Kind(
        "picture-refused",
        "A picture cannot be used",
        422,
        "A picture of this run cannot be used.",
    ),
    "WorkerFailed": Kind(
        "worker-failed",
        "The painter failed",
        500,
        "The painter failed at these pictures; please try again, or with other settings.",
    ),
    "TaskStopped": Kind(
        "task-stopped",
        "The painter was stopped",
        500,
        "The painter ended before its painting was done; please try again.",
    ),
    "WorkerLost": Kind(
        "worker-lost",
        "The painter was lost",
        500,
        "The painter did not start in time or fell silent; please try again.",
    ),
    "InternalError": Kind(
        "internal-error",
        "Something went wrong on our side",
        500,
        "Something went wrong on our side; please try again.",
    ),
}

_CODE = re.compile(r"[a-z]+(-[a-z]+)*")


def table() -> dict[str, dict[str, Any]]:
    """Error name -> ``{"code", "title", "status", "detail"}``, as the workflows carry it."""
    return {name: asdict(kind) for name, kind in KINDS.items()}


def kind_of(error_name: str) -> Kind:
    """The kind of an error name; names that nobody declared are internal errors."""
    return KINDS.get(error_name, KINDS[INTERNAL])


def document(
    error_name: str,
    detail: str | None = None,
    *,
    run_id: str | None = None,
    correlation_id: str | None = None,
) -> dict[str, Any]:
    """The problem document of an error.

    ``detail`` is the sentence for the visitor, cut at ``DETAIL_CHARS_MAX`` characters. The detail
    of an undeclared error is not shown: it was not written for visitors.
    """
    kind = kind_of(error_name)
    said = detail if detail and error_name in KINDS else kind.detail
    problem: dict[str, Any] = {
        "type": TYPE_PREFIX + kind.code,
        "title": kind.title,
        "status": kind.status,
        "detail": said[:DETAIL_CHARS_MAX],
        "code": kind.code,
    }
    if run_id is not None:
        problem["run_id"] = run_id
    if correlation_id is not None:
        problem["correlation_id"] = correlation_id
    return problem


def code_of(error_name: str) -> str:
    """An error name in kebab case: ``BudgetExhausted`` is ``budget-exhausted``."""
    code = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", error_name).lower()
    if not _CODE.fullmatch(code):
        raise ValueError(f"{error_name!r} is no error name")
    return code
