"""The losses give their slopes in closed form: here they are held against finite differences."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.engine import losses
from worker.engine.losses import ContentTarget, Moments, MomentSums, StyleTarget
from worker.engine.optimiser import LBFGS


def activations(seed: int, channels: int, height: int, width: int) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    mixed = torch.randn(1, channels, height, width, generator=random)
    return (mixed + 0.5 * mixed.roll(1, 1) + 0.3).contiguous(memory_format=torch.channels_last)


def slope_along(loss, features: torch.Tensor, direction: torch.Tensor, step: float) -> float:
    ahead, behind = loss(features + step * direction)[0], loss(features - step * direction)[0]
    return (ahead - behind) / (2 * step)


def wasserstein(a: Moments, b: Moments) -> float:
    """The definition, in float64, through the eigenvalues of S S* (not symmetric)."""
    product = a.covariance.double() @ b.covariance.double()
    overlap = torch.linalg.eigvals(product).real.clamp(min=0).sqrt().sum()
    spread = a.covariance.double().trace() + b.covariance.double().trace()
    return float((a.mean - b.mean).double().square().sum() + spread - 2 * overlap)


@pytest.mark.parametrize(("channels", "height", "width"), [(4, 9, 7), (16, 8, 8), (24, 3, 5)])
def test_the_style_slope_is_the_loss_s_own(channels, height, width) -> None:
    target = StyleTarget.of(Moments.of(activations(1, channels, 12, 11)), 1.0)
    seen = activations(2, channels, height, width) * 1.7
    _, slope = target.loss(seen)
    direction = activations(3, channels, height, width)
    measured = slope_along(target.loss, seen, direction, 3e-3)
    assert float((slope * direction).sum()) == pytest.approx(measured, rel=0.02, abs=1e-4)


@pytest.mark.parametrize(("channels", "height", "width"), [(4, 9, 7), (16, 8, 8), (24, 3, 5)])
def test_the_slope_of_a_part_is_the_loss_s_own(channels, height, width) -> None:
    """Positions that count more, less, or not at all; the last case has fewer than channels."""
    target = StyleTarget.of(Moments.of(activations(1, channels, 12, 11)), 1.0)
    seen = activations(2, channels, height, width) * 1.7
    shares = torch.rand(height, width, generator=torch.Generator().manual_seed(4))
    shares[:, -2:] = 0
    _, slope = target.loss(seen, shares)
    direction = activations(3, channels, height, width)
    measured = slope_along(lambda at: target.loss(at, shares), seen, direction, 3e-3)
    assert float((slope * direction).sum()) == pytest.approx(measured, rel=0.02, abs=1e-4)
    assert not slope[..., -2:].any()
    # A part that counts as one is that part by itself.
    shares = torch.ones(height, width)
    shares[:, -2:] = 0
    alone = seen[..., :-2].contiguous(memory_format=torch.channels_last)
    loss, slope = target.loss(seen, shares)
    expected, expected_slope = target.loss(alone)
    assert loss == pytest.approx(expected, rel=0.02)
    assert torch.allclose(slope[..., :-2], expected_slope, atol=2e-3 * float(slope.abs().max()))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.integers(2, 12))
def test_the_style_loss_is_the_wasserstein_distance(seed, channels) -> None:
    style = Moments.of(activations(seed, channels, 10, 10))
    seen = activations(seed + 1, channels, 10, 9)
    target = StyleTarget.of(style, 1.0)
    relative = style.covariance.trace() + style.mean.square().sum()
    loss, _ = target.loss(seen)
    expected = wasserstein(Moments.of(seen), style) / float(relative)
    assert loss == pytest.approx(expected, rel=1e-2, abs=2e-3)


def test_a_style_is_at_no_distance_from_itself() -> None:
    seen = activations(1, 8, 16, 16)
    loss, slope = StyleTarget.of(Moments.of(seen), 1.0).loss(seen)
    assert loss == pytest.approx(0, abs=1e-4)
    assert float(slope.abs().max()) < 1e-4


def test_fewer_positions_than_channels_give_the_same_loss_as_the_long_way() -> None:
    target = StyleTarget.of(Moments.of(activations(1, 20, 12, 12)), 1.0)
    seen = activations(2, 20, 4, 4)
    short, _ = target.loss(seen)
    scale = target.weight
    assert short == pytest.approx(scale * target.distance(Moments.of(seen))[0], rel=0.02)


def test_moments_in_bfloat16_keep_what_float32_sees() -> None:
    seen = activations(5, 32, 40, 40).relu()
    exact, rounded = Moments.of(seen), Moments.of(seen.bfloat16())
    apart = (exact.covariance - rounded.covariance).norm() / exact.covariance.norm()
    assert float(apart) < 0.01


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.lists(st.integers(1, 9), min_size=1, max_size=5), st.booleans())
def test_moments_of_parts_are_those_of_the_whole(seed, heights, weighed) -> None:
    """Also far from zero, where plain sums of squares would cancel."""
    seen = activations(seed, 6, sum(heights), 7) + 100
    shares = torch.rand(seen.shape[-2:], generator=torch.Generator().manual_seed(seed))
    sums = MomentSums()
    for part, share in zip(seen.split(heights, 2), shares.split(heights), strict=True):
        sums.add(part, share if weighed else None)
    whole, found = Moments.of(seen, shares if weighed else None), sums.moments()
    assert torch.allclose(found.mean, whole.mean, rtol=1e-5)
    assert torch.allclose(found.covariance, whole.covariance, atol=1e-4)
    assert sums.total == pytest.approx(float(shares.sum()) if weighed else shares.numel())


def test_shares_count_positions_as_often_as_they_say() -> None:
    seen = activations(1, 6, 4, 5)
    shares = torch.tensor([0.0, 1.0, 2.0, 3.0]).reshape(4, 1).expand(4, 5)
    repeated = torch.cat([seen[:, :, row : row + 1] for row in (1, 2, 2, 3, 3, 3)], 2)
    weighed, counted = Moments.of(seen, shares), Moments.of(repeated)
    assert torch.allclose(weighed.mean, counted.mean, atol=1e-6)
    assert torch.allclose(weighed.covariance, counted.covariance, atol=1e-5)


def test_moments_of_nothing_are_refused() -> None:
    seen = activations(1, 6, 4, 5)
    with pytest.raises(ValueError, match="nothing"):
        Moments.of(seen, torch.zeros(4, 5))


def test_the_slope_in_bfloat16_has_no_error_that_all_positions_share() -> None:
    """Each position's error is its own rounding; a common one would move the mean colour."""
    seen, target = (
        activations(1, 16, 40, 40),
        StyleTarget.of(Moments.of(activations(2, 16, 9, 9)), 1.0),
    )
    _, exact = target.loss(seen)
    _, rounded = target.loss(seen.bfloat16())
    error = rounded.float() - exact
    assert float(error.norm() / exact.norm()) < 0.02
    assert float(error.mean((2, 3)).norm() / exact.mean((2, 3)).norm()) < 0.005


def test_blended_styles_keep_a_single_style_as_it_is() -> None:
    one = Moments.of(activations(1, 6, 8, 8))
    mixed = Moments.mix([(0.25, one), (0.75, one)])
    assert torch.allclose(mixed.covariance, one.covariance)
    assert torch.allclose(mixed.mean, one.mean)


def test_the_content_slope_is_the_loss_s_own_also_in_parts() -> None:
    shares = activations(4, 1, 6, 7).abs()
    target = ContentTarget.of(activations(1, 5, 6, 7), 0.7, shares)
    seen = activations(2, 5, 6, 7)
    direction = activations(3, 5, 6, 7)
    measured = slope_along(lambda at: (target.loss(at),), seen, direction, 1e-2)
    assert float((target.slope(seen) * direction).sum()) == pytest.approx(measured, rel=1e-2)
    upper, lower = seen.split([2, 4], 2)
    assert target.loss(upper) + target.loss(lower, 2) == pytest.approx(target.loss(seen))
    parts = torch.cat([target.slope(upper), target.slope(lower, 2)], 2)
    assert torch.equal(parts, target.slope(seen))


def test_content_counts_as_much_as_a_place_s_share() -> None:
    wanted, seen = activations(1, 5, 6, 7), activations(2, 5, 6, 7)
    even = torch.ones(1, 1, 6, 7)
    upper = even.clone()
    upper[:, :, 2:] = 0
    whole, half, double = (
        ContentTarget.of(wanted, 0.7, shares) for shares in (even, upper, 2 * upper)
    )
    assert half.loss(seen) == pytest.approx(whole.loss(seen[:, :, :2]))
    assert double.loss(seen) == pytest.approx(2 * half.loss(seen))
    assert not half.slope(seen)[:, :, 2:].any()


def test_colours_within_the_range_cost_nothing_and_outside_are_pulled_back() -> None:
    image = torch.tensor([0.0, 0.5, 1.0, 1.2, -0.1]).reshape(1, 1, 1, 5)
    slope = torch.ones_like(image)
    loss = losses.out_of_range(image, slope, 3.0)
    assert loss == pytest.approx(3 * (0.04 + 0.01) / 5)
    assert slope.flatten().tolist() == pytest.approx([1, 1, 1, 1 + 1.2 / 5, 1 - 0.6 / 5])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31))
def test_no_step_of_the_optimiser_keeps_a_worse_image(seed) -> None:
    random = torch.Generator().manual_seed(seed)
    scales = torch.rand(1, 3, 4, 4, generator=random) * 50 + 0.1

    def bumpy(image: torch.Tensor) -> tuple[float, torch.Tensor]:
        value = (scales * image.square()).sum() + torch.sin(7 * image).sum()
        return float(value), 2 * scales * image + 7 * torch.cos(7 * image)

    start = torch.rand(1, 3, 4, 4, generator=random)
    descent = LBFGS(bumpy, start)
    seen = [bumpy(start)[0]]
    for _ in range(25):
        descent.step()
        seen.append(bumpy(descent.best)[0])
    assert all(after <= before + 1e-4 for before, after in itertools.pairwise(seen))
    assert seen[-1] < seen[0]


def test_the_optimiser_solves_a_quadratic_in_a_few_steps() -> None:
    wanted = activations(1, 3, 5, 5)
    scales = torch.linspace(1, 30, 75).reshape(1, 3, 5, 5)

    def bowl(image: torch.Tensor) -> tuple[float, torch.Tensor]:
        apart = image - wanted
        return float((scales * apart.square()).sum()), 2 * scales * apart

    descent = LBFGS(bowl, torch.zeros_like(wanted), memory=20)
    for _ in range(60):
        descent.step()
    assert float((descent.best - wanted).abs().max()) < 1e-2


def test_the_optimiser_lives_through_a_loss_that_is_not_a_number() -> None:
    calls = 0

    def broken(image: torch.Tensor) -> tuple[float, torch.Tensor]:
        nonlocal calls
        calls += 1
        value = float("nan") if calls == 2 else float(image.square().sum())
        return value, 2 * image

    descent = LBFGS(broken, torch.ones(1, 1, 2, 2))
    for _ in range(8):
        descent.step()
    assert torch.isfinite(descent.best).all()
    assert float(descent.best.square().sum()) < 4
