"""How long a run takes on this processor, known when it begins.

A short look with the real network and one taking of eigenvalues are timed; all else is counting:
multiplications of each layer, positions of each stage, evaluations of the schedule. What is known
before any of this runs is in `worker.engine.schedule`.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from worker.engine import losses
from worker.engine.network import Network, network
from worker.engine.strips import Look, Rows, blocks_to
from worker.engine.tiling import reach

_SIDE = 192  # px: as fast per pixel as any larger picture
_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
_CHANNELS = 512  # of the largest covariance
_EIGEN_POWER = 2.5  # of its side; measured from 64 to 512
# Work that is not the network's, as if it were multiplications, by pixel: drawing, colours'
# blur, optimiser.
_PIXEL = 60_000
# Small pictures leave the processor waiting: each look costs as if it had as many pixels more.
_WAITING = 4_000


@dataclass(frozen=True, slots=True)
class Rates:
    """Multiplications a second in the network, and seconds of the largest eigenvalues."""

    macs: float
    eigen_s: float


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU-seconds that threads share evenly, and those in which all but one wait."""

    shared_s: float
    alone_s: float

    def seconds(self, threads: int = 1) -> float:
        """Give the seconds on ``threads`` processors; on one they are CPU-seconds."""
        return self.shared_s / threads + self.alone_s


@dataclass(frozen=True, slots=True)
class StageCost:
    """What it costs to begin a stage (targets), and each evaluation there."""

    begin: Cost
    evaluation: Cost


@cache
def rates(dtype: torch.dtype) -> Rates:
    """Time this processor once, on one thread: 0.2 CPU-seconds, or 0.4 in float32.

    The thread's own time, not the wall clock: others may be busy.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        net = network(dtype)
        return Rates(2 * macs(net, _LAYERS) * _SIDE**2 / _look_s(net), _eigen_s())
    finally:
        torch.set_num_threads(threads)


class Forecast:
    """Predicts for one network, on this processor."""

    def __init__(self, net: Network) -> None:
        """Time the processor, once in a process for each number format."""
        self._net, self._rates = net, rates(net.dtype)

    def stage(
        self,
        layers: Collection[str],
        size: tuple[int, int],
        rows: int,
        styles: Collection[tuple[int, int]],
        regions: int = 1,
    ) -> StageCost:
        """Give the cost of painting ``size`` (height, width) in bands of ``rows``, from styles.

        styles: their (height, width); regions: how many moments of their own each layer has.
        """
        height, width = size
        pixels = height * width
        ahead = self._macs(layers, pixels, regions)
        look = 2 * ahead + _PIXEL * pixels
        if rows < height:
            bands = -(-height // rows)
            around = 1 + 2 * reach(layers) * (bands - 1) / height
            look = around * (look + ahead * (bands - 1) / bands)
        begin = ahead + sum(self._macs(layers, high * wide) for high, wide in styles)
        eigen = regions * self._eigen_s(layers, pixels)
        return StageCost(
            Cost(begin / self._rates.macs, eigen), Cost(look / self._rates.macs, eigen)
        )

    def _macs(self, layers: Collection[str], pixels: int, regions: int = 1) -> float:
        return (pixels + _WAITING) * macs(self._net, layers, regions)

    def _eigen_s(self, layers: Collection[str], pixels: int) -> float:
        """Give the seconds of one taking for each layer of style; few positions have few."""
        sides = (
            min(self._net.channels(layer), pixels >> 2 * _depth(layer))
            for layer in layers
            if layer.endswith("_1")
        )
        parts: float = sum((side / _CHANNELS) ** _EIGEN_POWER for side in sides)
        return self._rates.eigen_s * parts


def macs(net: Network, layers: Collection[str], regions: int = 1) -> float:
    """Count the multiplications of a look by pixel; the way back has as many."""
    total = 0.0
    for block in blocks_to(layers):
        for layer in block:
            weight, _ = net.convolutions[layer]
            moments = regions * net.channels(layer) ** 2 if layer in layers else 0
            total += (weight.numel() + moments) * 4.0 ** -_depth(layer)
    return total


def _depth(layer: str) -> int:
    """How many pools are before a layer."""
    return int(layer[4]) - 1


def _look_s(net: Network) -> float:
    """Time a look, there and back, at noise; the first one also builds the kernels."""
    image = torch.rand(1, 3, _SIDE, _SIDE, generator=torch.Generator().manual_seed(0))
    look = Look(net, _LAYERS, between=lambda: None)
    pulls = {
        layer: losses.Pull(torch.eye(net.channels(layer)), torch.zeros(net.channels(layer)))
        for layer in _LAYERS
    }
    taken = []
    for _ in range(2):
        begun = time.thread_time()
        sums = {layer: losses.MomentSums() for layer in _LAYERS}

        def watch(
            layer: str, part: Tensor, _: Rows, to: dict[str, losses.MomentSums] = sums
        ) -> None:
            to[layer].add(part)

        look.forward(image, watch)
        look.backward(lambda layer, part, _: pulls[layer].at(part))
        taken.append(time.thread_time() - begun)
    return min(taken)


def _eigen_s() -> float:
    """Time what an evaluation does with the largest covariance."""
    random = torch.Generator().manual_seed(0)
    rows = torch.randn(2 * _CHANNELS, _CHANNELS, generator=random)
    seen = losses.Moments(torch.zeros(_CHANNELS), rows.T @ rows / len(rows))
    target = losses.StyleTarget(seen.mean, torch.eye(_CHANNELS), float(_CHANNELS), 1.0)
    begun = time.thread_time()
    target.distance(seen)
    return time.thread_time() - begun
