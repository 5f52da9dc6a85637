"""Where each style is painted: masks from outside, made to agree with one another.

A mask has a share for every place, 0..1, of its style. Where masks overlap, the styles' weights
decide; where their sum is less than 1, the rest is the photograph's. So masks that leave a part
out leave the photograph there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from worker.engine.errors import ParameterError, PictureError
from worker.engine.params import Mask, Picture
from worker.engine.raster import fitted

ASPECT_OFF_MAX = 0.02
"""How far a mask's proportions may be from the photograph's, besides what rounding does."""
PIXELS_MIN = 64
"""Of the painting: a smaller region is none that a style could be seen in."""
_TINY = 1e-6


@dataclass(frozen=True)
class Regions:
    """What is painted, and in which style; all (H, W) of one size.

    shares: of each style in the painting of a place; they add up to 1 where there is one. painted:
    how much of a place is painting; the rest is the photograph's.
    """

    shares: tuple[Mask, ...]
    painted: Mask

    @classmethod
    def of(
        cls, masks: Sequence[Mask], weights: Sequence[float], content: tuple[int, int], side: int
    ) -> Regions:
        """Check masks, one for each style, and give regions of the content's (height, width).

        ``side`` is that of the painting. Raises ParameterError and PictureError (the codes
        mask_shape, mask_proportions, mask_empty).
        """
        if len(masks) != len(weights):
            raise ParameterError(
                f"{len(masks)} masks for {len(weights)} styles: give one for each style, or none."
            )
        check(masks, content, side)
        planes = np.stack([resized(mask, content) for mask in masks])
        weighed = planes * np.asarray(weights, np.float32)[:, None, None]
        total = weighed.sum(0)
        shares = np.divide(weighed, total, out=np.zeros_like(weighed), where=total > _TINY)
        return cls(tuple(shares), np.where(total > _TINY, np.minimum(planes.sum(0), 1), 0))

    def laid(self, painting: Picture, photograph: Picture) -> Picture:
        """Give the painting where it is painted, over the photograph; both of this size."""
        return photograph + self.painted[..., None] * (painting - photograph)

    def at(self, size: tuple[int, int]) -> Regions:
        """Give the regions at another (height, width)."""
        shares = tuple(resized(share, size) for share in self.shares)
        return Regions(shares, resized(self.painted, size))


def resized(mask: Mask, size: tuple[int, int]) -> Mask:
    """Give a mask at ``size`` (height, width); no share leaves 0..1."""
    if mask.shape == size:
        return mask
    plane = Image.fromarray(np.ascontiguousarray(mask, dtype=np.float32))
    height, width = size
    return np.asarray(plane.resize((width, height), Image.Resampling.BILINEAR)).clip(0, 1)


def check(masks: Sequence[Mask], content: tuple[int, int], side: int) -> None:
    """Raise PictureError for a mask that cannot be used with this content; see `Regions.of`."""
    painting = fitted(*content, side)
    for place, mask in enumerate(masks, 1):
        _check(mask, place, content, painting)


def _check(mask: Mask, place: int, content: tuple[int, int], painting: tuple[int, int]) -> None:
    if mask.ndim != 2 or min(mask.shape) < 1:  # noqa: PLR2004
        raise PictureError("mask_shape", f"A mask is (H, W), not {mask.shape}.")
    if not (np.isfinite(mask).all() and mask.min() >= 0 and mask.max() <= 1):
        raise PictureError("mask_shape", f"Mask {place} has shares that are not 0 to 1.")
    (height, width), (high, wide) = mask.shape, content
    off = abs(height * wide - width * high)
    if off > max(ASPECT_OFF_MAX * min(height * wide, width * high), wide, high):
        raise PictureError(
            "mask_proportions",
            f"Mask {place} is {width} x {height} and the photograph {wide} x {high} pixels: a mask"
            " has the photograph's proportions.",
        )
    area = float(mask.mean(dtype=np.float64)) * painting[0] * painting[1]
    if area < min(PIXELS_MIN, painting[0] * painting[1] / 4):
        raise PictureError(
            "mask_empty",
            f"Mask {place} is empty, or nearly so: make it white where its style is to be painted.",
        )
