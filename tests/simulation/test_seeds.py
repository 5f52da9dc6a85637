"""The share of the seeds that every test run takes; ``nst simulate --seeds N`` takes more."""

from __future__ import annotations

import pytest

from emulator.simulation.plan import draw
from emulator.simulation.play import play

SEEDS = 300
PART = 25


@pytest.mark.parametrize("first", range(0, SEEDS, PART))
def test_money_is_right_in_every_world(first: int) -> None:
    for seed in range(first, first + PART):
        report = play(draw(seed))
        assert not report.violations, report.story()
