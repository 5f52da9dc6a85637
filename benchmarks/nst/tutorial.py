"""The recipe of PyTorch's public style transfer tutorial, as the yardstick to beat.

Written anew from its description (https://docs.pytorch.org/tutorials/advanced/
neural_style_tutorial.html; Gatys et al., https://arxiv.org/abs/1508.06576): Gram matrices of five
unrectified convolutions, style weight 1e6, content weight 1, L-BFGS with its defaults from the
content picture, 300 evaluations, picture clamped to 0..1. Departures, so that both engines see
the same network: the style layers are the first of each block, content is conv4_2, and the
activations are divided by 57 (= 255 x the 0.225 standard deviation that the tutorial's network
is fed with), because our weights expect 0..255 and the weights 1e6 : 1 assume unit inputs.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from worker.engine.network import network

STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
CONTENT_LAYER = "relu4_2"
STYLE_WEIGHT = 1e6
ACTIVATION_SCALE = 255 * 0.225


def _gram(features: Tensor) -> Tensor:
    _, channels, height, width = features.shape
    rows = features.reshape(channels, height * width)
    return rows @ rows.T / (channels * height * width)


def stylize(content: Tensor, style: Tensor, steps: int = 300) -> tuple[Tensor, int]:
    """Give the painted picture (1, 3, H, W) and the evaluations made (L-BFGS may overshoot)."""
    net = network(torch.float32)
    layers = (*STYLE_LAYERS, CONTENT_LAYER)

    def look(image: Tensor) -> dict[str, Tensor]:
        activations = net(image, layers, rectified=False)
        return {layer: found / ACTIVATION_SCALE for layer, found in activations.items()}

    with torch.no_grad():
        kept = look(content)[CONTENT_LAYER]
        grams = {k: _gram(v) for k, v in look(style).items() if k in STYLE_LAYERS}
    image = content.clone(memory_format=torch.contiguous_format).requires_grad_()
    optimiser = torch.optim.LBFGS([image])
    made = 0

    def closure() -> Tensor:
        nonlocal made
        with torch.no_grad():
            image.clamp_(0, 1)
        optimiser.zero_grad()
        seen = look(image)
        loss = F.mse_loss(seen[CONTENT_LAYER], kept)
        for layer, gram in grams.items():
            loss = loss + STYLE_WEIGHT * F.mse_loss(_gram(seen[layer]), gram)
        loss.backward()  # type: ignore[no-untyped-call]
        made += 1
        return loss

    while made < steps:
        optimiser.step(closure)  # type: ignore[no-untyped-call]
    return image.detach().clamp(0, 1), made
