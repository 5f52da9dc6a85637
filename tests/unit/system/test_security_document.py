"""docs/security.md: every row names a test that is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from system import stack

ROOT = Path(stack.__file__).parents[1]
TEXT = (ROOT / "docs" / "security.md").read_text()
THREATS = TEXT.partition("## Threats")[2].partition("\n## ")[0]
TOPICS = (
    "guessed run ids", "replayed uploads", "oversize uploads", "a wrong type", "path tricks",
    "decompression bombs", "a URL as input", "line breaks", "a flood of `POST /api/runs`",
    "a flood around the CDN", "what a flood may cost", "stored XSS",
)  # fmt: skip


def rows() -> list[list[str]]:
    lines = [line for line in THREATS.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [row for row in cells if row[0] != "threat"]


def test_every_threat_names_a_test_that_is_there() -> None:
    assert len(rows()) > 35
    for threat, stops, test in rows():
        assert threat
        assert stops
        named = re.fullmatch(r"`(tests/\S+\.py)::(test_\w+)`", test)
        assert named, f"{threat!r} names no test but {test!r}"
        path = ROOT / named[1]
        assert path.is_file(), f"{threat!r}: there is no {named[1]}"
        tree = ast.parse(path.read_text())
        functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert named[2] in functions, f"{threat!r}: there is no {named[2]} in {named[1]}"


def test_no_named_test_is_skipped() -> None:
    for _, _, test in rows():
        path, _, name = test.strip("`").partition("::")
        tree = ast.parse((ROOT / path).read_text())
        [found] = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == name]
        marks = " ".join(ast.unparse(one) for one in found.decorator_list)
        assert "skip" not in marks, name
        assert "xfail" not in marks, name
        assert any(isinstance(node, ast.Assert) for node in ast.walk(found)) or "raises" in (
            ast.unparse(found)
        ), f"{name} asserts nothing"


def test_every_threat_that_was_thought_of_has_its_row() -> None:
    named = [row[0] for row in rows()]
    for topic in TOPICS:
        assert any(topic in threat for threat in named), topic
