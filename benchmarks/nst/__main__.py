"""Measures the engine: what a painting costs, and how good it is, beside others.

``python -m benchmarks.nst`` paints six photographs in six styles at 512 px, prints the tables,
writes them to docs/performance.md and puts every painting and the contact sheets into a folder.

* It goes on where it was interrupted: what is in the folder and still holds is not made again.
* ``--plan`` says what is still to be painted and what that costs, and paints nothing.
* ``--size 512 --size 1024 --size 2048`` also measures larger pictures, six of each.
* ``--pairs N`` and ``--recipes good,instant`` are for tries: they print, and leave the docs alone.
* ``--make crowsonkb`` (or tutorial, previous) paints and keeps the records that are missing, some
  of them half an hour each; docs/nst.md, "Against others", says what they need.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.machine import write_section
from benchmarks.nst import layout, peers, tables, work
from benchmarks.nst.folder import Folder
from benchmarks.nst.pictures import GRID, PAIRS, SIZE
from benchmarks.nst.recipes import RECORDED, jobs, own

ROOT = Path(__file__).resolve().parent.parent.parent


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, write."""
    options = _options(arguments)
    folder = Folder(options.out.resolve())
    sizes: tuple[int, ...] = tuple(dict.fromkeys(options.size or [SIZE]))
    if options.make is not None:
        for size in sizes:
            peers.make(options.make, folder, size, options.pairs, options.only or ())
        return
    recipes = own() if options.recipes is None else tuple(options.recipes.split(","))
    wanted = jobs(sizes, recipes, options.pairs)
    left = work.remaining(wanted, folder)
    spend = work.estimate(left, folder)
    print(
        f"{len(wanted)} paintings, {len(left)} to be made: some {spend:.0f} CPU-seconds", flush=True
    )
    if options.plan:
        return
    for number, job in enumerate(left, 1):
        made = work.paint(job, folder)
        print(f"{number}/{len(left)} {job.name}: {made.cost.cpu_s} CPU-seconds", flush=True)
    report(folder, write=options.pairs is None and options.recipes is None)


def report(folder: Folder, *, write: bool) -> None:
    """Print the tables and write the sheets; the docs only where all of 512 px is known.

    Raises SystemExit at the end where a painting took more memory than the engine says.
    """
    made = work.known(folder)
    for sheet in layout.write(made, folder):
        print(sheet)
    text = tables.report(made)
    print(text)
    missing = set(jobs((SIZE,), own())) - {each.job for each in made}
    if write and not missing:
        write_section("nst", text)
    else:
        print(f"\nNot written to docs/performance.md: {len(missing)} paintings missing, or a try.")
    if tables.above_bound(made):
        raise SystemExit(tables.bound(made))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.nst")
    parser.add_argument("--out", type=Path, default=ROOT / ".bench" / "nst")
    parser.add_argument("--plan", action="store_true", help="say what is to be done, and stop")
    parser.add_argument("--size", type=int, action="append", choices=work.SIZES)
    parser.add_argument("--pairs", type=int, choices=range(1, len(PAIRS) + 1))
    parser.add_argument("--recipes", help="names with commas")
    parser.add_argument("--make", choices=RECORDED, help="make the records that are missing")
    names = [pair.name for pair in GRID]
    parser.add_argument("--only", action="append", choices=names, help="with --make: this pair")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
