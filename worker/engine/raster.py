"""Pictures (H, W, 3) without torch: resizing, and what light is."""

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
