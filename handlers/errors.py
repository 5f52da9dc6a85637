"""What a function raises. A class's name is the error name that the workflows catch.

Lambda reports it as ``errorType``; the message is a sentence for the visitor. Names, codes and
statuses stand in ``system.problems``.
"""
# ruff: noqa: N818 (the names are the contract with the workflows)

from __future__ import annotations

from system import problems


class FunctionError(Exception):
    """One of the errors below; without a message it says what its kind says."""

    def __init__(self, message: str = "", *, run_id: str | None = None) -> None:
        super().__init__(message or problems.kind_of(type(self).__name__).detail)
        self.run_id = run_id


class InvalidRequest(FunctionError):
    """A body or parameter is out of range."""


class BudgetExhausted(FunctionError):
    """The ceiling of the run does not fit."""


class DailyLimitReached(FunctionError):
    """The day's share of the budget would be passed."""


class TooManyRuns(FunctionError):
    """As many runs as may be are in flight."""


class BudgetUnavailable(FunctionError):
    """The ledger is missing, corrupt, or every compare-and-swap was lost."""


class RunConflict(FunctionError):
    """The run id is taken with another input."""


class UploadMissing(FunctionError):
    """A picture was not uploaded."""


class UploadRefused(FunctionError):
    """An uploaded picture is empty or too large."""


class RunNotFound(FunctionError):
    """There is no such run."""


class RunCancelled(FunctionError):
    """The visitor stopped the run, or it is over."""


class NoCapacity(FunctionError):
    """ECS has no machine now, or did not answer; the workflow tries again."""


class TaskRefused(FunctionError):
    """ECS refuses the task for good."""


class TaskStillStopping(FunctionError):
    """The task is not STOPPED yet; the workflow asks again."""


BY_NAME: dict[str, type[FunctionError]] = {
    kind.__name__: kind
    for kind in (
        InvalidRequest,
        BudgetExhausted,
        DailyLimitReached,
        TooManyRuns,
        BudgetUnavailable,
        RunConflict,
        UploadMissing,
        UploadRefused,
        RunNotFound,
        RunCancelled,
        NoCapacity,
        TaskRefused,
        TaskStillStopping,
    )
}
