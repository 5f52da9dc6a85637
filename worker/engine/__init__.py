"""Neural style transfer, by optimisation or instantly: the public names of the engine.

Everything here can be imported without torch: `stylize` loads it when it first paints, and only
what is not instant.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from worker.engine.errors import (
    EngineError,
    ParameterError,
    PictureError,
    Stopped,
    WeightsError,
)
from worker.engine.params import (
    Algorithm,
    Colours,
    EngineParams,
    Mask,
    Picture,
    Progress,
    Quality,
    StyleResult,
    ignore,
    never,
)
from worker.engine.pictures import Limits, PictureInfo, decode, decode_mask, encode, inspect
from worker.engine.schedule import evaluations, predict_cpu_seconds

if TYPE_CHECKING:
    import torch

__all__ = [
    "Algorithm",
    "Colours",
    "EngineError",
    "EngineParams",
    "Limits",
    "Mask",
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
    "decode_mask",
    "encode",
    "evaluations",
    "inspect",
    "predict_cpu_seconds",
    "stylize",
]


def stylize(
    content: Picture,
    styles: Sequence[Picture],
    params: EngineParams | None = None,
    on_progress: Callable[[Progress], None] = ignore,
    should_stop: Callable[[], bool] = never,
    *,
    masks: Sequence[Mask] = (),
    dtype: torch.dtype | None = None,
) -> StyleResult:
    """Paint ``content`` in the manner of ``styles``, by ``params.algorithm``.

    Pictures are (H, W, 3) float32 RGB in 0..1, as `decode` gives them. ``should_stop`` is asked
    again and again, perhaps from another thread; where it says yes, Stopped is raised. At
    ``params.deadline_s`` the best picture so far is returned. ``masks``, one (H, W) in 0..1 for
    each style as `decode_mask` gives them, confine the styles; what none of them has stays as the
    photograph has it (`worker.engine.masks`). ``dtype`` forces float32 or bfloat16
    on a painting that is not instant; by default the faster one is chosen. Raises ParameterError
    and PictureError.
    """
    if params is not None and params.algorithm == "instant":
        from worker.engine import instant  # noqa: PLC0415 (loads neither of the two before)

        if dtype is not None:
            raise ParameterError("An instant painting is computed in float32.")
        return instant.stylize(content, styles, params, on_progress, should_stop, masks=masks)
    from worker.engine import engine  # noqa: PLC0415

    return engine.stylize(
        content, styles, params, on_progress, should_stop, masks=masks, dtype=dtype
    )
