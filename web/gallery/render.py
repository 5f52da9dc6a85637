"""Render the house styles: four pictures made of numbers alone, so that nobody owns their rights.

``python web/gallery/render.py`` writes ``<id>.jpg`` (768 px), ``thumbs/<id>-thumb.jpg`` (256 px)
and the list of them, ``system/gallery.json``. The same seed gives the same picture; only rounding
differs by machine.

A style picture is used for its strokes and its palette, so three of the four are painted as a
person would: a plan of colours, a field of directions, then thousands of strokes, large to small,
whose bristles leave a relief that catches the light.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from brushes import (
    SIZE,
    Canvas,
    Plane,
    along,
    blur,
    clouds,
    cover,
    grid,
    hexes,
    mix,
    ramp,
    smooth,
)
from PIL import Image, ImageDraw

THUMB = 256
HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def tidal_waves() -> Plane:
    """A sea of rolling waves, indigo to foam, under a warm sky."""
    rng = np.random.default_rng(7)
    x, y = grid()
    warp = 0.035 * blur(clouds(rng, 1.6), 10)
    stream = y + warp
    foam = np.zeros_like(x)
    # Rollers: every one winds the lines of the sea around its eye.
    eyes = [(0.20, 0.52, 0.20, 1.5), (0.63, 0.40, 0.24, 1.7), (0.93, 0.68, 0.17, 1.3),
            (0.42, 0.78, 0.18, 1.5), (0.08, 0.88, 0.15, 1.2), (0.76, 0.93, 0.16, 1.2)]  # fmt: skip
    for cx, cy, radius, power in eyes:
        distance = np.hypot(x - cx, (y - cy) * 1.15)
        pull = np.exp(-((distance / radius) ** 2))
        spiral = np.arctan2(y - cy, x - cx) / (2 * np.pi) + 1.6 * distance / radius
        stream = stream * (1 - pull) + pull * (cy + 0.16 * power * (distance / radius))
        foam += pull * np.clip(np.sin(2 * np.pi * spiral), 0, 1) ** 3
    bands = 0.5 + 0.5 * np.sin(2 * np.pi * (stream * 11 + 0.25 * warp / 0.035 * 0.4))
    sea = hexes("0b1d3a", "123a63", "1b5e88", "2d8aa6", "7cc3bf", "f3ead2")
    plan = ramp(sea, np.clip(0.92 * bands**1.5 + 0.12 * (0.7 - y), 0, 1))
    plan = mix(plan, hexes("fbf4e2")[0], smooth(0.68, 0.4, foam))
    horizon = y - 0.24 - 0.05 * np.sin(7 * x + 1) - 0.6 * warp
    sky = ramp(hexes("e8895c", "f2b76b", "f6d9a0", "c9d8c5"), np.clip(y / 0.3 + 2 * warp, 0, 1))
    sun = np.hypot(x - 0.27, y - 0.11)
    sky = mix(sky, hexes("d8452f")[0], smooth(-0.062, 0.012, -sun))
    plan = mix(sky, plan, smooth(0, 0.02, horizon))
    flow = np.where(
        horizon > 0, along(stream), along(y + 0.02 * np.sin(9 * x) + 2 * warp + 0.1 * sun)
    )
    canvas = Canvas(plan * 0.8)
    cover(canvas, plan, flow, rng, [(20, 110, 0.8), (11, 70, 0.9), (6, 46, 1.1)], jitter=0.02)
    edges = np.clip(np.abs(np.gradient(blur(bands, 2))[0]) * 9, 0, 0.8) * (horizon > 0)
    cover(canvas, plan, flow, rng, [(3.2, 34, 1.5)], jitter=0.03, where=edges)
    return canvas.finish(1.15)


def oil_swirls() -> Plane:
    """Thick oil in whirls: vermilion, gold and cream against ultramarine and turquoise."""
    rng = np.random.default_rng(21)
    x, y = grid()
    stream = 0.5 * blur(clouds(rng, 2.2), 6)
    for _ in range(16):
        cx, cy = rng.random(2)
        radius, spin = rng.uniform(0.07, 0.19), rng.choice([-1.0, 1.0]) * rng.uniform(0.7, 1.3)
        distance = np.hypot(x - cx, y - cy)
        stream = stream + spin * 1.4 * np.exp(-((distance / radius) ** 2))
    drift = blur(clouds(rng, 1.8), 4)
    turn = 2 * np.pi * (stream * 1.5 + 0.2 * drift)
    night = ramp(hexes("101b4d", "1d3f94", "1f78b4", "2fb3b0", "bfe3d0"), 0.5 + 0.5 * np.sin(turn))
    fire = ramp(hexes("7a1022", "c8321f", "ee7a1c", "f9c22e", "fdf0c4"), 0.5 + 0.5 * np.sin(turn))
    plan = mix(night, fire, smooth(0.15, 0.35, np.sin(turn * 0.31 + 1.5 * drift)))
    canvas = Canvas(plan * 0.7)
    cover(
        canvas, plan, along(stream), rng,
        [(24, 100, 0.75), (14, 72, 0.85), (8, 46, 1.0)], jitter=0.035,
    )  # fmt: skip
    sparks = np.clip(np.sin(turn) - 0.75, 0, 1) * 2
    cover(canvas, np.clip(plan * 1.2, 0, 1), along(stream), rng, [(5, 30, 1.5)], jitter=0.05,
          where=sparks)  # fmt: skip
    return canvas.finish(1.7)


def stained_glass() -> Plane:
    """A rose window: rings of coloured panes in lead, with the light behind them."""
    rng = np.random.default_rng(3)
    x, y = grid()
    seeds = [(0.5, 0.5)]
    for ring, count in enumerate((8, 14, 20, 26, 32, 38), start=1):
        turns = (np.arange(count) + 0.5 * (ring % 2)) / count * 2 * np.pi
        reach = 0.115 * ring + rng.normal(0, 0.006, count)
        turns = turns + rng.normal(0, 0.025, count)
        seeds += [
            (0.5 + r * np.cos(t), 0.5 + r * np.sin(t)) for r, t in zip(reach, turns, strict=True)
        ]
    points = np.array(seeds)
    wobble = 0.006 * blur(clouds(rng, 1.4), 3)
    flat = np.stack([(x + wobble).ravel(), (y - wobble).ravel()], axis=1)
    squared = (flat**2).sum(1)[:, None] - 2 * flat @ points.T + (points**2).sum(1)
    nearest = np.argpartition(squared, 1, axis=1)[:, :2]
    two = np.take_along_axis(squared, nearest, axis=1)
    order = two.argsort(axis=1)
    first, second = (np.take_along_axis(nearest, order[:, i : i + 1], 1)[:, 0] for i in (0, 1))
    # Half the difference of the squared distances over the seeds' distance: pixels to the edge.
    apart = np.linalg.norm(points[first] - points[second], axis=1)
    gap = (np.sort(two, axis=1) @ np.array([-1.0, 1.0]) / (2 * apart)).reshape(SIZE, SIZE) * SIZE
    jewels = hexes("8c1027", "c51f2e", "e8792b", "f6bf3a", "f4e3a1", "1f7a4d", "0f9a8a", "1b66b3",
                   "17358f", "4b2a8c", "8f3a97", "d9507f")  # fmt: skip
    ring_of = np.concatenate(
        [[0], *([r] * c for r, c in zip(range(1, 7), (8, 14, 20, 26, 32, 38), strict=True))]
    )
    choice = (
        ring_of * 5 + np.arange(len(points)) * (1 + ring_of % 3) + rng.integers(0, 2, len(points))
    ) % len(jewels)
    pane = first.reshape(SIZE, SIZE)
    colour = jewels[choice][pane]
    # Blown glass: streaks that run another way in every pane, seeds and a brighter middle.
    turn = rng.uniform(0, np.pi, len(points))[pane]
    streak = blur(clouds(rng, 0.9), 1.2)
    across = np.sin(38 * (x * np.cos(turn) + y * np.sin(turn)) + 1.6 * streak)
    tone = 0.86 + 0.13 * across + 0.12 * streak + rng.normal(0, 0.12, len(points))[pane]
    glow = 0.72 + 0.5 * smooth(0, 34, gap) - 0.25 * np.hypot(x - 0.5, y - 0.5)
    glass = np.clip(colour * (tone * glow)[..., None], 0, 1) ** 0.85
    bubbles = smooth(2.6, 0.5, blur(rng.standard_normal((SIZE, SIZE)), 1.4) * 5.2)
    glass = mix(glass, np.ones(3), 0.55 * bubbles)
    # Lead: dark, round, lit from the upper left, thicker at the rings.
    width = 5.6 + 0.8 * blur(clouds(rng, 1.0), 4)
    lead = smooth(0, 2, width - gap)
    round_ = np.sqrt(np.clip(1 - (gap / width) ** 2, 0, 1))
    slope_y, slope_x = np.gradient(round_)
    shine = np.clip(0.17 - 0.30 * (slope_x + slope_y) + 0.03 * clouds(rng, 0.4), 0.03, 0.6)
    return mix(glass, shine[..., None] * np.array([1.0, 1.02, 1.1]), lead)


def ink_wash() -> Plane:
    """Mountains in mist, a red sun, a pine bough: ink and water on fibrous paper."""
    rng = np.random.default_rng(11)
    x, y = grid()
    fibre = blur(clouds(rng, 0.7, stretch=0.25), 0.8) + blur(clouds(rng, 0.7, stretch=4), 0.8)
    paper = hexes("efe4cc")[0] * (1 + 0.022 * fibre + 0.02 * clouds(rng, 1.7))[..., None]
    ink = np.zeros_like(x)
    grain = clouds(rng, 0.55)
    pool = blur(clouds(rng, 1.5), 3)
    for depth in range(6):
        base = 0.30 + 0.115 * depth
        # A row of the cloud falls off more slowly than the cloud: 2.1 is a steep, jagged ridge.
        rough = clouds(rng, 2.15 - 0.05 * depth)[0]
        ridge = base - (0.07 + 0.006 * depth) * rough + 0.05 * np.sin(6 * x[0] + 2.1 * depth)
        below = (y - ridge[None, :]) + 0.004 * grain * 0.3 + 0.003 * pool
        wash = np.exp(-np.clip(below, 0, 1) / (0.06 + 0.02 * depth)) * smooth(0, 0.006, below)
        edge = np.exp(-((below / 0.004) ** 2))
        # Dry brush: streaks down the slopes, where the paper's teeth take the ink.
        dry = smooth(0.25, 0.9, blur(clouds(rng, 0.8, stretch=5).T, 0.7) + 0.5 * grain)
        strength = 0.24 + 0.13 * depth
        mark = strength * (wash * (0.62 + 0.22 * pool + 0.55 * dry) + 0.55 * edge)
        ink = ink * (1 - 0.55 * smooth(0, 0.01, below)) + np.clip(mark, 0, 1.1)
    ink *= 1 + 0.10 * grain
    tone = np.exp(-2.3 * np.clip(ink, 0, 1.6))
    picture = paper * mix(np.ones((SIZE, SIZE, 3)), hexes("1c2230")[0], 1 - tone)
    sun = np.hypot(x - 0.74, y - 0.16) + 0.002 * pool + 0.001 * grain
    red = smooth(0, 0.008, 0.07 - sun) * (0.86 + 0.08 * grain) + 0.3 * np.exp(
        -(((sun - 0.07) / 0.003) ** 2)
    )
    picture = picture * mix(np.ones((SIZE, SIZE, 3)), hexes("c8321f")[0], red)
    return bough(picture, rng, grain)


def bough(picture: Plane, rng: np.random.Generator, grain: Plane) -> Plane:
    """A pine bough from the left, in dry black ink, over the picture; and some drops."""
    side = SIZE * 2
    layer = Image.new("L", (side, side), 0)
    draw = ImageDraw.Draw(layer)

    def twig(start: Plane, turn: float, length: float, width: float) -> None:
        place, steps = start, int(length / 10)
        for i in range(steps):
            turn += rng.normal(0, 0.16)
            following = place + 10 * np.array([np.cos(turn), np.sin(turn)])
            thick = max(2, round(width * (1 - 0.75 * i / steps) * rng.uniform(0.75, 1.25)))
            draw.line([*map(float, place), *map(float, following)], 235, thick, "curve")
            place = following
            if width > 9 and rng.random() < 0.16:  # noqa: PLR2004
                twig(place, turn + rng.choice([-0.7, 0.6]), length * 0.42, width * 0.5)
            elif i > steps * 0.35 and rng.random() < 0.5:  # noqa: PLR2004
                needles(place, turn)

    def needles(place: Plane, turn: float) -> None:
        for spread in np.linspace(-1.25, 1.25, 17):
            reach = 46 * np.cos(spread * 0.8) * rng.uniform(0.75, 1.15)
            tip = place + reach * np.array([np.cos(turn + spread), np.sin(turn + spread) - 0.25])
            draw.line([*map(float, place), *map(float, tip)], int(rng.uniform(150, 240)), 3)

    twig(np.array([-20.0, 240.0]), 0.12, 900, 30)
    twig(np.array([-20.0, 520.0]), -0.25, 420, 15)
    for _ in range(90):
        cx, cy = rng.random(2) * side
        radius = min(1.5 + rng.pareto(2.2) * 2, 12)
        draw.ellipse(
            [cx - radius, cy - radius, cx + radius, cy + radius], int(rng.uniform(60, 190))
        )
    mask = np.asarray(layer.resize((SIZE, SIZE), Image.Resampling.LANCZOS)) / 255
    bleed = 0.25 * blur(mask, 3.5)
    mark = np.clip(mask * (0.92 + 0.16 * grain) + bleed, 0, 1)
    return np.clip(mix(picture, hexes("14161d")[0], mark), 0, 1)


STYLES: dict[str, tuple[str, Callable[[], Plane]]] = {
    "tidal-waves": ("Tidal waves", tidal_waves),
    "stained-glass": ("Stained glass", stained_glass),
    "oil-swirls": ("Oil swirls", oil_swirls),
    "ink-wash": ("Ink wash", ink_wash),
}
"""Id -> title and painter, in the order in which the page shows them."""


def render(style: str) -> Image.Image:
    """The picture of one house style, 768 x 768, RGB; raises KeyError for an unknown id."""
    plane = STYLES[style][1]()
    return Image.fromarray((np.clip(plane, 0, 1) * 255 + 0.5).astype(np.uint8))


def listing() -> str:
    """The text of gallery.json, from the files as they are."""
    styles = [
        {
            "id": style,
            "title": title,
            "file": f"{style}.jpg",
            "sha256": hashlib.sha256((HERE / f"{style}.jpg").read_bytes()).hexdigest(),
            "thumbnail": f"{style}-thumb.jpg",
            "width": SIZE,
            "height": SIZE,
        }
        for style, (title, _) in STYLES.items()
    ]
    return json.dumps({"styles": styles}, indent=2) + "\n"


def main() -> None:
    """Render all, or the styles named, and write the listings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("styles", nargs="*", metavar="STYLE", help=f"of {', '.join(STYLES)}")
    (HERE / "thumbs").mkdir(exist_ok=True)
    for style in parser.parse_args().styles or STYLES:
        picture = render(style)
        picture.save(HERE / f"{style}.jpg", quality=88, optimize=True)
        thumb = picture.resize((THUMB, THUMB), Image.Resampling.LANCZOS)
        thumb.save(HERE / "thumbs" / f"{style}-thumb.jpg", quality=82, optimize=True)
        print(style, (HERE / f"{style}.jpg").stat().st_size)
    (ROOT / "system" / "gallery.json").write_text(listing(), encoding="utf-8")


if __name__ == "__main__":
    main()
