"""Makes the records of the recipes that take minutes: one thread, one painting at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from pathlib import Path

from benchmarks.nst import crowsonkb, measure, previous, records
from benchmarks.nst.folder import Folder
from benchmarks.nst.paint import CROWSONKB, PREVIOUS
from benchmarks.nst.pictures import GRID, PAIRS, SIZE, Pair
from benchmarks.nst.recipes import Job, maker
from benchmarks.nst.work import sources

#: One thread: threads that wait for a neighbour spin, and these runs are long.
THREADS = 1


def make(
    recipe: str,
    folder: Folder,
    size: int = SIZE,
    count: int | None = None,
    only: Collection[str] = (),
) -> None:
    """Paint what has no record, and write each record as soon as its painting is done.

    Of the first ``count`` pairs, and of those that ``only`` names where it names any. Raises
    crowsonkb.Missing where there is no copy of its code.
    """
    if recipe == CROWSONKB:
        crowsonkb.check()
    with _root(recipe) as root:
        for pair in pairs(recipe, size)[:count]:
            if only and pair.name not in only:
                continue
            job = Job(pair, recipe, size)
            content, style = sources(pair, size)
            if records.known(job, content, style) is None:
                paths = (
                    folder.source(pair.content, content),
                    folder.source(pair.style, style),
                    folder.painting(job),
                )
                name = previous.RECIPE if recipe == PREVIOUS else recipe
                cost = measure.run(name, paths, size, THREADS, root)
                records.keep(job, content, style, paths[2], (cost, maker(recipe)))
            print(job.name, records.known(job, content, style), flush=True)


def pairs(recipe: str, size: int = SIZE) -> tuple[Pair, ...]:
    """Give the pairs that a recipe is recorded for: all for our own at 512 px, else six."""
    everywhere = recipe == PREVIOUS and size == SIZE
    return tuple(dict.fromkeys((*PAIRS, *GRID))) if everywhere else PAIRS


@contextlib.contextmanager
def _root(recipe: str) -> Iterator[Path]:
    if recipe == PREVIOUS:
        with previous.checkout() as tree:
            yield tree
    else:
        yield measure.ROOT
