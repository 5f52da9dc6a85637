"""One look at a picture, strip by strip: exact losses and gradients in a fraction of the memory.

Autograd keeps every activation and the sums before it. The convolutions are frozen: the way back
needs of a pooled layer, the largest of its block, only which of four pixels won (a byte), and the
first layer is computed again. Both ways go block by block through the network, and through each
block strip by strip, with as many rows around a strip as its convolutions see. It is also faster
than autograd: a strip stays in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import groupby
from typing import cast

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from worker.engine.network import LAYERS, Network

STRIP_BYTES = 2**23
"""Of one activation of one strip, at most (but two rows at least)."""
_FIRST = LAYERS[0]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows [begin, end) of a layer that has ``height`` of them."""

    begin: int
    end: int
    height: int

    def grown(self, by: int) -> Rows:
        """Give these and ``by`` more on each side, as far as there are any."""
        return Rows(max(0, self.begin - by), min(self.height, self.end + by), self.height)

    def common(self, other: Rows) -> Rows:
        """Give the rows that are in both; perhaps none."""
        begin = max(self.begin, other.begin)
        return Rows(begin, max(begin, min(self.end, other.end)), self.height)

    def of(self, whole: Tensor) -> Tensor:
        """View these rows of all of a layer's activations (1, C, H, W)."""
        return whole[:, :, self.begin : self.end]

    def within(self, outer: Rows, part: Tensor) -> Tensor:
        """View these rows of activations that are the rows ``outer``."""
        return part[:, :, self.begin - outer.begin : self.end - outer.begin]


#: Is shown activations (1, C, h, W) of a layer, which are the rows given; each row once.
Watch = Callable[[str, Tensor, Rows], None]
#: Gives the slope of a loss by activations (1, C, h, W) of a layer, which are the rows given.
Slope = Callable[[str, Tensor, Rows], Tensor]


def blocks_to(layers: Collection[str]) -> list[list[str]]:
    """Give the network's blocks down to the deepest of ``layers``."""
    depth = 1 + max(map(LAYERS.index, layers))
    return [list(block) for _, block in groupby(LAYERS[:depth], lambda layer: layer[4])]


class Look:
    """Looks at pictures of one size, and remembers what the way back needs."""

    def __init__(
        self,
        net: Network,
        layers: Collection[str],
        *,
        between: Callable[[], None],
        strip_bytes: int = STRIP_BYTES,
    ) -> None:
        """Look for ``layers``; ``between`` is called for each of them and each strip, both ways.

        No layer before a pool but the deepest can be asked for.
        """
        self._net, self._between, self._strip_bytes = net, between, strip_bytes
        self._layers = frozenset(layers)
        self._blocks = blocks_to(layers)
        if pooled := {block[-1] for block in self._blocks[:-1]} & self._layers:
            raise ValueError(f"{sorted(pooled)} is pooled: only which pixels won is kept")
        self._image = torch.empty(0)
        self._kept: dict[str, Tensor] = {}

    @torch.no_grad()
    def forward(self, image: Tensor, watch: Watch, *, back: bool = True) -> None:
        """Look at ``image`` (1, 3, H, W), and for the way back if ``back``."""
        self._image = image
        self._kept.clear()
        given = image
        for place, block in enumerate(self._blocks):
            channels = self._net.channels(block[-1])
            pooled = None
            if place < len(self._blocks) - 1:
                high, wide = given.shape[2] // 2, given.shape[3] // 2
                pooled = _empty(channels, high, wide, self._net.dtype)
            for own in self._strips(given, channels):
                hidden = self._through(
                    block, given, own, watch, back=back, pooled=pooled is not None
                )
                if pooled is not None:
                    half = Rows(own.begin // 2, own.end // 2, pooled.shape[2])
                    winners = half.of(self._keep(block[-1], pooled, torch.uint8)) if back else None
                    _pool(hidden, half.of(pooled), winners)
                    self._between()
            if pooled is not None:
                given = pooled

    def _through(
        self, block: list[str], given: Tensor, own: Rows, watch: Watch, *, back: bool, pooled: bool
    ) -> Tensor:
        """Compute a block for the rows ``own``."""
        outer = own.grown(len(block))
        hidden = outer.of(given)
        if block[0] == _FIRST:
            hidden = self._net.prepared(hidden)
        for left, layer in reversed(list(enumerate(reversed(block)))):
            inner = own.grown(left)
            hidden = self._convolved(layer, hidden, outer, inner).relu_()
            outer = inner
            self._between()
            mine = own.within(outer, hidden)
            if layer in self._layers:
                watch(layer, mine, own)
                self._between()
            if not back or layer == _FIRST or (pooled and not left):
                continue
            whole = torch.Size((1, mine.shape[1], own.height, mine.shape[3]))
            own.of(self._keep(layer, whole, mine.dtype)).copy_(mine)
        return hidden

    @torch.no_grad()
    def backward(self, slope: Slope) -> Tensor:
        """Give the gradient (1, 3, H, W) of a loss, from its slopes by the layers asked for.

        Once for each way forward: what was kept is let go on the way.
        """
        above: Tensor | None = None
        for place, block in reversed(list(enumerate(self._blocks))):
            high, wide = (side >> place for side in self._image.shape[-2:])
            if place:
                channels = self._net.channels(self._blocks[place - 1][-1])
                below = _empty(channels, high, wide, self._net.dtype)
            else:
                below = torch.empty_like(self._image)
            for own in self._strips(below, self._net.channels(block[-1])):
                own.of(below).copy_(self._back_through(block, above, own, wide, slope))
            for layer in block:
                self._kept.pop(layer, None)
            above = below
        return below

    def _back_through(
        self, block: list[str], above: Tensor | None, own: Rows, wide: int, slope: Slope
    ) -> Tensor:
        """Compute the slope by what a block was given, for the rows ``own``."""
        outer = own.grown(len(block))
        by_layer: Tensor | None = None
        for before, layer in enumerate(reversed(block), 1):
            if above is not None and before == 1:
                by_layer = _unpooled(above, self._kept[layer], outer, wide)
            else:
                by_layer = self._at(layer, outer, by_layer, slope)
            inner = own.grown(len(block) - before)
            by_layer = self._returned(layer, by_layer, outer, inner)
            outer = inner
            self._between()
        return cast("Tensor", by_layer)

    def _at(self, layer: str, rows: Rows, by_layer: Tensor | None, slope: Slope) -> Tensor:
        """Add a layer's own slope, and stop it where the layer's ReLU did."""
        kept = self._first(rows) if layer == _FIRST else rows.of(self._kept[layer])
        if layer in self._layers:
            own = slope(layer, kept, rows)
            by_layer = own if by_layer is None else by_layer.add_(own)
        stopped: Tensor = torch.ops.aten.threshold_backward(by_layer, kept, 0)
        return stopped

    def _first(self, rows: Rows) -> Tensor:
        """Compute the first layer again: its activations are the largest and cost the least."""
        outer = rows.grown(1)
        given = self._net.prepared(outer.of(self._image))
        return self._convolved(_FIRST, given, outer, rows).relu_()

    def _convolved(self, layer: str, hidden: Tensor, outer: Rows, inner: Rows) -> Tensor:
        """Convolve the rows ``outer`` to the rows ``inner``, one less at each side that is cut."""
        top, bottom = _edges(outer, inner)
        weight, bias = self._net.convolutions[layer]
        if layer == _FIRST:
            # Not as trained: zeros around the picture read as an edge and leave a frame on it.
            return F.conv2d(F.pad(hidden, (1, 1, top, bottom), "replicate"), weight, bias)
        return _padded(hidden, weight, bias, 1, (top, bottom))

    def _returned(self, layer: str, slope: Tensor, outer: Rows, inner: Rows) -> Tensor:
        """Turn the slope by sums in the rows ``outer`` into that by what they are sums of."""
        edges, weight = _edges(outer, inner), self._net.turned[layer]
        if layer == _FIRST:
            return _folded(_padded(slope, weight, None, 2, edges), *edges)
        return _padded(slope, weight, None, 1, edges)

    def _keep(self, layer: str, like: Tensor | torch.Size, dtype: torch.dtype) -> Tensor:
        """Give the place where a layer is kept."""
        _, channels, high, wide = like if isinstance(like, torch.Size) else like.shape
        if layer not in self._kept:
            self._kept[layer] = _empty(channels, high, wide, dtype)
        return self._kept[layer]

    def _strips(self, given: Tensor, channels: int) -> list[Rows]:
        """Cut a block of as many rows as ``given`` into strips of an even number of rows."""
        high, wide = given.shape[-2:]
        step = max(2, self._strip_bytes // (wide * channels * self._net.dtype.itemsize) // 2 * 2)
        return [Rows(begin, min(begin + step, high), high) for begin in range(0, high, step)]


def _edges(outer: Rows, inner: Rows) -> tuple[int, int]:
    """Tell by 1 or 0 whether the rows ``inner`` end above and below at the picture's edge."""
    return 1 - (inner.begin - outer.begin), 1 - (outer.end - inner.end)


def _padded(
    planes: Tensor, weight: Tensor, bias: Tensor | None, by: int, edges: tuple[int, int]
) -> Tensor:
    """Convolve with ``by`` columns of zeros at each side, and as many rows at the picture's edges.

    At one edge alone a row too many is computed and cut: that costs less than a padded copy.
    """
    top, bottom = edges
    if top == bottom:
        return F.conv2d(planes, weight, bias, padding=(by * top, by))
    found = F.conv2d(planes, weight, bias, padding=by)
    return found[:, :, by * (1 - top) : found.shape[2] - by * (1 - bottom)]


def _empty(channels: int, high: int, wide: int, dtype: torch.dtype) -> Tensor:
    return torch.empty(1, channels, high, wide, dtype=dtype, memory_format=torch.channels_last)


def _folded(wide: Tensor, top: int, bottom: int) -> Tensor:
    """Add the slopes by the picture's replicated edges, one pixel around it, to those it has."""
    wide = wide.float()
    wide[..., 1] += wide[..., 0]
    wide[..., -2] += wide[..., -1]
    if top:
        wide[:, :, 1] += wide[:, :, 0]
    if bottom:
        wide[:, :, -2] += wide[:, :, -1]
    return wide[:, :, top : wide.shape[2] - bottom, 1:-1]


def _pool(hidden: Tensor, found: Tensor, winners: Tensor | None) -> None:
    """Take the largest of each four pixels, and which one it was: 1 to 4, or 0 if all are 0."""
    high, wide = 2 * found.shape[2], 2 * found.shape[3]
    a, b, c, d = (hidden[:, :, down:high:2, right:wide:2] for down in (0, 1) for right in (0, 1))
    upper, lower = torch.maximum(a, b), torch.maximum(c, d)
    torch.maximum(upper, lower, out=found)
    if winners is None:
        return
    # In numbers of the activations' own type: PyTorch is five times as slow where types differ.
    low, right, right_below, any_won = (torch.empty_like(found) for _ in range(4))
    torch.gt(lower, upper, out=low)
    torch.gt(b, a, out=right)
    torch.gt(d, c, out=right_below)
    torch.gt(found, 0, out=any_won)
    right = right_below.sub_(right).mul_(low).add_(right)
    winners.copy_(right.add_(low, alpha=2).add_(1).mul_(any_won))


def _unpooled(above: Tensor, winners: Tensor, rows: Rows, wide: int) -> Tensor:
    """Give the slope by a pool's input of ``wide`` columns, in ``rows``: winners have it all."""
    half = Rows(rows.begin // 2, min((rows.end + 1) // 2, above.shape[2]), above.shape[2])
    slope = half.of(above)
    won = half.of(winners).to(above.dtype)
    # An odd row or column at the end is in no pool.
    outer = Rows(2 * half.begin, max(2 * half.end, rows.end), rows.height)
    spread = _empty(above.shape[1], outer.end - outer.begin, wide, above.dtype)
    high, even = 2 * (half.end - half.begin), wide // 2 * 2
    this = torch.empty_like(won)
    spread[..., even:] = 0
    spread[:, :, high:] = 0
    for place in range(4):
        down, right = divmod(place, 2)
        torch.eq(won, place + 1, out=this)
        torch.mul(slope, this, out=spread[:, :, down:high:2, right:even:2])
    return rows.within(outer, spread)
