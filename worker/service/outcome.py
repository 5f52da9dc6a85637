"""Every way in which a run can fail, and the sentence that its visitor reads."""

from __future__ import annotations

from dataclasses import dataclass

from worker.service.control import RunStoppedError, Stop
from worker.service.lane import EngineStuckError
from worker.service.patience import UnansweredError
from worker.service.ports import ParametersRefusedError, PictureRefusedError


@dataclass(frozen=True)
class Failure:
    """The final state, the error name of ``docs/contracts.md`` and the sentence."""

    state: str
    error: str
    sentence: str


_STOPPED = {
    Stop.CANCELLED: Failure("cancelled", "RunCancelled", "The run was stopped as you asked."),
    Stop.ENDED: Failure(
        "failed", "WorkerLost", "The run was given up before its painting was done."
    ),
    Stop.LOST: Failure(
        "failed", "WorkerLost", "The painter lost contact with the rest of the system."
    ),
    Stop.TERMINATED: Failure(
        "failed", "TaskStopped", "The painter was stopped before its painting was done."
    ),
}
_OUT_OF_TIME = "The time of this run was over before there was a painting; try a smaller size."
_NOT_STORED = "The pictures could not be read, or the painting not be stored; please try again."
_CRASHED = "The painter failed at these pictures; please try again, or with other settings."


def failure(error: BaseException) -> Failure:
    """What ``error`` means for the visitor; details are for the logs only."""
    if isinstance(error, RunStoppedError):
        return _STOPPED[error.reason]
    if isinstance(error, PictureRefusedError):
        return Failure("failed", "PictureRefused", str(error))
    if isinstance(error, ParametersRefusedError):
        return Failure("failed", "InvalidRequest", str(error))
    if isinstance(error, EngineStuckError):
        return Failure("failed", "WorkerFailed", _OUT_OF_TIME)
    if isinstance(error, UnansweredError):
        return Failure("failed", "WorkerFailed", _NOT_STORED)
    return Failure("failed", "WorkerFailed", _CRASHED)
