"""How much work is done at which size, and what it costs: known before a run, without torch.

Coarse to fine (Gatys et al. 2017, https://arxiv.org/abs/1611.07865): the large shapes are painted
small, where an evaluation costs next to nothing, and each larger stage only adds its own detail.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from worker.engine.params import Quality

DEEP, MIDDLE, FINE = "relu5_1", "relu3_1", "relu2_1"
"""The deepest layer of style that is looked at: at the first size, between, and at the last.

What deep layers see is painted while it is small; later they are most of the price, and what they
would still find is not worth it (docs/nst.md has the tables).
"""

_COARSEST = 128
_STEPS = 1.5  # from a side to its double: two thirds of an octave each
# Seconds on one thread by deepest layer: of an evaluation's eigenvalues, and of its megapixels in
# bfloat16 and float32.
_EVALUATION_S = {DEEP: (0.015, 3.5, 6.3), MIDDLE: (0.006, 1.6, 3.0), FINE: (0.002, 1.0, 1.8)}
_BEGINNING = 1.0  # of an evaluation, to begin a stage
_START_S = 0.4  # timing the processor, the map of what matters, colours
_INSTANT_MEGAPIXEL_S = 1.3


@dataclass(frozen=True, slots=True)
class Stage:
    """One size of the pyramid: longest side in px, evaluations made there, deepest layer."""

    side: int
    evaluations: int
    deepest: str = MIDDLE


@dataclass(frozen=True, slots=True)
class _Work:
    """How a quality spends: evaluations at the first size, at each one between, and at the last.

    Few where it is coarse: long work there repaints the drawing, and the fine stages were left too
    short to follow (docs/nst.md has the tables).
    """

    first: int
    each: int
    last: int


_WORK: dict[Quality, _Work] = {
    "draft": _Work(first=7, each=5, last=5),
    "good": _Work(first=8, each=8, last=7),
    "best": _Work(first=20, each=20, last=20),
}


def stages(size: int, quality: Quality) -> tuple[Stage, ...]:
    """Give the stages, coarsest first; the last has ``size`` (px) as its side."""
    work = _WORK[quality]
    steps = math.floor(_STEPS * math.log2(size / _COARSEST) + 0.5)
    if steps < 1:
        return (Stage(size, work.first, DEEP),)
    ratio = (size / _COARSEST) ** (1 / steps)
    between = (Stage(round(_COARSEST * ratio**n), work.each, MIDDLE) for n in range(1, steps))
    return (Stage(_COARSEST, work.first, DEEP), *between, Stage(size, work.last, FINE))


def evaluations(size: int, quality: Quality) -> int:
    """Give the number of evaluations of a run: it is the same for every picture."""
    return sum(stage.evaluations for stage in stages(size, quality))


def predict_cpu_seconds(size: int, quality: Quality, *, bf16: bool = False) -> float:
    """Give the CPU-seconds of a run of a square picture with one style (others cost less).

    Measured on one thread of a processor with AVX512-BF16, without imports: an evaluation costs a
    fixed part (eigenvalues) and one for its pixels, and each stage as much again to begin.
    """
    return predict_seconds(size, quality, threads=1, bf16=bf16)


def predict_seconds(size: int, quality: Quality, *, threads: int, bf16: bool = False) -> float:
    """Give the seconds of such a run on ``threads`` processors of its own.

    They share the pixels evenly, and all but one wait while eigenvalues are taken.
    """
    seconds = _START_S
    for stage in stages(size, quality):
        alone, in_bf16, in_float32 = _EVALUATION_S[stage.deepest]
        shared = in_bf16 if bf16 else in_float32
        each = alone + shared / threads * (stage.side / 1000) ** 2
        seconds += (stage.evaluations + _BEGINNING) * each
    return seconds


def predict_instant_seconds(size: int, *, threads: int) -> float:
    """Give the seconds of an instant painting of a square picture of up to 4.5 megapixels.

    In float32, without imports; measured on one and two threads (docs/nst.md).
    """
    return _INSTANT_MEGAPIXEL_S / threads * (size / 1000) ** 2
