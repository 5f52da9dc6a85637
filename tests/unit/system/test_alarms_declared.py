"""Alarms, dashboard and gate as they are declared: complete, consistent, and in the documents."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from system import prices, stack
from system.ledger import transitions, view

ROOT = Path(stack.__file__).parents[1]
DECLARED = stack.declaration()
ALARMS = DECLARED["alarms"]["metrics"]
RATE = prices.rates(region="us-east-1", architecture="X86_64", cpu_units=2048, memory_mib=4096)
LEAST = view.least_ceiling_microusd(RATE)
LEDGER = transitions.new_ledger(
    1_793_000_000,
    limit_microusd=1_000_000,
    runs_in_flight_max=4,
    spend_per_day_max_microusd=1_000_000,
)


@pytest.mark.parametrize(
    ("spent", "percent"),
    [
        (0, 0),
        (799_999, 79),
        (800_000, 80),
        (1_000_000 - LEAST, 100 * (1_000_000 - LEAST) // 1_000_000),
        # one micro-dollar less than a run costs is a budget that is spent
        (1_000_000 - LEAST + 1, 100),
        (1_000_000, 100),
        (1_500_000, 150),
    ],
)
def test_how_much_of_the_budget_is_spent(spent: int, percent: int) -> None:
    assert view.spent_percent(replace(LEDGER, spent_microusd=spent), LEAST) == percent


def test_no_budget_at_all_is_spent() -> None:
    assert view.spent_percent(replace(LEDGER, limit_microusd=0), LEAST) == 100


def test_a_new_month_is_measured_as_one() -> None:
    month = 31 * 86_400
    spent = replace(LEDGER, spent_microusd=900_000)
    assert view.measures(spent, 1_793_000_000, RATE)["BudgetSpentPercent"] == 90
    assert view.measures(spent, 1_793_000_000 + month, RATE)["BudgetSpentPercent"] == 0


def test_every_metric_of_ours_that_is_watched_is_measured() -> None:
    reconcile = (ROOT / "system" / "workflows" / "reconcile.asl.json").read_text()
    measured = set(view.measures(LEDGER, 1_793_000_000, RATE))
    measured |= set(re.findall(r'"MetricName": "(\w+)"', reconcile))
    board = json.loads(stack.text("dashboard.json"))
    shown = {
        metric[1]
        for widget in board["widgets"]
        for metric in widget["properties"]["metrics"]
        if metric[0] == "NST"
    }
    watched = {alarm["metric"] for alarm in ALARMS.values() if alarm["namespace"] == "NST"}
    assert watched <= shown <= measured


def test_few_enough_to_cost_nothing_in_an_account_without_others() -> None:
    """CloudWatch's free tier: ten alarms, ten metrics of one's own, three dashboards of fifty."""
    assert len(ALARMS) <= 10
    assert len(view.measures(LEDGER, 1_793_000_000, RATE)) + 1 <= 10
    board = json.loads(stack.text("dashboard.json"))
    assert sum(len(w["properties"]["metrics"]) for w in board["widgets"]) <= 50


def test_the_operator_finds_every_alarm_and_metric_in_the_documents() -> None:
    operations = (ROOT / "docs" / "operations.md").read_text()
    rows = set(re.findall(r"^\| `([a-z0-9-]+)` \|", operations, re.MULTILINE))
    assert {alarm["name"].removeprefix("${name}-") for alarm in ALARMS.values()} <= rows
    for name in view.measures(LEDGER, 1_793_000_000, RATE):
        assert f"`{name}`" in operations


def test_only_the_alarm_on_daily_requests_moves_the_gate() -> None:
    close, reopen = (DECLARED["gate"]["rules"][key] for key in ("close_api", "open_api"))
    assert close["pattern"]["resources"] == ["${daily_requests_alarm_arn}"]
    assert reopen["pattern"]["resources"] == close["pattern"]["resources"]
    assert '"action": "close"' in close["input_template"]
    assert '"action": "open"' in reopen["input_template"]
