"""Deliberate bugs, each small and named: what notices none of them proves nothing."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from unittest import mock

from handlers import (
    get_upload_url,
    orders,
    start_nst,
    stop_nst,
    task_report,
    tasks,
    update_budget,
)
from handlers.errors import TaskStillStopping
from system import money, prices
from system.ledger import codec, s3_store, store, transitions
from system.ledger.errors import ConflictError, LedgerMissingError, UncertainWriteError
from tests.mutations import scenes
from tests.mutations.patches import Mutation, permission, swap, workflow
from tests.mutations.permissions import PERMISSIONS

# the ledger and its store


def _unconditional(self: Any, ledger: Any, version: Any) -> None:
    del version
    body = codec.encode(ledger)
    self._client.put_object(Bucket=self._bucket, Key=self._key, Body=body)


@contextlib.contextmanager
def _unconditional_and_allowed() -> Iterator[None]:
    with (
        permission("bucket-budget", "DenyUnconditionalWrites")(),
        mock.patch.object(s3_store.S3LedgerStore, "write", _unconditional),
    ):
        yield


def _conflict_is_success(self: Any, ledger: Any, version: Any) -> None:
    with contextlib.suppress(ConflictError):
        _write(self, ledger, version)


def _no_answer_is_success(self: Any, ledger: Any, version: Any) -> None:
    with contextlib.suppress(UncertainWriteError):
        _write(self, ledger, version)


_write = s3_store.S3LedgerStore.write
_settle, _reserve, _close = transitions.settle, transitions.reserve, transitions._close
_roll_over = transitions.roll_over


def _settle_twice(ledger: Any, now: float, **given: Any) -> Any:
    after, settled = _settle(ledger, now, **given)
    if settled.outcome == "already_over" and settled.charged_microusd:
        spent = after.spent_microusd + settled.charged_microusd
        after = replace(after, spent_microusd=spent)
    return after, settled


def _settle_for_nothing(ledger: Any, now: float, *, run_id: str, cost_microusd: Any) -> Any:
    del cost_microusd
    return _settle(ledger, now, run_id=run_id, cost_microusd=0)


def _settle_forgets_the_tombstone(*args: Any, **given: Any) -> Any:
    after = _close(*args, **given)
    return replace(after, closed=after.closed[:-1])


def _settle_in_todays_period(ledger: Any, now: float, held: Any, *args: Any, **given: Any) -> Any:
    return _close(ledger, now, replace(held, period=ledger.period), *args, **given)


def _roll_over_frees(ledger: Any, now: float) -> Any:
    after = _roll_over(ledger, now)
    return replace(after, open=()) if after.period != ledger.period else after


def _reserve_anew(ledger: Any, now: float, **given: Any) -> Any:
    """A settled run may be reserved again: its tombstone is not looked at."""
    closed = tuple(c for c in ledger.closed if c.run_id != given["run_id"])
    after, reserved = _reserve(replace(ledger, closed=closed), now, **given)
    return after, reserved


def _update_without_reading_again(
    given: Any, transition: Any, *, writer: str, patience: Any = None
) -> Any:
    """After a lost reply the same write is sent on the old base, without looking."""
    del patience
    stored = given.read()
    if stored is None:
        raise LedgerMissingError("none")
    changed, answer = transition(stored.ledger)
    if changed != stored.ledger:
        changed = replace(changed, sequence=stored.ledger.sequence + 1, writer=writer)
        with contextlib.suppress(ConflictError, UncertainWriteError):
            given.write(changed, stored.version)
    return answer


# the functions


def _frees_running(self: Any, task_arn: Any, asked_at: int, reason: str) -> Any:
    """ensure_stopped asks for the stop and does not wait for it."""
    try:
        return _stop(self, task_arn, asked_at, reason)
    except TaskStillStopping:
        task = self.describe(task_arn) if task_arn else None
        if task is None:
            raise
        now = self._call.parts.now()
        return {"state": "stopped", "pull_started_at": now - 60, "stopped_at": now}


_stop = tasks.Tasks.stop


def _random_client_token(self: Any) -> dict[str, Any]:
    return {**_request(self), "clientToken": f"{random.getrandbits(100):x}"}


_request = start_nst._Attempt._request


def _cost_from_start(task: Any, environment: Any) -> int | None:
    """Paid from the start of the container, and not of the pull."""
    if isinstance(task, dict) and task.get("started_at"):
        task = {**task, "pull_started_at": task["started_at"]}
    return _real_cost(task, environment)


_real_cost = task_report.real_cost_microusd


def _unknown_is_free(task: Any, environment: Any) -> int | None:
    cost = _real_cost(task, environment)
    return prices.overhead_microusd(environment.rates()) if cost is None else cost


def _cheap_ceiling(rate: Any, deadline: int) -> int:
    """The pull and the stop are left out of the ceiling."""
    return money.round_up(rate.task_s * deadline)


def _sweep_all(self: Any, open_runs: set[str]) -> list[str]:
    del open_runs
    return _stop_orphans(self, set())


_stop_orphans = tasks.Tasks.stop_orphans


def _swallow_throttling(self: Any, error: Exception) -> str:
    """ThrottlingException passes for a start; nobody looks again."""
    if "Throttling" in str(error):
        return ""
    return str(_failed(self, error))


_failed = start_nst._Attempt._failed


def _stale_token(self: Any) -> Any:
    """A retry leaves the first attempt's token in the order."""

    def change(order: Any) -> Any:
        if order is None:
            order = orders.StartOrder(self._run_id, self._token, self._run, self._correlation_id)
        if order.task_arn is not None:
            return order
        return order.with_attempt(orders.Attempt(self._id, self._at, "asked"))

    return self.orders.change_start_order(self._run_id, change)


def _nothing(*_: Any, **__: Any) -> None:
    """Does not do it."""


# the workflows


def _no_stop_without_capacity(states: dict[str, Any]) -> None:
    states["Start NST"]["Catch"][0]["Next"] = "Why"


def _no_heartbeat(states: dict[str, Any]) -> None:
    del states["Hand Over"]["HeartbeatSeconds"]


def _never_settles(states: dict[str, Any]) -> None:
    states["Known?"]["Default"] = "Outcome"
    del states["Settle"]


def _releases_what_may_run(states: dict[str, Any]) -> None:
    for catcher in states["Start Run"]["Catch"]:
        if catcher["ErrorEquals"] == ["States.ALL"]:
            catcher["Next"] = "Release"
            catcher.pop("Assign")
            states["Same Run?"] = {"Type": "Pass", "Next": "Accepted"}
            del states["Other Run"]


def _no_reservation(states: dict[str, Any]) -> None:
    states["Reserve"]["Catch"][0].pop("Assign")
    states["Reserve"]["Catch"][0]["Next"] = "Start Run"


def _reconcile_ends_the_living(states: dict[str, Any]) -> None:
    inner = states["Each Run"]["ItemProcessor"]["States"]
    inner["Still Running?"]["Choices"][0]["Next"] = "Ensure Stopped"
    del inner["Report Lost"]


def _reconcile_frees_the_unborn(states: dict[str, Any]) -> None:
    inner = states["Each Run"]["ItemProcessor"]["States"]
    inner["Never Started?"]["Choices"][0]["Condition"] = "{% true %}"


def _reconcile_frees_the_unseen(states: dict[str, Any]) -> None:
    inner = states["Each Run"]["ItemProcessor"]["States"]
    inner["Known?"]["Choices"][0]["Condition"] = "{% false %}"


def _reconcile_never_settles(states: dict[str, Any]) -> None:
    inner = states["Each Run"]["ItemProcessor"]["States"]
    inner["Ensure Stopped"]["Next"] = "Leave"
    del inner["Known?"], inner["Settle"]


def _fail_without_a_sentence(states: dict[str, Any]) -> None:
    states["Refuse"]["Cause"] = "it failed"


MUTATIONS = [
    Mutation(
        "the ledger is written without If-Match",
        swap(s3_store.S3LedgerStore, "write", _unconditional),
    ),
    Mutation("the same, and the bucket's policy lets it", _unconditional_and_allowed),
    Mutation(
        "a lost compare-and-swap counts as won",
        swap(s3_store.S3LedgerStore, "write", _conflict_is_success),
    ),
    Mutation(
        "a write without an answer counts as done",
        swap(s3_store.S3LedgerStore, "write", _no_answer_is_success),
        scenes.LEDGER_NOT_WRITTEN,
    ),
    Mutation(
        "one write, whatever comes of it", swap(store, "update", _update_without_reading_again)
    ),
    Mutation("a run is settled twice", swap(transitions, "settle", _settle_twice)),
    Mutation("a run is settled for nothing", swap(transitions, "settle", _settle_for_nothing)),
    Mutation(
        "a settled run leaves no tombstone",
        swap(transitions, "_close", _settle_forgets_the_tombstone),
    ),
    Mutation(
        "a run of last month is charged to this one",
        swap(transitions, "_close", _settle_in_todays_period),
        scenes.AT_THE_MONTHS_END,
    ),
    Mutation(
        "a new month forgets what is reserved",
        swap(transitions, "roll_over", _roll_over_frees),
        scenes.AT_THE_MONTHS_END,
    ),
    Mutation("a settled run can be reserved again", swap(transitions, "reserve", _reserve_anew)),
    Mutation("nothing is ever refused", swap(transitions, "refusal", lambda *_: None)),
    Mutation(
        "the ceiling leaves out pull and stop", swap(prices, "run_ceiling_microusd", _cheap_ceiling)
    ),
    Mutation("the minute that Fargate bills at least is left out", swap(prices, "BILLED_MIN_S", 0)),
    Mutation(
        "the image pull is not paid for",
        swap(update_budget, "real_cost_microusd", _cost_from_start),
        scenes.PULLS_FOR_MINUTES,
    ),
    Mutation("money is freed while the task stops", swap(tasks.Tasks, "stop", _frees_running)),
    Mutation(
        "a task that cannot be seen costs nothing",
        swap(update_budget, "real_cost_microusd", _unknown_is_free),
        scenes.ASKED_FOR_AND_NEVER_SEEN,
    ),
    Mutation(
        "an unseen task is taken for one that never was",
        swap(task_report, "unknown", lambda *_: dict(task_report.NEVER_STARTED)),
    ),
    Mutation(
        "no answer to RunTask counts as a refusal",
        swap(start_nst, "refused", lambda _: True),
        scenes.RUN_TASK_WITHOUT_AN_ANSWER,
    ),
    Mutation(
        "a refusal of the SDK's second try counts for the first one, too",
        swap(start_nst, "tried_before", lambda _: False),
        scenes.PLACED_WITHOUT_AN_ANSWER_THEN_REFUSED,
    ),
    Mutation(
        "every attempt has a client token of its own",
        swap(start_nst._Attempt, "_request", _random_client_token),
        scenes.RUN_TASK_WITHOUT_AN_ANSWER,
    ),
    Mutation(
        "a retry leaves the stale token in the order",
        swap(start_nst._Attempt, "write_down", _stale_token),
        scenes.NO_CAPACITY_ONCE,
    ),
    Mutation(
        "ThrottlingException of RunTask is swallowed",
        swap(start_nst._Attempt, "_failed", _swallow_throttling),
        scenes.THROTTLED,
    ),
    Mutation(
        "a run that is over is not marked so",
        swap(orders.Orders, "mark_over", _nothing),
        scenes.STARTED_AGAIN_WHEN_OVER,
    ),
    Mutation(
        "start_nst does not look for the marks",
        swap(orders.Orders, "marked", lambda *_: False),
        scenes.STARTED_AGAIN_WHEN_OVER,
    ),
    Mutation(
        "reconcile's sweep takes every task for an orphan",
        swap(tasks.Tasks, "stop_orphans", _sweep_all),
        scenes.TAKES_MINUTES,
    ),
    Mutation(
        "a lost callback is not told",
        swap(stop_nst, "_fail", lambda *_: False),
        scenes.KILLED_BEFORE_IT_REPORTS,
    ),
    Mutation(
        "uploads are not looked for",
        swap(get_upload_url, "_check_upload", _nothing),
        scenes.WITHOUT_PICTURES,
    ),
    Mutation(
        "without capacity nothing is stopped and settled",
        workflow("run-nst.asl.json", _no_stop_without_capacity),
    ),
    Mutation("heartbeats are not checked", workflow("run-nst.asl.json", _no_heartbeat)),
    Mutation(
        "a run is never settled by its workflow", workflow("run-nst.asl.json", _never_settles)
    ),
    Mutation("a failure has no sentence", workflow("run-nst.asl.json", _fail_without_a_sentence)),
    Mutation(
        "an unclear StartExecution frees the money",
        workflow("start-run.asl.json", _releases_what_may_run),
        scenes.STARTED_WITHOUT_AN_ANSWER,
    ),
    Mutation(
        "a refused reservation starts the run", workflow("start-run.asl.json", _no_reservation)
    ),
    Mutation(
        "reconcile ends runs that live", workflow("reconcile.asl.json", _reconcile_ends_the_living)
    ),
    Mutation(
        "reconcile frees runs about to start",
        workflow("reconcile.asl.json", _reconcile_frees_the_unborn),
        scenes.RECONCILED_WHEN_ABOUT_TO_START,
    ),
    Mutation(
        "reconcile frees what it cannot see",
        workflow("reconcile.asl.json", _reconcile_frees_the_unseen),
        scenes.HUNG_AND_UNSEEN,
    ),
    Mutation("reconcile never settles", workflow("reconcile.asl.json", _reconcile_never_settles)),
    *PERMISSIONS,
]
