"""Frames of style pictures: cut off where there is one, and nothing else is touched."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from skimage import data

from benchmarks.nst import pictures
from worker.engine import EngineParams, decode, instant, losses, network, pyramid, stylize
from worker.engine.frame import unframed
from worker.engine.objective import STYLE_LAYERS

DARK, WHITE, WOOD, GOLD = (20, 20, 24), (245, 245, 240), (60, 35, 20), (180, 150, 60)
FRAMES = {
    "dark frame": [(DARK, 14)],
    "white margin": [(WHITE, 30)],
    "frame and passe-partout": [(WOOD, 20), (WHITE, 30)],
    "frame, line and passe-partout": [(WOOD, 20), (GOLD, 4), (WHITE, 30)],
}
STYLES = ("oil-swirls", "stained-glass", "ink-wash")


@cache
def shown(name: str, side: int = 256) -> np.ndarray:
    return pictures.style(name, side)


def image(picture: np.ndarray) -> Image.Image:
    return Image.fromarray((picture * 255).round().astype(np.uint8))


def framed(picture: np.ndarray, bands, kind="PNG") -> np.ndarray:
    inner = image(picture)
    for colour, width in reversed(bands):
        inner = ImageOps.expand(inner, width, fill=colour)
    file = io.BytesIO()
    inner.save(file, kind, **({"quality": 75} if kind == "JPEG" else {}))
    return decode(file.getvalue())


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """The engine's own style loss of a picture against a style."""
    net, layers = network.network(torch.float32), list(STYLE_LAYERS)
    with torch.no_grad():
        seen, wanted = (net(pyramid.to_tensor(each), layers) for each in (one, other))
        return sum(
            losses.StyleTarget.of(losses.Moments.of(wanted[layer]), weight).loss(seen[layer])[0]
            for layer, weight in STYLE_LAYERS.items()
        )


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("bands", FRAMES.values(), ids=FRAMES)
@pytest.mark.parametrize("name", STYLES)
def test_every_band_of_a_frame_is_cut_off_and_no_more_than_some_lines_besides(
    name, bands, kind
) -> None:
    style = shown(name)
    found = unframed(framed(style, bands, kind))
    for side, inner in zip(style.shape[:2], found.shape[:2], strict=True):
        assert side - 14 <= inner <= side - 2
    cut = [(a - b) // 2 for a, b in zip(style.shape[:2], found.shape[:2], strict=True)]
    alike = style[cut[0] : cut[0] + found.shape[0], cut[1] : cut[1] + found.shape[1]]
    if kind == "PNG":
        assert np.array_equal(found, alike)


@pytest.mark.parametrize("name", STYLES)
def test_a_framed_style_has_the_statistics_of_the_unframed_one(name) -> None:
    style = shown(name)
    with_frame = framed(style, FRAMES["frame and passe-partout"])
    assert distance(unframed(with_frame), style) < distance(with_frame, style) / 10


def test_the_instant_network_describes_a_framed_style_as_the_unframed_one() -> None:
    networks, style = instant.load(), shown("oil-swirls")
    with_frame = framed(style, FRAMES["dark frame"])
    numbers = networks.style(style)
    before, after = (
        float(np.abs(networks.style(each) - numbers).mean())
        for each in (with_frame, unframed(with_frame))
    )
    assert after < before / 3


@pytest.mark.parametrize("algorithm", ["painted", "instant"])
def test_the_painting_after_a_framed_style_is_that_after_what_is_in_it(algorithm) -> None:
    style = shown("oil-swirls", 128)
    with_frame = framed(style, [(DARK, 8)])
    inner = style[2:-2, 2:-2]
    content = shown("ink-wash", 64)

    def painted(like: np.ndarray) -> np.ndarray:
        params = EngineParams(size=48, quality="draft", algorithm=algorithm)
        return stylize(content, [like], params).image

    assert np.array_equal(painted(with_frame), painted(inner))
    assert not np.array_equal(painted(with_frame), painted(style[4:-4, 4:-4]))


@pytest.mark.parametrize("name", [*STYLES, "tidal-waves"])
def test_a_style_without_a_frame_is_left_as_it_is(name) -> None:
    style = shown(name, 512)
    assert unframed(style) is style


@pytest.mark.parametrize("name", [*pictures.CONTENTS, "page", "clock", "logo", "moon", "text"])
def test_a_photograph_or_a_page_without_a_frame_is_left_as_it_is(name) -> None:
    if name in pictures.CONTENTS:
        photograph = pictures.content(name)
    else:
        photograph = np.asarray(Image.fromarray(getattr(data, name)()).convert("RGB"))
        photograph = photograph.astype(np.float32) / 255
    assert unframed(photograph) is photograph


def test_a_letterbox_is_cut_and_what_is_even_on_one_side_only_is_not() -> None:
    style = shown("oil-swirls")
    bars = np.zeros((30, style.shape[1], 3), np.float32)
    assert unframed(np.concatenate([bars, style, bars])).shape[0] == style.shape[0] - 4
    for sky in (np.concatenate([bars, style]), np.concatenate([style, bars])):
        assert unframed(sky) is sky
    between = np.concatenate([bars, style, bars + 0.9])
    assert unframed(between) is between


def test_three_sides_of_one_colour_are_cut() -> None:
    three = framed(shown("oil-swirls"), [(DARK, 14)])[:-14]
    height, width = unframed(three).shape[:2]
    assert (height, width) == (three.shape[0] - 16, three.shape[1] - 32)


def test_an_object_on_an_even_ground_keeps_its_ground() -> None:
    yy, xx = np.mgrid[-1:1:200j, -1:1:200j]
    vase = np.where((yy**2 + xx**2 < 0.6)[..., None], shown("oil-swirls", 200), 0.95)
    ground = vase.astype(np.float32)
    assert unframed(ground) is ground


@pytest.mark.parametrize("colours", [1, 2])
def test_what_is_flat_altogether_is_left_as_it_is(colours) -> None:
    stripes = np.zeros((120, 90, 3), np.float32)
    stripes[::1] = (np.arange(120) // 10 % colours)[:, None, None]
    assert unframed(stripes) is stripes


def test_no_more_than_a_quarter_is_cut_of_a_side() -> None:
    style = shown("oil-swirls", 128)
    wide = framed(style, [(DARK, 20), (WHITE, 70)])  # 90 of 308 px are more than a quarter
    found = unframed(wide)
    assert found.shape[0] == wide.shape[0] - 2 * 22
    assert min(found.shape[0] / wide.shape[0], found.shape[1] / wide.shape[1]) >= 0.5


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 80),
    width=st.integers(1, 80),
    levels=st.sampled_from([1, 2, 3, 256]),
    bands=st.lists(st.tuples(st.floats(0, 1, width=32), st.integers(1, 12)), max_size=5),
    seed=st.integers(0, 99),
)
@example(height=5000, width=1, levels=256, bands=[], seed=0)
@example(height=1, width=5000, levels=256, bands=[(0.0, 12)], seed=0)
@example(height=5000, width=4000, levels=2, bands=[(0.0, 12)], seed=0)
def test_any_picture_survives_and_keeps_half_of_each_side(
    height, width, levels, bands, seed
) -> None:
    rng = np.random.default_rng(seed)
    row = rng.integers(0, levels, (min(height, 80), min(width, 80), 3)) / max(1, levels - 1)
    picture = np.resize(row.astype(np.float32), (height, width, 3))
    for shade, px in bands:
        picture = np.pad(picture, ((px, px), (px, px), (0, 0)), constant_values=shade)
    found = unframed(picture)
    assert found.ndim == 3
    assert all(2 * a >= b for a, b in zip(found.shape[:2], picture.shape[:2], strict=True))
    assert np.shares_memory(found, picture)
    assert np.array_equal(found, unframed(picture))
