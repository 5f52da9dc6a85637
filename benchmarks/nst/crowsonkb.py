"""crowsonkb's style transfer, from a fetched copy, as the quality to beat.

https://github.com/crowsonkb/style-transfer-pytorch (MIT); none of its code is kept here. The copy
stands in the folder that ``NST_CROWSONKB`` names, at the commit that the records name. Everything
is as its command line has it by default: sizes from 128 px by the square root of 2, 1000
evaluations at the first and 500 at each other one, Adam with its step of 0.02, iterates averaged,
content weight 0.015, total variation 2, style layers weighed 256, 64, 16, 4, 1. Departures, so that
all see the same network:

* VGG-16 with our weights in place of torchvision's VGG-19. Its layers keep their places (relu1_1,
  2_1, 3_1, 4_1 and 5_1 for the style, relu4_2 for the content): where VGG-19 has a fourth
  convolution in a block, nothing is done.
* Our weights expect 0..255, blue first: that is folded into the first convolution, exactly, for
  the copy repeats the border there. All activations are then divided by 57 (= 255 x the 0.225
  standard deviation that the copy feeds its network with), as for the tutorial's recipe, because
  the losses grow with their square and the weight of total variation does not.
* The roots of the covariances, which cost more than the network at small sizes, are taken by
  eigenvalues, and the moments' slope by one product: the same numbers within rounding
  (`benchmarks.nst.gaussians`).
* The four things that it takes of torchvision besides the network (normalising, and pictures to
  tensors and back) are stood in for: torchvision's wheels do not go with every build of PyTorch.
* A painting above 512 px goes on from the one of 512 px: up to there it is made from the pictures
  that one was made from (`Grown`), within their rounding to 8 bits.
* In ``bfloat16`` the convolutions are computed in that format; losses, matrix roots, picture and
  optimiser stay in float32. It was published in float32.
"""

from __future__ import annotations

import importlib
import os
import sys
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from benchmarks.nst import gaussians
from benchmarks.nst.tutorial import ACTIVATION_SCALE
from worker.engine import network

FOLDER = "NST_CROWSONKB"
COMMIT = "e7e2c7134e3937be05ff9f5fcc0873fe5ceb6060"
PROJECT = "https://github.com/crowsonkb/style-transfer-pytorch"
HOW = f"git clone {PROJECT} FOLDER; git -C FOLDER checkout {COMMIT}; export {FOLDER}=FOLDER"
#: What the copy subtracts and divides by before its network sees a picture in 0..1.
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_MEAN_RGB = (123.68, 116.779, 103.939)  # what our weights expect to be subtracted, of 255
#: Places in VGG-19's list of layers; VGG-16 has no fourth convolution in blocks 3 to 5.
_PLACES = (0, 2, 5, 7, 10, 12, 14, 19, 21, 23, 28)
_CONVOLUTIONS = dict(
    zip(_PLACES, (layer.replace("relu", "conv") for layer in network.LAYERS), strict=True)
)
_POOLS = (4, 9, 18, 27)
_ABSENT = (16, 17, 25, 26)


class Grown:
    """A picture in two sizes, small and large, of which the copy resizes the smallest that does."""

    def __init__(self, small: Image.Image, large: Image.Image, size: tuple[int, int]) -> None:
        """Set the two, and the size whose proportions and extent hold."""
        self._small, self._large, self.size = small, large, size

    def resize(self, size: tuple[int, int], method: Any) -> Image.Image:
        """Resize the small one where that loses nothing, else the large one."""
        fits = all(a <= b for a, b in zip(size, self._small.size, strict=True))
        return (self._small if fits else self._large).resize(size, method)


class Missing(Exception):  # noqa: N818
    """There is no copy of crowsonkb's code."""


class InFormat(nn.Module):
    """A layer computed in another number format than float32; it gives that format back."""

    def __init__(self, layer: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.layer = layer.to(dtype=dtype)
        self.dtype = dtype

    def forward(self, hidden: Tensor) -> Tensor:
        """Compute it."""
        out: Tensor = self.layer(hidden.to(self.dtype, memory_format=torch.channels_last))
        return out


class Rectified(nn.Module):
    """ReLU whose outcome is looked at by a loss, which wants float32."""

    def forward(self, hidden: Tensor) -> Tensor:
        """Give it in float32."""
        return torch.relu(hidden).float()


def features() -> nn.Sequential:
    """Give our VGG-16 to relu5_1 at the places of VGG-19, for normalised pictures, in float32."""
    stored = network._read(network.WEIGHTS)  # noqa: SLF001 - the engine's own file, checked
    layers: list[nn.Module] = []
    for place in range(max(_CONVOLUTIONS) + 2):
        if place in _POOLS:
            layers.append(nn.MaxPool2d(2, 2))
        elif place in _ABSENT:
            layers.append(nn.Identity())
        elif (name := _CONVOLUTIONS.get(place)) is not None:
            weight, bias = stored[f"{name}.weight"].float(), stored[f"{name}.bias"].float()
            if place == 0:
                weight, bias = _for_normalised(weight.flip(1), bias)
            layers.append(_convolution(weight, bias / ACTIVATION_SCALE))
        else:
            layers.append(nn.ReLU())
    return nn.Sequential(*layers)


def stylize(
    content: Any,
    style: Any,
    size: int,
    dtype: torch.dtype = torch.bfloat16,
    on_step: Callable[[Any], None] | None = None,
    *,
    as_published: bool = False,
    **others: Any,
) -> tuple[Any, int]:
    """Paint a Pillow picture in the manner of another, ``size`` px on the longest side.

    Gives the painting and the evaluations made. ``as_published`` leaves the arithmetic of its loss
    as it is; ``others`` are of the copy's own ``stylize``, for tries; records are made without
    both. Raises Missing where there is no copy.
    """
    method = load(as_published=as_published)
    made = 0

    def count(iterate: Any) -> None:
        nonlocal made
        made += 1
        if on_step is not None:
            on_step(iterate)

    torch.manual_seed(0)  # as its command line does
    transfer = method.StyleTransfer(devices=["cpu"])
    if dtype != torch.float32:
        convert(transfer.model.model, set(transfer.model.layers), dtype)
    image = transfer.stylize(content, [style], end_scale=size, callback=count, **others)
    return image, made


def convert(layers: nn.Sequential, looked_at: set[int], dtype: torch.dtype) -> None:
    """Compute the convolutions in another format; what a loss looks at stays float32."""
    for place in range(len(layers)):
        if place in _CONVOLUTIONS:
            layers[place] = InFormat(layers[place], dtype)
        elif place in looked_at:
            layers[place] = Rectified()


def check() -> Path:
    """Give the copy's package; raises Missing where there is none."""
    folder = os.environ.get(FOLDER)
    package = None if folder is None else Path(folder).resolve() / "style_transfer"
    if package is None or not (package / "style_transfer.py").exists():
        raise Missing(f"No copy of crowsonkb's style transfer: {HOW}")
    return package


def load(*, as_published: bool = False) -> Any:
    """Import the copy's module with our network in place of VGG-19; raises Missing."""
    package = check()
    # The package itself also brings a web server; its module alone is wanted.
    shell = types.ModuleType("style_transfer")
    shell.__path__ = [str(package)]
    known = {name: sys.modules.get(name) for name in _stand_ins()}
    for name in [name for name in sys.modules if name.startswith("style_transfer.")]:
        del sys.modules[name]
    sys.modules |= {"style_transfer": shell, **_stand_ins()}
    try:
        method = importlib.import_module("style_transfer.style_transfer")
        if not as_published:
            method.sqrtm.sqrtm_ns_lyap = gaussians.root
            method.StyleLossW2.get_target = staticmethod(gaussians.moments)
        return method
    finally:
        for name, module in known.items():
            sys.modules.pop(name)
            if module is not None:
                sys.modules[name] = module


class Normalize:
    """torchvision.transforms.Normalize, of pictures (1, 3, H, W)."""

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        self.mean, self.std = (torch.tensor(each).reshape(1, 3, 1, 1) for each in (mean, std))

    def __call__(self, image: Tensor) -> Tensor:
        """Subtract and divide."""
        return (image - self.mean) / self.std


def to_tensor(image: Image.Image) -> Tensor:
    """Give a picture as (3, H, W) in 0..1."""
    return torch.from_numpy(np.asarray(image.convert("RGB"), np.float32) / 255).permute(2, 0, 1)


def to_pil_image(image: Tensor) -> Image.Image:
    """Give (3, H, W) in 0..1 as a picture; rounded down, as torchvision does."""
    return Image.fromarray(image.mul(255).byte().permute(1, 2, 0).numpy())


def _stand_ins() -> dict[str, types.ModuleType]:
    """Give modules by name: what the copy takes of torchvision."""
    whole, models, transforms, functional = (
        types.ModuleType(name)
        for name in ("torchvision", "models", "transforms", "torchvision.transforms.functional")
    )
    vars(models).update(
        vgg19=lambda **_: types.SimpleNamespace(features=features()),
        VGG19_Weights=types.SimpleNamespace(IMAGENET1K_V1=None),
    )
    vars(functional).update(to_tensor=to_tensor, to_pil_image=to_pil_image)
    vars(transforms).update(Normalize=Normalize, functional=functional)
    vars(whole).update(models=models, transforms=transforms)
    return {
        "torchvision": whole,
        "torchvision.transforms": transforms,
        "torchvision.transforms.functional": functional,
    }


def _for_normalised(weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """Fold scale and mean into the first convolution (red first) and divide what comes out."""
    mean, deviation, wanted = (torch.tensor(each) for each in (_MEAN, _DEVIATION, _MEAN_RGB))
    offset = 255 * mean - wanted
    bias = bias + (weight * offset.reshape(1, 3, 1, 1)).sum((1, 2, 3))
    weight = weight * (255 * deviation).reshape(1, 3, 1, 1)
    return weight / ACTIVATION_SCALE, bias


def _convolution(weight: Tensor, bias: Tensor) -> nn.Conv2d:
    layer = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1)
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.get_parameter("bias").copy_(bias)
    return layer
