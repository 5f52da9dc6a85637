"""Writes docs/fidelity.md from the ``fidelity`` markers of the test suite.

``python scripts/fidelity.py`` writes it; ``--check`` only says whether it is up to date. Either
fails on a marker that is not a full claim, and on a test suite that cannot be collected.

A claim is ``@pytest.mark.fidelity(area=..., feature=..., source=..., verdict=..., note=...)``:
``source`` is one or more addresses of AWS's pages (apart by spaces), or ``botocore:<service>`` for
the service's API model.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "fidelity.md"
VERDICTS = ("works", "differs", "refused")
TESTS_SHOWN_MAX = 3
MEMBERS = {"area", "feature", "source", "verdict", "note"}

INTRO = """\
# Fidelity

What the emulator does as AWS does it, where it differs, and what it refuses. This page is written
by `python scripts/fidelity.py` from the test suite: each row is a claim about AWS that the named
test holds, with the page or API model of AWS that it was taken from. A test fails when the page is
out of date.

* **works**: the test expects what the source says.
* **differs**: the emulator knowingly does something else; the note says what.
* **refused**: not there; the emulator says so by name, at the earliest moment, and never pretends.

What has no row is not claimed.
"""

_SOURCE = re.compile(r"https://[^\s|]+|botocore:[a-z0-9-]+")


@dataclass(frozen=True)
class Claim:
    """One marker on one test."""

    area: str
    feature: str
    source: str
    verdict: str
    note: str
    test: str


def claim(test: str, positional: tuple[Any, ...], members: dict[str, Any]) -> Claim:
    """The claim of a marker; raises ValueError that names the test and what is wrong."""
    if positional:
        raise ValueError(f"{test}: a fidelity marker takes keyword arguments only")
    unknown = set(members) - MEMBERS
    if unknown:
        raise ValueError(f"{test}: unknown {', '.join(sorted(unknown))} in its fidelity marker")
    full = {"verdict": "works", "note": "", **members}
    for name, value in full.items():
        if not isinstance(value, str):
            raise ValueError(f"{test}: {name} of its fidelity marker must be text")  # noqa: TRY004
    for name in ("area", "feature", "source"):
        if not full.get(name, "").strip():
            raise ValueError(f"{test}: its fidelity marker has no {name}")
    for source in full["source"].split():
        if not _SOURCE.fullmatch(source):
            raise ValueError(f"{test}: {source!r} is neither an https address nor botocore:<name>")
    if full["verdict"] not in VERDICTS:
        raise ValueError(f"{test}: the verdict must be one of {', '.join(VERDICTS)}")
    if full["verdict"] == "differs" and not full["note"].strip():
        raise ValueError(f"{test}: a claim that differs needs a note that says how")
    return Claim(test=test, **{name: " ".join(value.split()) for name, value in full.items()})


def page(claims: Iterable[Claim]) -> str:
    """The document: a table for each area, a row for each feature and verdict."""
    areas: dict[str, dict[tuple[str, int], list[Claim]]] = defaultdict(lambda: defaultdict(list))
    for each in claims:
        areas[each.area][each.feature, VERDICTS.index(each.verdict)].append(each)
    parts = [INTRO]
    if areas:
        parts.append(_summary(areas))
    for area in sorted(areas):
        rows = [_row(areas[area][key]) for key in sorted(areas[area])]
        parts.append(
            f"## {area}\n\n| feature | verdict | test | source | note |\n"
            "|---|---|---|---|---|\n" + "\n".join(rows) + "\n"
        )
    return "\n".join(parts)


def _summary(areas: dict[str, dict[tuple[str, int], list[Claim]]]) -> str:
    lines = ["| area | works | differs | refused |", "|---|---|---|---|"]
    for area in sorted(areas):
        counts = [sum(key[1] == place for key in areas[area]) for place in range(len(VERDICTS))]
        lines.append(f"| {area} | " + " | ".join(map(str, counts)) + " |")
    return "\n".join(lines) + "\n"


def _row(claims: list[Claim]) -> str:
    first = claims[0]
    sources = sorted({source for each in claims for source in each.source.split()})
    notes = sorted({each.note for each in claims if each.note})
    cells = (
        first.feature,
        first.verdict,
        _tests(claims),
        "<br>".join(_link(source) for source in sources),
        "; ".join(notes),
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _tests(claims: list[Claim]) -> str:
    """The tests by file and name; cases of one test are one, unless it is the only one."""
    tests = sorted({each.test for each in claims})
    if len(tests) > 1:
        tests = sorted({test.split("[", 1)[0] for test in tests})
    shown = [f"`{test.removeprefix('tests/')}`" for test in tests[:TESTS_SHOWN_MAX]]
    if len(tests) > TESTS_SHOWN_MAX:
        shown.append(f"and {len(tests) - TESTS_SHOWN_MAX} more")
    return "<br>".join(shown)


def _link(source: str) -> str:
    if source.startswith("botocore:"):
        return f"API model of {source.removeprefix('botocore:')}"
    name = source.split("://", 1)[1].rstrip("/").rsplit("/", 1)[-1].removesuffix(".html")
    return f"[{name}]({source})"


class _Collector:
    """Takes the claims while pytest collects."""

    def __init__(self) -> None:
        self.claims: list[Claim] = []
        self.faults: list[str] = []

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Read the markers of every test."""
        for item in items:
            for marker in item.iter_markers("fidelity"):
                try:
                    self.claims.append(claim(item.nodeid, marker.args, dict(marker.kwargs)))
                except ValueError as error:
                    self.faults.append(str(error))


def collect() -> list[Claim]:
    """The claims of the whole test suite; ends the program when there is something wrong."""
    collector = _Collector()
    options = ["--collect-only", "-q", "-p", "no:cacheprovider", "--rootdir", str(ROOT)]
    report = io.StringIO()
    with contextlib.redirect_stdout(report):
        status = pytest.main([*options, str(ROOT / "tests")], [collector])
    if status != pytest.ExitCode.OK:
        raise SystemExit(f"{report.getvalue()}\nThe test suite cannot be collected.")
    if collector.faults:
        raise SystemExit("\n".join(sorted(set(collector.faults))))
    return collector.claims


def main() -> int:
    """Exit status 0: the page is (now) up to date; 1: it was not, with ``--check``."""
    sys.path.insert(0, str(ROOT))
    text = page(collect())
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(text, encoding="utf-8")
        print(f"{PAGE.relative_to(ROOT)} is written.")
        return 0
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text:
        return 0
    print("docs/fidelity.md is out of date: run python scripts/fidelity.py")
    return 1


if __name__ == "__main__":
    sys.exit(main())
