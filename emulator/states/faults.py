"""How a state fails: error names of the Amazon States Language and what Retry and Catch see.

Sources: https://states-language.net/spec.html#appendix-a and
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
"""

from __future__ import annotations

from collections.abc import Iterable

ALL = "States.ALL"
BRANCH_FAILED = "States.BranchFailed"
DATA_LIMIT_EXCEEDED = "States.DataLimitExceeded"
EXCEED_TOLERATED_FAILURE_THRESHOLD = "States.ExceedToleratedFailureThreshold"
HEARTBEAT_TIMEOUT = "States.HeartbeatTimeout"
INTRINSIC_FAILURE = "States.IntrinsicFailure"
NO_CHOICE_MATCHED = "States.NoChoiceMatched"
PARAMETER_PATH_FAILURE = "States.ParameterPathFailure"
PERMISSIONS = "States.Permissions"
QUERY_EVALUATION_ERROR = "States.QueryEvaluationError"
RESULT_PATH_MATCH_FAILURE = "States.ResultPathMatchFailure"
RUNTIME = "States.Runtime"
TASK_FAILED = "States.TaskFailed"
TIMEOUT = "States.Timeout"

RESERVED = frozenset(
    {
        ALL,
        BRANCH_FAILED,
        DATA_LIMIT_EXCEEDED,
        EXCEED_TOLERATED_FAILURE_THRESHOLD,
        HEARTBEAT_TIMEOUT,
        INTRINSIC_FAILURE,
        NO_CHOICE_MATCHED,
        PARAMETER_PATH_FAILURE,
        PERMISSIONS,
        QUERY_EVALUATION_ERROR,
        RESULT_PATH_MATCH_FAILURE,
        RUNTIME,
        TASK_FAILED,
        TIMEOUT,
        "States.Http.Socket",
        "States.ItemReaderFailed",
        "States.ResultWriterFailed",
    }
)

CAUSE_CHARS_MAX = 32_768
"""Length limit of a cause in the API model."""

ERROR_CHARS_MAX = 256
"""Length limit of an error name in the API model."""


class StateFault(Exception):  # noqa: N818 (an error of the user's workflow, not of ours)
    """A state failed with ``error`` and ``cause`` (None: the workflow gave none).

    ``aliases`` are further names that Retry and Catch match: a missed heartbeat is recorded as
    States.Timeout and can be caught as States.HeartbeatTimeout too.
    """

    def __init__(
        self, error: str | None, cause: str | None = None, aliases: frozenset[str] = frozenset()
    ) -> None:
        super().__init__(f"{error}: {cause}")
        self.error = error if error is None else error[:ERROR_CHARS_MAX]
        self.cause = cause if cause is None else cause[:CAUSE_CHARS_MAX]
        self.aliases = aliases

    def matches(self, names: Iterable[str]) -> bool:
        """Whether a retrier or catcher with ``ErrorEquals`` ``names`` is for this fault.

        States.Runtime ends the execution whatever the workflow says. States.DataLimitExceeded
        is terminal for the wildcards, and only its own name catches it. States.TaskFailed is a
        wildcard for everything but timeouts.
        """
        if self.error == RUNTIME:
            return False
        for name in names:
            if name == self.error or name in self.aliases:
                return True
            if self.error == DATA_LIMIT_EXCEEDED:
                continue
            if name == ALL or (name == TASK_FAILED and self.error != TIMEOUT):
                return True
        return False

    def output(self) -> dict[str, str]:
        """The error output: ``{"Error", "Cause"}``, as Catch hands it on."""
        return {"Error": self.error or "", "Cause": self.cause or ""}

    def details(self) -> dict[str, str]:
        """``error`` and ``cause`` as history events and API answers carry them."""
        details = {"error": self.error, "cause": self.cause}
        return {key: value for key, value in details.items() if value is not None}


class PathFault(Exception):  # noqa: N818 (turned into a StateFault by whoever knows the field)
    """A path or an intrinsic function found nothing, or something of the wrong kind.

    The message says what; ``error`` is the name under which the state then fails.
    """

    def __init__(self, message: str, error: str = RUNTIME) -> None:
        super().__init__(message)
        self.error = error


class QueryFault(Exception):  # noqa: N818 (turned into a StateFault by whoever knows the state)
    """A JSONata expression failed; ``location`` is the field, slash-separated from the state.

    ``evaluated``: it gave a value of the right type, which its field cannot take.
    """

    def __init__(self, message: str, location: str, *, evaluated: bool = False) -> None:
        super().__init__(message)
        self.location = location
        self.evaluated = evaluated
