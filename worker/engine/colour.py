"""Colours: a start in the style's colours, and results in the content's. Without torch.

Linear maps between colour Gaussians (the Monge-Kantorovich map of Pitie & Kokaram 2007). Keeping
colours follows Gatys et al., "Preserving Color in Neural Artistic Style Transfer"
(https://arxiv.org/abs/1606.05897): its colour matching before painting (`match`), its luminance
transfer after (`keep`).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from worker.engine.params import Mask, Picture
from worker.engine.raster import LUMA

_VARIANCE_MIN = 1e-5
_BLOCK = 2**18  # px looked at a time: in double precision, a copy of a large picture is larger
_Doubles = NDArray[np.float64]


def match(
    picture: Picture, like: Picture, *, where: Mask | None = None, like_where: Mask | None = None
) -> Picture:
    """Give ``picture`` with the mean and covariance of colours of ``like``; both (H, W, 3).

    The least change that does it; colours pushed out of 0..1 are clipped. ``where`` and
    ``like_where`` say how much each pixel counts in the statistics; what is nowhere counts as all.
    """
    mean, covariance = _gaussian(picture, where)
    mean_like, covariance_like = _gaussian(like, like_where)
    root = _power(covariance, 0.5)
    inverse = _power(covariance, -0.5)
    change = inverse @ _power(root @ covariance_like @ root, 0.5) @ inverse
    moved = picture @ change.T.astype(np.float32)
    moved += (mean_like - change @ mean).astype(np.float32)
    return np.clip(moved, 0, 1, out=moved)


def keep(painted: Picture, colours_of: Picture) -> Picture:
    """Give ``painted``'s light and ``colours_of``'s colours; both of one size."""
    luma = np.array(LUMA, np.float32)
    light = painted @ luma - colours_of @ luma
    return np.clip(colours_of + light[..., None], 0, 1)


def _gaussian(picture: Picture, where: Mask | None) -> tuple[_Doubles, _Doubles]:
    """Mean (3) and covariance (3, 3) of the colours, in double precision."""
    if where is not None and not where.any():
        where = None
    count, total, products = 0.0, np.zeros(3), np.zeros((3, 3))
    for pixels, shares in _blocks(picture, where):
        weighed = pixels if shares is None else pixels * shares[:, None]
        count += len(pixels) if shares is None else shares.sum()
        total += weighed.sum(0)
        products += weighed.T @ pixels
    mean = total / count
    covariance = products / count - np.outer(mean, mean)
    return mean, covariance + _VARIANCE_MIN * np.eye(3)


def _blocks(picture: Picture, where: Mask | None) -> Iterator[tuple[_Doubles, _Doubles | None]]:
    """Give rows of pixels (n, 3), and how much they count (n)."""
    rows = max(1, _BLOCK // picture.shape[1])
    for top in range(0, len(picture), rows):
        pixels = picture[top : top + rows].astype(np.float64).reshape(-1, 3)
        yield pixels, None if where is None else where[top : top + rows].astype(float).ravel()


def _power(matrix: _Doubles, exponent: float) -> _Doubles:
    values, vectors = np.linalg.eigh(matrix)
    raised: _Doubles = (vectors * values.clip(_VARIANCE_MIN / 10) ** exponent) @ vectors.T
    return raised
