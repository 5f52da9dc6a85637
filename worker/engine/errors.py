"""Every error the engine raises; each message is a sentence for the person who sees it."""

from __future__ import annotations


class EngineError(Exception):
    """Anything the engine raises on purpose."""


class PictureError(EngineError):
    """A picture cannot be used; ``code`` is for programs, the message for its owner."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class ParameterError(EngineError, ValueError):
    """A parameter is out of its range."""


class WeightsError(EngineError):
    """The network's weights are missing or are not the published ones."""


class Stopped(EngineError):  # noqa: N818  (not a fault: the caller asked for it)
    """The caller asked to stop; ``steps`` evaluations had been made."""

    def __init__(self, steps: int) -> None:
        super().__init__(f"Stopped on request after {steps} steps.")
        self.steps = steps
