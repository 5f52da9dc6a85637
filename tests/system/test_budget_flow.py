"""The budget as a visitor sees it: what is left, what a run may cost, and the end of the money."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.system.running import Running, started, wait_until
from tests.system.visitor import Visitor


def test_the_budget_view_adds_up_and_is_never_cached(visitor: Visitor) -> None:
    answer = visitor.http.get("/api/budget")
    budget = visitor.budget()
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-cache"].startswith("Miss")
    assert budget["accepting"] is True
    assert budget["run_ceiling_microusd"] > 0
    assert budget["runs_left"] == budget["available_microusd"] // budget["run_ceiling_microusd"]
    assert budget["display"]["limit"] == "$100.00"


def test_a_finished_run_is_paid_and_nothing_stays_reserved(visitor: Visitor) -> None:
    before = visitor.budget()
    admission = visitor.begin()
    during = visitor.budget()
    assert during["reserved_microusd"] == admission["ceiling_microusd"]
    assert visitor.finish(admission["run_id"])["state"] == "succeeded"
    after = visitor.settled(admission["run_id"])
    paid = after["spent_microusd"] - before["spent_microusd"]
    assert 0 < paid <= admission["ceiling_microusd"]


def test_a_depleted_budget_refuses_with_402_and_a_friendly_text(tmp_path: Path) -> None:
    with started(tmp_path, "--budget", "0.015") as stack:
        visitor = Visitor(stack)
        assert visitor.budget()["runs_left"] == 1
        first = visitor.begin()
        refused = visitor.http.post(
            "/api/runs",
            json={"content": {"content_type": "image/png"}, "styles": [{"gallery": "ink-wash"}]},
        )
        assert_no_budget(refused)
        # The ceiling is held for the first run; the second was admitted when there was money.
        assert visitor.finish(first["run_id"])["state"] == "succeeded"
        visitor.settled(first["run_id"])


def test_two_runs_admitted_for_one_ceiling_only_one_starts(tmp_path: Path) -> None:
    with started(tmp_path, "--budget", "0.015") as stack:
        visitor = Visitor(stack)
        other = visitor.admit()
        winner = visitor.begin()
        for post in (other["uploads"]["content"], other["uploads"]["styles"][0]):
            assert visitor.upload(post, b"x" * 10).status_code < 300
        assert_no_budget(visitor.start(other["run_id"]))
        assert visitor.state(other["run_id"]) is None
        visitor.finish(winner["run_id"])
        visitor.settled(winner["run_id"])


def test_the_operator_tops_up_and_runs_are_accepted_again(tmp_path: Path) -> None:
    with started(tmp_path, "--budget", "0.01") as stack:
        visitor = Visitor(stack)
        assert visitor.budget()["accepting"] is False
        stack.client("lambda").invoke(
            FunctionName="nst-update-budget",
            Payload=b'{"action": "top_up", "amount_microusd": 1000000}',
        )
        budget = wait_until("money", lambda: visitor.budget()["accepting"] and visitor.budget())
        assert budget["limit_microusd"] == 1_010_000
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
        s3.put_object(Bucket="nst-budget", Key="ledger.json", Body=b"{}")
    with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
        s3.delete_object(Bucket="nst-budget", Key="ledger.json")
