"""What matters in a photograph is found by the network that paints it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from worker.engine.network import network
from worker.engine.pyramid import to_tensor
from worker.engine.saliency import saliency, spread

FLOAT = torch.float32


def face(place: tuple[int, int], side: int = 256) -> torch.Tensor:
    """A face of 60 px before a sky with a slow change of colour, its middle at ``place``."""
    sky = np.linspace((0.5, 0.6, 0.8), (0.7, 0.75, 0.8), side)[:, None].repeat(side, 1)
    image = Image.fromarray((sky * 255).astype(np.uint8))
    draw, (x, y) = ImageDraw.Draw(image), place
    draw.ellipse((x - 26, y - 32, x + 26, y + 32), fill=(224, 172, 140))
    draw.pieslice((x - 28, y - 38, x + 28, y + 10), 180, 360, fill=(70, 45, 30))
    for eye in (-10, 10):
        draw.ellipse((x + eye - 6, y - 8, x + eye + 6, y), fill=(250, 250, 250))
        draw.ellipse((x + eye - 3, y - 7, x + eye + 3, y - 1), fill=(30, 40, 60))
    draw.line((x, y - 2, x - 3, y + 8, x + 2, y + 8), fill=(150, 100, 80), width=2)
    draw.chord((x - 12, y + 8, x + 12, y + 24), 0, 180, fill=(170, 40, 50))
    return to_tensor(np.asarray(image, np.float32) / 255)


@pytest.mark.parametrize("place", [(70, 80), (180, 70), (128, 170)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_face_matters_and_the_sky_does_not(place, dtype) -> None:
    salient = spread(saliency(network(dtype), face(place)), (256, 256))[0, 0]
    x, y = place
    inside = salient[y - 25 : y + 25, x - 20 : x + 20]
    far = torch.ones(256, 256, dtype=torch.bool)
    far[max(0, y - 70) : y + 70, max(0, x - 70) : x + 70] = False
    assert float(inside.mean()) > 0.5
    assert float(salient[far].mean()) < float(inside.mean()) / 4


@settings(max_examples=15, deadline=None)
@given(height=st.integers(1, 700), width=st.integers(1, 700), flat=st.booleans())
@example(height=1, width=5000, flat=False)
@example(height=1, width=1, flat=True)
def test_any_picture_has_some_map_of_numbers_from_0_to_1(height, width, flat) -> None:
    random = torch.Generator().manual_seed(height)
    picture = torch.rand(1, 3, height, width, generator=random)
    salient = saliency(network(FLOAT), torch.zeros_like(picture) if flat else picture)
    assert salient.shape[:2] == (1, 1)
    assert bool(((salient >= 0) & (salient <= 1)).all())
    assert spread(salient, (height, width)).shape == (1, 1, height, width)


def test_it_is_looked_at_in_small_whatever_the_photograph_s_size() -> None:
    """So that a face is seen as one, and that it costs the same."""
    small, large = face((100, 100)), face((400, 400), 1024)
    seen = []

    def net(image: torch.Tensor, layers: set[str]) -> dict[str, torch.Tensor]:
        seen.append(tuple(image.shape[-2:]))
        return network(FLOAT)(image, layers)

    for picture in (small, large):
        saliency(net, picture)  # type: ignore[arg-type]
    assert seen == [(256, 256), (256, 256)]
