"""The times of the workflows against those of functions, ceiling and lease."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from system import prices, stack
from tests.unit.workflows.workflow_world import DECLARED, VALUES

FUNCTION_TIMEOUTS_S = {VALUES[f"{k}_arn"]: f["timeout_s"] for k, f in DECLARED["functions"].items()}
ANSWER_MARGIN_S = 5
"""For the call and its answer: Lambda says Sandbox.Timedout only after the function's timeout."""
GATEWAY_S = 29
"""https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html."""


def definition(workflow: str) -> dict[str, Any]:
    name = DECLARED["workflows"][workflow]["definition"]
    loaded: dict[str, Any] = json.loads(stack.workflow(name, VALUES))
    return loaded


def states_of(states: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, state in states.items():
        yield name, state
        yield from states_of(state.get("ItemProcessor", {}).get("States", {}))
        for branch in state.get("Branches", ()):
            yield from states_of(branch["States"])


def function_of(state: dict[str, Any]) -> str | None:
    if not state.get("Resource", "").startswith("arn:aws:states:::lambda:invoke"):
        return None
    return str(state["Arguments"]["FunctionName"])


CALLS = [
    pytest.param(state, id=f"{workflow}: {name}")
    for workflow in DECLARED["workflows"]
    for name, state in states_of(definition(workflow)["States"])
    if function_of(state)
]


def test_every_function_of_a_workflow_is_found() -> None:
    assert len(CALLS) == 13
    assert {function_of(c.values[0]) for c in CALLS} == set(FUNCTION_TIMEOUTS_S)  # type: ignore[arg-type]


@pytest.mark.parametrize("state", CALLS)
def test_a_state_waits_longer_than_its_function_may_take(state: dict[str, Any]) -> None:
    """Otherwise States.Timeout comes first, which no retrier names: the run would end."""
    function = str(function_of(state))
    assert state["TimeoutSeconds"] >= FUNCTION_TIMEOUTS_S[function] + ANSWER_MARGIN_S


def pauses_s(retrier: dict[str, Any]) -> float:
    """The longest that a retrier may wait altogether."""
    longest = retrier.get("MaxDelaySeconds", 86_400)
    return sum(
        min(longest, retrier["IntervalSeconds"] * retrier["BackoffRate"] ** n)
        for n in range(retrier["MaxAttempts"])
    )


def longest_s(state: dict[str, Any], last_s: float, but: str = "") -> float:
    """How long a state may take: every retry it has but for an error, then ``last_s``."""
    attempt_s = FUNCTION_TIMEOUTS_S.get(function_of(state) or "", 0)
    retriers = [r for r in state.get("Retry", ()) if but not in r["ErrorEquals"]]
    return last_s + sum(pauses_s(r) + r["MaxAttempts"] * attempt_s for r in retriers)


def test_a_task_is_told_to_stop_within_its_lease_whatever_is_tried_again() -> None:
    """From the reservation to a Stop NST that reached ECS: after it the task has 30 s to live."""
    states = definition("run_nst")["States"]
    until_stopped = (
        longest_s(states["Start NST"], states["Start NST"]["TimeoutSeconds"])
        + prices.DEADLINE_MAX_S
        + prices.FINISH_ALLOWANCE_S
        + longest_s(states["Stop NST"], states["Stop NST"]["TimeoutSeconds"], "TaskStillStopping")
        + prices.STOP_ALLOWANCE_S
    )
    assert until_stopped <= prices.lease_s()


def test_a_run_settles_before_its_workflow_times_out() -> None:
    run = definition("run_nst")
    states = run["States"]
    whole = (
        longest_s(states["Start NST"], states["Start NST"]["TimeoutSeconds"])
        + prices.DEADLINE_MAX_S
        + prices.FINISH_ALLOWANCE_S
        + longest_s(states["Stop NST"], states["Stop NST"]["TimeoutSeconds"])
        + longest_s(states["Settle"], states["Settle"]["TimeoutSeconds"])
    )
    assert whole <= run["TimeoutSeconds"]


@pytest.mark.parametrize("workflow", ["admit_run", "start_run"])
def test_a_workflow_that_a_visitor_waits_for_answers_before_the_gateway_gives_up(
    workflow: str,
) -> None:
    assert definition(workflow)["TimeoutSeconds"] < GATEWAY_S


def test_the_workflow_waits_no_longer_than_the_ceiling_pays_for() -> None:
    states = definition("run_nst")["States"]
    assert states["Start NST"]["TimeoutSeconds"] == prices.PULL_ALLOWANCE_S
    waits = states["Hand Over"]["TimeoutSeconds"]
    assert waits == f"{{% $run.deadline_s + {prices.FINISH_ALLOWANCE_S} %}}"
