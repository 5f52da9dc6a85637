"""Colours, noise and brushes for the house styles: numbers in, pixels out."""  # noqa: INP001

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Plane = NDArray[np.float64]
"""Height x width, or height x width x 3: values 0 to 1 unless said otherwise."""

SIZE = 768
"""Pixels on each side of a house style."""


def hexes(*colours: str) -> Plane:
    """A palette from ``rrggbb`` strings: n x 3."""
    return np.array([[int(c[i : i + 2], 16) for i in (0, 2, 4)] for c in colours]) / 255


def grid(size: int = SIZE) -> tuple[Plane, Plane]:
    """Give x and y of every pixel, 0 to 1, y downwards."""
    axis = (np.arange(size) + 0.5) / size
    x, y = np.meshgrid(axis, axis)
    return x, y


def clouds(rng: np.random.Generator, beta: float, size: int = SIZE, stretch: float = 1.0) -> Plane:
    """Noise with a spectrum of 1/f^beta, mean 0, deviation 1; ``stretch`` > 1 draws it out in x."""
    fy, fx = np.meshgrid(np.fft.fftfreq(size), np.fft.fftfreq(size), indexing="ij")
    radius = np.hypot(fx * stretch, fy)
    radius[0, 0] = 1.0
    wave = np.fft.fft2(rng.standard_normal((size, size))) * radius ** (-beta)
    wave[0, 0] = 0.0
    noise = np.real(np.fft.ifft2(wave))
    return noise / noise.std()


def blur(plane: Plane, sigma: float) -> Plane:
    """Gaussian blur of one plane, edges wrapped around; sigma in pixels."""
    fy = np.fft.fftfreq(plane.shape[0])[:, None]
    fx = np.fft.rfftfreq(plane.shape[1])[None, :]
    kernel = np.exp(-2 * (np.pi * sigma) ** 2 * (fx**2 + fy**2))
    return np.fft.irfft2(np.fft.rfft2(plane) * kernel, s=plane.shape)


def ramp(palette: Plane, t: Plane) -> Plane:
    """Colours along a palette; t from 0 to 1."""
    stops = np.linspace(0, 1, len(palette))
    return np.stack([np.interp(t, stops, palette[:, c]) for c in range(3)], axis=-1)


def mix(a: Plane, b: Plane, amount: Plane) -> Plane:
    """``a`` where amount is 0, ``b`` where it is 1."""
    return a + (b - a) * np.clip(amount, 0, 1)[..., None]


def smooth(edge: float, width: float, x: Plane) -> Plane:
    """0 below the edge, 1 above it, soft over ``width``."""
    t = np.clip((x - edge) / width + 0.5, 0, 1)
    return t * t * (3 - 2 * t)


class Canvas:
    """Paint and its relief, at twice the size, so that edges are smooth when it is scaled down."""

    def __init__(self, ground: Plane) -> None:
        self.scale = 2
        side = SIZE * self.scale
        self.paint = Image.fromarray((np.clip(ground, 0, 1) * 255).astype(np.uint8)).resize(
            (side, side), Image.Resampling.BICUBIC
        )
        self.relief = Image.new("L", (side, side), 90)

    def stroke(
        self, path: Plane, width: float, colour: Plane, rng: np.random.Generator, rough: float
    ) -> None:
        """One stroke along ``path`` (n x 2, pixels) of bristles that differ by ``rough``."""
        path = path * self.scale
        direction = np.gradient(path, axis=0)
        direction /= np.linalg.norm(direction, axis=1, keepdims=True) + 1e-9
        normal = direction[:, ::-1] * (-1, 1)
        wide = width * self.scale
        bristles = int(max(3, round(wide / 3.5)))
        paint, relief = ImageDraw.Draw(self.paint), ImageDraw.Draw(self.relief)
        # Bristles lift at the ends: the stroke tapers.
        taper = np.sin(np.linspace(0.35, np.pi - 0.25, len(path))) ** 0.6
        for offset in rng.permutation(np.linspace(-0.5, 0.5, bristles)):
            line = path + normal * (offset * wide * taper)[:, None]
            first, last = rng.integers(0, 2), len(line) - rng.integers(0, 3)
            points = [(float(x), float(y)) for x, y in line[first : max(last, first + 2)]]
            tone = np.clip(colour * (1 + rough * rng.standard_normal()), 0, 1) * 255
            thick = max(2, round(wide / bristles * 1.5))
            paint.line(points, (int(tone[0]), int(tone[1]), int(tone[2])), thick)
            # Paint is pushed to the sides of a stroke, where it stands higher.
            height = int(110 + 150 * abs(offset) + 40 * rng.standard_normal())
            relief.line(points, min(max(height, 0), 255), thick)

    def finish(self, depth: float) -> Plane:
        """The painting under light from the upper left; ``depth`` is how thick the paint is."""
        small = (SIZE, SIZE)
        colour = np.asarray(self.paint.resize(small, Image.Resampling.LANCZOS)) / 255
        height = np.asarray(self.relief.resize(small, Image.Resampling.LANCZOS)) / 255
        slope_y, slope_x = np.gradient(blur(height, 0.7))
        light = depth * (slope_x * 0.7 + slope_y)
        gleam = np.clip(-light - 0.12, 0, 1)[..., None]
        return np.clip(colour * (1 - light[..., None]) + 0.5 * gleam, 0, 1)


def cover(
    canvas: Canvas,
    plan: Plane,
    angle: Plane,
    rng: np.random.Generator,
    layers: list[tuple[float, int, float]],
    *,
    jitter: float,
    where: Plane | None = None,
) -> None:
    """Cover the canvas with strokes of the plan's colours along ``angle`` (radians).

    ``layers``: width and length in pixels and the gap between starts in widths, large to small.
    ``where``: the chance of a stroke at each pixel.
    """
    for width, length, gap in layers:
        step = max(3.0, width * 0.5)
        count = max(3, int(length / step))
        starts = np.arange(0, SIZE, width * gap)
        places = np.array([(x, y) for y in starts for x in starts])
        places = places + rng.normal(0, width * gap * 0.5, places.shape)
        for place in rng.permutation(places):
            column, row = np.clip(place.astype(int), 0, SIZE - 1)
            if where is not None and rng.random() > where[row, column]:
                continue
            colour = plan[row, column]
            points = [place]
            for _ in range(count):
                x, y = points[-1]
                i, j = int(np.clip(y, 0, SIZE - 1)), int(np.clip(x, 0, SIZE - 1))
                # A stroke ends where the plan asks for another colour.
                if len(points) > 3 and np.abs(plan[i, j] - colour).sum() > 0.35:  # noqa: PLR2004
                    break
                turn = angle[i, j]
                points.append(points[-1] + step * np.array([np.cos(turn), np.sin(turn)]))
            shade = np.clip(colour * (1 + 0.08 * rng.standard_normal()), 0, 1)
            shade = np.clip(shade + jitter * rng.standard_normal(3), 0, 1)
            canvas.stroke(np.array(points), width, shade, rng, 0.09)


def along(stream: Plane) -> Plane:
    """The direction of the lines on which ``stream`` is constant, in radians."""
    down, right = np.gradient(stream)
    return np.arctan2(-right, down)
