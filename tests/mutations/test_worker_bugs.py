"""Every deliberate bug of the worker makes the test fail that is named beside it, in seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

from system.events import EventLogError
from tests.mutations.worker_bugs import WORKER_BUGS, WorkerBug

Failures = (AssertionError, pytest.fail.Exception, EventLogError)
"""How a check fails. Any other error would be the patch's own, and prove nothing."""


def failure(bug: WorkerBug) -> str | None:
    """How the bug's check fails; None when it passes all the same."""
    with bug.patch():
        try:
            bug.run_check()
        except Failures as error:
            return str(error) or type(error).__name__
    return None


@pytest.mark.parametrize("bug", WORKER_BUGS, ids=lambda bug: bug.name)
def test_a_deliberate_bug_of_the_worker_fails_its_check(bug: WorkerBug) -> None:
    bug.check(*bug.given)
    assert failure(bug), f"{bug.found_by} did not notice that {bug.name}"


def test_every_check_is_an_ordinary_test_and_stands_in_the_documents_table() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "simulation.md"
    table = page.read_text(encoding="utf-8").partition("<!-- worker mutations: begin -->")[2]
    rows = [line.split(" | ")[:2] for line in table.splitlines() if line.startswith("| ")][1:]
    assert rows == [[f"| {bug.name}", f"`{bug.found_by}`"] for bug in WORKER_BUGS]
    for bug in WORKER_BUGS:
        assert bug.check.__module__.startswith("tests.unit.worker.test_")
        assert bug.check.__name__.startswith("test_")
