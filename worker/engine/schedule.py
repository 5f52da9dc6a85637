"""How much work is done at which size, and what it costs: known before a run, without torch.

Coarse to fine (Gatys et al. 2017, https://arxiv.org/abs/1611.07865): the large shapes are painted
small, where an evaluation costs next to nothing, and each larger stage only adds its own detail.
"""

from __future__ import annotations

from dataclasses import dataclass

from worker.engine.params import Quality

_COARSEST = 128
# Seconds on one thread: of an evaluation's eigenvalues, and of its megapixels in each format.
_DEEP_S, _DEEP_BF16_MP_S, _DEEP_FLOAT32_MP_S = 0.05, 2.7, 6.0
_FINE_S, _FINE_BF16_MP_S, _FINE_FLOAT32_MP_S = 0.01, 1.6, 3.3
_BEGINNING = 0.7  # of an evaluation, to begin a stage
_LAST = 1  # evaluations more
_INSTANT_MEGAPIXEL_S = 1.3


@dataclass(frozen=True, slots=True)
class Stage:
    """One size of the pyramid: longest side in px, and evaluations made there.

    deep: whether the network's deep layers are looked at. The coarsest stage alone does: what they
    see is painted there, and later they are half of the price (docs/nst.md).
    """

    side: int
    evaluations: int
    deep: bool = False


@dataclass(frozen=True, slots=True)
class _Work:
    """How a quality spends: evaluations at 128 px or less, the least at any size, steps.

    Few where it is coarse: long work there repaints the drawing, and the fine stages were left too
    short to follow. The last one makes one more: what it leaves undone is seen (docs/nst.md has
    the tables).

    Evaluations fall with the side. ``ratio``: of one side to the last.
    """

    most: int
    least: int
    ratio: float


_WORK: dict[Quality, _Work] = {
    "draft": _Work(most=8, least=4, ratio=2.0),
    "good": _Work(most=10, least=6, ratio=2**0.5),
    "best": _Work(most=18, least=14, ratio=2**0.5),
}


def stages(size: int, quality: Quality) -> tuple[Stage, ...]:
    """Give the stages, coarsest first; the last has ``size`` (px) as its side."""
    work = _WORK[quality]
    sides = [float(size)]
    while sides[-1] / work.ratio >= _COARSEST * 0.95:
        sides.append(sides[-1] / work.ratio)
    sides.reverse()
    counts = [max(work.least, round(work.most * min(1, _COARSEST / side))) for side in sides]
    counts[-1] += _LAST
    return tuple(
        Stage(round(side), count, deep=not number)
        for number, (side, count) in enumerate(zip(sides, counts, strict=True))
    )


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
    seconds = 0.0
    for stage in stages(size, quality):
        if stage.deep:
            alone, shared = _DEEP_S, _DEEP_BF16_MP_S if bf16 else _DEEP_FLOAT32_MP_S
        else:
            alone, shared = _FINE_S, _FINE_BF16_MP_S if bf16 else _FINE_FLOAT32_MP_S
        each = alone + shared / threads * (stage.side / 1000) ** 2
        seconds += (stage.evaluations + _BEGINNING) * each
    return seconds


def predict_instant_seconds(size: int, *, threads: int) -> float:
    """Give the seconds of an instant painting of a square picture of up to 4.5 megapixels.

    In float32, without imports; measured on one and two threads (docs/nst.md).
    """
    return _INSTANT_MEGAPIXEL_S / threads * (size / 1000) ** 2
