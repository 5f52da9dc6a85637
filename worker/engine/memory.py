"""How much memory a stage needs, known before it is painted, and how it is kept within a bound.

Counted is what grows with the picture (docs/nst.md has it beside what was measured). If that is
too much, L-BFGS keeps its history in bfloat16, then the picture is looked at in bands. What the C
library keeps of memory that is free again is given back where a painting takes much of its bound.
"""

from __future__ import annotations

import ctypes
import resource
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from worker.engine.errors import ParameterError
from worker.engine.optimiser import MEMORY
from worker.engine.strips import blocks_to
from worker.engine.tiling import reach

MIB = 2**20
MEMORY_MIB = 1900
"""The bound where none is asked for, as long as the picture's size can be painted within it."""
_ROWS_MIN = 256  # of a band: with fewer, the rows around it cost more than they save
_CHANNELS = 64  # of the first block; each next one has twice as many, up to 512
_CHANNELS_MAX = 512
_PLANE = 12  # bytes a pixel of a picture in float32
# The image, its gradient, the next image, what it stands for, two gradients of it, the drawing's
# slope; the content; a third of a plane for how calm its colours are.
_PLANES = 8 + 1 / 3
# Strips, moments and their roots, buffers of the libraries, and holes between all of them.
_FIXED = 300 * MIB
_STATM = Path("/proc/self/statm")


def used() -> int:
    """Give the bytes of memory this process has now; elsewhere than on Linux, its most so far."""
    try:
        pages = int(_STATM.read_text(encoding="ascii").split()[1])
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
    return pages * resource.getpagesize()


def give_back() -> None:
    """Give free memory between blocks in use back to the system, where the C library can.

    The GNU library does so for the end of its heap alone. Two looks at 2048 px leave more than
    half a gigabyte of holes in it, too small for what is wanted next (docs/nst.md).
    """
    _trim()(0)


@cache
def _trim() -> Callable[[int], object]:
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # not the GNU library; on Windows, no name at all
        return lambda _: None


@dataclass(frozen=True, slots=True)
class Plan:
    """How a stage is painted, and the bytes it takes.

    rows: of a band; pairs: of L-BFGS's history at most, and history: their format; sparing:
    whether free memory is to be given back again and again (`give_back`).
    """

    rows: int
    pairs: int
    history: torch.dtype
    bytes: int
    sparing: bool


def plan(
    layers: set[str],
    size: tuple[int, int],
    evaluations: int,
    dtype: torch.dtype,
    bound: int,
) -> Plan:
    """Choose the fastest way to paint ``size`` (height, width) that takes ``bound`` bytes.

    Where there is none, the one that takes the least.
    """
    height, _ = size
    own = min(MEMORY, max(0, evaluations - 2))  # none of those that a smaller size has taught
    ways = [(height, MEMORY, torch.float32), (height, MEMORY, torch.bfloat16)]
    ways.append((height, own, torch.bfloat16))
    bands = 2
    while height / bands >= _ROWS_MIN:
        ways.append((-(-height // bands), own, torch.bfloat16))
        bands += 1
    plans = []
    for rows, pairs, history in ways:
        needed = _looking(layers, size, rows, dtype) + _painting(size, pairs, history) + _FIXED
        plans.append(Plan(rows, pairs, history, needed, sparing=needed > bound // 2))
    within = [each for each in plans if each.bytes <= bound]
    return within[0] if within else min(plans, key=lambda each: each.bytes)


def check(plans: Iterable[Plan], memory_mib: int | None, held: int) -> None:
    """Refuse a bound that was asked for and cannot be kept: raises ParameterError.

    ``held`` is what the process has besides.
    """
    needed = -(-(held + max(each.bytes for each in plans)) // MIB)
    if memory_mib is not None and needed > memory_mib:
        raise ParameterError(f"This painting needs {needed} MiB of memory, not {memory_mib}.")


def _looking(layers: set[str], size: tuple[int, int], rows: int, dtype: torch.dtype) -> int:
    """Bytes of what is kept of a look at a band, and of the content's activations."""
    height, width = size
    seen = min(height, rows + 2 * reach(layers)) if rows < height else height
    content = _channels("relu3_1") * dtype.itemsize / 16  # the largest of its layers
    return round(width * (seen * kept(layers, dtype) + height * content))


def _painting(size: tuple[int, int], pairs: int, history: torch.dtype) -> int:
    """Bytes of the optimiser, with as many past steps, and of pictures."""
    height, width = size
    return round(height * width * (_PLANES * _PLANE + 2 * pairs * 3 * history.itemsize))


def kept(layers: set[str], dtype: torch.dtype) -> float:
    """Give what a look at ``layers`` keeps at most, in bytes a pixel."""
    blocks = blocks_to(layers)
    total = most = 0.0
    for place, block in enumerate(blocks):
        scale = 4.0**-place
        pooled = place < len(blocks) - 1
        wide = len(block) - (place == 0) - pooled  # the first layer is computed again
        given = _channels(blocks[place - 1][0]) * dtype.itemsize * scale if place else 0
        total += wide * _channels(block[0]) * dtype.itemsize * scale
        if pooled:
            total += _channels(block[0]) * scale / 4
            given += _channels(block[0]) * dtype.itemsize * scale / 4
        most = max(most, total + given)
    return most


def _channels(layer: str) -> int:
    return min(_CHANNELS_MAX, _CHANNELS << (int(layer[4]) - 1))
