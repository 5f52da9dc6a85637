"""How near the time predicted when a run begins is to what it takes.

``python -m benchmarks.nst.prediction [SIZE...]`` paints a pair at each size in ``draft`` and
``good``, on one thread, and prints CPU-seconds as predicted and as measured, and how many times the
measured ones the prediction is. The aim is 0.8 to 1.2.
"""

from __future__ import annotations

import sys

import torch

from benchmarks.nst.pictures import PAIRS, content, style
from worker.engine import EngineParams, Quality, stylize
from worker.engine.network import fastest_dtype

SIZES = (256, 512, 1024)
QUALITIES: tuple[Quality, ...] = ("draft", "good")


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    pair = PAIRS[0]
    print(f"{pair.name}, {fastest_dtype()}")
    print("| px | quality | predicted | measured | ratio |\n|---|---|---|---|---|")
    for size in map(int, sys.argv[1:] or SIZES):
        drawn, like = content(pair.content, size), style(pair.style, size)
        for quality in QUALITIES:
            made = stylize(drawn, [like], EngineParams(size=size, quality=quality))
            ratio = made.predicted_s / made.cpu_s
            row = f"{made.predicted_s:.1f} | {made.cpu_s:.1f} | {ratio:.2f}"
            print(f"| {size} | {quality} | {row} |", flush=True)


if __name__ == "__main__":
    main()
