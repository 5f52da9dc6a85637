"""Where a photograph matters: the loss network's own answer.

What excites the deepest layer is what the network was trained to name. Of a portrait that is the
face, of a tower the roof, and hardly ever the sky. No detector of faces is needed, and cats have
faces, too. docs/nst.md has the maps.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from worker.engine import network, pyramid

_LAYER = "relu5_1"
_SIDE = 256  # px: a position of the layer sees a face of a portrait, not one eye of it
_MUCH = 0.98  # quantile: a single spot that excites the network most must not hide the rest
_FULL = 0.6  # of that: from there on a place matters as much as any
_POWER = 2.0  # places that matter little count for less
_TINY = 1e-12


def saliency(net: network.Network, photograph: Tensor) -> Tensor:
    """Give how much each place of a photograph (1, 3, H, W) matters: (1, 1, h, w), 0..1."""
    height, width = photograph.shape[-2:]
    small = pyramid.resize(photograph, pyramid.paintable(height, width, _SIDE))
    with torch.no_grad():
        excited = net(small, {_LAYER})[_LAYER].float().square().sum(1, keepdim=True)
    full = _FULL * torch.quantile(excited, _MUCH).clamp(min=_TINY)
    return (excited / full).clamp(max=1) ** _POWER


def spread(salient: Tensor, size: tuple[int, int]) -> Tensor:
    """Give a map (1, 1, h, w) at ``size`` (height, width), smoothly."""
    return F.interpolate(salient, size=size, mode="bilinear", align_corners=False)
