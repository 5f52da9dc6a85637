"""How near a picture is to a style, and how much of the content's drawing it keeps.

`seen_by_vgg` looks through the engine's own network, in float32 whatever the engine computed in;
`seen_by_held_out` through one that the engine never sees. `patch_error`, `likeness` and `mottling`
use no network at all, so that an engine cannot please them by knowing one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from benchmarks.nst import held_out
from worker.engine import losses
from worker.engine.network import network

LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
CONTENT_LAYER = "relu4_2"
_PATCH, _DIRECTIONS, _SAMPLES = 7, 256, 20_000
_BLUR = 5

Look = Callable[[Tensor], dict[str, Tensor]]
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a network makes of a painting; each is 0 when equal, and relative to the original's own.

    gram, covariance: |S - S*| / |S*| (Frobenius) of second moments about zero and about the mean;
    wasserstein: squared distance of the Gaussians over tr S*; all three are means over the layers.
    content: mean squared difference of one layer's activations over the content's variance there;
    face: the same within a box, None without one.
    """

    gram: float
    covariance: float
    wasserstein: float
    content: float
    face: float | None = None


def seen_by_vgg(image: Tensor, style: Tensor, content: Tensor) -> Seen:
    """Judge as VGG-16 does. Pictures are (1, 3, H, W) in 0..1; content has the image's size."""
    return _seen(_vgg, (image, style, content), LAYERS, CONTENT_LAYER)


def seen_by_held_out(
    image: Tensor, style: Tensor, content: Tensor, face: Box | None = None
) -> Seen:
    """Judge as the network does that the engine never sees; raises held_out.Missing."""
    pictures = (image, style, content)
    return _seen(held_out.trunk(), pictures, held_out.LAYERS, held_out.CONTENT_LAYER, face)


def _vgg(picture: Tensor) -> dict[str, Tensor]:
    return network(torch.float32)(picture, {*LAYERS, CONTENT_LAYER})


def _seen(
    look: Look,
    pictures: tuple[Tensor, Tensor, Tensor],
    layers: tuple[str, ...],
    content_layer: str,
    face: Box | None = None,
) -> Seen:
    image, style, content = pictures
    with torch.no_grad():
        seen = look(image)
        likes = _STYLES.get(look, style, lambda found: _moments(found, layers))
        kept = _CONTENTS.get(look, content, lambda found: found[content_layer])
        gram = covariance = wasserstein = 0.0
        for layer, found in _moments(seen, layers).items():
            like = likes[layer]
            gram += _apart(_about_zero(found), _about_zero(like)) / len(layers)
            covariance += _apart(found.covariance, like.covariance) / len(layers)
            wasserstein += _distance(found, like) / len(layers)
        drawn = seen[content_layer]
        inside = face and _lost(_inside(drawn, face), _inside(kept, face))
        return Seen(gram, covariance, wasserstein, _lost(drawn, kept), inside)


def _lost(found: Tensor, kept: Tensor) -> float:
    return float((found - kept).square().mean() / kept.var(correction=0))


def _moments(seen: dict[str, Tensor], layers: tuple[str, ...]) -> dict[str, losses.Moments]:
    return {layer: losses.Moments.of(seen[layer]) for layer in layers}


class _Originals:
    """What was seen of the last few originals: one pair is judged many times."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._kept: list[tuple[Look, Tensor, Any]] = []

    def get(self, look: Look, picture: Tensor, keep: Callable[[dict[str, Tensor]], Any]) -> Any:
        """Give ``keep`` of what ``look`` sees of a picture; looks once for the same picture."""
        for known, original, kept in self._kept:
            if known is look and torch.equal(original, picture):
                return kept
        kept = keep(look(picture))
        self._kept = [*self._kept, (look, picture, kept)][-self._count :]
        return kept


_STYLES, _CONTENTS = _Originals(2), _Originals(2)  # one through each network


def _about_zero(moments: losses.Moments) -> Tensor:
    return moments.covariance + torch.outer(moments.mean, moments.mean)


def _apart(found: Tensor, like: Tensor) -> float:
    return float((found - like).norm() / like.norm())


def _distance(found: losses.Moments, like: losses.Moments) -> float:
    """Give the squared Wasserstein-2 distance of two Gaussians over tr S*, exact to rounding.

    In float64 and without the engine's floor under small eigenvalues, which is for gradients.
    """
    seen, wanted = found.covariance.double(), like.covariance.double()
    values, vectors = torch.linalg.eigh(wanted)
    root = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    overlap = torch.linalg.eigvalsh(root @ seen @ root).clamp(min=0).sqrt().sum()
    offset = (found.mean - like.mean).double().square().sum()
    return float((offset + seen.trace() + wanted.trace() - 2 * overlap) / wanted.trace())


def patch_error(image: Tensor, style: Tensor, seed: int = 0) -> float:
    """Give the sliced Wasserstein distance of 7 x 7 patches, mean of three scales (x 100)."""
    random = torch.Generator().manual_seed(seed)
    directions = torch.randn(3 * _PATCH * _PATCH, _DIRECTIONS, generator=random)
    directions /= directions.norm(dim=0)
    total = 0.0
    for scale in (1, 2, 4):
        projected = []
        for picture in (image, style):
            small = F.avg_pool2d(picture, scale)
            patches = F.unfold(small, _PATCH)[0].T
            chosen = torch.randint(len(patches), (_SAMPLES,), generator=random)
            projected.append((patches[chosen] @ directions).sort(dim=0).values)
        total += float((projected[0] - projected[1]).square().mean().sqrt())
    return 100 * total / 3


def likeness(image: Tensor, content: Tensor) -> float:
    """Give the structural similarity of the two pictures' light, 0..1 (Wang et al. 2004).

    Windows of 11 x 11 px, constants 0.01 and 0.03 as published; plain mean instead of Gaussian.
    """
    luma = torch.tensor((0.299, 0.587, 0.114)).reshape(1, 3, 1, 1)
    a, b = ((picture * luma).sum(1, keepdim=True) for picture in (image, content))
    mean_a, mean_b = F.avg_pool2d(a, 11, 1), F.avg_pool2d(b, 11, 1)
    var_a = F.avg_pool2d(a * a, 11, 1) - mean_a**2
    var_b = F.avg_pool2d(b * b, 11, 1) - mean_b**2
    shared = F.avg_pool2d(a * b, 11, 1) - mean_a * mean_b
    top = (2 * mean_a * mean_b + 0.01**2) * (2 * shared + 0.03**2)
    return float((top / ((mean_a**2 + mean_b**2 + 0.01**2) * (var_a + var_b + 0.03**2))).mean())


def mottling(image: Tensor, content: Tensor, face: Box) -> float:
    """Give the energy of fine colour changes in a face, relative to the photograph's: 1 is as much.

    Both colour differences of BT.601, less their mean over 5 x 5 px; pictures of one size.
    """
    return _colour_energy(image, face) / max(_colour_energy(content, face), 1e-9)


def _colour_energy(picture: Tensor, face: Box) -> float:
    red, green, blue = _inside(picture, face).unbind(1)
    light = 0.299 * red + 0.587 * green + 0.114 * blue
    colour = torch.stack([(blue - light) / 1.772, (red - light) / 1.402], 1)
    smooth = F.avg_pool2d(colour, _BLUR, 1, _BLUR // 2, count_include_pad=False)
    return float((colour - smooth).square().mean())


def _inside(picture: Tensor, face: Box) -> Tensor:
    height, width = picture.shape[-2:]
    left, top, right, bottom = face
    rows = slice(round(top * height), round(bottom * height))
    return picture[..., rows, round(left * width) : round(right * width)]
