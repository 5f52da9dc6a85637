"""Measures the page against its budget, in Chromium on an emulator of its own.

``python -m benchmarks.web [--visits N] [--previews N]`` prints and writes the table. The page
is built first; Chromium must be there.
"""

from __future__ import annotations

import argparse
import gzip
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser

from benchmarks.machine import machine, write_section
from benchmarks.web import page
from system import website
from tests.browser.browser import launched
from tests.system.running import Running, started

ROOT = Path(__file__).resolve().parent.parent.parent
KB = 1_000
FIRST_VIEW_MAX, TOTAL_MAX = 120 * KB, 180 * KB
FIRST_PAINT_MAX_MS = 1_000
SLOWER = 4
"""The processor's slow-down, as for a phone of the middle class."""


def main() -> None:
    """Measure and write the section ``web``."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--visits", type=int, default=15)
    parser.add_argument("--previews", type=int, default=60)
    asked = parser.parse_args()
    # of these sources, not of those that were built last
    subprocess.run([sys.executable, str(ROOT / "scripts" / "page.py")], check=True)
    with (
        launched() as browser,
        tempfile.TemporaryDirectory() as folder,
        started(Path(folder), "--budget", "100") as stack,
    ):
        rows = [*sizes(), *paints(browser, stack, asked.visits), *runs(browser, stack, asked)]
    table = ["| | budget | measured |", "|---|---|---|", *(f"| {' | '.join(r)} |" for r in rows)]
    text = "\n".join([machine(), "", *table])
    print(text)
    write_section("web", text)


def sizes() -> list[tuple[str, str, str]]:
    """JavaScript as it travels."""
    index = (website.SITE / "index.html").read_text(encoding="utf-8")
    weighed = {
        path.name: len(gzip.compress(path.read_bytes(), 9, mtime=0))
        for path in (website.SITE / "assets").glob("*.js")
    }
    first = sum(size for name, size in weighed.items() if name in index)
    return [
        ("JavaScript of the first view, gzip", kilobytes(FIRST_VIEW_MAX), kilobytes(first)),
        ("JavaScript in total, gzip", kilobytes(TOTAL_MAX), kilobytes(sum(weighed.values()))),
    ]


def kilobytes(size: int) -> str:
    """A size for people."""
    return f"{size / KB:.1f} KB"


def paints(browser: Browser, stack: Running, visits: int) -> list[tuple[str, str, str]]:
    """The first paint with content, each time for a visitor who was never here."""
    seen = [page.first_paint_ms(browser, stack.web_url, SLOWER) for _ in range(visits + 1)][1:]
    return [
        (
            f"first contentful paint, processor {SLOWER}x slower, {visits} visits",
            f"{FIRST_PAINT_MAX_MS} ms",
            f"median {statistics.median(seen):.0f} ms, worst {max(seen):.0f} ms",
        )
    ]


def runs(browser: Browser, stack: Running, asked: argparse.Namespace) -> list[tuple[str, str, str]]:
    """A real painting from the first click to the last; and a long log of previews."""
    shift = page.layout_shift(browser, stack)
    grown = page.previews(browser, stack, asked.previews)
    count = asked.previews
    return [
        ("layout shift, from the empty studio to the painting", "0", f"{shift:.4f}"),
        (f"JavaScript heap after {grown.early} previews, and after {count}", "the same",
         f"{grown.heap_early / 2**20:.1f} MiB, {grown.heap_late / 2**20:.1f} MiB"),
        (f"elements of the page after {grown.early} previews, and after {count}", "the same",
         f"{grown.nodes_early}, {grown.nodes_late}"),
        (f"pictures held after {count} previews", "a few", str(grown.urls_held)),
    ]  # fmt: skip


if __name__ == "__main__":
    main()
