"""docs/operations.md says what the system costs, as prices and throttles have it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from scripts import costs
from system import flood, stack

ROOT = Path(__file__).resolve().parents[3]


def test_the_table_is_up_to_date() -> None:
    command = [sys.executable, "scripts/costs.py", "--check"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_idle_month_costs_next_to_nothing() -> None:
    assert 0 < costs.idle() < 1


def test_the_flood_is_that_of_all_calls() -> None:
    throttle = stack.declaration()["api"]["throttle"]
    every = sum(flood.monthly_microusd(costs.REGION, throttle).values())
    assert costs.shown(every) in [cost for _, cost in costs.rows()]


def test_amounts_below_a_dollar_are_rounded_up_to_four_decimals() -> None:
    assert costs.shown(4_601) == "$0.0047"
    assert costs.shown(100) == "$0.0001"
    assert costs.shown(8_780_150_000) == "$8,780.15"
