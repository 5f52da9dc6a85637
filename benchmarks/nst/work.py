"""What is to be done, what it costs, and doing it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from statistics import median

from benchmarks.nst import measure, pictures, records
from benchmarks.nst.folder import Folder, Painting
from benchmarks.nst.pictures import GRID, PAIRS, SIZE, Pair
from benchmarks.nst.recipes import EXPECTED_CPU_S, JUDGE_CPU_S, RECORDED, Job, jobs, own
from worker.engine import Picture

SIZES = (SIZE, 1024, 2048)


def sources(pair: Pair, size: int = SIZE) -> tuple[Picture, Picture]:
    """Give content and style, at most ``size`` px on the longest side."""
    return _content(pair.content, size), _style(pair.style, size)


# Drawing a style takes seconds, and every style is in six pairs.
_content, _style = cache(pictures.content), cache(pictures.style)


def remaining(wanted: Iterable[Job], folder: Folder) -> list[Job]:
    """Give the jobs whose paintings are not in the folder, or hold no more."""
    return [job for job in wanted if not folder.has(job, *sources(job.pair, job.size))]


def paint(job: Job, folder: Folder) -> Painting:
    """Paint and judge; raises SystemExit where the painting fails."""
    content, style = sources(job.pair, job.size)
    paths = (
        folder.source(job.pair.content, content),
        folder.source(job.pair.style, style),
        folder.painting(job),
    )
    cost = measure.run(job.recipe, paths, job.size)
    return folder.keep(job, content, style, cost)


def known(folder: Folder) -> list[Painting]:
    """Give all that is known: what the folder has of any size, and the records."""
    found = [folder.found(job, *sources(job.pair, job.size)) for job in jobs(SIZES, own(), None)]
    return [each for each in found if each is not None] + recorded(folder)


def recorded(folder: Folder) -> list[Painting]:
    """Give the records, with new marks where the painting itself is in the folder."""
    made = []
    for job in recordable():
        content, style = sources(job.pair, job.size)
        records.again(job, content, style, folder.painting(job))
        record = records.known(job, content, style)
        if record is not None:
            made.append(Painting(job, *record))
    return made


def recordable() -> list[Job]:
    """Give all that records are kept of: every pair at 512 px, and the six pairs at 1024."""
    pairs = tuple(dict.fromkeys((*PAIRS, *GRID)))
    small = [Job(pair, recipe) for recipe in RECORDED for pair in pairs]
    return small + [Job(pair, recipe, 1024) for recipe in RECORDED for pair in PAIRS]


def estimate(wanted: Sequence[Job], folder: Folder) -> float:
    """Give CPU-seconds for painting and judging, by what the folder's paintings took."""
    each = {(job.recipe, job.size): 0.0 for job in wanted}
    for recipe, size in each:
        spent = folder.costs(recipe, size)
        each[recipe, size] = median(spent) if spent else _expected(recipe, size)
    return sum(each[job.recipe, job.size] + JUDGE_CPU_S for job in wanted)


def _expected(recipe: str, size: int) -> float:
    """Guess, with a cost that grows with the pixels."""
    return EXPECTED_CPU_S[recipe] * (size / SIZE) ** 2
