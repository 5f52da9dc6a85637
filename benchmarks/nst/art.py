"""Deterministic paintings to take the style from: no picture of anybody's has to be shipped.

Each function gives a Pillow RGB picture of 640 x 512 px from numbers alone. They are drawn at
twice the size and reduced, as a scanned painting would be.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

_SIZE = (640, 512)
_SCALE = 2
_WIDTH, _HEIGHT = _SIZE[0] * _SCALE, _SIZE[1] * _SCALE

Array = NDArray[np.float64]


def _noise(rng: np.random.Generator, cells: int) -> Array:
    """Smooth noise in 0..1 over the whole sheet, ``cells`` bumps across."""
    coarse = rng.random((cells * 4 // 5 + 2, cells + 2))
    sheet = Image.fromarray((coarse * 255).astype(np.uint8)).resize(
        (_WIDTH, _HEIGHT), Image.Resampling.BICUBIC
    )
    return np.asarray(sheet, dtype=np.float64) / 255


def _strokes(
    rng: np.random.Generator, colours: Array, angle: Array, widths: tuple[int, ...]
) -> Image.Image:
    """Paint ``colours`` with curved strokes along ``angle``, wide brushes first (Hertzmann)."""
    under = Image.fromarray((colours * 255).clip(0, 255).astype(np.uint8))
    sheet = under.filter(ImageFilter.GaussianBlur(widths[0]))
    pen = ImageDraw.Draw(sheet)
    for width in widths:
        count = int(2.2 * _WIDTH * _HEIGHT / (width * width * 7))
        xs, ys = rng.integers(0, _WIDTH, count), rng.integers(0, _HEIGHT, count)
        for x, y in zip(xs, ys, strict=True):
            light = rng.normal(0, 0.07)
            tint = rng.normal(0, 0.035, 3)
            colour = tuple(int(v) for v in ((colours[y, x] + light + tint) * 255).clip(0, 255))
            points = [(float(x), float(y))]
            for _ in range(7):
                px, py = points[-1]
                a = angle[int(py) % _HEIGHT, int(px) % _WIDTH]
                points.append((px + np.cos(a) * width, py + np.sin(a) * width))
            pen.line(points, fill=colour, width=width, joint="curve")
            # A thin lighter ridge on one side: paint that stands off the canvas.
            ridge = [(px + width * 0.3, py - width * 0.3) for px, py in points]
            lighter = tuple(min(255, v + 26) for v in colour)
            pen.line(ridge, fill=lighter, width=max(1, width // 6))
    return sheet.resize(_SIZE, Image.Resampling.LANCZOS)


def night() -> Image.Image:
    """A night of whirls over hills, in thick strokes of blue and yellow."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[0:_HEIGHT, 0:_WIDTH].astype(np.float64)
    angle = 0.25 * np.sin(x / 170) + 0.5 * (_noise(rng, 5) - 0.5)
    blue, pale = np.array([0.10, 0.20, 0.50]), np.array([0.48, 0.66, 0.80])
    mix = (0.5 + 0.5 * np.sin(x / 95 + 3 * _noise(rng, 6) + y / 60))[..., None]
    colours = blue * (1 - mix) + pale * mix * 0.8 + 0.02
    for cx, cy, radius in ((250, 230, 150), (680, 330, 210), (1050, 170, 120), (480, 90, 70)):
        dx, dy = x - cx, y - cy
        near = np.exp(-((dx * dx + dy * dy) / (2 * radius * radius)))
        whirl = np.arctan2(dy, dx) + np.pi / 2
        angle = np.where(near > 0.25, whirl + 0.25, angle)
        rings = near * (0.55 + 0.45 * np.cos(np.hypot(dx, dy) / 17))
        colours += rings[..., None] * (np.array([0.98, 0.83, 0.30]) - colours) * 0.95
    hill = 0.72 * _HEIGHT + 60 * np.sin(x / 190) + 35 * np.sin(x / 71 + 1)
    ground = y > hill
    land = np.where((np.sin(y / 21 + x / 130) > 0)[..., None], (0.10, 0.24, 0.20), (0.2, 0.38, 0.2))
    colours = np.where(ground[..., None], land, colours)
    angle = np.where(ground, -0.35 + 0.5 * np.cos(x / 190), angle)
    return _strokes(rng, colours.clip(0, 1), angle, (26, 14, 9))


def harvest() -> Image.Image:
    """Warm fields under a coral sky, in short strokes."""
    rng = np.random.default_rng(2)
    y, x = np.mgrid[0:_HEIGHT, 0:_WIDTH].astype(np.float64)
    stops = np.array(
        [
            *([0.88, 0.45, 0.38], [0.97, 0.74, 0.42], [0.93, 0.60, 0.15], [0.56, 0.30, 0.14]),
            *([0.80, 0.62, 0.20], [0.30, 0.36, 0.16], [0.42, 0.16, 0.18]),
        ]
    )
    height = y / _HEIGHT + 0.16 * (_noise(rng, 4) - 0.5) + 0.05 * np.sin(x / 60)
    place = (height * (len(stops) - 1)).clip(0, len(stops) - 1.001)
    low = place.astype(int)
    part = (place - low)[..., None]
    colours = stops[low] * (1 - part) + stops[low + 1] * part
    angle = 1.3 * (_noise(rng, 7) - 0.5) * 2 + np.where(y > 0.5 * _HEIGHT, -1.1, 0.1)
    return _strokes(rng, colours, angle, (22, 12, 7))


def glass() -> Image.Image:
    """Stained glass: a Voronoi tiling in jewel colours between dark leads."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[0:_HEIGHT, 0:_WIDTH]
    points = rng.random((260, 2)) * (_WIDTH, _HEIGHT)
    first = np.full(x.shape, np.inf)
    second = np.full(x.shape, np.inf)
    owner = np.zeros(x.shape, dtype=int)
    for index, (px, py) in enumerate(points):
        distance = np.hypot(x - px, y - py)
        nearer = distance < first
        second = np.where(nearer, first, np.minimum(second, distance))
        owner = np.where(nearer, index, owner)
        first = np.where(nearer, distance, first)
    palette = np.array(
        [
            *([0.75, 0.10, 0.14], [0.10, 0.24, 0.62], [0.93, 0.70, 0.14], [0.08, 0.45, 0.32]),
            *([0.88, 0.86, 0.74], [0.45, 0.13, 0.46], [0.87, 0.42, 0.12], [0.16, 0.58, 0.70]),
        ]
    )
    tones = palette[rng.integers(0, len(palette), len(points))]
    tones = (tones + rng.normal(0, 0.05, tones.shape)).clip(0, 1)
    grain = 0.80 + 0.25 * _noise(rng, 60) + 0.15 * _noise(rng, 9)
    lead = ((second - first) < 11)[..., None]
    colours = np.where(lead, (0.06, 0.06, 0.07), tones[owner] * grain[..., None])
    sheet = Image.fromarray((colours * 255).clip(0, 255).astype(np.uint8))
    return sheet.resize(_SIZE, Image.Resampling.LANCZOS)


def woodcut() -> Image.Image:
    """A woodcut: swelling ink lines on warm paper with one flat blue."""
    rng = np.random.default_rng(4)
    y, x = np.mgrid[0:_HEIGHT, 0:_WIDTH].astype(np.float64)
    bend = 210 * _noise(rng, 4) + 60 * _noise(rng, 9) + 25 * np.sin(x / 120)
    tone = _noise(rng, 5)
    lines = np.sin((y + bend) / 5.2) > (tone * 2.6 - 1.3)
    paper = np.array([0.93, 0.88, 0.76]) * (0.95 + 0.07 * _noise(rng, 80))[..., None]
    wash = (_noise(rng, 4) > 0.52)[..., None]
    paper = np.where(wash, paper * (0.50, 0.68, 0.82), paper)
    colours = np.where(lines[..., None], paper, (0.10, 0.11, 0.20))
    sheet = Image.fromarray((colours * 255).clip(0, 255).astype(np.uint8))
    return sheet.resize(_SIZE, Image.Resampling.LANCZOS)


ART: dict[str, Callable[[], Image.Image]] = {
    "night": night,
    "harvest": harvest,
    "glass": glass,
    "woodcut": woodcut,
}
