"""Measures the engine: what a painting costs, and how good it is.

``python -m benchmarks.nst [--pairs N] [--out FOLDER]`` prints the table, writes it to
docs/performance.md and puts every painting and the contact sheets into FOLDER. ``--yardstick``
also makes the tutorial's records that are missing (some six minutes each on two cores).
"""

from __future__ import annotations

import argparse
import platform
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

from benchmarks.machine import machine, write_section
from benchmarks.nst import held_out, measure, pictures, sheets, yardstick
from benchmarks.nst.measure import Cost, Marks
from benchmarks.nst.paint import INSTANT, TUTORIAL
from benchmarks.nst.pictures import PAIRS, Pair
from worker.engine import Picture, encode
from worker.engine.params import QUALITIES

ROOT = Path(__file__).resolve().parent.parent.parent
MARKS = {
    "gram": "Gram",
    "covariance": "covariance",
    "wasserstein": "W2",
    "content": "content",
    "held_out_gram": "held-out Gram",
    "held_out_covariance": "held-out covariance",
    "held_out_content": "held-out content",
    "patch": "patch",
    "likeness": "luma SSIM",
    "mottling": "mottling",
}
RECIPES = (INSTANT, *QUALITIES)
HEADS = " | ".join(MARKS.values())


@dataclass(frozen=True, slots=True)
class Painting:
    """One line of the measurement."""

    pair: Pair
    recipe: str
    cost: Cost
    marks: Marks


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.nst")
    parser.add_argument("--pairs", type=int, default=len(PAIRS), choices=range(1, len(PAIRS) + 1))
    parser.add_argument("--out", type=Path, default=ROOT / ".bench" / "nst")
    parser.add_argument("--yardstick", action="store_true", help="make missing tutorial records")
    options = parser.parse_args()
    folder: Path = options.out.resolve()
    (folder / "sources").mkdir(parents=True, exist_ok=True)
    made: list[Painting] = []
    for pair in PAIRS[: options.pairs]:
        made += measured(pair, folder, yardstick_too=options.yardstick)
    for kind, size in (("contact-sheet.png", 512), ("contact-sheet-small.jpg", 220)):
        sheets.sheet(*laid_out(made, folder), side=size).save(folder / kind, quality=88)
    text = report(made)
    print(text)
    write_section("nst", text)
    print(f"\ncontact sheets: {folder}")


def measured(pair: Pair, folder: Path, *, yardstick_too: bool) -> list[Painting]:
    """Paint a pair instantly and in every quality; the tutorial's marks come from its record."""
    content, style = pictures.content(pair.content), pictures.style(pair.style)
    sources = [source(folder, pair.content, content), source(folder, pair.style, style)]
    face = pictures.FACES.get(pair.content)
    made = []
    for recipe in RECIPES:
        output = painting(folder, pair, recipe)
        cost = measure.run(recipe, sources[0], sources[1], output)
        made.append(Painting(pair, recipe, cost, measure.judge(output, content, style, face)))
        print(made[-1], flush=True)
    output = painting(folder, pair, TUTORIAL)
    yardstick.again(pair, content, style, output)
    known = yardstick.known(pair, content, style)
    if known is None and yardstick_too:
        yardstick.make(pair, content, style, (sources[0], sources[1], output))
        known = yardstick.known(pair, content, style)
    if known is not None:
        made.append(Painting(pair, TUTORIAL, *known))
        print(made[-1], flush=True)
    return made


def source(folder: Path, name: str, picture: Picture) -> Path:
    """Write a picture to paint from, and give its path."""
    path = folder / "sources" / f"{name}.png"
    path.write_bytes(encode(picture))
    return path


def painting(folder: Path, pair: Pair, recipe: str) -> Path:
    """Where a painting goes."""
    return folder / f"{pair.name}-{recipe}.png"


def laid_out(made: list[Painting], folder: Path) -> tuple[list[list[Path | None]], list[str]]:
    """Give the rows of a contact sheet and its titles; the tutorial where it is in the folder."""
    pairs = list(dict.fromkeys(each.pair for each in made))
    recipes = [*RECIPES, TUTORIAL]
    rows: list[list[Path | None]] = []
    for pair in pairs:
        row: list[Path | None] = [
            folder / "sources" / f"{name}.png" for name in (pair.content, pair.style)
        ]
        paths = [painting(folder, pair, recipe) for recipe in recipes]
        rows.append(row + [path if path.exists() else None for path in paths])
    titles = ["content", "style", *recipes]
    used = [place for place in range(len(titles)) if any(row[place] for row in rows)]
    return [[row[place] for place in used] for row in rows], [titles[place] for place in used]


def report(made: list[Painting]) -> str:
    """Give the section of docs/performance.md."""
    pairs = list(dict.fromkeys(each.pair for each in made))
    yard = [each.pair for each in made if each.recipe == TUTORIAL]
    blocks = [f"{machine()}; {platform.system()}; {measure.THREADS} threads; {pictures.SIZE} px."]
    if any(each.marks.held_out_gram is None for each in made):
        blocks.append(f"-: not known. The held-out judge is had by `{held_out.HOW}`.")
    if yard:
        blocks.append(f"**Against the tutorial's recipe** ({names(yard)}):")
        blocks.append(table([each for each in made if each.pair in yard]))
        blocks.append("Pair by pair:")
        blocks.append(by_pair([each for each in made if each.pair in yard]))
    blocks.append(f"**All pairs** ({names(pairs)}):")
    blocks.append(table([each for each in made if each.recipe != TUTORIAL]))
    return "\n\n".join(blocks)


def names(pairs: list[Pair]) -> str:
    """Name the pairs."""
    return ", ".join(f"{pair.content} in {pair.style}" for pair in pairs)


def table(made: list[Painting]) -> str:
    """One row for each recipe: median cost, mean marks."""
    lines = [
        f"| recipe | CPU-seconds (median, most) | evaluations | peak memory | {HEADS} |",
        "|---" * (4 + len(MARKS)) + "|",
    ]
    for recipe in dict.fromkeys(each.recipe for each in made):
        mine = [each for each in made if each.recipe == recipe]
        marks = measure.mean([each.marks for each in mine])
        spent = [each.cost.cpu_s for each in mine]
        lines.append(
            f"| {recipe} ({mine[0].cost.dtype}) | {median(spent):.1f}, {max(spent):.1f} "
            f"| {mean(each.cost.evaluations for each in mine):.0f} "
            f"| {max(each.cost.peak_mib for each in mine)} MiB | {shown(marks)} |"
        )
    return "\n".join(lines)


def by_pair(made: list[Painting]) -> str:
    """One row for each painting."""
    lines = [
        f"| pair | recipe | CPU-seconds | {HEADS} |",
        "|---" * (3 + len(MARKS)) + "|",
    ]
    lines += [
        f"| {names([each.pair])} | {each.recipe} | {each.cost.cpu_s:.1f} | {shown(each.marks)} |"
        for each in made
    ]
    return "\n".join(lines)


def shown(marks: Marks) -> str:
    """The cells of the marks; a dash where one is not known."""
    values = [getattr(marks, name) for name in MARKS]
    return " | ".join("-" if value is None else f"{value:.3f}" for value in values)


if __name__ == "__main__":
    main()
