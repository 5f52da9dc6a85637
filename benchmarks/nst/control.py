"""The sheet of ``docs/nst.md`` on what a visitor steers: strokes, colours, masks.

``python -m benchmarks.nst.control docs/images/nst-control.jpg``: a minute and a half on two cores.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from benchmarks.nst.pictures import content, style
from benchmarks.nst.sheets import saved, sheet
from worker.engine import EngineParams, Mask, Picture, stylize

_SIZE, _CELL, _JPEG_QUALITY = 512, 210, 75
_SAUCER = (0.14, 0.03, 0.88, 0.95)  # left, top, right, bottom, as parts of the photograph


def main(target: Path) -> None:
    """Paint all and lay it out."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = [_strokes(folder), _colours(folder), _masks(folder)]
        titles = ("photograph, or mask", "style", "0.5; style; two masks", "1; palette; one mask",
                  "2; photo; two, instant")  # fmt: skip
        sheet(rows, titles, _CELL).save(target, quality=_JPEG_QUALITY)


def _strokes(folder: Path) -> list[Path | None]:
    photograph, example = content("coffee"), style("stained-glass", 2 * _SIZE)
    return [
        saved(folder, photograph),
        saved(folder, example),
        *(_painted(folder, photograph, [example], style_scale=n) for n in (0.5, 1.0, 2.0)),
    ]


def _colours(folder: Path) -> list[Path | None]:
    photograph, example = content("astronaut"), style("night")
    return [
        saved(folder, photograph),
        saved(folder, example),
        *(
            _painted(folder, photograph, [example], colours=c)
            for c in ("style", "palette", "photo")
        ),
    ]


def _masks(folder: Path) -> list[Path | None]:
    photograph = content("coffee")
    inside = _ellipse(photograph)
    waves, glass = style("tidal-waves"), style("stained-glass")
    two, masks = [waves, glass], [inside, 1 - inside]
    return [
        saved(folder, np.repeat(inside[..., None], 3, axis=2)),
        saved(folder, waves),
        _painted(folder, photograph, two, masks),
        _painted(folder, photograph, [glass], masks[1:]),
        _painted(folder, photograph, two, masks, algorithm="instant"),
    ]


def _ellipse(photograph: Picture) -> Mask:
    height, width = photograph.shape[:2]
    mask = Image.new("L", (width, height))
    left, top, right, bottom = _SAUCER
    corners = (left * width, top * height, right * width, bottom * height)
    ImageDraw.Draw(mask).ellipse(corners, fill=255)
    soft = mask.filter(ImageFilter.GaussianBlur(3))
    return np.asarray(soft, dtype=np.float32) / np.float32(255)


def _painted(
    folder: Path,
    photograph: Picture,
    styles: list[Picture],
    masks: list[Mask] | None = None,
    **params: Any,
) -> Path:
    result = stylize(photograph, styles, EngineParams(size=_SIZE, **params), masks=masks or ())
    return saved(folder, result.image)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
