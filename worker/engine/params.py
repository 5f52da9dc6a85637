"""What a caller gives the engine and gets back: plain values, importable without torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from worker.engine.errors import ParameterError

#: (height, width, 3) RGB in 0..1, as a screen shows it (sRGB).
Picture = NDArray[np.float32]
#: (height, width) shares in 0..1.
Mask = NDArray[np.float32]
Quality = Literal["draft", "good", "best"]
QUALITIES: tuple[Quality, ...] = get_args(Quality)
Algorithm = Literal["painted", "instant"]
ALGORITHMS: tuple[Algorithm, ...] = get_args(Algorithm)
Colours = Literal["style", "palette", "photo"]
COLOURS: tuple[Colours, ...] = get_args(Colours)
SIZE_MIN, SIZE_MAX = 32, 4096
MEMORY_MIB_MIN = 512
STRENGTH_MAX = 2.0
STYLE_SCALE_MIN, STYLE_SCALE_MAX = 0.5, 2.0
STYLE_SIDE_MAX = 4096
STYLES_MAX = 4


@dataclass(frozen=True, slots=True)
class EngineParams:
    """How to paint.

    size: longest side of the result in px, 32..4096.
    quality: how much work is done; see :mod:`worker.engine.schedule` for what it costs.
    strength: 0..2; 1 is balanced, 0 keeps the photograph's drawing, 2 lets the style rule.
    style_weights: one number above 0 for each style (only ratios count); empty: all the same.
    colours: whose they are. style: the styles'; palette: the content's as a whole, laid on by the
        strokes; photo: the content's at every place, under the painting's light.
    style_scale: 0.5..2; how large the strokes are, against those of a style picture as large as
        the painting.
    seed: 0..2**32-1; another seed is another take. One machine repeats a seed exactly.
    deadline_s: seconds (wall clock) after which the best picture so far is returned.
    memory_mib: how much memory the process may have while it paints, 512 or more; what does not
        fit is painted in bands, which takes longer, or refused before it begins. None: 2000, or
        what the size needs at least. Instant paintings do not heed it.
    algorithm: painted (the optimisation) or instant (`worker.engine.instant`, where quality and
        seed have no effect).
    """

    size: int = 512
    quality: Quality = "good"
    strength: float = 1.0
    style_weights: tuple[float, ...] = ()
    colours: Colours = "style"
    style_scale: float = 1.0
    seed: int = 0
    deadline_s: float | None = None
    memory_mib: int | None = None
    algorithm: Algorithm = "painted"

    def __post_init__(self) -> None:
        if self.algorithm not in ALGORITHMS:
            raise ParameterError(
                f"algorithm is one of {', '.join(ALGORITHMS)}, not {self.algorithm}."
            )
        if not SIZE_MIN <= self.size <= SIZE_MAX:
            raise ParameterError(f"size is {SIZE_MIN} to {SIZE_MAX} px, not {self.size}.")
        if self.quality not in QUALITIES:
            raise ParameterError(f"quality is one of {', '.join(QUALITIES)}, not {self.quality}.")
        if not 0 <= self.strength <= STRENGTH_MAX:
            raise ParameterError(f"strength is 0 to {STRENGTH_MAX:g}, not {self.strength:g}.")
        if self.colours not in COLOURS:
            raise ParameterError(f"colours is one of {', '.join(COLOURS)}, not {self.colours}.")
        if not STYLE_SCALE_MIN <= self.style_scale <= STYLE_SCALE_MAX:
            raise ParameterError(
                f"style_scale is {STYLE_SCALE_MIN:g} to {STYLE_SCALE_MAX:g},"
                f" not {self.style_scale:g}."
            )
        if any(not (isfinite(weight) and weight > 0) for weight in self.style_weights):
            raise ParameterError("Every style weight is a number above 0.")
        if not 0 <= self.seed < 2**32:
            raise ParameterError(f"seed is 0 to {2**32 - 1}, not {self.seed}.")
        if self.deadline_s is not None and not self.deadline_s > 0:
            raise ParameterError("deadline_s is a number of seconds above 0.")
        if self.memory_mib is not None and self.memory_mib < MEMORY_MIB_MIN:
            raise ParameterError(f"memory_mib is {MEMORY_MIB_MIN} or more, not {self.memory_mib}.")

    def style_side(self, side: int) -> int:
        """Give the longest side, in px, that a style is looked at with where ``side`` is painted.

        At most 4096: beyond, its strokes are smaller than asked for. With ``size`` it says how
        large a style picture is of use.
        """
        return min(round(side * self.style_scale), max(side, STYLE_SIDE_MAX))

    def weights_for(self, styles: int) -> tuple[float, ...]:
        """Give the share of each of ``styles`` pictures; the shares add up to 1."""
        if not 1 <= styles <= STYLES_MAX:
            raise ParameterError(f"Give 1 to {STYLES_MAX} style pictures, not {styles}.")
        weights = self.style_weights or (1.0,) * styles
        if len(weights) != styles:
            raise ParameterError(f"{len(weights)} style weights for {styles} style pictures.")
        return tuple(weight / sum(weights) for weight in weights)


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run is, told after every evaluation.

    step counts evaluations of the network, 1..steps_total; side is the longest side in px that
    is being painted; loss = style_loss + content_loss (+ a small penalty on colours out of
    range), 0 where none is computed; elapsed_s and eta_s are wall clock seconds; preview makes a
    JPEG of the picture as it is now (it costs some 10 ms, so call it only when somebody looks).
    """

    step: int
    steps_total: int
    side: int
    loss: float
    style_loss: float
    content_loss: float
    elapsed_s: float
    eta_s: float
    dtype: str
    preview: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class StyleResult:
    """A finished picture and what it took.

    image has the content picture's proportions and ``params.size`` as its longest side;
    stopped_early says that the deadline came first; cpu_s counts all threads of the process;
    dtype is what the network was computed in, "float32" or "bfloat16"; predicted_s the seconds
    that a painting was predicted to take when it began, 0 for an instant one.
    """

    image: Picture
    steps: int
    steps_total: int
    stopped_early: bool
    style_loss: float
    content_loss: float
    elapsed_s: float
    cpu_s: float
    dtype: str
    predicted_s: float = 0.0


def ignore(_: Progress) -> None:
    """Tell nobody of the progress."""


def never() -> bool:
    """Say that a run is not to stop."""
    return False
