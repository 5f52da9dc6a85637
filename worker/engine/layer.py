"""The style of one layer: a Gaussian that its activations are drawn to, or one in each region.

Regions follow Gatys et al. 2017 (https://arxiv.org/abs/1611.07865), whose guided Gram matrices
weigh positions by a mask for each region; here it is the moments that are weighed. A mask is seen
as the layer sees the picture: the mean of the pixels that a position stands for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from worker.engine.losses import Moments, MomentSums, StyleTarget
from worker.engine.masks import Regions
from worker.engine.strips import Rows

#: Gives the slope by activations (1, C, h, W) of a layer, which are the rows given.
Slope = Callable[[Tensor, Rows], Tensor]


@dataclass(frozen=True)
class LayerStyle:
    """Targets, and the share (H, W) of each position that each has; None is all of all."""

    targets: Sequence[StyleTarget]
    shares: Sequence[Tensor | None]

    @classmethod
    def of(
        cls,
        styles: Sequence[tuple[float, Moments]],
        weight: float,
        regions: Regions | None,
        pools: int,
    ) -> LayerStyle:
        """Build targets from the styles' moments and weights; ``pools`` are before the layer.

        Without regions the styles are mixed. A region's weight is its part of the picture, so that
        a position is drawn as much as it would be without regions. One that the layer does not
        see any more has no target.
        """
        if regions is None:
            mixed = Moments.mix([(share, moments) for share, moments in styles])
            return cls([StyleTarget.of(mixed, weight)], [None])
        targets, shares = [], []
        for (_, moments), plane in zip(styles, regions.shares, strict=True):
            share = torch.from_numpy(plane)[None, None]
            for _ in range(pools):
                share = F.avg_pool2d(share, 2)
            if share.any():
                targets.append(StyleTarget.of(moments, weight * float(share.mean())))
                shares.append(share[0, 0])
        return cls(targets, shares)

    @property
    def trace(self) -> float:
        """How much the styles vary, each by its part of what is painted."""
        parts = [1.0 if share is None else float(share.mean()) for share in self.shares]
        traces = [part * target.trace for part, target in zip(parts, self.targets, strict=True)]
        return sum(traces) / max(sum(parts), 1e-12)

    def look(self) -> Seen:
        """Begin to look at a picture's activations."""
        return Seen(self)


class Seen:
    """The activations of one picture, as far as they have come."""

    def __init__(self, style: LayerStyle) -> None:
        self._style = style
        self._sums = [MomentSums() for _ in style.targets]
        self._few: list[Tensor] = []

    def add(self, part: Tensor, rows: Rows) -> None:
        """Take in activations (1, C, h, W) of the next rows."""
        if rows.height * part.shape[3] < part.shape[1]:
            self._few.append(part.clone())
            return
        for sums, share in zip(self._sums, self._style.shares, strict=True):
            here, counts = _here(share, rows)
            if here:
                sums.add(part, counts)

    def pull(self, dtype: torch.dtype) -> tuple[float, Slope]:
        """Give the loss, and what gives its slope by activations of ``dtype``."""
        if self._few:
            return self._pull_few(self._few)
        loss, pulls = 0.0, []
        for target, sums in zip(self._style.targets, self._sums, strict=True):
            value, pull = target.pull(sums.moments(), sums.total, dtype)
            loss += value
            pulls.append(pull)

        def slope(part: Tensor, rows: Rows) -> Tensor:
            total: Tensor | None = None
            for pull, share in zip(pulls, self._style.shares, strict=True):
                here, counts = _here(share, rows)
                if not here:
                    continue
                found = pull.at(part)
                if counts is not None:
                    found = found.mul_(counts.to(found.dtype))
                total = found if total is None else total.add_(found)
            return torch.zeros_like(part) if total is None else total

        return loss, slope

    def _pull_few(self, parts: list[Tensor]) -> tuple[float, Slope]:
        whole = torch.cat(parts, 2).contiguous(memory_format=torch.channels_last)
        loss, slopes = 0.0, torch.zeros_like(whole)
        for target, share in zip(self._style.targets, self._style.shares, strict=True):
            value, slope = target.loss(whole, share)
            loss += value
            slopes += slope
        return loss, lambda _, rows: rows.of(slopes).clone()


def _here(share: Tensor | None, rows: Rows) -> tuple[bool, Tensor | None]:
    """Tell whether a region is in rows at all, and the shares of positions there; None: all 1."""
    if share is None:
        return True, None
    counts = share[rows.begin : rows.end]
    return bool(counts.any()), None if bool((counts == 1).all()) else counts
