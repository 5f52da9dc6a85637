"""The tables of the style transfer's benchmark, from figures that are known."""

from __future__ import annotations

import pytest

from benchmarks.nst import records, tables
from benchmarks.nst.folder import Painting
from benchmarks.nst.measure import Cost, Marks
from benchmarks.nst.paint import CROWSONKB, GOOD, INSTANT, TUTORIAL
from benchmarks.nst.pictures import GRID, PAIRS, Pair
from benchmarks.nst.recipes import Job
from worker.engine.memory import MEMORY_MIB

FAST = Cost(10.0, 800, 80, "bfloat16", 8.0)
SLOW = Cost(30.0, 900, 80, "bfloat16", 28.0)
FAIR = Marks(0.2, 0.1, 3.0, 0.4, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1.1)
FINE = Marks(0.1, 0.05, 2.0, 0.5, 0.1, 0.3, 0.4, 0.5, 0.6, None)


@pytest.fixture(autouse=True)
def no_records(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(records, "FOLDER", tmp_path)


def good(pair: Pair, cost: Cost = FAST, marks: Marks = FAIR) -> Painting:
    return Painting(Job(pair, GOOD), cost, marks)


def test_a_row_has_median_and_most_of_the_cost_and_the_mean_of_the_marks() -> None:
    report = tables.table([good(PAIRS[0]), good(PAIRS[1], SLOW, FINE)])
    assert (
        "| good (bfloat16) | 20.0, 30.0 | 18.0, 28.0 | 80 | 900 MiB | 0.200 | 0.150 | 0.075 "
        "| 0.400 | 0.500 | 0.600 | 0.700 | 2.500 | 0.450 | 0.900 | 1.100 |"
    ) in report


def test_a_recipe_that_painted_some_pairs_says_how_many() -> None:
    made = [good(PAIRS[0]), good(PAIRS[1])]
    made.append(Painting(Job(PAIRS[0], TUTORIAL), Cost(700.0, 900, 300, "float32"), FINE))
    assert "| tutorial (float32, 1 pairs) | 700.0, 700.0 | - | 300 |" in tables.table(made)


def test_a_recipe_is_set_beside_crowsonkb_only_over_pairs_that_both_painted() -> None:
    made = [good(PAIRS[0]), good(PAIRS[1], FAST, FINE)]
    made.append(Painting(Job(PAIRS[0], CROWSONKB), Cost(1000.0, 900, 3000, "bfloat16"), FINE))
    made.append(Painting(Job(PAIRS[1], INSTANT), FAST, FINE))
    found = tables.against_crowsonkb(made)
    assert "| good | 1.50 | 1.40 | 0.80 | 1/100 |" in found
    assert "instant" not in found
    assert tables.against_crowsonkb(made[:2]) == ""


def test_what_others_would_cost_in_float32_is_said_where_it_was_measured() -> None:
    assert tables.notes() == ""
    records.write(TUTORIAL, {"paintings": {}, "float32": {"cpu_s": 612, "of": "one picture"}})
    assert tables.notes() == "* tutorial in float32: 612 CPU-seconds (one picture)."


def test_shortfalls_are_counted_and_the_worst_is_named() -> None:
    low = Marks(likeness=0.2)
    mottled = Marks(likeness=0.5, mottling=7.0)
    found = tables.shortfalls(
        [good(GRID[0]), good(GRID[1], FAST, low), good(GRID[2], FAST, mottled)]
    )
    assert (
        f"| good | 1 of 3 | 0.200 ({GRID[1].content} in {GRID[1].style}) "
        f"| 1 of 2 | 7.0 ({GRID[2].content} in {GRID[2].style}) |"
    ) in found


def test_larger_pictures_have_a_row_for_each_size_and_no_style_errors() -> None:
    marks = Marks(likeness=0.4)
    made = [Painting(Job(PAIRS[0], GOOD, size), SLOW, marks) for size in (2048, 1024)]
    found = tables.report([good(PAIRS[0]), *made]).split("**Larger pictures**")[1]
    rows = [line for line in found.splitlines() if " px | " in line]
    assert [row.split(" | ")[0] for row in rows] == ["| 1024 px", "| 2048 px"]
    assert (
        rows[0] == "| 1024 px | good (bfloat16) | 1 | 30.0, 30.0 | 80 | 900 MiB | - | - | 0.400 |"
    )


def test_larger_pictures_stand_beside_crowsonkb_s_where_there_are_some() -> None:
    mine, theirs = (
        Marks(likeness=0.4, held_out_gram=gram, held_out_covariance=0.2) for gram in (0.1, 0.2)
    )
    made = [Painting(Job(pair, GOOD, 1024), FAST, mine) for pair in PAIRS[:3]]
    made.append(Painting(Job(PAIRS[1], CROWSONKB, 1024), SLOW, theirs))
    found = tables.report([good(PAIRS[0]), *made]).split("At 1024 px:")[1]
    assert "| good | 0.50 | 1.00 | 1.00 | " in found
    rows = [line for line in found.splitlines() if line.startswith(f"| {PAIRS[1].content} in")]
    assert [row.split(" | ")[1] for row in rows] == [GOOD, CROWSONKB]
    assert f"| {PAIRS[0].content} in" not in found


def test_paintings_that_took_more_memory_than_the_engine_says_are_named() -> None:
    within, above = (Cost(30.0, MEMORY_MIB + more, 80, "bfloat16") for more in (0, 1))
    made = [
        Painting(Job(PAIRS[0], GOOD, 2048), within, FAIR),
        Painting(Job(PAIRS[0], CROWSONKB, 1024), above, FAIR),
        good(PAIRS[1]),
    ]
    assert f"The engine's bound is {MEMORY_MIB} MiB: kept." in tables.report(made)
    made.append(Painting(Job(PAIRS[1], GOOD, 2048), above, FAIR))
    assert f"not kept: {PAIRS[1].content} in {PAIRS[1].style} at 2048 px by good." in (
        tables.report(made)
    )


def test_the_report_has_all_pairs_only_where_there_are_more_than_six() -> None:
    assert "**All" not in tables.report([good(pair) for pair in PAIRS])
    rest = [pair for pair in GRID if pair not in PAIRS]
    report = tables.report([good(pair) for pair in (*PAIRS, *rest)])
    assert "**All 36 pairs of 36**" in report
