"""What a visitor steers a painting by: masks, the size of strokes, colours."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from worker.engine import EngineParams, ParameterError, PictureError, stylize
from worker.engine.losses import Moments, StyleTarget
from worker.engine.masks import Regions
from worker.engine.network import network
from worker.engine.objective import Objective
from worker.engine.params import COLOURS
from worker.engine.pyramid import to_tensor
from worker.engine.schedule import DEEP, Stage

FLOAT = torch.float32
SIZE = 64


def grain(period: int, tint: tuple[float, float, float], seed: int = 0, side: int = 96):
    """Spots of about ``period`` px in shades of one colour."""
    rng = np.random.default_rng(seed)
    spots = Image.fromarray(rng.random((side // period, side // period), dtype=np.float32))
    shades = np.asarray(spots.resize((side, side), Image.Resampling.BICUBIC))[..., None]
    return np.clip(0.15 + 0.7 * shades * np.array(tint, np.float32), 0, 1).astype(np.float32)


RED, BLUE = grain(4, (1, 0.3, 0.1), 1), grain(12, (0.1, 0.4, 1), 2)
PHOTOGRAPH = grain(8, (0.7, 0.7, 0.7), 3, side=SIZE)


def halves(height: int = SIZE, width: int = SIZE) -> list[np.ndarray]:
    left = np.zeros((height, width), np.float32)
    left[:, : width // 2] = 1
    return [left, 1 - left]


def painted(styles, masks=(), *, algorithm="painted", quality="draft", size=SIZE, **params):
    given = EngineParams(size=size, quality=quality, algorithm=algorithm, **params)
    dtype = FLOAT if algorithm == "painted" else None
    return stylize(PHOTOGRAPH, styles, given, masks=masks, dtype=dtype).image


def moments(picture) -> dict[str, Moments]:
    with torch.no_grad():
        seen = network(FLOAT)(to_tensor(np.ascontiguousarray(picture)), ["relu1_1", "relu2_1"])
    return {layer: Moments.of(found) for layer, found in seen.items()}


def style_distance(picture, style) -> float:
    """How far a picture's statistics are from a style's, by the engine's own measure."""
    seen, wanted = moments(picture), moments(style)
    return sum(StyleTarget.of(wanted[layer], 1).distance(seen[layer])[0] for layer in wanted)


# Instant paintings have the colours of a tenth of the size: 64 px have few of their own.
@pytest.mark.parametrize(("algorithm", "nearer"), [("painted", 2), ("instant", 1.2)])
def test_a_mask_confines_its_style(algorithm, nearer) -> None:
    image = painted([RED, BLUE], halves(), algorithm=algorithm, quality="good")
    left, right = image[:, : SIZE // 2 - 4], image[:, SIZE // 2 + 4 :]
    assert style_distance(left, RED) < style_distance(left, BLUE) / nearer
    assert style_distance(right, BLUE) < style_distance(right, RED) / nearer


@pytest.mark.parametrize("algorithm", ["painted", "instant"])
@pytest.mark.parametrize("colours", COLOURS)
def test_what_no_mask_has_stays_as_the_photograph_has_it(algorithm, colours) -> None:
    left, _ = halves()
    image = painted([RED], [left], algorithm=algorithm, colours=colours)
    assert np.array_equal(image[:, SIZE // 2 :], PHOTOGRAPH[:, SIZE // 2 :])
    assert np.abs(image - PHOTOGRAPH)[:, : SIZE // 2].mean() > 0.02


@pytest.mark.parametrize("algorithm", ["painted", "instant"])
def test_half_a_share_is_half_of_the_painting(algorithm) -> None:
    whole = np.ones((SIZE, SIZE), np.float32)
    image = painted([RED], [whole / 2], algorithm=algorithm)
    assert np.allclose(image, (PHOTOGRAPH + painted([RED], [whole], algorithm=algorithm)) / 2,
                       atol=0.02)  # fmt: skip


def test_no_colour_of_one_region_is_seen_in_the_next() -> None:
    """Instantly, each style paints the same with the other one beside it."""
    both = painted([RED, BLUE], halves(), algorithm="instant")
    for place, style in ((np.s_[:, : SIZE // 2], RED), (np.s_[:, SIZE // 2 :], BLUE)):
        apart = np.abs(both - painted([style], algorithm="instant"))[place]
        assert apart.max() < 1e-5


def test_a_mask_of_all_changes_nothing() -> None:
    plain = painted([RED], quality="draft")
    apart = np.abs(painted([RED], [np.ones((8, 8), np.float32)]) - plain)
    assert apart.mean() < 1e-3, "but for what rounding makes of twenty steps"


@settings(max_examples=6, deadline=None)
@example(size=33, first=np.eye(3, dtype=np.float32), scale=2, algorithm="painted")
@given(
    size=st.integers(32, 50),
    first=arrays(np.float32, (3, 3), elements=st.floats(0, 1, width=16)),
    scale=st.floats(0.5, 2),
    algorithm=st.sampled_from(["painted", "instant"]),
)
def test_any_masks_give_a_finite_picture(size, first, scale, algorithm) -> None:
    first = np.maximum(first, np.eye(3, dtype=np.float32))
    image = painted(
        [RED, BLUE], [first, 1 - first / 2], size=size, style_scale=scale, algorithm=algorithm
    )
    assert image.shape == (size, size, 3)
    assert np.isfinite(image).all()
    assert 0 <= image.min() <= image.max() <= 1


@given(
    planes=arrays(np.float32, (3, 6, 5), elements=st.floats(0.125, 1, width=16)),
    weights=st.tuples(*[st.floats(0.05, 1)] * 3),
)
def test_shares_are_the_masks_where_they_do_not_overlap_and_never_more_than_all(
    planes, weights
) -> None:
    regions = Regions.of(list(planes), weights, (12, 10), 64)
    assert np.allclose(np.sum(regions.shares, axis=0), 1, atol=1e-4)
    assert 0 < regions.painted.min() <= regions.painted.max() <= 1
    small = [plane / 4 for plane in planes]
    alike = Regions.of(small, (1, 1, 1), (6, 5), 64)
    for share, plane in zip(alike.shares, small, strict=True):
        assert np.allclose(share * alike.painted, plane, atol=1e-5)


@pytest.mark.parametrize("bands", [16, 32])
def test_regions_are_seen_alike_in_bands_and_as_a_whole(bands) -> None:
    """Masks whose edges are in the middle of a band, and a part that no style has."""
    mask = np.zeros((SIZE, SIZE), np.float32)
    mask[:25, :40] = 1
    other = np.zeros((SIZE, SIZE), np.float32)
    other[41:, 10:] = 0.5
    regions = Regions.of([mask, other], (0.5, 0.5), (SIZE, SIZE), SIZE)
    examples = [(0.5, to_tensor(RED)), (0.5, to_tensor(BLUE))]
    image = to_tensor(grain(6, (1, 1, 1), 4, side=SIZE))

    def looked(rows: int | None) -> tuple[float, torch.Tensor]:
        objective = Objective(
            network(FLOAT), to_tensor(PHOTOGRAPH), examples, Stage(SIZE, 1, DEEP),
            EngineParams(size=SIZE), salient=torch.zeros(1, 1, 1, 1), regions=regions,
            between=lambda: None, rows=rows,
        )  # fmt: skip
        return objective(image)

    (loss, gradient), (loss_in_bands, in_bands) = looked(None), looked(bands)
    assert loss_in_bands == pytest.approx(loss, rel=1e-4)
    apart = float((in_bands - gradient).norm() / gradient.norm())
    assert apart < 1e-3
    assert not gradient[..., 26:40, :].any(), "the photograph is not painted there"
    assert gradient[..., :25, :40].any()
    assert gradient[..., 41:, 10:].any()


@pytest.mark.parametrize(
    ("masks", "said"),
    [
        ([np.ones((8, 8))], "1 masks for 2 styles"),
        ([np.ones((8, 8)), np.ones((8, 16))], "Mask 2 is 16 x 8 and the photograph 64 x 64"),
        ([np.zeros((8, 8)), np.ones((8, 8))], "Mask 1 is empty"),
        ([np.full((8, 8), 2.0), np.ones((8, 8))], "not 0 to 1"),
        ([np.full((8, 8), np.nan), np.ones((8, 8))], "not 0 to 1"),
        ([np.ones((8, 8, 3)), np.ones((8, 8))], r"\(H, W\)"),
    ],
)
@pytest.mark.parametrize("algorithm", ["painted", "instant"])
def test_masks_that_cannot_be_used_are_refused_with_a_reason(algorithm, masks, said) -> None:
    with pytest.raises((ParameterError, PictureError), match=said):
        painted([RED, BLUE], [mask.astype(np.float32) for mask in masks], algorithm=algorithm)


def fineness(image) -> float:
    """The mean frequency of the light, in cycles per picture: large where strokes are small."""
    light = image.mean(2) - image.mean()
    power = np.abs(np.fft.rfft2(light)) ** 2
    rows = np.fft.fftfreq(light.shape[0]) * light.shape[0]
    columns = np.fft.rfftfreq(light.shape[1]) * light.shape[1]
    frequency = np.hypot(rows[:, None], columns[None])
    return float((power * frequency).sum() / power.sum())


@pytest.mark.parametrize("algorithm", ["painted", "instant"])
def test_style_scale_makes_strokes_larger(algorithm) -> None:
    style = grain(8, (1, 1, 1), 5, side=128)

    def strokes(scale: float) -> float:
        return fineness(painted([style], algorithm=algorithm, quality="best", size=96,
                                style_scale=scale, strength=2.0))  # fmt: skip

    fine, usual, large = (strokes(scale) for scale in (0.5, 1.0, 2.0))
    assert fine > 1.15 * usual
    assert usual > 1.1 * large


@pytest.mark.parametrize("algorithm", ["painted", "instant"])
def test_colours_are_the_style_s_the_photograph_s_palette_or_in_its_places(algorithm) -> None:
    """A photograph of two colours: a palette may be moved about, a place's colour may not."""
    photograph = PHOTOGRAPH.copy()
    photograph[:, : SIZE // 2] *= np.array([1, 0.8, 0.2], np.float32)
    photograph[:, SIZE // 2 :] *= np.array([0.3, 1, 0.5], np.float32)

    def image(colours):
        given = EngineParams(size=SIZE, quality="draft", colours=colours, algorithm=algorithm)
        return stylize(photograph, [RED], given).image

    def palette_distance(one, other) -> float:
        return float(np.abs(one.mean((0, 1)) - other.mean((0, 1))).max())

    def chroma_distance(one, other) -> float:
        luma = np.array([0.299, 0.587, 0.114], np.float32)
        apart = (one - (one @ luma)[..., None]) - (other - (other @ luma)[..., None])
        return float(np.abs(apart).mean())

    by_style, by_palette, by_photo = (image(colours) for colours in COLOURS)
    assert palette_distance(by_palette, photograph) < palette_distance(by_style, photograph) / 3
    assert chroma_distance(by_photo, photograph) < chroma_distance(by_palette, photograph) / 3
    assert chroma_distance(by_palette, photograph) < chroma_distance(by_style, photograph)
