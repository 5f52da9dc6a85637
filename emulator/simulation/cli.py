"""``nst simulate``: many worlds, and the story of the first that fails."""

from __future__ import annotations

import logging
import multiprocessing
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

SEEDS_AT_ONCE = 8
STORIES_MAX = 3


@dataclass(frozen=True)
class Lived:
    """What came of one seed."""

    seed: int
    runs: int
    calls: int
    virtual_s: float
    failure: str | None


@click.command("simulate")
@click.option("--seeds", default=100, show_default=True, type=click.IntRange(1), help="How many.")
@click.option("--first", default=0, show_default=True, type=click.IntRange(0), help="The first.")
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes.")
@click.option("--replay", type=click.IntRange(0), help="Tell the story of this seed instead.")
def simulate(seeds: int, first: int, jobs: int, replay: int | None) -> None:
    """Live the whole system on virtual time, with faults, and check the money after every step.

    A seed is one world of up to 20 runs. A seed that fails is made small and told; the same seed
    gives the same story, always.
    """
    if replay is not None:
        sys.exit(_replay(replay))
    console = Console()
    lived: list[Lived] = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        bar = progress.add_task("worlds", total=seeds)
        for part in _live_all(range(first, first + seeds), jobs):
            lived.extend(part)
            failed = sum(one.failure is not None for one in lived)
            progress.update(
                bar,
                advance=len(part),
                description=f"worlds, {failed} failed" if failed else "worlds",
            )
    failures = sorted((one for one in lived if one.failure), key=lambda one: one.seed)
    hours = sum(one.virtual_s for one in lived) / 3600
    console.print(
        f"{len(lived)} worlds, {sum(one.runs for one in lived)} runs, "
        f"{sum(one.calls for one in lived)} calls, {hours:.0f} hours lived; {len(failures)} failed."
    )
    for one in failures[:STORIES_MAX]:
        console.print(f"\nseed {one.seed}: {one.failure}", style="bold", markup=False)
        console.print(_story(one.seed), markup=False, highlight=False)
    if len(failures) > STORIES_MAX:
        rest = ", ".join(str(one.seed) for one in failures[STORIES_MAX:])
        console.print(f"\nalso: {rest} (nst simulate --replay SEED tells each)")
    sys.exit(1 if failures else 0)


@cache
def _ready() -> None:
    """Load everything, once in each process."""
    from emulator.simulation.plan import draw  # noqa: PLC0415
    from emulator.simulation.play import play, settle_memory  # noqa: PLC0415

    play(draw(0))
    settle_memory()


def _live_all(seeds: range, jobs: int) -> Iterator[list[Lived]]:
    parts = [seeds[at : at + SEEDS_AT_ONCE] for at in range(0, len(seeds), SEEDS_AT_ONCE)]
    if jobs == 1:
        _quiet()
        yield from map(live, parts)
        return
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=fresh, initializer=_quiet) as pool:
        for done in as_completed([pool.submit(live, part) for part in parts]):
            yield done.result()


def live(seeds: range) -> list[Lived]:
    """Live the worlds of some seeds, one after the other."""
    from emulator.simulation.plan import draw  # noqa: PLC0415 (slow imports, in the workers only)
    from emulator.simulation.play import play  # noqa: PLC0415

    _ready()
    found = []
    for seed in seeds:
        report = play(draw(seed))
        found.append(Lived(seed, report.runs, report.calls, report.virtual_s, report.name))
    return found


def _story(seed: int) -> str:
    from emulator.simulation.plan import draw  # noqa: PLC0415
    from emulator.simulation.play import failure_of, play  # noqa: PLC0415
    from emulator.simulation.shrink import shrink  # noqa: PLC0415

    plan = draw(seed)
    failure = failure_of(plan)
    return play(shrink(plan, failure, failure_of) if failure else plan).story()


def _replay(seed: int) -> int:
    from emulator.simulation.plan import draw  # noqa: PLC0415
    from emulator.simulation.play import play  # noqa: PLC0415

    _quiet()
    report = play(draw(seed))
    click.echo(report.story())
    click.echo("it fails" if report.violations else "all is well")
    return 1 if report.violations else 0


def _quiet() -> None:
    """Services log every fault that they meet, which here is what is asked for."""
    logging.disable(logging.CRITICAL)
