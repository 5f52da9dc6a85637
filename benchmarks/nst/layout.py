"""Which contact sheets there are, and what stands on them."""

from __future__ import annotations

from pathlib import Path

from benchmarks.nst import sheets
from benchmarks.nst.folder import Folder, Painting
from benchmarks.nst.paint import GOOD, INSTANT
from benchmarks.nst.pictures import CONTENTS, GRID_STYLES, PAIRS, SIZE, Pair
from benchmarks.nst.recipes import ORDER, Job

Rows = list[list[Path | None]]


def write(made: list[Painting], folder: Folder) -> list[Path]:
    """Write the sheets: the six pairs beside the others, and all pairs by `good` and `instant`."""
    recipes = [name for name in ORDER if any(each.job.recipe == name for each in made)]
    sheets_wanted = {
        "contact-sheet.jpg": (*six(folder, recipes), SIZE),
        "contact-sheet-small.jpg": (*six(folder, recipes), 220),
        "all-good.jpg": (*grid(folder, GOOD), 300),
        "all-instant.jpg": (*grid(folder, INSTANT), 300),
    }
    written = []
    for name, (rows, titles, side) in sheets_wanted.items():
        if any(path for row in rows for path in row):
            sheets.sheet(rows, titles, side=side).save(folder.path / name, quality=88)
            written.append(folder.path / name)
    return written


def six(folder: Folder, recipes: list[str]) -> tuple[Rows, list[str]]:
    """Give a row for each of PAIRS that has a painting: content, style, one of each recipe."""
    rows: Rows = []
    for pair in PAIRS:
        paintings = [_there(folder.painting(Job(pair, recipe))) for recipe in recipes]
        if any(paintings):
            sources = [_there(folder.source_path(name)) for name in (pair.content, pair.style)]
            rows.append(sources + paintings)
    return rows, ["content", "style", *recipes]


def grid(folder: Folder, recipe: str) -> tuple[Rows, list[str]]:
    """Give the styles above, the photographs on the left, and every pair by one recipe."""
    rows: Rows = []
    for content in CONTENTS:
        paintings = [
            _there(folder.painting(Job(Pair(content, style), recipe))) for style in GRID_STYLES
        ]
        if any(paintings):
            rows.append([_there(folder.source_path(content)), *paintings])
    styles: list[Path | None] = [_there(folder.source_path(style)) for style in GRID_STYLES]
    return ([[None, *styles], *rows] if rows else []), [recipe, *GRID_STYLES]


def _there(path: Path) -> Path | None:
    return path if path.exists() else None
