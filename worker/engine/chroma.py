"""Colours less sharp than light, as the eye sees them, and calm where the photograph matters.

The optimiser has an image whose light is painted as it is and whose colours are blurred first: by
a pixel or two everywhere, by 4 px more where it matters most. It cannot hide the style in fine
changes of colour, which are the mottling of faces, and paints it by light and by larger strokes
instead. That costs little style error (docs/nst.md). Gatys et al. have no such thing.

The losses and their gradient are those of the blurred image. Both blurs are symmetric matrices
(edges are mirrored), so the gradient by the optimiser's own image is theirs applied once more.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise

import torch
from torch import Tensor

from worker.engine.params import Quality
from worker.engine.raster import LUMA
from worker.engine.saliency import spread

# px; less in long runs: what they are for is the style, and sharp colours are a part of it.
_SIGMA: dict[Quality, float] = {"draft": 1.7, "good": 1.8, "best": 1.0}
_SIGMA_CALM = 4.0
_CUT = 3  # times sigma: where the Gaussians end
_STRIP = 128  # rows: memory is that of a strip, and a copy of the picture
_REACH = int(_CUT * max(_SIGMA.values())) + int(_CUT * _SIGMA_CALM)


def _nothing() -> None:
    pass


class Chroma:
    """The blur of one size's colours."""

    def __init__(self, salient: Tensor, size: tuple[int, int], quality: Quality) -> None:
        """Prepare it for pictures of ``size`` (height, width); ``salient`` as `saliency` has it."""
        self._calm = spread(salient, size)
        self._sigma = _SIGMA[quality]

    def shown(self, image: Tensor, between: Callable[[], None] = _nothing) -> Tensor:
        """Give the picture (1, 3, H, W) that the optimiser's ``image`` stands for.

        ``between`` is called for each strip of it.
        """

        def blurred(part: Tensor, calm: Tensor) -> Tensor:
            fine = _blur(part, self._sigma)
            fine -= calm * (fine - _blur(fine, _SIGMA_CALM))
            return fine.add_(((part - fine) * _luma()).sum(1, keepdim=True))

        return self._by_strips(image, blurred, between)

    def back(self, slope: Tensor, between: Callable[[], None] = _nothing) -> Tensor:
        """Give the slope by the optimiser's image, from that by the picture shown."""

        def blurred(part: Tensor, calm: Tensor) -> Tensor:
            light = part.sum(1, keepdim=True) * _luma()
            colours = part - light
            calmed = calm * colours
            colours += _blur(calmed, _SIGMA_CALM) - calmed
            return _blur(colours, self._sigma).add_(light)

        return self._by_strips(slope, blurred, between)

    def _by_strips(
        self,
        image: Tensor,
        change: Callable[[Tensor, Tensor], Tensor],
        between: Callable[[], None],
    ) -> Tensor:
        """Change ``image``, a strip at a time, with as many rows around each as a blur sees."""
        changed, height = torch.empty_like(image), image.shape[2]
        for begin, end in pairwise((*range(0, height, _STRIP), height)):
            first, last = max(0, begin - _REACH), min(height, end + _REACH)
            part = change(image[:, :, first:last], self._calm[:, :, first:last])
            changed[:, :, begin:end] = part[:, :, begin - first : end - first]
            between()
        return changed


@cache
def _luma() -> Tensor:
    return torch.tensor(LUMA).reshape(1, 3, 1, 1)


@cache
def _kernel(sigma: float) -> list[float]:
    """Give a Gaussian's weights from its end to its middle; with the other half they sum to 1."""
    reach = int(_CUT * sigma)
    weights = torch.exp(-(torch.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    half: list[float] = (weights / weights.sum())[: reach + 1].tolist()
    return half


def _blur(planes: Tensor, sigma: float) -> Tensor:
    """Blur planes (1, C, H, W) by a Gaussian; edges are mirrored, with the edge itself.

    By sums of shifted planes: a fifth of what grouped convolutions take.
    """
    for axis in (3, 2):
        planes = _blurred(planes, axis, _kernel(sigma))
    return planes


def _blurred(planes: Tensor, axis: int, kernel: list[float]) -> Tensor:
    *outer, middle = kernel
    reach, count = len(outer), planes.shape[axis]
    ends = planes.narrow(axis, 0, reach), planes.narrow(axis, count - reach, reach)
    wide = torch.cat([ends[0].flip(axis), planes, ends[1].flip(axis)], axis)
    total = planes * middle
    for place, weight in enumerate(outer):
        left = wide.narrow(axis, place, count)
        right = wide.narrow(axis, 2 * reach - place, count)
        total.add_(left + right, alpha=weight)
    return total
