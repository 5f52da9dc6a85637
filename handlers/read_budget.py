"""Read Budget: what is left, whether one more run may start, and which runs are open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handlers import parts, proxy
from handlers.function import Call, Function
from system import runs
from system.ledger import store, transitions, view


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Lambda's entry point."""
    return function(event, context, parts.from_environment())


def _check(_: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """The budget view; raises what one more run would be refused with."""
    ledger = transitions.roll_over(store.read(call.parts.ledger()), call.parts.now())
    rate = call.parts.environment.rates()
    refused = transitions.refusal(ledger, view.least_ceiling_microusd(rate))
    if refused is not None:
        raise refused
    return view.budget(ledger, call.parts.now(), rate)


def _open_runs(payload: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """The open reservations: of all runs, or of the one that is named."""
    run_id = payload.get("run_id")
    if run_id is not None and not runs.is_run_id(run_id):
        # The events that start reconcile also name tasks and executions that are not ours.
        return {"runs": [], "now": int(call.parts.now())}
    now = call.parts.now()
    ledger = store.read(call.parts.ledger())
    if run_id is None:
        # Reconcile's schedule asks for all runs: the metrics of the budget have a pulse by it.
        call.log.measure("budget", view.measures(ledger, now, call.parts.environment.rates()))
    return {"runs": view.open_runs(ledger, now, run_id), "now": int(now)}


def _get_budget(_: proxy.Request, call: Call) -> dict[str, Any]:
    ledger = store.read(call.parts.ledger())
    return proxy.answer(200, view.budget(ledger, call.parts.now(), call.parts.environment.rates()))


function = Function(
    "read_budget",
    actions={"check": _check, "open_runs": _open_runs},
    routes={"GET /api/budget": _get_budget},
)
parts.warm(parts.LEDGER)
