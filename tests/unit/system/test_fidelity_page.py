"""docs/fidelity.md says what the test suite holds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts.fidelity import Claim, claim, page

ROOT = Path(__file__).resolve().parents[3]
GOOD = {
    "area": "Lambda",
    "feature": "Timeouts kill",
    "source": "https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html",
}


def made(test: str, **members: str) -> Claim:
    return claim(test, (), {**GOOD, **members})


def test_the_page_is_up_to_date_and_every_marker_is_a_full_claim() -> None:
    command = [sys.executable, "scripts/fidelity.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("positional", "members", "fault"),
    [
        ((), {"area": "Lambda", "feature": "x"}, "has no source"),
        ((), {**GOOD, "source": " "}, "has no source"),
        ((), {**GOOD, "area": ""}, "has no area"),
        ((), {"area": "Lambda", "source": GOOD["source"]}, "has no feature"),
        ((), {**GOOD, "source": "the manual"}, "neither an https address nor botocore"),
        ((), {**GOOD, "verdict": "works mostly"}, "the verdict must be one of"),
        ((), {**GOOD, "verdict": "differs"}, "needs a note"),
        ((), {**GOOD, "remark": "x"}, "unknown remark"),
        ((), {**GOOD, "note": 5}, "note of its fidelity marker must be text"),
        (("Lambda",), GOOD, "keyword arguments only"),
    ],
)
def test_a_marker_that_is_no_full_claim_is_refused_by_the_tests_name(
    positional: tuple[Any, ...], members: dict[str, Any], fault: str
) -> None:
    with pytest.raises(ValueError, match=fault) as raised:
        claim("tests/unit/a.py::test_b", positional, members)
    assert "tests/unit/a.py::test_b" in str(raised.value)


def test_claims_of_one_feature_share_a_row_and_cases_of_a_test_its_name() -> None:
    text = page(
        [
            made("tests/a.py::test_one[x]", note="b"),
            made("tests/a.py::test_one[y]", note="a", source="botocore:lambda"),
            made("tests/a.py::test_two"),
        ]
    )
    [row] = [line for line in text.splitlines() if line.startswith("| Timeouts kill")]
    assert row == (
        "| Timeouts kill | works | `a.py::test_one`<br>`a.py::test_two` | "
        "API model of lambda<br>[configuration-timeout]"
        "(https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html) | a; b |"
    )


def test_a_feature_that_works_in_part_has_a_row_for_each_verdict() -> None:
    text = page([made("t.py::b", verdict="refused"), made("t.py::a[case]")])
    rows = [line.split(" | ")[1:3] for line in text.splitlines() if "Timeouts kill" in line]
    assert rows == [["works", "`t.py::a[case]`"], ["refused", "`t.py::b`"]]
    assert "| Lambda | 1 | 0 | 1 |" in text


def test_the_order_of_the_page_does_not_depend_on_the_order_of_the_tests() -> None:
    claims = [
        made(f"tests/{area}.py::test_{name}", area=area, feature=name)
        for area in ("S3", "Lambda")
        for name in ("b", "a")
    ]
    assert page(claims) == page(claims[::-1])
