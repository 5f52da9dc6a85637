"""How near a picture is to a style, and how much of the content's drawing it keeps.

The style errors look through VGG-16 in float32, whatever the engine computed in. `patch_error` uses
no network at all, so that an engine cannot please it by knowing the network.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from worker.engine import losses
from worker.engine.network import network

LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
_PATCH, _DIRECTIONS, _SAMPLES = 7, 256, 20_000


def style_errors(image: Tensor, style: Tensor) -> tuple[float, float]:
    """Give the centred covariance error and the Wasserstein-2 error, each 0 when equal.

    Both are means over five layers, relative to the style's own: |S - S*| / |S*| (Frobenius) and
    the squared distance over tr S*. Pictures are (1, 3, H, W) in 0..1.
    """
    net = network(torch.float32)
    covariance_error = wasserstein_error = 0.0
    with torch.no_grad():
        seen, wanted = net(image, LAYERS), net(style, LAYERS)
        for layer in LAYERS:
            found, like = (losses.Moments.of(each[layer]) for each in (seen, wanted))
            apart = (found.covariance - like.covariance).norm() / like.covariance.norm()
            covariance_error += float(apart)
            wasserstein_error += _distance(found, like)
    return covariance_error / len(LAYERS), wasserstein_error / len(LAYERS)


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
