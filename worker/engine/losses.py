"""The two losses: how far the picture is from the style, and from the drawing of the content.

Style: the squared Wasserstein-2 distance between Gaussians with the means and covariances of the
activations (Dowson & Landau 1982, https://doi.org/10.1016/0047-259X(82)90077-X), instead of Gatys'
distance between Gram matrices, which mottles faces at any small budget:
``|m - m*|^2 + tr S + tr S* - 2 tr (S*^1/2 S S*^1/2)^1/2``.
Content: mean squared difference of one layer's activations (Gatys et al.,
https://arxiv.org/abs/1508.06576).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

_EIGENVALUE_MIN = 1e-7  # of the largest one: below it the root's slope is noise
_CHUNKS = 16


class _Moments(torch.autograd.Function):
    """Means (C) and covariances (C, C), float32, of activations (1, C, H, W).

    A function of its own because autograd would keep both factors of the product and multiply
    twice on the way back; the covariance is symmetric, so that once is enough.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor) -> tuple[Tensor, Tensor]:
        rows = _rows(features)
        mean = _mean(rows)
        centred = rows - mean.to(rows.dtype)
        ctx.save_for_backward(centred)
        ctx.shape = features.shape
        return mean, _second_moment(centred)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        by_mean, by_covariance = gradients
        (centred,) = ctx.saved_tensors
        symmetric = (by_covariance + by_covariance.T).to(centred.dtype)
        by_rows = torch.addmm(by_mean.to(centred.dtype), centred, symmetric)
        by_rows /= len(centred)
        _, channels, height, width = ctx.shape
        return by_rows.view(1, height, width, channels).permute(0, 3, 1, 2)


def _rows(features: Tensor) -> Tensor:
    """View (1, C, H, W) in channels_last memory as (H W, C)."""
    return features.permute(0, 2, 3, 1).reshape(-1, features.shape[1])


def _mean(rows: Tensor) -> Tensor:
    """Give the mean over positions in float32, without a float32 copy of the activations."""
    count, channels = rows.shape
    whole = count - count % _CHUNKS
    total = rows[:whole].reshape(_CHUNKS, -1, channels).sum(1).sum(0, dtype=torch.float32)
    return (total + rows[whole:].sum(0, dtype=torch.float32)) / count


def _second_moment(rows: Tensor) -> Tensor:
    """Give rows' rows / n in float32.

    bfloat16 products are summed in float32 but handed over rounded: splitting the sum keeps the
    rounding (and with it the error of small eigenvalues) down.
    """
    count, channels = rows.shape
    whole = count - count % _CHUNKS
    parts = rows[:whole].reshape(_CHUNKS, -1, channels)
    total = torch.bmm(parts.transpose(1, 2), parts).sum(0, dtype=torch.float32)
    if whole < count:
        rest = rows[whole:].float()
        total += rest.T @ rest
    return total / count


def moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Give means (C) and covariances (C, C) in float32 of activations (1, C, H, W)."""
    mean, covariance = _Moments.apply(features)  # type: ignore[no-untyped-call]
    return mean, covariance


@dataclass(frozen=True)
class StyleTarget:
    """The Gaussian that a layer's activations are drawn to, and how much it matters.

    mean (C), root = S*^1/2 (C, C), trace = tr S*; weight multiplies the squared distance.
    """

    mean: Tensor
    root: Tensor
    trace: Tensor
    weight: float

    @classmethod
    def of(cls, mean: Tensor, covariance: Tensor, weight: float) -> StyleTarget:
        """Build a target whose distance is relative: 1 is as far as the style is from grey."""
        values, vectors = torch.linalg.eigh(covariance)
        values = values.clamp(min=0)
        root = (vectors * values.sqrt()) @ vectors.T
        return cls(mean, root, values.sum(), weight / float(values.sum() + mean.square().sum()))

    def loss(self, mean: Tensor, covariance: Tensor) -> Tensor:
        """Give the weighted squared Wasserstein-2 distance (scalar, float32)."""
        inner = self.root @ covariance @ self.root
        eigenvalues = torch.linalg.eigvalsh((inner + inner.T) / 2)
        least = float(eigenvalues.detach()[-1]) * _EIGENVALUE_MIN
        overlap = eigenvalues.clamp(min=max(least, 1e-12)).sqrt().sum()
        distance = (mean - self.mean).square().sum()
        distance = distance + covariance.diagonal().sum() + self.trace - 2 * overlap
        return self.weight * distance


@dataclass(frozen=True)
class ContentTarget:
    """Activations (1, C, H, W) to stay near to; weight multiplies the mean squared difference."""

    features: Tensor
    weight: float

    @classmethod
    def of(cls, features: Tensor, weight: float) -> ContentTarget:
        """Build a target whose distance is relative to the activations' own variance."""
        spread = float(features.float().var())
        return cls(features, weight / max(spread, 1e-12))

    def loss(self, features: Tensor) -> Tensor:
        """Give the weighted mean squared difference (scalar, float32)."""
        return self.weight * (features - self.features).float().square().mean()


def out_of_range(image: Tensor) -> Tensor:
    """Mean squared excess over 0..1: colours no screen shows would hide part of the loss."""
    return (image - image.detach().clamp(0, 1)).square().mean()
