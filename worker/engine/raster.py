"""Pictures (H, W, 3) without torch: resizing, and the content's colours under painted light."""

from __future__ import annotations

import numpy as np
from PIL import Image

from worker.engine.params import Picture

#: BT.601, full range, as JPEG has it.
LUMA = (0.299, 0.587, 0.114)


def fitted(height: int, width: int, side: int) -> tuple[int, int]:
    """Give the (height, width) in px with that proportion and ``side`` as the longer one."""
    scale = side / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def resized(picture: Picture, size: tuple[int, int]) -> Picture:
    """Give ``picture`` at ``size`` (height, width), without aliasing or ringing out of 0..1."""
    if picture.shape[:2] == size:
        return picture
    height, width = size
    made: Picture = np.empty((height, width, 3), np.float32)
    for channel in range(3):
        plane = Image.fromarray(np.ascontiguousarray(picture[..., channel], dtype=np.float32))
        made[..., channel] = np.asarray(plane.resize((width, height), Image.Resampling.BICUBIC))
    return np.clip(made, 0, 1, out=made)


def keep_colours(painted: Picture, colours_of: Picture) -> Picture:
    """Give ``painted``'s light and ``colours_of``'s colours; both of one size."""
    luma = np.array(LUMA, np.float32)
    light = painted @ luma - colours_of @ luma
    return np.clip(colours_of + light[..., None], 0, 1)
