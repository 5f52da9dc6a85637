"""The two losses: how far the picture is from the style, and from the drawing of the content.

Style: the squared Wasserstein-2 distance between Gaussians with the means and covariances of the
activations (Dowson & Landau 1982, https://doi.org/10.1016/0047-259X(82)90077-X), instead of Gatys'
distance between Gram matrices, which mottles faces at any small budget:
``|m - m*|^2 + tr S + tr S* - 2 tr (S*^1/2 S S*^1/2)^1/2``.
Content: mean squared difference of one layer's activations (Gatys et al.,
https://arxiv.org/abs/1508.06576).

Each loss gives its slope along with its value, in closed form: autograd would keep both factors of
every product and multiply twice on the way back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from worker.engine.eigen import eigh

_EIGENVALUE_MIN = 1e-6  # of the largest one: below it the root's slope is noise
_TINY = 1e-12
_CHUNKS = 16
_ROWS = 128  # of pixels that are looked at together, to save memory


@dataclass(frozen=True)
class Moments:
    """What a style is made of: means (C) and covariances (C, C) of activations, float32."""

    mean: Tensor
    covariance: Tensor

    @classmethod
    def of(cls, features: Tensor, shares: Tensor | None = None) -> Moments:
        """Take the moments of activations (1, C, H, W); see `MomentSums.add` for shares."""
        sums = MomentSums()
        sums.add(features, shares)
        return sums.moments()

    @classmethod
    def mix(cls, parts: list[tuple[float, Moments]]) -> Moments:
        """Blend several styles by shares that add up to 1.

        A plain mean of both moments, not the mixture's covariance: that one has the styles'
        distance from one another as a spread of its own, which is in none of them.
        """
        mean = torch.stack([share * part.mean for share, part in parts]).sum(0)
        covariance = torch.stack([share * part.covariance for share, part in parts]).sum(0)
        return cls(mean, covariance)


class MomentSums:
    """Moments of activations that come in parts: strips of a picture, or one region of several.

    Parts are centred around their own means and merged (Chan et al. 1982,
    https://doi.org/10.1007/978-3-642-51461-6_3): plain sums of squares would cancel.
    """

    def __init__(self) -> None:
        self.total = 0.0  # positions seen, or the sum of their shares
        self._mean, self._spread = torch.zeros(()), torch.zeros(())

    def add(self, features: Tensor, shares: Tensor | None = None) -> None:
        """Take in activations (1, C, H, W); ``shares`` (H, W), 0 or more, say how much each counts.

        Shares of zero everywhere add nothing.
        """
        rows = _rows(features)
        total = float(len(rows)) if shares is None else float(shares.sum())
        if total <= 0:
            return
        if shares is None:
            mean = _mean(rows)
            centred = rows - mean.to(rows.dtype)
        else:
            counts = (shares.reshape(-1, 1) * (len(rows) / total)).to(rows.dtype)
            mean = _mean(rows * counts)
            centred = (rows - mean.to(rows.dtype)).mul_(counts.sqrt())
        spread = _second_moment(centred)
        if not self.total:
            self.total, self._mean, self._spread = total, mean, spread
            return
        both = self.total + total
        apart, part = mean - self._mean, total / both
        between = torch.outer(apart, apart) * (part * (1 - part))
        self._spread = torch.lerp(self._spread, spread, part) + between
        self._mean = self._mean + apart * part
        self.total = both

    def moments(self) -> Moments:
        """Give the moments of all that came; raises ValueError where nothing did."""
        if not self.total:
            raise ValueError("nothing has moments only where something was added")
        return Moments(self._mean, self._spread)


@dataclass(frozen=True)
class Pull:
    """The slope of a distance between moments by activations x: ``x matrix + vector``.

    matrix (C, C) and vector (C), float32.
    """

    matrix: Tensor
    vector: Tensor

    def at(self, features: Tensor) -> Tensor:
        """Give the slope by activations (1, C, H, W), in their dtype."""
        _, channels, height, width = features.shape
        slope = F.linear(
            _rows(features), self.matrix.to(features.dtype).T, self.vector.to(features.dtype)
        )
        return slope.view(1, height, width, channels).permute(0, 3, 1, 2)


@dataclass(frozen=True)
class StyleTarget:
    """The Gaussian that a layer's activations are drawn to, and how much it matters.

    mean (C), root = S*^1/2 (C, C), trace = tr S*; weight multiplies the squared distance.
    """

    mean: Tensor
    root: Tensor
    trace: float
    weight: float

    @classmethod
    def of(cls, style: Moments, weight: float) -> StyleTarget:
        """Build a target; its loss is ``weight`` where the picture is one flat grey or so."""
        values, vectors = eigh(style.covariance)
        values = values.clamp(min=0)
        trace, offset = float(values.sum()), float(style.mean.square().sum())
        root = (vectors * values.sqrt()) @ vectors.T
        return cls(style.mean, root, trace, weight / max(trace + offset, _TINY))

    def distance(self, seen: Moments) -> tuple[float, Tensor]:
        """Give the squared Wasserstein-2 distance and its slope by the covariance (C, C)."""
        overlap, inverse = _root_trace(self.root @ seen.covariance @ self.root)
        slope = torch.eye(len(self.mean)) - self.root @ inverse @ self.root
        spread = float(seen.covariance.diagonal().sum())
        return self._offset(seen.mean) + spread + self.trace - 2 * overlap, slope

    def pull(self, seen: Moments, total: float, dtype: torch.dtype) -> tuple[float, Pull]:
        """Give the weighted distance of moments, and how it pulls at activations of ``dtype``.

        ``total`` is the number of positions that have these moments, or the sum of their shares:
        then a position's slope is `Pull.at`'s times its share.
        """
        distance, by_covariance = self.distance(seen)
        scale = 2 * self.weight / total
        # The vector is made of the matrix as rounded: an error that all positions have in common
        # would move the mean.
        matrix = (by_covariance * scale).to(dtype).float()
        vector = (seen.mean - self.mean) * scale - seen.mean @ matrix
        return self.weight * distance, Pull(matrix, vector)

    def loss(self, features: Tensor, shares: Tensor | None = None) -> tuple[float, Tensor]:
        """Give the weighted distance of activations (1, C, H, W), and its slope by them.

        ``shares`` (H, W), 0 or more and not all 0, say how much each position counts.
        """
        _, channels, height, width = features.shape
        count = height * width
        if count >= channels:
            total = count if shares is None else float(shares.sum())
            loss, pull = self.pull(Moments.of(features, shares), total, features.dtype)
            slope = pull.at(features)
            return loss, slope if shares is None else slope * shares.to(slope.dtype)
        rows = _rows(features).float()
        given = torch.ones(count) if shares is None else shares.reshape(-1).float()
        counts = (given / given.sum()).unsqueeze(1)
        distance, by_rows = self._few(rows, counts)
        by_rows = (by_rows * (2 * self.weight)).to(features.dtype)
        slope = by_rows.view(1, height, width, channels).permute(0, 3, 1, 2)
        return self.weight * distance, slope

    def _few(self, rows: Tensor, counts: Tensor) -> tuple[float, Tensor]:
        """Do the same from fewer positions than channels: an (n, n) problem, cheap and full rank.

        The products X X' and X' X have the same eigenvalues besides zeros. ``counts`` (n, 1) add
        up to 1. The slope given is half of that of the distance.
        """
        mean = (rows * counts).sum(0)
        parts = counts.sqrt()
        centred = (rows - mean) * parts
        rooted = centred @ self.root
        overlap, inverse = _root_trace(rooted @ rooted.T)
        distance = self._offset(mean) + float(centred.square().sum()) + self.trace - 2 * overlap
        by_spread = parts * (centred - inverse @ rooted @ self.root)
        return distance, by_spread + counts * (mean - self.mean)

    def _offset(self, mean: Tensor) -> float:
        return float((mean - self.mean).square().sum())


@dataclass(frozen=True)
class ContentTarget:
    """Activations (1, C, H, W) to stay near to; weight multiplies the mean squared difference.

    Each position counts as much as ``shares`` (1, 1, H, W) says, in the activations' format.
    """

    features: Tensor
    weight: float
    shares: Tensor

    @classmethod
    def of(
        cls,
        features: Tensor,
        weight: float,
        shares: Tensor,
        between: Callable[[], None] = lambda: None,
    ) -> ContentTarget:
        """Build a target whose distance is relative to the activations' own variance.

        ``between`` is called again and again: of a large picture they are half a gigabyte.
        """
        parts = [features[:, :, row : row + _ROWS] for row in range(0, features.shape[2], _ROWS)]
        total = apart = 0.0
        for part in parts:
            total += float(part.sum(dtype=torch.float32))
            between()
        mean = total / features.numel()
        for part in parts:
            apart += float((part.float() - mean).square().sum())
            between()
        weight /= max(apart / features.numel(), _TINY)
        return cls(features, weight, shares.to(features.dtype))

    def loss(self, features: Tensor, begin: int = 0) -> float:
        """Give what activations (1, C, h, W), the rows from ``begin`` on, add to the loss."""
        rows = slice(begin, begin + features.shape[2])
        apart = (features - self.features[:, :, rows]).float().square_()
        apart.mul_(self.shares[:, :, rows])
        return self.weight * float(apart.sum()) / self.features.numel()

    def slope(self, features: Tensor, begin: int = 0) -> Tensor:
        """Give the slope of the whole loss by these activations."""
        rows = slice(begin, begin + features.shape[2])
        apart = features - self.features[:, :, rows]
        return apart.mul_(self.shares[:, :, rows] * (2 * self.weight / self.features.numel()))


def out_of_range(image: Tensor, gradient: Tensor, weight: float) -> float:
    """Give the weighted mean squared excess over 0..1, and add its slope to ``gradient``.

    Colours that no screen shows would hide a part of the loss that comes back when they are cut.
    """
    total, weight = 0.0, weight / image.numel()
    for begin in range(0, image.shape[2], _ROWS):
        rows = image[:, :, begin : begin + _ROWS]
        excess = rows - rows.clamp(0, 1)
        total += float(excess.square().sum())
        gradient[:, :, begin : begin + _ROWS].add_(excess, alpha=2 * weight)
    return weight * total


def _root_trace(matrix: Tensor) -> tuple[float, Tensor]:
    """Give tr M^1/2 of a symmetric matrix without negative eigenvalues, and M^-1/2."""
    values, vectors = eigh((matrix + matrix.T) / 2)
    values = values.clamp(min=max(float(values[-1]) * _EIGENVALUE_MIN, _TINY))
    roots = values.sqrt()
    return float(roots.sum()), (vectors / roots) @ vectors.T


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
    rest = rows[whole:].float()
    return (total + rest.T @ rest) / count
