"""Every deliberate bug is found: by a short world made for it, or by the seeds from 0."""

from __future__ import annotations

import pytest

from emulator.core.errors import AwsError
from emulator.simulation.plan import draw
from emulator.simulation.play import play
from tests.mutations.mutations import MUTATIONS, Mutation
from tests.mutations.scenes import ALL, Scene

SEEDS = 25
"""So many are enough for each bug that has no world of its own; docs/simulation.md names them."""


def found_by(mutation: Mutation) -> str | None:
    """What finds the bug, and how it shows."""
    with mutation.patch():
        if mutation.scene is not None:
            complaint = mutation.scene.complaint()
            return None if complaint is None else f"its own world: {complaint}"
        for seed in range(SEEDS):
            try:
                report = play(draw(seed))
            except AwsError as error:
                return f"seed {seed}: {error}"
            if report.violations:
                return f"seed {seed}: {report.violations[0]}"
    return None


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: m.name)
def test_a_deliberate_bug_is_found(mutation: Mutation) -> None:
    assert found_by(mutation), f"nothing noticed that {mutation.name}"


@pytest.mark.parametrize("name", ALL)
def test_without_the_bug_its_world_is_well(name: str) -> None:
    scene: Scene = ALL[name]
    assert scene.complaint() is None


def test_the_seeds_that_find_bugs_are_well_without_them() -> None:
    failing = {seed: play(draw(seed)).violations for seed in range(SEEDS)}
    assert not any(failing.values()), failing
