"""The drawing's loss holds edges, and lets flat places and the colours of surfaces go."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.engine.drawing import DrawingTarget


def random_picture(seed: int, height: int = 33, width: int = 42) -> torch.Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def half_flat(seed: int = 1) -> torch.Tensor:
    """Grey on the left of column 24, a drawing on the right of it."""
    picture = random_picture(seed, 32, 48)
    picture[..., :24] = 0.5
    return picture


@settings(max_examples=20, deadline=None)
@given(height=st.integers(16, 40), width=st.integers(16, 40), seed=st.integers(0, 2**31))
def test_the_slope_is_the_loss_s_own_and_reaches_every_pixel(height, width, seed) -> None:
    target = DrawingTarget.of(random_picture(seed, height, width), 2.0)
    image = random_picture(seed + 1, height, width)
    _, slope = target.loss(image)
    assert bool((slope.abs().sum(1) > 0).all())
    step = 3e-2 * slope / slope.norm()
    measured = (target.loss(image + step)[0] - target.loss(image - step)[0]) / 2
    assert float((slope * step).sum()) == pytest.approx(measured, rel=0.02)


def test_the_content_itself_loses_nothing_and_its_negative_twice_the_weight() -> None:
    content = random_picture(1)
    target = DrawingTarget.of(content, 3.0)
    loss, slope = target.loss(content)
    assert loss == pytest.approx(0, abs=1e-4)
    assert float(slope.abs().max()) < 1e-4
    assert target.loss(1 - content)[0] == pytest.approx(6.0, rel=0.05)


def test_the_colour_of_a_surface_is_free_and_specks_of_colour_are_not() -> None:
    content = random_picture(1) * 0.5
    target = DrawingTarget.of(content, 1.0)
    tint = torch.tensor((0.4, -0.2, 0.1)).reshape(1, 3, 1, 1)
    assert target.loss(content + tint)[0] == pytest.approx(0, abs=1e-3)
    specks = random_picture(2)
    luma = torch.tensor((0.299, 0.587, 0.114)).reshape(1, 3, 1, 1)
    specks = specks - (specks * luma).sum(1, keepdim=True)  # as light as before, of other colours
    assert target.loss(content + specks)[0] > 0.2


def test_flat_places_of_the_content_are_free_for_strokes() -> None:
    content, strokes = half_flat(), 0.3 * (random_picture(2, 32, 48) - 0.5)
    left, right = strokes.clone(), strokes.clone()
    left[..., 16:], right[..., :32] = 0, 0
    target = DrawingTarget.of(content, 1.0)
    assert target.loss(content + left)[0] == pytest.approx(0, abs=1e-4)
    assert target.loss(content + right)[0] > 1e-2


def test_the_weight_multiplies_and_a_grey_content_asks_for_nothing() -> None:
    content, image = random_picture(1), random_picture(2)
    once, twice = (DrawingTarget.of(content, weight).loss(image)[0] for weight in (1.0, 2.0))
    assert twice == pytest.approx(2 * once)
    loss, slope = DrawingTarget.of(torch.full_like(content, 0.4), 1.0).loss(image)
    assert loss == pytest.approx(0, abs=1e-3)
    assert torch.isfinite(slope).all()


def test_places_count_as_much_as_their_shares_say() -> None:
    content, image = random_picture(1, 64, 64), random_picture(2, 64, 64)
    left = torch.tensor((1.0, 1, 0, 0)).reshape(1, 1, 1, 4)
    _, slope = DrawingTarget.of(content, 1.0, left).loss(image)
    assert slope[..., :16].any()
    assert not slope[..., 52:].any()
    even = DrawingTarget.of(content, 1.0).loss(image)[0]
    assert DrawingTarget.of(content, 1.0, 2 * torch.ones(1, 1, 1, 1)).loss(image)[
        0
    ] == pytest.approx(2 * even)


def test_smooth_pictures_have_a_smooth_slope_without_a_grid() -> None:
    """The windows stand every 4 px: where they begin and end, nothing is to be seen of it."""
    place = torch.arange(96.0)
    content, image = (
        (0.5 + 0.05 * torch.sin(place / wave)[:, None] * torch.cos(place / wave)[None])[None, None]
        for wave in (7.0, 11.0)
    )
    _, slope = DrawingTarget.of(content.repeat(1, 3, 1, 1), 1.0).loss(image.repeat(1, 3, 1, 1))
    inner = slope[..., 16:80, 16:80]
    for steps in (inner.diff(dim=2).abs(), inner.diff(dim=3).abs().transpose(2, 3)):
        by_phase = [float(steps[:, :, phase::4].mean()) for phase in range(4)]
        assert max(by_phase) < 1.6 * min(by_phase)
