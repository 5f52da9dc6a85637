"""Colours are painted less sharply than light, and the gradient knows it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from worker.engine import EngineParams, engine, stylize
from worker.engine.chroma import Chroma
from worker.engine.pyramid import to_tensor
from worker.engine.raster import LUMA

WEIGHTS = torch.tensor(LUMA).reshape(1, 3, 1, 1)


def noise(seed: int, height: int, width: int, channels: int = 3) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.rand(1, channels, height, width, generator=random)


def light(image: torch.Tensor) -> torch.Tensor:
    return (image * WEIGHTS).sum(1, keepdim=True)


def fine_colours(image: torch.Tensor) -> float:
    """Give the energy of what a mean over 5 x 5 px takes out of the colours."""
    colours = image - light(image)
    smooth = torch.nn.functional.avg_pool2d(colours, 5, 1, 2, count_include_pad=False)
    return float((colours - smooth).square().mean())


@settings(max_examples=25, deadline=None)
@given(
    height=st.integers(16, 300),
    width=st.integers(16, 60),
    salient=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    seed=st.integers(0, 2**31),
)
@example(height=16, width=16, salient=(1, 1), seed=0)
@example(height=257, width=20, salient=(16, 2), seed=0)  # strips of 128 rows, and one of one row
def test_the_slope_goes_back_the_way_the_picture_came(height, width, salient, seed) -> None:
    """<shown(x), g> = <x, back(g)> for all x and g: the one is the other's transpose."""
    chroma = Chroma(noise(seed, *salient, channels=1), (height, width), "good")
    image, slope = noise(seed + 1, height, width) - 0.5, noise(seed + 2, height, width) - 0.5
    there = (chroma.shown(image) * slope).sum(dtype=torch.float64)
    back = (image * chroma.back(slope)).sum(dtype=torch.float64)
    assert float(there) == pytest.approx(float(back), rel=1e-4, abs=1e-3)


def test_light_is_left_alone_and_so_is_a_picture_without_changes_of_colour() -> None:
    image = noise(1, 200, 40)
    chroma = Chroma(noise(2, 8, 3, channels=1), (200, 40), "good")
    assert torch.allclose(light(chroma.shown(image)), light(image), atol=1e-5)
    tint = torch.tensor((0.3, -0.2, 0.1)).reshape(1, 3, 1, 1)
    tint = tint - light(tint)
    toned = light(image) + tint
    assert torch.allclose(chroma.shown(toned), toned, atol=1e-5)


def test_it_is_the_same_in_strips_as_whole(monkeypatch) -> None:
    image, salient = noise(1, 150, 40), noise(2, 8, 3, channels=1)
    in_two = Chroma(salient, (150, 40), "good").shown(image)
    monkeypatch.setattr("worker.engine.chroma._STRIP", 150)
    assert torch.allclose(Chroma(salient, (150, 40), "good").shown(image), in_two, atol=1e-6)


def test_fine_changes_of_colour_are_fewer_and_hardly_any_where_it_matters() -> None:
    image = noise(1, 96, 96)
    left_matters = torch.tensor((1.0, 1, 0, 0)).reshape(1, 1, 1, 4)
    shown = Chroma(left_matters, (96, 96), "good").shown(image)
    before = fine_colours(image)
    left, right = fine_colours(shown[..., :32]), fine_colours(shown[..., 64:])
    assert right < before / 8
    assert left < right / 10


def test_each_strip_asks_whether_to_go_on() -> None:
    class Enough(Exception):  # noqa: N818
        pass

    asked = []

    def ask() -> None:
        asked.append(1)
        if len(asked) == 2:
            raise Enough

    chroma = Chroma(torch.ones(1, 1, 1, 1), (300, 16), "good")
    with pytest.raises(Enough):
        chroma.shown(noise(1, 300, 16), ask)
    asked.clear()
    with pytest.raises(Enough):
        chroma.back(noise(1, 300, 16), ask)


def test_a_painting_has_calm_colours_where_the_photograph_matters(monkeypatch) -> None:
    """Flat photograph, style of specks of colour: the specks stay out of what matters."""
    photograph = np.full((64, 64, 3), 0.5, np.float32)
    style = noise(3, 64, 64)[0].permute(1, 2, 0).numpy()
    left_matters = torch.tensor((1.0, 1, 0, 0)).reshape(1, 1, 1, 4)
    monkeypatch.setattr(engine, "saliency", lambda net, source: left_matters)
    previews = []
    result = stylize(
        photograph,
        [style],
        EngineParams(size=64, quality="draft"),
        lambda progress: previews.append(progress.preview()),
        dtype=torch.float32,
    )
    painted = to_tensor(result.image)
    left, right = fine_colours(painted[..., :24]), fine_colours(painted[..., 40:])
    assert right > 1e-5, "it is painted"
    assert left < right / 5
    assert len(previews) == result.steps


def test_what_is_cut_of_a_draft_s_colours_is_not_fine_again(monkeypatch) -> None:
    """Short runs go beyond the colours of a screen, and cutting leaves specks."""
    rows, columns = np.indices((64, 64)) // 4
    photograph = np.stack([(rows + columns) % 2] * 3, 2).astype(np.float32)
    style = np.eye(3, dtype=np.float32)[(rows + 2 * columns) % 3]
    monkeypatch.setattr(engine, "saliency", lambda net, source: torch.zeros(1, 1, 4, 4))

    def painted() -> torch.Tensor:
        params = EngineParams(size=64, quality="draft")
        return to_tensor(stylize(photograph, [style], params, dtype=torch.float32).image)

    calm = painted()
    monkeypatch.setattr(engine, "_CALMED_AGAIN", frozenset())
    assert fine_colours(calm) < fine_colours(painted()) / 2
