"""The budget as a visitor sees it: what is left, what a run may cost, and the end of the money."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import httpx
import pytest

from tests.system.running import Running, wait_until
from tests.system.visitor import Visitor


def test_the_budget_view_adds_up_and_is_never_cached(visitor: Visitor) -> None:
    answer = visitor.http.get("/api/budget")
    budget = visitor.budget()
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-cache"].startswith("Miss")
    assert budget["accepting"] is True
    assert budget["run_ceiling_microusd"] > 0
    assert budget["runs_left"] == budget["available_microusd"] // budget["run_ceiling_microusd"]
    assert budget["display"]["limit"] == f"${budget['limit_microusd'] / 1e6:.2f}"


def test_a_finished_run_is_paid_and_nothing_stays_reserved(visitor: Visitor) -> None:
    before = visitor.budget()
    admission = visitor.begin()
    during = visitor.budget()
    assert during["reserved_microusd"] == admission["ceiling_microusd"]
    assert visitor.finish(admission["run_id"])["state"] == "succeeded"
    after = visitor.settled(admission["run_id"])
    paid = after["spent_microusd"] - before["spent_microusd"]
    assert 0 < paid <= admission["ceiling_microusd"]


@contextlib.contextmanager
def only_left(stack: Running, visitor: Visitor, microusd: int) -> Iterator[None]:
    """So much is available and no more, until the block ends."""
    before = visitor.settled("of an earlier test")
    stack.change_budget("set_limit", limit_microusd=before["spent_microusd"] + microusd)
    try:
        yield
    finally:
        stack.change_budget("set_limit", limit_microusd=before["limit_microusd"])


def test_a_depleted_budget_refuses_with_402_and_a_friendly_text(
    visitor: Visitor, stack: Running
) -> None:
    with only_left(stack, visitor, 15_000):
        assert visitor.budget()["runs_left"] == 1
        first = visitor.begin()
        refused = visitor.post(
            "/api/runs",
            {"content": {"content_type": "image/png"}, "styles": [{"gallery": "ink-wash"}]},
        )
        assert_no_budget(refused)
        # The ceiling is held for the first run; the second was admitted when there was money.
        assert visitor.finish(first["run_id"])["state"] == "succeeded"
        visitor.settled(first["run_id"])


def test_two_runs_admitted_for_one_ceiling_only_one_starts(
    visitor: Visitor, stack: Running
) -> None:
    with only_left(stack, visitor, 15_000):
        other = visitor.admit()
        winner = visitor.begin()
        for post in (other["uploads"]["content"], other["uploads"]["styles"][0]):
            assert visitor.upload(post, b"x" * 10).status_code < 300
        assert_no_budget(visitor.start(other["run_id"]))
        assert visitor.state(other["run_id"]) is None
        visitor.finish(winner["run_id"])
        visitor.settled(winner["run_id"])


def test_the_operator_tops_up_and_runs_are_accepted_again(visitor: Visitor, stack: Running) -> None:
    with only_left(stack, visitor, 5_000):
        before = visitor.budget()
        assert before["accepting"] is False
        stack.change_budget("top_up", amount_microusd=1_000_000)
        budget = wait_until("money", lambda: visitor.budget()["accepting"] and visitor.budget())
        assert budget["limit_microusd"] == before["limit_microusd"] + 1_000_000
        visitor.admit()


def assert_no_budget(answer: httpx.Response) -> None:
    assert answer.status_code == 402, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    problem = answer.json()
    assert problem["code"] == "budget-exhausted"
    assert problem["status"] == 402
    assert len(problem["detail"]) > 20
    assert problem["correlation_id"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_the_budget_cannot_be_written_through_the_api(visitor: Visitor, method: str) -> None:
    answer = visitor.http.request(method, "/api/budget", json={"limit_microusd": 1})
    assert answer.status_code in {403, 404, 405}
    assert answer.headers["content-type"].startswith("application/problem+json")


def test_the_ledger_object_cannot_be_overwritten_unconditionally(stack: Running) -> None:
    s3 = stack.client("s3")
    with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
        s3.put_object(Bucket=stack.named("budget"), Key="ledger.json", Body=b"{}")
    with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=stack.named("budget"), Key="ledger.json")
