"""The section of docs/performance.md that a run writes."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from statistics import mean, median

from benchmarks.machine import machine
from benchmarks.nst import held_out, measure, records
from benchmarks.nst.folder import Painting
from benchmarks.nst.measure import Marks
from benchmarks.nst.paint import BEST, CROWSONKB, GOOD, LITE, TUTORIAL
from benchmarks.nst.pictures import GRID, PAIRS, SIZE, Pair
from benchmarks.nst.recipes import EVERYWHERE, LARGE, ORDER, RECORDED, SIX
from worker.engine.memory import MEMORY_MIB

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
    "held_out_face": "held-out face",
}
LARGE_MARKS = ("held_out_gram", "held_out_covariance", "likeness")
HEADS = " | ".join(MARKS.values())
#: What issue and docs ask for: luma SSIM at least, mottling at most.
LIKENESS_MIN, MOTTLING_MAX = 0.35, 1.3
#: px: up to this side our own paintings are to stay within the engine's own bound of memory.
BOUNDED_SIDE = 2048


def report(made: list[Painting]) -> str:
    """Give the section: the six pairs beside the others, all pairs, larger pictures."""
    small = [each for each in made if each.job.size == SIZE]
    six = [each for each in small if each.job.pair in PAIRS]
    blocks = [f"{machine()}; {platform.system()}; one thread; {SIZE} px."]
    if any(each.marks.held_out_gram is None for each in small):
        blocks.append(f"-: not known. The held-out judge is had by `{held_out.HOW}`.")
    blocks += [f"**Against others** ({names(pairs_of(six))}):", table(six)]
    blocks += [each for each in (against_crowsonkb(six), notes()) if each]
    blocks += ["Pair by pair:", by_pair([e for e in six if e.job.recipe in BY_PAIR])]
    everywhere = [e for e in small if e.job.recipe not in {BEST, TUTORIAL, CROWSONKB}]
    if len(pairs_of(everywhere)) > len(PAIRS):
        blocks.append(f"**All {len(pairs_of(everywhere))} pairs of {len(GRID)}**:")
        blocks += [table(everywhere), shortfalls(everywhere)]
    large = [each for each in made if each.job.size != SIZE]
    if large:
        blocks += ["**Larger pictures**:", sizes(large), bound(made)]
        compared = [each for each in large if each.job.recipe == CROWSONKB]
        for size in sorted({each.job.size for each in compared}):
            beside = [each for each in large if each.job.size == size]
            blocks += [f"At {size} px:", against_crowsonkb(beside)]
            theirs = pairs_of([each for each in beside if each.job.recipe == CROWSONKB])
            blocks.append(by_pair([each for each in beside if each.job.pair in theirs]))
    return "\n\n".join(blocks)


BY_PAIR = (GOOD, BEST, TUTORIAL, CROWSONKB)


def pairs_of(made: list[Painting]) -> list[Pair]:
    """Give the pairs, each once."""
    return list(dict.fromkeys(each.job.pair for each in made))


def by_recipe(made: list[Painting]) -> dict[str, list[Painting]]:
    """Give the paintings of each recipe, in the order of the tables."""
    found = {name: [each for each in made if each.job.recipe == name] for name in ORDER}
    return {name: mine for name, mine in found.items() if mine}


def names(pairs: list[Pair]) -> str:
    """Name the pairs."""
    return ", ".join(f"{pair.content} in {pair.style}" for pair in pairs)


def table(made: list[Painting]) -> str:
    """One row for each recipe: median cost, mean marks; how many pairs where not all."""
    costs = "CPU-seconds (median, most) | of these the engine's | evaluations | peak memory"
    lines = [
        f"| recipe | {costs} | {HEADS} |",
        "|---" * (5 + len(MARKS)) + "|",
    ]
    for recipe, mine in by_recipe(made).items():
        marks = measure.mean([each.marks for each in mine])
        spent = [each.cost.cpu_s for each in mine]
        some = "" if len(mine) == len(pairs_of(made)) else f", {len(mine)} pairs"
        lines.append(
            f"| {recipe} ({mine[0].cost.dtype}{some}) | {median(spent):.1f}, {max(spent):.1f} "
            f"| {_engine_s(mine)} "
            f"| {mean(each.cost.evaluations for each in mine):.0f} "
            f"| {max(each.cost.peak_mib for each in mine)} MiB | {shown(marks)} |"
        )
    return "\n".join(lines)


def _engine_s(made: list[Painting]) -> str:
    known = [each.cost.engine_cpu_s for each in made if each.cost.engine_cpu_s is not None]
    return f"{median(known):.1f}, {max(known):.1f}" if len(known) == len(made) else "-"


def by_pair(made: list[Painting]) -> str:
    """One row for each painting, those of a pair together."""
    lines = [
        f"| pair | recipe | CPU-seconds | {HEADS} |",
        "|---" * (3 + len(MARKS)) + "|",
    ]
    place = {recipe: number for number, recipe in enumerate(ORDER)}
    for pair in pairs_of(made):
        mine = [each for each in made if each.job.pair == pair]
        lines += [
            f"| {names([pair])} | {each.job.recipe} | {each.cost.cpu_s:.1f} | {shown(each.marks)} |"
            for each in sorted(mine, key=lambda each: place[each.job.recipe])
        ]
    return "\n".join(lines)


def against_crowsonkb(made: list[Painting]) -> str:
    """Set each recipe beside crowsonkb over the pairs that both painted; empty without it."""
    found = by_recipe(made)
    theirs = {each.job.pair: each for each in found.pop(CROWSONKB, [])}
    if not theirs:
        return ""
    lines = [
        f"Relative to crowsonkb ({len(theirs)} pairs; style errors small, SSIM large when good):",
        "",
        "| recipe | held-out Gram | held-out covariance | luma SSIM | CPU-seconds |",
        "|---|---|---|---|---|",
    ]
    for recipe, all_mine in found.items():
        mine = [each for each in all_mine if each.job.pair in theirs]
        if {each.job.pair for each in mine} != set(theirs):
            continue
        ratios = [
            _ratio(mine, list(theirs.values()), name)
            for name in ("held_out_gram", "held_out_covariance", "likeness")
        ]
        spent = sum(each.cost.cpu_s for each in mine)
        cost = sum(each.cost.cpu_s for each in theirs.values()) / spent
        lines.append(f"| {recipe} | {' | '.join(ratios)} | 1/{cost:.0f} |")
    return "\n".join(lines)


def _ratio(mine: list[Painting], theirs: list[Painting], name: str) -> str:
    ours, other = (
        getattr(measure.mean([each.marks for each in made]), name) for made in (mine, theirs)
    )
    return "-" if ours is None or not other else f"{ours / other:.2f}"


def notes() -> str:
    """Say what the recorded recipes would cost in float32, where that was measured."""
    lines = []
    for recipe in RECORDED:
        found = records.read(recipe).get("float32")
        if found is not None:
            lines.append(
                f"* {recipe} in float32: {found['cpu_s']:.0f} CPU-seconds ({found['of']})."
            )
    return "\n".join(lines)


def shortfalls(made: list[Painting]) -> str:
    """Count the pairs that miss what is wanted of likeness and faces, for each recipe."""
    lines = [
        f"| recipe | luma SSIM < {LIKENESS_MIN} | least | mottling > {MOTTLING_MAX} | most |",
        "|---|---|---|---|---|",
    ]
    for recipe, mine in by_recipe(made).items():
        alike = [(each.marks.likeness or 0, each) for each in mine]
        faces = [(each.marks.mottling, each) for each in mine if each.marks.mottling is not None]
        least = min(alike, key=lambda found: found[0])
        short = sum(likeness < LIKENESS_MIN for likeness, _ in alike)
        cells = [f"{short} of {len(mine)}", f"{least[0]:.3f} ({names([least[1].job.pair])})"]
        if faces:
            most = max(faces, key=lambda found: found[0])
            mottled = sum(mottling > MOTTLING_MAX for mottling, _ in faces)
            cells += [f"{mottled} of {len(faces)}", f"{most[0]:.1f} ({names([most[1].job.pair])})"]
        else:
            cells += ["-", "-"]
        lines.append(f"| {recipe} | {' | '.join(cells)} |")
    return "\n".join(lines)


def sizes(made: list[Painting]) -> str:
    """One row for each size of a recipe: cost and memory."""
    lines = [
        "| side | recipe | pairs | CPU-seconds (median, most) | evaluations | peak memory | "
        + " | ".join(MARKS[name] for name in LARGE_MARKS)
        + " |",
        "|---" * (6 + len(LARGE_MARKS)) + "|",
    ]
    for size in sorted({each.job.size for each in made}):
        for recipe, mine in by_recipe([e for e in made if e.job.size == size]).items():
            spent = [each.cost.cpu_s for each in mine]
            marks = measure.mean([each.marks for each in mine])
            lines.append(
                f"| {size} px | {recipe} ({mine[0].cost.dtype}) | {len(mine)} "
                f"| {median(spent):.1f}, {max(spent):.1f} "
                f"| {mean(each.cost.evaluations for each in mine):.0f} "
                f"| {max(each.cost.peak_mib for each in mine)} MiB | {shown(marks, LARGE_MARKS)} |"
            )
    return "\n".join(lines)


def above_bound(made: list[Painting]) -> list[Painting]:
    """Give our own paintings that took more memory than the engine says it takes at most."""
    own = {*EVERYWHERE, *SIX, *LARGE} - {LITE}
    mine = [e for e in made if e.job.recipe in own and e.job.size <= BOUNDED_SIDE]
    return [each for each in mine if each.cost.peak_mib > MEMORY_MIB]


def bound(made: list[Painting]) -> str:
    """Say whether the engine's bound of memory was kept, and by which paintings it was not."""
    found = ", ".join(
        f"{names([each.job.pair])} at {each.job.size} px by {each.job.recipe}"
        for each in above_bound(made)
    )
    return f"The engine's bound is {MEMORY_MIB} MiB: " + (
        f"not kept: {found}." if found else "kept."
    )


def shown(marks: Marks, which: Iterable[str] = tuple(MARKS)) -> str:
    """The cells of the marks; a dash where one is not known."""
    values = [getattr(marks, name) for name in which]
    return " | ".join("-" if value is None else f"{value:.3f}" for value in values)
