"""docs/operations.md says what system and paintings cost, as prices and throttles have it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from emulator.core.timings import AWS
from scripts import costs, painting_costs
from system import flood, prices, stack
from worker.engine import predict_cpu_seconds

ROOT = Path(__file__).resolve().parents[3]


def test_the_tables_are_up_to_date() -> None:
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


def test_a_painting_costs_its_task_from_pull_to_end_and_a_minute_at_least() -> None:
    around = painting_costs.PULL_S + painting_costs.START_S + painting_costs.STOP_S
    seconds = painting_costs.task_s("good", 1024, "fp32", 1)
    assert seconds == pytest.approx(around + predict_cpu_seconds(1024, "good"))
    second = (0.04048 + 4 * 0.004445 + 0.005) / 3600  # 1 vCPU, 4 GB and an address, an hour
    assert painting_costs.cost_microusd(seconds, 1) == pytest.approx(
        1e6 * second * prices.billed_s(seconds), rel=0.001
    )
    assert painting_costs.cost_microusd(1, 1) == pytest.approx(1e6 * second * 60, rel=0.001)


def test_the_pull_takes_as_long_as_the_table_of_timings_says() -> None:
    assert AWS.of("task_pull") == painting_costs.PULL_S


def test_the_table_has_the_declared_task() -> None:
    task = stack.declaration()["task"]
    assert painting_costs.MEMORY_MIB[task["cpu_units"] // 1024] == task["memory_mib"]
    assert task["architecture"] == painting_costs.ARCHITECTURE


def test_what_the_page_says_of_the_table_is_so() -> None:
    def cost(work: str, size: int, numbers: str, vcpu: int) -> int:
        return painting_costs.cost_microusd(painting_costs.task_s(work, size, numbers, vcpu), vcpu)

    for work in painting_costs.works():
        assert cost(*work, 1) < cost(*work, 2) < cost(*work, 4)
    assert stack.declaration()["task"]["cpu_units"] == 1024
    for numbers in ("bf16", "fp32"):
        assert cost("good", 512, numbers, 1) < 0.7 * cost("good", 512, numbers, 2)
