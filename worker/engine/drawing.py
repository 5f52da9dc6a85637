"""The third loss: where the photograph has a drawing, the strokes follow it.

Statistics do not say where a stroke goes, so let it go along an edge of the photograph. This
asks for it: each colour channel of the picture shall vary with the content's in small windows, as
the structure term of SSIM has it (Wang et al. 2004, https://doi.org/10.1109/TIP.2003.819861),
``(2 cov + c) / (var + var* + c)``. Gatys et al. have no such term. It costs a fiftieth of an
evaluation; docs/nst.md has what it gains.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from worker.engine.saliency import spread

_WINDOW, _EVERY = 8, 4  # px
_STRIP = 64  # rows of windows: memory is that of a strip, and a copy of the picture
_CONTRAST = 0.03**2  # SSIM's own constant: what varies less than this is flat


@dataclass(frozen=True)
class DrawingTarget:
    """The content (1, 3, H, W), its mean and variance in windows, and the windows' weights.

    A window weighs as much as it stands out of flatness: with equal weights skies lost their
    strokes. Each channel for itself: with the light alone, long runs moved the style into specks
    of colour, five times as many as without this loss (docs/nst.md has both).
    """

    content: Tensor
    mean: Tensor
    variance: Tensor
    weights: Tensor

    @classmethod
    def of(cls, content: Tensor, weight: float, shares: Tensor | None = None) -> DrawingTarget:
        """Build a target from a picture (1, 3, H, W); the loss is at most twice ``weight``.

        With ``shares`` (1, 1, h, w), of any size, places count as much as these say.
        """
        mean = _windows(content)
        variance = (_windows(content.square()) - mean.square()).clamp(min=0)
        share = variance / (variance + _CONTRAST / 2)
        if shares is not None:
            share *= spread(shares, (share.shape[-2], share.shape[-1]))
        return cls(content, mean, variance, share * (weight / share.numel()))

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
        content = self.content[:, :, rows]
        mean_of, variance_of, weights = (
            planes[:, :, begin:end] for planes in (self.mean, self.variance, self.weights)
        )
        with torch.enable_grad():  # planes of pixels only: autograd's copies cost nothing here
            leaf = image[:, :, rows].detach().requires_grad_()
            mean = _windows(leaf)
            variance = _windows(leaf.square()) - mean.square()
            shared = _windows(leaf * content) - mean * mean_of
            alike = (2 * shared + _CONTRAST) / (variance + variance_of + _CONTRAST)
            loss = (weights * (1 - alike)).sum()
            (slope,) = torch.autograd.grad(loss, leaf)
        return float(loss.detach()), slope


def _windows(picture: Tensor) -> Tensor:
    """Give the means of windows; those at the far edges are cut, so that every pixel is in one."""
    return F.avg_pool2d(picture, _WINDOW, _EVERY, ceil_mode=True)
