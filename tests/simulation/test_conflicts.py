"""Conditional writes that S3 answers with 409: who writes so tries again, or fails closed."""

from __future__ import annotations

import pytest

from tests.mutations.scenes import Scene, trouble, visit


@pytest.mark.parametrize("caller", ["*update-budget*", "*start-nst*", "*stop-nst*", "*"])
def test_a_run_bears_conflicts_of_all_its_writers(caller: str) -> None:
    scene = Scene(
        (visit(), trouble("conflict", "s3", "PutObject", caller=caller, times=4)), "SUCCEEDED"
    )
    assert scene.complaint() is None


def test_a_ledger_that_only_conflicts_starts_nothing() -> None:
    scene = Scene((visit(), trouble("conflict", "s3", caller="*update-budget*")), "")
    assert scene.complaint() is None
