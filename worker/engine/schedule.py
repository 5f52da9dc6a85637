"""How much work is done at which size, and what it costs: known before a run, without torch.

Coarse to fine (Gatys et al. 2017, https://arxiv.org/abs/1611.07865): the large shapes are painted
small, where an evaluation costs next to nothing, and each larger stage only adds its own detail.
"""

from __future__ import annotations

from dataclasses import dataclass

from worker.engine.params import QUALITIES, Quality

_RATIO = 2**0.5
_COARSEST = 128


@dataclass(frozen=True, slots=True)
class Stage:
    """One size of the pyramid: longest side in px, and evaluations made there."""

    side: int
    evaluations: int


# Evaluations at 128 px, the power by which they fall with the side, and the least at any side.
_WORK: dict[Quality, tuple[int, float, int]] = {
    "draft": (14, 1.4, 2),
    "good": (48, 1.7, 4),
    "best": (120, 1.5, 12),
}


def stages(size: int, quality: Quality) -> tuple[Stage, ...]:
    """Give the stages, coarsest first; the last has ``size`` as its side."""
    sides = [size]
    while sides[-1] / _RATIO >= _COARSEST * 0.95:
        sides.append(round(sides[-1] / _RATIO))
    most, power, least = _WORK[quality]
    return tuple(
        Stage(side, min(most, max(least, round(most * (_COARSEST / side) ** power))))
        for side in reversed(sides)
    )


def evaluations(size: int, quality: Quality) -> int:
    """Give the number of evaluations of a run: it is the same for every picture."""
    return sum(stage.evaluations for stage in stages(size, quality))


assert set(_WORK) == set(QUALITIES)  # noqa: S101


def predict_cpu_seconds(size: int, quality: Quality, *, bf16: bool = False) -> float:
    """Give the CPU-seconds of a run of a square picture with one style (others cost less).

    Placeholder constants until measured.
    """
    per_megapixel = 8.5 if bf16 else 17.0
    paid = sum((s.evaluations + 0.6) * (s.side / 1000) ** 2 for s in stages(size, quality))
    return 0.6 + paid * per_megapixel + 0.05 * evaluations(size, quality)
