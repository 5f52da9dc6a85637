"""What another's recipe costs in float32, as it was published: from a few evaluations of it.

The records are painted in whatever is fastest; the table says beside them what the recipe itself
would take. ``python -m benchmarks.nst.published RECIPE`` measures it on one thread and writes it to
the recipe's records.
"""

from __future__ import annotations

import argparse
import time
from itertools import pairwise
from statistics import median
from typing import Any

import torch

from benchmarks.nst import crowsonkb, records, tutorial
from benchmarks.nst.paint import CROWSONKB, TUTORIAL, pillow
from benchmarks.nst.pictures import PAIRS
from benchmarks.nst.work import sources
from worker.engine import pyramid

#: Sizes and evaluations of crowsonkb's defaults to 512 px.
_SCHEDULE = {128: 1000, 181: 500, 256: 500, 362: 500, 512: 500}
_STEPS = 300
_FEW = 5


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.nst.published")
    parser.add_argument("recipe", choices=(CROWSONKB, TUTORIAL))
    recipe = parser.parse_args().recipe
    torch.set_num_threads(1)
    found = of_crowsonkb() if recipe == CROWSONKB else of_tutorial()
    pair = PAIRS[0]
    height, width, _ = sources(pair)[0].shape
    found["of"] = f"{pair.content} in {pair.style}, {width} x {height} px"
    kept = records.read(recipe)
    kept["float32"] = found
    records.write(recipe, kept)
    print(found)


def of_crowsonkb() -> dict[str, Any]:
    """Give CPU-seconds of an evaluation at each size, as published and with our arithmetic."""
    content, style = (pillow(picture) for picture in sources(PAIRS[0]))
    found: dict[str, Any] = {}
    for name, as_published in (("cpu_s", True), ("faster_arithmetic_cpu_s", False)):
        each = {}
        for size in _SCHEDULE:
            ticks: list[float] = []
            crowsonkb.stylize(
                content,
                style,
                size,
                torch.float32,
                lambda _, ticks=ticks: ticks.append(time.process_time()),
                as_published=as_published,
                min_scale=size,
                initial_iterations=_FEW,
            )
            each[size] = round(median(after - before for before, after in pairwise(ticks)), 3)
        found[name] = round(sum(each[size] * count for size, count in _SCHEDULE.items()))
        found[f"{name}_of_an_evaluation"] = each
    return found


def of_tutorial() -> dict[str, Any]:
    """Give CPU-seconds of an evaluation; L-BFGS costs little beside it."""
    content, style = (pyramid.to_tensor(picture) for picture in sources(PAIRS[0]))
    begun = time.process_time()
    _, made = tutorial.stylize(content, style, 20)
    each = (time.process_time() - begun) / made
    return {"cpu_s": round(each * _STEPS), "cpu_s_of_an_evaluation": round(each, 3)}


if __name__ == "__main__":
    main()
