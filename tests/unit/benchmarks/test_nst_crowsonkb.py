"""The adapter to crowsonkb's code: the same network, the same sums; the code itself is not here."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from benchmarks.nst import crowsonkb, gaussians, paint
from benchmarks.nst.tutorial import ACTIVATION_SCALE
from worker.engine import network

#: VGG-19's places of what the losses look at.
LOOKED_AT = {1: "relu1_1", 6: "relu2_1", 11: "relu3_1", 20: "relu4_1", 22: "relu4_2", 29: "relu5_1"}

COPY = """
from torchvision import models, transforms
from torchvision.transforms import functional as TF
from . import sqrtm

class StyleLossW2:
    get_target = staticmethod(lambda features: 'theirs')

class StyleTransfer:
    def __init__(self, devices):
        self.model = models.vgg19(weights=models.VGG19_Weights.IMAGENET1K_V1)
        self.model.model = self.model.features
        self.model.layers = [1]

    def stylize(self, content, styles, *, end_scale, callback):
        print('talks')
        callback(None)
        callback(None)
        return TF.to_pil_image(TF.to_tensor(content))
"""


@pytest.fixture
def copy(tmp_path, monkeypatch) -> Path:
    package = tmp_path / "style_transfer"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('a web server')")
    (package / "style_transfer.py").write_text(COPY)
    (package / "sqrtm.py").write_text("sqrtm_ns_lyap = 'theirs'")
    monkeypatch.setenv(crowsonkb.FOLDER, str(tmp_path))
    return tmp_path


def seen(layers: nn.Sequential, image: Tensor) -> dict[int, Tensor]:
    """Look at a picture as the copy does: normalised, its border repeated at the first layer."""
    hidden = crowsonkb.Normalize(crowsonkb._MEAN, crowsonkb._DEVIATION)(image)
    layers[0].padding = (0, 0)
    hidden = nn.functional.pad(hidden, (1, 1, 1, 1), "replicate")
    found = {}
    for place, layer in enumerate(layers):
        hidden = layer(hidden)
        if place in LOOKED_AT:
            found[place] = hidden.clone()
    return found


def test_our_network_at_the_places_of_vgg_19_sees_what_the_engine_sees() -> None:
    image = torch.rand(1, 3, 40, 56, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        found = seen(crowsonkb.features(), image)
        known = network.network(torch.float32)(image, LOOKED_AT.values())
    for place, layer in LOOKED_AT.items():
        wanted = known[layer] / ACTIVATION_SCALE
        assert torch.allclose(found[place], wanted, rtol=1e-3, atol=1e-3 * float(wanted.max()))


def test_in_bfloat16_the_losses_still_get_float32() -> None:
    layers = crowsonkb.features()
    crowsonkb.convert(layers, set(LOOKED_AT), torch.bfloat16)
    image = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    hidden = image
    for place, layer in enumerate(layers):
        hidden = layer(hidden)
        assert hidden.dtype == (torch.float32 if place in LOOKED_AT else torch.bfloat16)


def spread(size: int) -> Tensor:
    """Give a covariance with eigenvalues over six orders, in float64."""
    draw = torch.Generator().manual_seed(size)
    basis, _ = torch.linalg.qr(torch.randn(size, size, generator=draw, dtype=torch.float64))
    return (basis * torch.logspace(0, -6, size, dtype=torch.float64)) @ basis.T


def test_the_root_is_that_of_the_iteration_unfinished_eigenvalues_included() -> None:
    matrix = spread(12)
    norm = matrix.norm()
    root, inverse = matrix / norm, torch.eye(12, dtype=torch.float64)
    for _ in range(8):
        step = (3 * torch.eye(12, dtype=torch.float64) - inverse @ root) / 2
        root, inverse = root @ step, step @ inverse
    found = gaussians.root(matrix, 8)
    assert torch.allclose(found, root * norm.sqrt(), atol=1e-12)
    assert torch.linalg.eigvalsh(found)[0] < 0.5 * torch.linalg.eigvalsh(matrix)[0].sqrt()


def test_the_slope_of_a_finished_root_is_the_true_one() -> None:
    draw = torch.Generator().manual_seed(0)
    matrix = spread(6) + 0.1 * torch.eye(6, dtype=torch.float64)
    weight = torch.randn(6, 6, generator=draw, dtype=torch.float64)
    weight = weight + weight.T
    ours, true = matrix.clone().requires_grad_(), matrix.clone().requires_grad_()
    (gaussians.root(ours, 40) * weight).sum().backward()
    values, vectors = torch.linalg.eigh(true)
    ((vectors * values.sqrt()) @ vectors.T * weight).sum().backward()
    assert ours.grad is not None
    assert true.grad is not None
    assert torch.allclose(ours.grad, true.grad, atol=1e-9)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_moments_and_their_slope_are_those_of_autograd(layout) -> None:
    draw = torch.Generator().manual_seed(0)
    features = torch.randn(1, 4, 5, 6, generator=draw, dtype=torch.float64)
    ours = features.clone(memory_format=layout).requires_grad_()
    true = features.clone().requires_grad_()
    weights = (
        torch.randn(1, 4, generator=draw, dtype=torch.float64),
        torch.randn(1, 4, 4, generator=draw, dtype=torch.float64),
    )
    wanted = (true.mean((2, 3)), torch.einsum("bchw,bdhw->bcd", true, true) / 30)
    found = gaussians.moments(ours)
    for moments in (wanted, found):
        sum(
            (moment * weight).sum() for moment, weight in zip(moments, weights, strict=True)
        ).backward()
    assert all(torch.allclose(a, b) for a, b in zip(found, wanted, strict=True))
    assert ours.grad is not None
    assert true.grad is not None
    assert torch.allclose(ours.grad, true.grad)


def test_without_a_copy_it_says_how_to_get_one(monkeypatch, tmp_path) -> None:
    monkeypatch.delenv(crowsonkb.FOLDER, raising=False)
    with pytest.raises(crowsonkb.Missing, match=crowsonkb.COMMIT):
        crowsonkb.load()
    monkeypatch.setenv(crowsonkb.FOLDER, str(tmp_path))
    with pytest.raises(crowsonkb.Missing, match="git clone"):
        crowsonkb.check()


def test_the_copy_gets_our_network_and_our_sums_and_torchvision_is_left_as_it_was(copy) -> None:
    before = {name for name in sys.modules if name.startswith("torchvision")}
    method = crowsonkb.load()
    assert {name for name in sys.modules if name.startswith("torchvision")} == before
    assert method.sqrtm.sqrtm_ns_lyap is gaussians.root
    assert method.StyleLossW2.get_target is gaussians.moments
    assert len(method.StyleTransfer(devices=["cpu"]).model.features) == 30
    published = crowsonkb.load(as_published=True)
    assert published.sqrtm.sqrtm_ns_lyap == "theirs"
    assert published.StyleLossW2.get_target(None) == "theirs"


def test_a_painting_is_the_copy_s_and_its_evaluations_are_counted(copy) -> None:
    content = Image.new("RGB", (20, 10), (10, 20, 250))
    painted, made = crowsonkb.stylize(content, content, 20)
    assert made == 2
    assert painted.size == (20, 10)
    assert painted.getpixel((3, 3)) == pytest.approx((10, 20, 250), abs=1)


def test_a_picture_of_two_sizes_is_resized_from_the_smallest_that_does() -> None:
    small, large = Image.new("RGB", (512, 341), "red"), Image.new("RGB", (600, 400), "blue")
    grown = crowsonkb.Grown(small, large, small.size)
    assert grown.size == (512, 341)
    for size, colour in (((128, 85), "red"), ((512, 341), "red"), ((724, 482), "blue")):
        resized = grown.resize(size, Image.Resampling.BICUBIC)
        assert resized.size == size
        assert resized.tobytes() == Image.new("RGB", size, colour).tobytes()


def test_above_512_px_it_goes_on_from_there(copy, monkeypatch) -> None:
    """Up to 512 px it sees the pictures of 512 px; the painting has their proportions."""
    seen = []

    def stylize(content, style, size, dtype) -> tuple[Image.Image, int]:
        seen.append((content, style, size))
        return Image.new("RGB", (16, 16)), 1

    monkeypatch.setattr(crowsonkb, "stylize", stylize)
    photograph = np.zeros((400, 600, 3), np.float32)
    for size in (512, 1024):
        paint.paint(paint.CROWSONKB, photograph, np.ones((500, 640, 3), np.float32), size)
    (once, _, _), (content, style, size) = seen
    assert once.size == (600, 400)
    assert size == 1024
    assert (content.size, style.size) == ((512, 341), (640, 500))
    assert content.resize((724, 482), Image.Resampling.BICUBIC).size == (724, 482)
