"""The frame around a style picture: found and cut off, so that it is not taken for style.

A frame, a white margin or a passe-partout is not the painter's. Its straight edge is a feature like
any other to the network, and comes back in the painting as straight lines. What is cut is what
has all the marks of a border:

* lines along the side are nearly constant, against what the middle of the picture has;
* they end at a straight edge: within a few lines most of a line is of another colour. The sky ends
  at trees, an object on a white ground begins with its tip;
* the opposite side has the same, in the same colour; the two other sides may follow these two.
  A sky, or a floor, is on one side only;
* no more than a quarter of the picture on any side.

Then it is looked for anew within: a frame may have a passe-partout, and that a line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from worker.engine.params import Picture
from worker.engine.raster import LUMA

_SIDE_MIN = 16
_PART_MAX = 4
"""A quarter of the side, all bands together."""
_BANDS_MAX = 4
_EVEN_PART = 0.95
"""Of a line: dust and a scanner's corners are not the border's."""
_UNEVEN_MAX, _UNEVEN_MIN = 0.04, 2 / 255
"""How far from the line's colour (0..1) an even line may go: JPEG's noise, at most. A picture whose
middle allows for less than 8 bits can tell is flat altogether."""
_AGAINST_MIDDLE = 1 / 3
_EDGE_CONTRAST, _EDGE_PART = 2.0, 0.5
"""Beyond the edge at least this part of a line is so many tolerances away from the band."""
_EDGE_LINES, _EDGE_SIDE = 2, 64
"""An edge is found 2 lines beyond the band, and one more for each 64 px of the side: JPEG's
blocks shiver before it."""
_BLUR_LINES = 2
"""Cut beyond the edge: resizing has mixed these with the border."""
_SAMPLES_MAX = 512
"""Of a line: a picture of 4096 px is looked at in some milliseconds."""


@dataclass(frozen=True, slots=True)
class _Band:
    """A border on one side: px to cut off, its colour (3)."""

    cut: int
    colour: Any


@dataclass(frozen=True, slots=True)
class _Box:
    """What is left of a picture: top, bottom, left, right, in px of the whole."""

    top: int
    bottom: int
    left: int
    right: int

    def of(self, picture: Picture) -> Picture:
        """Cut it out, without a copy."""
        return picture[self.top : self.bottom, self.left : self.right]


def unframed(picture: Picture) -> Picture:
    """Give a style picture (H, W, 3) without the even borders around it, as a view.

    Without any, or where it is too small or too flat to tell, the very picture is given.
    """
    height, width = picture.shape[:2]
    if min(height, width) < _SIDE_MIN:
        return picture
    tolerance = _tolerance(picture)
    if tolerance < _UNEVEN_MIN:
        return picture
    box = _Box(0, height, 0, width)
    for _ in range(_BANDS_MAX):
        inner = _without_band(picture, box, tolerance)
        if inner == box:
            break
        box = inner
    return picture if box == _Box(0, height, 0, width) else box.of(picture)


def _tolerance(picture: Picture) -> float:
    """How uneven a line of the border may be: a part of what lines in the middle are."""
    height, width = picture.shape[:2]
    middle = picture[height // 4 : -(height // 4), width // 4 : -(width // 4)]
    typical = min(float(np.median(_unevenness(middle, axis)[0])) for axis in (0, 1))
    return min(_UNEVEN_MAX, _AGAINST_MIDDLE * typical)


def _unevenness(picture: Picture, axis: int) -> tuple[Any, Any]:
    """Give how far each line is from one colour (N), and that colour (N, 3); axis 0: rows."""
    lines = picture if axis == 0 else picture.swapaxes(0, 1)
    lines = lines[:, :: -(-lines.shape[1] // _SAMPLES_MAX)]
    colours = np.median(lines, axis=1)
    # By its light: JPEG smears colours over 16 px.
    away = np.abs((lines - colours[:, None]) @ np.array(LUMA, np.float32))
    kept = int(_EVEN_PART * (away.shape[1] - 1))
    return np.partition(away, kept, axis=1)[:, kept], colours


def _without_band(picture: Picture, box: _Box, tolerance: float) -> _Box:
    """Cut off the outermost band of what is left, where there is one."""
    height, width = picture.shape[:2]
    inner = box.of(picture)
    # From each side inwards; its room is what the bands before have left of a quarter.
    rows, columns = inner, inner.swapaxes(0, 1)
    rooms = (
        height // _PART_MAX - box.top,
        height // _PART_MAX - (height - box.bottom),
        width // _PART_MAX - box.left,
        width // _PART_MAX - (width - box.right),
    )
    views = (rows, rows[::-1], columns, columns[::-1])
    blurred = 0 if inner.shape == picture.shape else _BLUR_LINES + _EDGE_LINES
    runs = [
        _even_lines(view, room, tolerance, blurred=blurred)
        for view, room in zip(views, rooms, strict=True)
    ]
    ends = (runs[2:], runs[2:], runs[:2], runs[:2])
    found = [
        _band(view, run, room, end, tolerance)
        for view, run, room, end in zip(views, runs, rooms, ends, strict=True)
    ]
    top, bottom, left, right = _borders(found, tolerance)
    return _Box(box.top + top, box.bottom - bottom, box.left + left, box.right - right)


def _even_lines(view: Picture, room: int, tolerance: float, *, blurred: int) -> int:
    """Count the lines from the side inwards that are even and of one colour.

    Up to ``blurred`` lines at the side need not be: what is left of the edge before.
    """
    unevenness, colours = _unevenness(view[: max(1, room)], 0)
    counts = []
    for skipped in range(min(blurred, len(colours) - 1) + 1):
        even = unevenness[skipped:] <= tolerance
        even &= np.abs(colours[skipped:] - colours[skipped]).max(axis=1) <= tolerance
        run = len(even) if even.all() else int(np.argmin(even))
        counts.append(skipped + run if run > skipped else 0)
    return max(counts)


def _band(view: Picture, run: int, room: int, ends: list[int], tolerance: float) -> _Band | None:
    """Give the band of ``run`` even lines if it ends at a straight edge, within ``room``."""
    if not 0 < run < room:
        return None
    colour = np.median(_unevenness(view[:run], 0)[1], axis=0)
    reach = _EDGE_LINES + max(view.shape[:2]) // _EDGE_SIDE
    # Between the bands of the two other sides: they would be of the border's colour.
    beyond = view[run : min(run + reach, room), ends[0] : view.shape[1] - ends[1]]
    away = np.abs(beyond - colour).max(axis=2) > _EDGE_CONTRAST * tolerance
    straight = away.mean(axis=1) >= _EDGE_PART
    if not straight.any():
        return None
    return _Band(min(run + int(np.argmax(straight)) + _BLUR_LINES, room), colour)


def _borders(found: list[_Band | None], tolerance: float) -> list[int]:
    """Give what to cut of top, bottom, left and right: pairs of one colour, and what follows."""
    colours = []
    for one, other in (found[:2], found[2:]):
        if one and other and _alike(one.colour, other.colour, tolerance):
            colours += [one.colour, other.colour]
    return [
        band.cut if band and any(_alike(band.colour, c, tolerance) for c in colours) else 0
        for band in found
    ]


def _alike(one: Any, other: Any, tolerance: float) -> bool:
    return float(np.abs(one - other).max()) <= _EDGE_CONTRAST * tolerance
