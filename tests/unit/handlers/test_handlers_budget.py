"""Read Budget and Update Budget: the ledger through its only doors."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.cloudwatch.embedded import embedded
from handlers import errors
from handlers.read_budget import function as read_budget
from handlers.update_budget import function as update_budget
from system import prices
from tests.unit.handlers.fakes import NOW, RUN, VARIABLES, Context, World, proxy_event

DIGEST = "d" * 64
RATE = prices.rates(region="us-east-1", architecture="X86_64", cpu_units=2048, memory_mib=4096)
CEILING = prices.run_ceiling_microusd(RATE, 30)


@pytest.fixture
def world() -> World:
    made = World()
    answer = update(made, "initialise", **LIMITS)
    assert answer == {"outcome": "initialised"}
    return made


LIMITS = {
    "limit_microusd": 1_000_000,
    "runs_in_flight_max": 4,
    "spend_per_day_max_microusd": 500_000,
}


def update(world: World, action: str, request: str = "request-1", **payload: Any) -> Any:
    event = {"action": action, "correlation_id": "c", **payload}
    return update_budget(event, Context(request), world.parts)


def read(world: World, action: str, **payload: Any) -> Any:
    return read_budget({"action": action, **payload}, Context(), world.parts)


def reserve(world: World, run: str = RUN, ceiling: int = CEILING, digest: str = DIGEST) -> Any:
    return update(world, "reserve", run_id=run, digest=digest, ceiling_microusd=ceiling)


def budget(world: World) -> Any:
    response = read_budget(proxy_event("GET", "/api/budget"), Context(), world.parts)
    assert response["statusCode"] == 200
    assert response["headers"]["Cache-Control"] == "no-store"
    view = json.loads(response["body"])
    total = view["available_microusd"] + view["reserved_microusd"] + view["spent_microusd"]
    assert total == view["limit_microusd"]
    return view


def test_a_ledger_is_initialised_once(world: World) -> None:
    answer = update(world, "initialise", **{**LIMITS, "limit_microusd": 5})
    assert answer == {"outcome": "already_initialised"}
    assert budget(world)["limit_microusd"] == 1_000_000


def test_the_budget_view(world: World) -> None:
    view = budget(world)
    assert view["display"] == {
        "limit": "$1.00",
        "spent": "$0.00",
        "reserved": "$0.00",
        "available": "$1.00",
        "run_ceiling": "$0.01",
    }
    assert view["run_ceiling_microusd"] == CEILING
    assert view["runs_left"] == 1_000_000 // CEILING
    assert view["ceilings_microusd"]["good"]["512"] == prices.run_ceiling_microusd(RATE, 90)
    assert view["ceilings_microusd"]["instant"]["512"] == prices.run_ceiling_microusd(RATE, 30)
    assert (view["accepting"], view["reason"]) == (True, None)
    assert (view["period"], view["renews_at"]) == ("2026-10", "2026-11-01T00:00:00Z")


def test_a_run_is_reserved_settled_and_over(world: World) -> None:
    answer = reserve(world)
    lease_until = int(NOW) + prices.lease_s()
    assert answer == {"outcome": "reserved", "fresh": True, "lease_until": lease_until}
    assert reserve(world)["outcome"] == "already_reserved"
    assert reserve(world)["fresh"] is False
    with pytest.raises(errors.RunConflict):
        reserve(world, digest="e" * 64)
    assert budget(world)["reserved_microusd"] == CEILING
    task = {
        "state": "stopped",
        "pull_started_at": NOW,
        "started_at": NOW + 20,
        "stopped_at": NOW + 100.5,
        "cpu_units": 2048,
        "memory_mib": 4096,
    }
    settled = update(world, "settle", run_id=RUN, task=task)
    cost = prices.run_cost_microusd(RATE, 100.5, 80.5)
    assert settled == {"outcome": "settled", "charged_microusd": cost, "overrun_microusd": 0}
    assert update(world, "settle", run_id=RUN, task=task) == {**settled, "outcome": "already_over"}
    assert reserve(world) == {"outcome": "over", "fresh": False, "lease_until": None}
    assert budget(world)["spent_microusd"] == cost


@pytest.mark.parametrize(
    ("task", "charged"),
    [
        ({"state": "never_started"}, prices.overhead_microusd(RATE)),
        ({"state": "unknown"}, CEILING),
        ({"state": "stopped", "stopped_at": NOW}, prices.overhead_microusd(RATE)),
        ({"state": "stopped", "started_at": NOW, "stopped_at": NOW + 1}, CEILING),
        ({"state": "stopped", "pull_started_at": NOW}, CEILING),
        ({"state": "stopped", "pull_started_at": NOW, "stopped_at": NOW - 1}, CEILING),
        (
            {"state": "stopped", "pull_started_at": NOW, "stopped_at": NOW + 5},
            prices.run_cost_microusd(RATE, 60, 0),
        ),
    ],
)
def test_what_cannot_be_known_costs_the_ceiling(
    world: World, task: dict[str, Any], charged: int
) -> None:
    reserve(world)
    assert update(world, "settle", run_id=RUN, task=task)["charged_microusd"] == charged


def measured(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The budget's metrics in the lines that were printed, read as CloudWatch reads them."""
    found = []
    for line in capsys.readouterr().out.splitlines():
        metrics = embedded(line)
        assert all((m.namespace, m.dimensions, m.at) == ("NST", (), NOW) for m in metrics)
        if metrics:
            found.append({m.name: m.values[0] for m in metrics})
    return found


def test_each_change_of_the_ledger_is_measured(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    reserve(world)
    assert measured(capsys)[-1] == {
        "SpentMicrousd": 0,
        "AvailableMicrousd": LIMITS["limit_microusd"] - CEILING,
        "OverrunMicrousd": 0,
        "BudgetSpentPercent": 0,
        "RunsInFlight": 1,
    }
    update(world, "release", run_id=RUN)
    [after] = measured(capsys)
    assert (after["AvailableMicrousd"], after["RunsInFlight"]) == (
        LIMITS["limit_microusd"],
        0,
    )


def test_the_budget_has_a_pulse_by_reconciles_schedule_and_not_by_visitors(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    read(world, "open_runs")
    assert len(measured(capsys)) == 1
    read(world, "open_runs", run_id=RUN)
    read(world, "check")
    assert measured(capsys) == []


def test_an_overrun_is_booked_measured_and_blocks(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    reserve(world)
    task = {"state": "stopped", "pull_started_at": NOW, "stopped_at": NOW + 3_000}
    settled = update(world, "settle", run_id=RUN, task=task)
    assert settled["overrun_microusd"] == settled["charged_microusd"] - CEILING > 0
    metric = measured(capsys)[-1]
    assert metric["OverrunMicrousd"] == settled["overrun_microusd"]
    assert metric["SpentMicrousd"] == settled["charged_microusd"]
    with pytest.raises(errors.BudgetExhausted, match="operator"):
        read(world, "check")
    assert update(world, "acknowledge_overrun")["overrun_microusd"] == 0
    assert measured(capsys)[-1]["OverrunMicrousd"] == 0
    assert read(world, "check")["accepting"] is True


def test_releases(world: World) -> None:
    assert update(world, "release", run_id=RUN) == {"outcome": "unknown_run"}
    reserve(world)
    assert update(world, "release", run_id=RUN) == {"outcome": "released"}
    assert update(world, "release", run_id=RUN) == {"outcome": "already_over"}
    assert budget(world)["spent_microusd"] == 0


def test_check_says_what_the_next_run_would_be_refused_with(world: World) -> None:
    assert read(world, "check")["accepting"] is True
    update(world, "set_limit", limit_microusd=CEILING - 1)
    with pytest.raises(errors.BudgetExhausted):
        read(world, "check")
    view = budget(world)
    assert (view["accepting"], view["reason"], view["runs_left"]) == (False, "budget-exhausted", 0)
    update(world, "set_limit", limit_microusd=10**6, spend_per_day_max_microusd=CEILING - 1)
    with pytest.raises(errors.DailyLimitReached):
        read(world, "check")
    update(world, "set_limit", spend_per_day_max_microusd=10**6, runs_in_flight_max=0)
    with pytest.raises(errors.TooManyRuns):
        read(world, "check")


def test_a_limit_below_what_is_spent_and_reserved_is_accepted(world: World) -> None:
    reserve(world)
    answer = update(world, "set_limit", limit_microusd=1)
    assert answer["available_microusd"] == 1 - CEILING
    assert budget(world)["display"]["available"].startswith("-$")


def test_a_top_up_counts_once_for_one_request(world: World) -> None:
    for _ in range(2):
        answer = update(world, "top_up", request="lambda-retry", amount_microusd=7)
        assert answer["limit_microusd"] == 1_000_007
    for request in ("x", "y"):
        answer = update(world, "top_up", request=request, amount_microusd=7, id="operator-1")
        assert answer["limit_microusd"] == 1_000_014


def test_a_new_month_is_seen_before_anybody_has_written_it(world: World) -> None:
    reserve(world)
    update(world, "settle", run_id=RUN, task={"state": "unknown"})
    world.now += 40 * 86_400
    assert budget(world)["spent_microusd"] == 0
    assert update(world, "roll_over")["period"] == "2026-12"


def test_open_runs(world: World) -> None:
    other = "f" * 32
    reserve(world)
    reserve(world, other)
    found = read(world, "open_runs")
    assert [r["run_id"] for r in found["runs"]] == [RUN, other]
    assert found["runs"][0] == {
        "run_id": RUN,
        "digest": DIGEST,
        "ceiling_microusd": CEILING,
        "reserved_at": int(NOW),
        "lease_until": int(NOW) + prices.lease_s(),
        "expired": False,
    }
    world.now += prices.lease_s()
    assert [r["expired"] for r in read(world, "open_runs", run_id=other)["runs"]] == [True]
    for nobody in ("0" * 32, "ecs-svc/123", 7):
        assert read(world, "open_runs", run_id=nobody)["runs"] == []
    assert read(world, "open_runs", run_id=None)["now"] == int(world.now)


def test_without_a_ledger_nothing_starts_and_visitors_read_why() -> None:
    world = World()
    with pytest.raises(errors.BudgetUnavailable):
        read(world, "check")
    with pytest.raises(errors.BudgetUnavailable):
        reserve(world)
    response = read_budget(proxy_event("GET", "/api/budget"), Context(), world.parts)
    assert response["statusCode"] == 503
    assert response["headers"]["Content-Type"] == "application/problem+json"
    problem = json.loads(response["body"])
    assert (problem["code"], problem["correlation_id"]) == ("budget-unavailable", "correlation-1")


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("reserve", {"run_id": "x", "digest": DIGEST, "ceiling_microusd": 1}),
        ("reserve", {"run_id": RUN, "digest": "d", "ceiling_microusd": 1}),
        ("reserve", {"run_id": RUN, "digest": "G" * 64, "ceiling_microusd": 1}),
        ("reserve", {"run_id": RUN, "digest": DIGEST, "ceiling_microusd": 0}),
        ("reserve", {"run_id": RUN, "digest": DIGEST, "ceiling_microusd": 1.5}),
        ("settle", {"run_id": RUN, "task": {"state": "gone"}}),
        ("settle", {"run_id": RUN}),
        ("settle", {"run_id": RUN, "task": {"state": "stopped", "pull_started_at": "now"}}),
        ("release", {}),
        ("top_up", {"amount_microusd": -1}),
        ("top_up", {"amount_microusd": 10**12}),
        ("top_up", {"amount_microusd": 1, "id": 7}),
        ("set_limit", {}),
        ("set_limit", {"runs_in_flight_max": 101}),
        ("set_limit", {"runs_in_flight_max": True}),
        ("initialise", {"limit_microusd": 1}),
        ("drop_table", {}),
        (None, {}),
    ],
)
def test_wrong_payloads_are_refused_by_name(
    world: World, action: Any, payload: dict[str, Any]
) -> None:
    before = budget(world)
    with pytest.raises(errors.InvalidRequest):
        update(world, action, **payload)
    assert budget(world) == before


def test_a_missing_setting_is_an_error_of_ours_and_not_the_visitors() -> None:
    world = World(variables={k: v for k, v in VARIABLES.items() if k != "BUDGET_BUCKET"})
    response = read_budget(proxy_event("GET", "/api/budget"), Context(), world.parts)
    assert response["statusCode"] == 500
    assert "BUDGET_BUCKET" not in response["body"]


def test_log_lines_carry_who_and_what(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    reserve(world)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[-1] == {
        "level": "INFO",
        "function": "update_budget",
        "message": "done",
        "request_id": "request-1",
        "action": "reserve",
        "correlation_id": "c",
        "run_id": RUN,
    }
