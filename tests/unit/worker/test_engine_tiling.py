"""Strips and bands give the activations and the gradient that autograd gives for the whole."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.engine import schedule
from worker.engine.network import Network, network
from worker.engine.objective import Objective
from worker.engine.params import EngineParams
from worker.engine.strips import Look, Rows
from worker.engine.tiling import Tiles, reach

FINE = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
DEEP = (*FINE, "relu4_2", "relu5_1")
FLOAT = torch.float32


def picture(seed: int, height: int, width: int) -> torch.Tensor:
    """Noise: no layer's covariance is close to singular, and every row is different."""
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def whole(
    net: Network, image: torch.Tensor, pulls: dict[str, torch.Tensor]
) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """Activations and gradient by autograd, where the loss is the sum of activations x pulls."""
    leaf = image.clone().requires_grad_()
    seen = net(leaf, pulls)
    torch.autograd.backward([seen[layer] for layer in pulls], list(pulls.values()))
    assert leaf.grad is not None
    return {layer: found.detach() for layer, found in seen.items()}, leaf.grad


def pulls_for(image: torch.Tensor, layers: tuple[str, ...]) -> dict[str, torch.Tensor]:
    """A random slope for each layer."""
    found = {}
    for layer in layers:
        high, wide = (side >> int(layer[4]) - 1 for side in image.shape[-2:])
        random = torch.Generator().manual_seed(DEEP.index(layer))
        slopes = torch.randn(1, network(FLOAT).channels(layer), high, wide, generator=random)
        found[layer] = slopes.contiguous(memory_format=torch.channels_last)
    return found


def in_tiles(
    net: Network, image: torch.Tensor, pulls: dict[str, torch.Tensor], rows: int, strip_bytes: int
) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """The same by tiles; fails where a row is shown twice or not at all."""
    seen = {layer: torch.full_like(pull, torch.nan) for layer, pull in pulls.items()}

    def watch(layer: str, part: torch.Tensor, at: Rows) -> None:
        assert torch.isnan(at.of(seen[layer])).all(), "shown twice"
        at.of(seen[layer]).copy_(part)

    tiles = Tiles(net, pulls, image.shape[2], rows, between=lambda: None, strip_bytes=strip_bytes)
    tiles.forward(image, watch)
    gradient = tiles.backward(lambda layer, part, at: at.of(pulls[layer]).clone())
    return seen, gradient


def difference(
    height: int, width: int, rows: int, strip_rows: int, layers: tuple[str, ...]
) -> torch.Tensor:
    """How far each row of the gradient in tiles is from autograd's; the activations agree."""
    net, image = network(FLOAT), picture(height, height, width)
    pulls = pulls_for(image, layers)
    seen, gradient = whole(net, image, pulls)
    shown, found = in_tiles(net, image, pulls, rows, strip_rows * width * 64 * 4)
    for layer in layers:
        apart = (shown[layer] - seen[layer]).abs().max()
        assert float(apart) < 1e-5 * float(seen[layer].max())
    by_row = (found - gradient).square().sum((0, 1, 3)) / gradient.square().sum((0, 1, 3))
    return by_row.sqrt()


@pytest.mark.parametrize(
    ("height", "width", "rows", "strip_rows", "layers"),
    [
        (16, 16, 5000, 2, DEEP),
        (97, 33, 16, 2, DEEP),
        (161, 17, 80, 6, FINE),
        (150, 60, 48, 20, DEEP),
        (121, 41, 5000, 400, DEEP),
    ],
)
def test_tiles_give_the_activations_and_the_gradient_of_the_whole(
    height, width, rows, strip_rows, layers
) -> None:
    assert float(difference(height, width, rows, strip_rows, layers).max()) < 1e-5


@settings(max_examples=10, deadline=None)
@given(
    height=st.integers(16, 130),
    width=st.integers(16, 50),
    rows=st.sampled_from([16, 48, 64, 5000]),
    strip_rows=st.integers(2, 40),
    layers=st.sampled_from([FINE, DEEP]),
)
def test_tiles_of_any_size_leave_no_seam(height, width, rows, strip_rows, layers) -> None:
    """Of two pixels of a pool that differ by a rounding either may win: a percent of a row."""
    by_row = difference(height, width, rows, strip_rows, layers)
    assert float(by_row.median()) < 1e-4
    assert float(by_row.max()) < 0.1


def test_in_bfloat16_tiles_differ_from_the_whole_by_rounding_alone() -> None:
    net, image = network(torch.bfloat16), picture(1, 90, 50)
    exact_pulls = pulls_for(image, FINE)
    pulls = {layer: pull.bfloat16() for layer, pull in exact_pulls.items()}
    _, gradient = whole(net, image, pulls)
    _, exact = whole(network(FLOAT), image, exact_pulls)
    _, found = in_tiles(net, image, pulls, 32, 2**16)
    rounding = float((gradient - exact).norm() / exact.norm())
    assert float((found - exact).norm() / exact.norm()) < 1.1 * rounding


@pytest.mark.parametrize("deepest", [schedule.MIDDLE, schedule.FINE])
def test_the_loss_and_its_gradient_are_the_same_in_bands(deepest) -> None:
    """Here the slopes come from the moments of all bands.

    Eigenvalues amplify the rounding: the smallest that count are a millionth of the largest.
    """
    drawn, style, image = (picture(seed, 330, 161) for seed in range(3))
    style = 0.7 * style.square()
    salient = torch.rand(1, 1, 20, 10, generator=torch.Generator().manual_seed(4))

    def looked_at(rows: int | None) -> tuple[float, torch.Tensor]:
        objective = Objective(
            network(FLOAT), drawn, [(1.0, style)], schedule.Stage(330, 4, deepest),
            EngineParams(), salient=salient, between=lambda: None, rows=rows,
        )  # fmt: skip
        return objective(image)

    loss, gradient = looked_at(None)
    loss_in_bands, gradient_in_bands = looked_at(128)
    assert loss_in_bands == pytest.approx(loss, rel=1e-4)
    assert float((gradient_in_bands - gradient).norm() / gradient.norm()) < 1e-3


def test_a_picture_that_is_looked_at_again_leaves_nothing_of_the_one_before() -> None:
    net, first, second = network(FLOAT), picture(1, 70, 40), picture(2, 70, 40)
    pulls = pulls_for(first, FINE)
    tiles = Tiles(net, FINE, 70, 32, between=lambda: None)

    def gradient(image: torch.Tensor) -> torch.Tensor:
        tiles.forward(image, lambda layer, part, at: None)
        return tiles.backward(lambda layer, part, at: at.of(pulls[layer]).clone())

    once = gradient(second)
    gradient(first)
    assert torch.equal(gradient(second), once)


def test_the_network_sees_no_farther_than_a_band_is_grown() -> None:
    """A change of pixels beyond the reach leaves a band's activations as they are."""
    net, image = network(FLOAT), picture(1, 160, 16)
    changed = image.clone()
    far = 64 + reach(DEEP)
    changed[:, :, far:] = 0
    before, after = net(image, ["relu5_1"])["relu5_1"], net(changed, ["relu5_1"])["relu5_1"]
    assert torch.equal(before[:, :, : 64 // 16], after[:, :, : 64 // 16])
    assert not torch.equal(before, after)


def test_between_is_called_more_often_the_larger_the_picture_is() -> None:
    """So a stop waits for a strip of one layer, whatever the size."""
    asked = []

    def times(height: int) -> int:
        asked.clear()
        look = Look(network(FLOAT), FINE, between=lambda: asked.append(0), strip_bytes=2**16)
        look.forward(picture(1, height, 64), lambda layer, part, at: None)
        return len(asked)

    assert times(128) > 1.8 * times(64)


def test_a_layer_that_is_pooled_cannot_be_asked_for() -> None:
    with pytest.raises(ValueError, match="relu1_2"):
        Look(network(FLOAT), ["relu1_2", "relu3_1"], between=lambda: None)
