"""Neural style transfer by optimisation: the public names of the engine.

Everything here can be imported without torch but `stylize`, which loads it on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from worker.engine.errors import (
    EngineError,
    ParameterError,
    PictureError,
    Stopped,
    WeightsError,
)
from worker.engine.params import EngineParams, Picture, Progress, Quality, StyleResult
from worker.engine.pictures import Limits, PictureInfo, decode, encode, inspect
from worker.engine.schedule import evaluations, predict_cpu_seconds

if TYPE_CHECKING:
    from worker.engine.engine import stylize

__all__ = [
    "EngineError",
    "EngineParams",
    "Limits",
    "ParameterError",
    "Picture",
    "PictureError",
    "PictureInfo",
    "Progress",
    "Quality",
    "Stopped",
    "StyleResult",
    "WeightsError",
    "decode",
    "encode",
    "evaluations",
    "inspect",
    "predict_cpu_seconds",
    "stylize",
]


def __getattr__(name: str) -> Any:
    """Load `stylize`, and with it torch, when it is first asked for."""
    if name == "stylize":
        from worker.engine.engine import stylize  # noqa: PLC0415

        return stylize
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
