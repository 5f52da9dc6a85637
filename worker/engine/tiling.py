"""Large pictures in bands, so that memory is bounded; a picture that fits is one band.

A band is looked at with as many rows around it as the network sees, and counts with its own rows
alone. With several bands there are two passes: the first only looks, because the losses' slopes
need the moments of all bands; the second looks again, and takes the gradient back. The gradient is
exact; two passes cost 1.5 times one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import torch
from torch import Tensor

from worker.engine.network import Network
from worker.engine.strips import STRIP_BYTES, Look, Rows, Slope, Watch, blocks_to

_ALIGNED = 16  # px: a position of the deepest block


def reach(layers: Collection[str]) -> int:
    """Give how far the deepest of ``layers`` sees beyond itself, in px, rounded up to 16."""
    seen = sum(len(block) << place for place, block in enumerate(blocks_to(layers)))
    return -(-seen // _ALIGNED) * _ALIGNED


@dataclass(frozen=True, slots=True)
class _Band:
    """Rows of a picture that count, and those that are looked at."""

    own: Rows
    seen: Rows

    def counting(self, layer: str, part: Rows) -> tuple[Rows, Rows]:
        """Give which of a part's rows count: as rows of what is looked at, and of all."""
        place = int(layer[4]) - 1
        offset, height = self.seen.begin >> place, self.own.height >> place
        end = height if self.own.end == self.own.height else self.own.end >> place
        own = Rows((self.own.begin >> place) - offset, end - offset, part.height)
        both = own.common(part)
        return both, Rows(both.begin + offset, both.end + offset, height)


class Tiles:
    """Looks at pictures of one size (height, width), in bands of at most ``rows`` rows."""

    def __init__(
        self,
        net: Network,
        layers: Collection[str],
        height: int,
        rows: int,
        *,
        between: Callable[[], None],
        strip_bytes: int = STRIP_BYTES,
    ) -> None:
        """Look for ``layers``; see `Look`."""
        self._look = Look(net, layers, between=between, strip_bytes=strip_bytes)
        around = reach(layers)
        step = max(_ALIGNED, rows // _ALIGNED * _ALIGNED) if rows < height else height
        owns = [Rows(begin, min(begin + step, height), height) for begin in range(0, height, step)]
        if len(owns) > 1 and owns[-1].end - owns[-1].begin < _ALIGNED:
            last = owns.pop()  # too few rows to be seen: the band before takes them
            owns[-1] = Rows(owns[-1].begin, last.end, height)
        self._bands = [_Band(own, own.grown(around)) for own in owns]
        self._image = torch.empty(0)

    def forward(self, image: Tensor, watch: Watch, *, back: bool = True) -> None:
        """Look at ``image`` (1, 3, H, W); ``watch`` is shown each row of each layer once."""
        self._image = image
        for band in self._bands:

            def counted(layer: str, part: Tensor, rows: Rows, band: _Band = band) -> None:
                mine, rows_of_all = band.counting(layer, rows)
                if mine.end > mine.begin:
                    watch(layer, mine.within(rows, part), rows_of_all)

            # What the way back needs is remembered for the last band only.
            self._look.forward(band.seen.of(image), counted, back=back and band is self._bands[-1])

    def backward(self, slope: Slope) -> Tensor:
        """Give the gradient by the picture looked at last; slopes are asked for what counts."""
        gradient = torch.empty(0)
        for band in reversed(self._bands):

            def counted(layer: str, part: Tensor, rows: Rows, band: _Band = band) -> Tensor:
                mine, rows_of_all = band.counting(layer, rows)
                if mine == rows:
                    return slope(layer, part, rows_of_all)
                by_part = torch.zeros_like(part)
                if mine.end > mine.begin:
                    found = slope(layer, mine.within(rows, part), rows_of_all)
                    mine.within(rows, by_part).copy_(found)
                return by_part

            if band is not self._bands[-1]:
                self._look.forward(band.seen.of(self._image), _unseen)
            found = self._look.backward(counted)
            if len(self._bands) == 1:
                return found
            if band is self._bands[-1]:
                gradient = torch.zeros_like(self._image)
            band.seen.of(gradient).add_(found)
        return gradient


def _unseen(layer: str, part: Tensor, rows: Rows) -> None:
    """Watch nothing: it was watched in the first pass."""
