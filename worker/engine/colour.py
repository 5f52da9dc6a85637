"""Colours: a start in the style's colours, and results in the content's.

Both use linear maps between colour Gaussians (the Monge-Kantorovich map of Pitie & Kokaram 2007);
keeping colours follows Gatys et al., "Preserving Color in Neural Artistic Style Transfer"
(https://arxiv.org/abs/1606.05897): its colour matching before, its luminance transfer after.
"""

from __future__ import annotations

import torch
from torch import Tensor

from worker.engine.eigen import eigh
from worker.engine.raster import LUMA

_VARIANCE_MIN = 1e-5


def match(image: Tensor, like: Tensor) -> Tensor:
    """Give ``image`` with the mean and covariance of colours of ``like``; both (1, 3, H, W).

    The least change that does it; colours pushed out of 0..1 are clipped.
    """
    mean, covariance = _gaussian(image)
    mean_like, covariance_like = _gaussian(like)
    root = _power(covariance, 0.5)
    inverse = _power(covariance, -0.5)
    change = inverse @ _power(root @ covariance_like @ root, 0.5) @ inverse
    pixels = image[0].reshape(3, -1).double()
    moved = change @ (pixels - mean) + mean_like
    matched: Tensor = moved.reshape(image.shape).float().clamp(0, 1)
    return matched


def keep(painted: Tensor, colours_of: Tensor) -> Tensor:
    """Give ``painted``'s light and ``colours_of``'s colours; both (1, 3, H, W) of one size."""
    luma = torch.tensor(LUMA).reshape(1, 3, 1, 1)
    light = (painted * luma).sum(1, keepdim=True)
    chroma = colours_of - (colours_of * luma).sum(1, keepdim=True)
    return (light + chroma).clamp(0, 1)


def _gaussian(image: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (3, 1) and covariance (3, 3) of the colours, in double precision."""
    pixels = image[0].reshape(3, -1).double()
    mean = pixels.mean(1, keepdim=True)
    centred = pixels - mean
    covariance = centred @ centred.T / pixels.shape[1]
    return mean, covariance + _VARIANCE_MIN * torch.eye(3, dtype=torch.float64)


def _power(matrix: Tensor, exponent: float) -> Tensor:
    values, vectors = eigh(matrix)
    raised: Tensor = (vectors * values.clamp(min=_VARIANCE_MIN / 10).pow(exponent)) @ vectors.T
    return raised
