"""The perceptual network: VGG-16 up to relu5_1, frozen, in float32 or bfloat16.

Source: Simonyan & Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
Recognition", https://arxiv.org/abs/1409.1556; weights as ``worker/weights/NOTICE`` says.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812  (the name everybody knows it by)
from safetensors.torch import load
from torch import Tensor

from worker.engine.errors import WeightsError

WEIGHTS = Path(__file__).resolve().parent.parent / "weights/vgg16_caffe_to_relu5_1_fp16.safetensors"
SHA256 = "2b22758765204b6e978732f97080e75db3170fbf7aaad153deffbf9cee415588"

#: Every layer in the order of the forward pass; a new block begins with a 2x2 max pool.
LAYERS = (
    *("relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1", "relu3_2", "relu3_3"),
    *("relu4_1", "relu4_2", "relu4_3", "relu5_1"),
)
#: Pixels on a side of the smallest picture that still has one position at relu5_1.
SIDE_MIN = 16

_MEAN_BGR = (103.939, 116.779, 123.68)
_PROBE_SIDE = 96
_PROBE_ROUNDS = 8
_PROBE_GAIN = 1.15  # bfloat16 costs accuracy: it has to earn its place


class Network:
    """Frozen convolutions that turn a picture into the activations of chosen layers.

    ``dtype`` is the type the convolutions are computed in; pictures go in as float32.
    """

    def __init__(self, dtype: torch.dtype = torch.float32, weights: Path = WEIGHTS) -> None:
        self.dtype = dtype
        stored = _read(weights)
        self.convolutions: dict[str, tuple[Tensor, Tensor]] = {}
        for layer in LAYERS:
            name = layer.replace("relu", "conv")
            weight, bias = stored[f"{name}.weight"].float(), stored[f"{name}.bias"].float()
            if layer == "relu1_1":
                # The weights expect blue first and 0..255: fold both into the first
                # convolution. The mean is not folded: zero padding comes after it.
                weight = weight.flip(1) * 255.0
            self.convolutions[layer] = (
                weight.to(dtype).contiguous(memory_format=torch.channels_last),
                bias.to(dtype),
            )
        #: What takes a slope by a layer's sums back to one by what it was given.
        self.turned = {
            layer: weight.flip(2, 3).transpose(0, 1).contiguous(memory_format=torch.channels_last)
            for layer, (weight, _) in self.convolutions.items()
        }
        self._mean = torch.tensor(_MEAN_BGR).flip(0).reshape(1, 3, 1, 1) / 255.0

    def channels(self, layer: str) -> int:
        """How many channels a layer has."""
        return len(self.convolutions[layer][0])

    def prepared(self, image: Tensor) -> Tensor:
        """Turn a picture (1, 3, H, W) into what the first convolution wants."""
        return (image - self._mean).to(self.dtype, memory_format=torch.channels_last)

    def __call__(
        self,
        image: Tensor,
        layers: Iterable[str],
        *,
        rectified: bool = True,
    ) -> dict[str, Tensor]:
        """Give the activations of ``layers`` and compute nothing deeper than the deepest.

        The plain way, for small pictures (`worker.engine.saliency`), for the benchmarks' judge and
        for tests to compare with; losses look strip by strip (`worker.engine.strips`).

        ``image`` is (1, 3, H, W), RGB, nominally 0..1, float32, both sides at least 16.
        Each activation is (1, C, H >> block - 1, W >> block - 1) in the network's dtype, after
        its ReLU, or before it where ``rectified`` is false.
        """
        wanted = set(layers)
        if unknown := wanted - set(LAYERS):
            raise ValueError(f"VGG-16 has no layer {sorted(unknown)}")
        found: dict[str, Tensor] = {}
        hidden = self.prepared(image)
        block = "1"
        for layer, (weight, bias) in self.convolutions.items():
            if layer[4] != block:
                block = layer[4]
                hidden = F.max_pool2d(hidden, 2)
            if layer == "relu1_1":
                # Not as trained: zeros around the picture read as an edge and leave a frame on it.
                summed = F.conv2d(F.pad(hidden, (1, 1, 1, 1), "replicate"), weight, bias)
            else:
                summed = F.conv2d(hidden, weight, bias, padding=1)
            hidden = F.relu(summed)
            if layer in wanted:
                found[layer] = hidden if rectified else summed
                if len(found) == len(wanted):
                    break
        return found


@cache
def network(dtype: torch.dtype) -> Network:
    """Load the network once per process and dtype (80 MB in float32, 40 MB in bfloat16)."""
    return Network(dtype)


@cache
def fastest_dtype() -> torch.dtype:
    """Choose bfloat16 where this processor is clearly faster with it, else float32.

    Without AVX512-BF16 or AMX, bfloat16 is emulated and slower. Flags alone do not tell (virtual
    machines hide them, other architectures name them otherwise), so time both: 0.1 CPU-seconds.
    """
    supported = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", None)
    if supported is None or not supported():
        return torch.float32
    seconds = _probe((torch.float32, torch.bfloat16))
    gain = seconds[torch.float32] / seconds[torch.bfloat16]
    return torch.bfloat16 if gain > _PROBE_GAIN else torch.float32


def _probe(dtypes: Sequence[torch.dtype]) -> dict[torch.dtype, float]:
    """Give the least processor time, in seconds, of a typical convolution in each dtype.

    One thread's own time, and the dtypes take turns: the clock on the wall would also count what
    other programs do, and on a busy machine two tasks of the same seed would paint two pictures.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _least(dtypes)
    finally:
        torch.set_num_threads(threads)


def _least(dtypes: Sequence[torch.dtype]) -> dict[torch.dtype, float]:
    weight = torch.ones(128, 128, 3, 3).contiguous(memory_format=torch.channels_last)
    hidden = torch.ones(1, 128, _PROBE_SIDE, _PROBE_SIDE)
    hidden = hidden.contiguous(memory_format=torch.channels_last)
    given = {dtype: (hidden.to(dtype), weight.to(dtype)) for dtype in dtypes}
    least = dict.fromkeys(dtypes, math.inf)
    with torch.no_grad():
        for pictures, weights in given.values():
            F.conv2d(pictures, weights, padding=1)  # builds and caches the kernel
        for _ in range(_PROBE_ROUNDS):
            for dtype, (pictures, weights) in given.items():
                begun = time.thread_time()
                F.conv2d(pictures, weights, padding=1)
                least[dtype] = min(least[dtype], time.thread_time() - begun)
    return least


def _read(path: Path) -> dict[str, Tensor]:
    """Read the weights after checking that they are the published ones."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"The network's weights cannot be read: {error}") from error
    found = hashlib.sha256(raw).hexdigest()
    if found != SHA256:
        raise WeightsError(f"{path.name} has SHA-256 {found}, expected {SHA256}: fetch it again.")
    return load(raw)
