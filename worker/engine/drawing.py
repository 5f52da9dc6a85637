"""The third loss: where the photograph has a drawing, the strokes follow it.

Statistics do not say where a stroke goes, so let it go along an edge of the photograph. This
asks for it: each colour channel of the picture shall vary with the content's in small windows, as
the structure term of SSIM has it (Wang et al. 2004, https://doi.org/10.1109/TIP.2003.819861),
``(2 cov + c) / (var + var* + c)``, with its slope in closed form. Gatys et al. have no such term.
It costs a sixteenth of an evaluation at most; docs/nst.md has what it gains.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from worker.engine.saliency import spread

# Along each side, what a pixel of a window counts: so they fade, and overlap evenly every 4 px.
# Windows of 8 px that end at once left a grid of 4 px in what is nearly flat (docs/nst.md).
_PROFILE = (1, 2, 3, 4, 4, 4, 4, 4, 3, 2, 1)
_WINDOW, _EVERY = len(_PROFILE), 4  # px
_STRIP = 64  # rows of windows: memory is that of a strip, and a copy of the picture
_CONTRAST = 0.03**2  # SSIM's own constant: what varies less than this is flat


@dataclass(frozen=True)
class DrawingTarget:
    """The content (1, 3, H, W), its mean and variance in windows, and the windows' weights.

    whole: how much of each window is within the picture, of 1; those at the far edges are cut, so
    that every pixel is in one.

    A window weighs as much as it stands out of flatness: with equal weights skies lost their
    strokes. Each channel for itself: with the light alone, long runs moved the style into specks
    of colour, five times as many as without this loss (docs/nst.md has both).
    """

    content: Tensor
    mean: Tensor
    variance: Tensor
    weights: Tensor
    whole: Tensor

    @classmethod
    def of(cls, content: Tensor, weight: float, shares: Tensor | None = None) -> DrawingTarget:
        """Build a target from a picture (1, 3, H, W); the loss is at most twice ``weight``.

        With ``shares`` (1, 1, h, w), of any size, places count as much as these say.
        """
        whole = _windows(torch.ones_like(content[:, :1]))
        mean = _windows(content) / whole
        variance = (_windows(content.square()) / whole - mean.square()).clamp(min=0)
        share = variance / (variance + _CONTRAST / 2)
        if shares is not None:
            share *= spread(shares, (share.shape[-2], share.shape[-1]))
        return cls(content, mean, variance, share * (weight / share.numel()), whole)

    def loss(
        self, image: Tensor, between: Callable[[], None] = lambda: None
    ) -> tuple[float, Tensor]:
        """Give the loss at a picture (1, 3, H, W) of the content's size, and its slope by it.

        ``between`` is called for each strip of it.
        """
        loss, slope = 0.0, torch.zeros_like(image)
        for begin in range(0, self.mean.shape[2], _STRIP):
            part, by_rows = self._strip(image, begin, begin + _STRIP)
            between()
            loss += part
            slope[:, :, begin * _EVERY :][:, :, : by_rows.shape[2]] += by_rows
        return loss, slope

    def _strip(self, image: Tensor, begin: int, end: int) -> tuple[float, Tensor]:
        """Do so for the rows [begin, end) of windows, and the rows of pixels that these see."""
        height, count = image.shape[2], min(end, self.mean.shape[2]) - begin
        rows = slice(begin * _EVERY, min(height, (begin + count - 1) * _EVERY + _WINDOW))
        seen, content = image[:, :, rows].contiguous(), self.content[:, :, rows]
        mean_of, variance_of, weights, whole = (
            planes[:, :, begin:end]
            for planes in (self.mean, self.variance, self.weights, self.whole)
        )
        sums = _windows(torch.cat([seen, seen.square(), seen * content])) / whole
        mean, squares, products = sums[:1], sums[1:2], sums[2:]
        shared = products - mean * mean_of
        apart = squares - mean.square() + variance_of + _CONTRAST
        alike = (2 * shared + _CONTRAST) / apart
        by_shared = -2 * weights / apart
        by_square = weights * alike / apart
        by_mean = -(by_shared * mean_of + 2 * by_square * mean)
        slopes = _pixels(torch.cat([by_mean, 2 * by_square, by_shared]) / whole, seen)
        by_seen, by_its_square, by_product = slopes[:1], slopes[1:2], slopes[2:]
        slope = by_seen.addcmul_(by_its_square, seen).addcmul_(by_product, content)
        return float((weights * (1 - alike)).sum()), slope


def _windows(planes: Tensor) -> Tensor:
    """Sum planes (N, C, H, W) over the windows, weighed by the profile; beyond them is nothing."""
    count, channels, *size = planes.shape
    far = [max(0, -(-(side - _WINDOW) // _EVERY)) * _EVERY + _WINDOW - side for side in size]
    alone = F.pad(planes.reshape(count * channels, 1, *size), (0, far[1], 0, far[0]))
    profile = _profile()
    sums = F.conv2d(alone, (profile[:, None] * profile)[None, None], stride=_EVERY)
    return sums.reshape(count, channels, *sums.shape[2:])


def _pixels(windows: Tensor, like: Tensor) -> Tensor:
    """Give each pixel the sum of its windows (N, C, h, w): the transpose of `_windows`."""
    count, channels, *size = windows.shape
    alone = windows.reshape(count * channels, 1, *size)
    profile = _profile()  # one side after the other: half the time here, and none for the windows
    by_rows = F.conv_transpose2d(alone, profile[None, None, None], stride=(1, _EVERY))
    pixels = F.conv_transpose2d(by_rows, profile[None, None, :, None], stride=(_EVERY, 1))
    pixels = pixels[:, :, : like.shape[2], : like.shape[3]]
    return pixels.reshape(count, channels, *pixels.shape[2:])


@cache
def _profile() -> Tensor:
    profile = torch.tensor(_PROFILE, dtype=torch.float32)
    return profile / profile.sum()
