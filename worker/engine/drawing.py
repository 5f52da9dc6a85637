"""The third loss: where the photograph has a drawing, the strokes follow it.

Statistics do not say where a stroke goes, so it may as well go along an edge of the photograph. This
asks for it: the light of the picture shall vary with the light of the content in small windows, as
the structure term of SSIM has it (Wang et al. 2004, https://doi.org/10.1109/TIP.2003.819861),
``(2 cov + c) / (var + var* + c)``. Gatys et al. have no such term. It costs a hundredth of an
evaluation; docs/nst.md has what it gains, which no weight of a layer's activations gave.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

_WINDOW, _EVERY = 8, 4  # px
_CONTRAST = 0.03**2  # SSIM's own constant: light that varies less than this is flat
_LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class DrawingTarget:
    """The content's light: (1, 1, H, W), its mean and variance in windows, and their weights.

    A window weighs as much as it stands out of flatness. With equal weights skies lost their
    strokes, and the style error rose by 3 percent (docs/nst.md).
    """

    light: Tensor
    mean: Tensor
    variance: Tensor
    weights: Tensor

    @classmethod
    def of(cls, content: Tensor, weight: float) -> DrawingTarget:
        """Build a target from a picture (1, 3, H, W); the loss is ``weight`` at most, or twice."""
        light = _light(content)
        mean = _windows(light)
        variance = (_windows(light.square()) - mean.square()).clamp(min=0)
        share = variance / (variance + _CONTRAST / 2)
        return cls(light, mean, variance, share * (weight / share.numel()))

    def loss(self, image: Tensor) -> tuple[float, Tensor]:
        """Give the loss at a picture (1, 3, H, W) of the content's size, and its slope by it."""
        with torch.enable_grad():  # planes of pixels only: autograd's copies cost nothing here
            leaf = image.detach().requires_grad_()
            light = _light(leaf)
            mean = _windows(light)
            variance = _windows(light.square()) - mean.square()
            shared = _windows(light * self.light) - mean * self.mean
            alike = (2 * shared + _CONTRAST) / (variance + self.variance + _CONTRAST)
            loss = (self.weights * (1 - alike)).sum()
            (slope,) = torch.autograd.grad(loss, leaf)
        return float(loss.detach()), slope


def _light(picture: Tensor) -> Tensor:
    return (picture * torch.tensor(_LUMA).reshape(1, 3, 1, 1)).sum(1, keepdim=True)


def _windows(plane: Tensor) -> Tensor:
    """Give the means of windows; those at the far edges are cut, so that every pixel is in one."""
    return F.avg_pool2d(plane, _WINDOW, _EVERY, ceil_mode=True)
