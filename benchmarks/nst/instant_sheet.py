"""The sheet of ``docs/nst.md`` on instant paintings: whole, and beside one pass enlarged.

``python -m benchmarks.nst.instant_sheet docs/images/nst-instant.jpg``: five seconds.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.nst.pictures import content, style
from benchmarks.nst.sheets import saved, sheet
from worker.engine import EngineParams, Picture, instant, raster

_SIZE, _CELL, _JPEG_QUALITY = 512, 210, 85
# Photograph and style; where it is enlarged: left and top, as parts of it.
_PAIRS = (
    ("cat", "stained-glass", (0.34, 0.22)),
    ("coffee", "night", (0.42, 0.18)),
    ("astronaut", "tidal-waves", (0.36, 0.12)),
)
_ENLARGED = 105  # px of a side


def main(target: Path) -> None:
    """Paint all and lay it out."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = [_row(folder, *pair) for pair in _PAIRS]
        titles = ("photograph", "style", "instant", "photograph's colours", "one pass, enlarged",
                  "instant, enlarged")  # fmt: skip
        sheet(rows, titles, _CELL).save(target, quality=_JPEG_QUALITY)


def _row(folder: Path, of: str, like: str, corner: tuple[float, float]) -> list[Path | None]:
    photograph, example = content(of), style(like)
    params = EngineParams(algorithm="instant", size=_SIZE)
    painted = instant.stylize(photograph, [example], params).image
    coloured = EngineParams(algorithm="instant", size=_SIZE, colours="photo")
    return [
        saved(folder, photograph),
        saved(folder, example),
        saved(folder, painted),
        saved(folder, instant.stylize(photograph, [example], coloured).image),
        saved(folder, _enlarged(_one_pass(photograph, example), corner)),
        saved(folder, _enlarged(painted, corner)),
    ]


def _one_pass(photograph: Picture, example: Picture) -> Picture:
    """Give what the network paints when it is run once, grid and padding included."""
    networks = instant.load()
    height, width = raster.fitted(*photograph.shape[:2], _SIZE)
    shown = raster.resized(photograph, (height // 8 * 8, width // 8 * 8))
    return np.clip(networks.paint(shown, networks.style(example)), 0, 1)


def _enlarged(picture: Picture, corner: tuple[float, float]) -> Picture:
    left, top = round(corner[0] * picture.shape[1]), round(corner[1] * picture.shape[0])
    part = picture[top : top + _ENLARGED, left : left + _ENLARGED]
    return part.repeat(2, axis=0).repeat(2, axis=1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
