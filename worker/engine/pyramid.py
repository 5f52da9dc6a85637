"""Pictures at several sizes: tensors (1, 3, H, W) from and to pictures, and resizing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from worker.engine.network import SIDE_MIN
from worker.engine.params import Picture
from worker.engine.raster import LUMA
from worker.engine.raster import fitted as fitted  # noqa: PLC0414 (for callers)


def to_tensor(picture: Picture) -> Tensor:
    """View (H, W, 3) as (1, 3, H, W), in the same memory where it is float32 and in one piece."""
    pixels = np.ascontiguousarray(picture, dtype=np.float32)
    return torch.from_numpy(pixels).permute(2, 0, 1).unsqueeze(0)


def to_picture(image: Tensor) -> Picture:
    """Turn (1, 3, H, W) into (H, W, 3), clipped to 0..1."""
    picture: Picture = image.detach()[0].clamp(0, 1).permute(1, 2, 0).contiguous().numpy()
    return picture


def paintable(height: int, width: int, side: int) -> tuple[int, int]:
    """Give `fitted`, with no side below what the network can see (16 px)."""
    low, wide = fitted(height, width, side)
    return max(SIDE_MIN, low), max(SIDE_MIN, wide)


def resize(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Give ``image`` (1, 3, H, W) at ``size`` (height, width), without aliasing or ringing."""
    if tuple(image.shape[-2:]) == size:
        return image
    return resampled(image, size).clamp_(0, 1)


def resampled(planes: Tensor, size: tuple[int, int]) -> Tensor:
    """Give planes (1, C, H, W) of any numbers at ``size`` (height, width), without aliasing."""
    return F.interpolate(planes, size=size, mode="bicubic", antialias=True)


def enlarged(image: Tensor, drawn: Tensor, between: Callable[[], None] = lambda: None) -> Tensor:
    """Give ``image`` (1, 3, h, w) at the size of ``drawn``, with the finest detail of ``drawn``.

    What an enlarged picture lacks is taken from the photograph: strokes that are painted next
    begin at its edges, not in a blur. Its light alone: with its colours, fine changes of colour in
    faces were more by half (docs/nst.md has both). ``between`` is called between its steps.
    """
    before, size = (image.shape[-2], image.shape[-1]), (drawn.shape[-2], drawn.shape[-1])
    if before == size:
        return image
    luma = torch.tensor(LUMA).reshape(1, 3, 1, 1)
    blurred = resize(resize(drawn, before), size)
    between()
    detail = ((drawn - blurred) * luma).sum(1, keepdim=True)
    between()
    return resize(image, size).add_(detail).clamp_(0, 1)
