"""Update Budget: the only one that changes the ledger."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, TypeVar

from handlers import parts
from handlers.errors import InvalidRequest
from handlers.function import Call, Function
from handlers.task_report import real_cost_microusd
from system import money, prices, runs
from system.ledger import store, transitions, view
from system.ledger.state import RUNS_IN_FLIGHT_LIMIT, Ledger
from system.ledger.store import Transition

T = TypeVar("T")

_DIGEST = re.compile(r"[0-9a-f]{64}")


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Lambda's entry point."""
    return function(event, context, parts.from_environment())


def _reserve(payload: Mapping[str, Any], call: Call) -> dict[str, Any]:
    run_id = runs.check_run_id(payload.get("run_id"))
    digest = payload.get("digest")
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise InvalidRequest("digest must be a SHA-256 in hexadecimal.")
    ceiling = _amount(payload, "ceiling_microusd", least=1)
    reserved = _update(
        call,
        lambda ledger: transitions.reserve(
            ledger,
            call.parts.now(),
            run_id=run_id,
            digest=digest,
            ceiling_microusd=ceiling,
            lease_s=prices.lease_s(),
        ),
    )
    return {
        "outcome": reserved.outcome,
        "fresh": reserved.fresh,
        "lease_until": reserved.lease_until,
    }


def _settle(payload: Mapping[str, Any], call: Call) -> dict[str, Any]:
    run_id = runs.check_run_id(payload.get("run_id"))
    cost = real_cost_microusd(payload.get("task"), call.parts.environment)
    settled = _update(
        call,
        lambda ledger: transitions.settle(
            ledger, call.parts.now(), run_id=run_id, cost_microusd=cost
        ),
    )
    return asdict(settled)


def _release(payload: Mapping[str, Any], call: Call) -> dict[str, Any]:
    run_id = runs.check_run_id(payload.get("run_id"))
    released = _update(
        call, lambda ledger: transitions.release(ledger, call.parts.now(), run_id=run_id)
    )
    return asdict(released)


def _initialise(payload: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """Make the ledger when there is none; one that is there stays as it is."""
    made = transitions.new_ledger(
        call.parts.now(),
        limit_microusd=_amount(payload, "limit_microusd"),
        runs_in_flight_max=_runs_in_flight(payload),
        spend_per_day_max_microusd=_amount(payload, "spend_per_day_max_microusd"),
    )
    created = store.create(call.parts.ledger(), made)
    return {"outcome": "initialised" if created else "already_initialised"}


def _top_up(payload: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """Add ``amount_microusd`` to this period; ``id`` makes a repeated request harmless."""
    request_id = payload.get("id") or call.request_id
    if not isinstance(request_id, str):
        raise InvalidRequest("id must be a text.")
    amount = _amount(payload, "amount_microusd", least=1)
    return _operate(
        call,
        lambda ledger: transitions.top_up(
            ledger, call.parts.now(), request_id=request_id, amount_microusd=amount
        ),
    )


def _set_limit(payload: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """Set ``limit_microusd``, ``spend_per_day_max_microusd`` or ``runs_in_flight_max``."""
    amounts = ("limit_microusd", "spend_per_day_max_microusd")
    limits = {name: _amount(payload, name) for name in amounts if name in payload}
    if "runs_in_flight_max" in payload:
        limits["runs_in_flight_max"] = _runs_in_flight(payload)
    if not limits:
        raise InvalidRequest(f"Give one of {', '.join(amounts)}, runs_in_flight_max.")
    return _operate(call, lambda ledger: transitions.set_limit(ledger, call.parts.now(), **limits))


def _roll_over(_: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """Begin the period of today, if it has not begun; every other change does so, too."""
    return _operate(call, lambda ledger: transitions.roll_over(ledger, call.parts.now()))


def _acknowledge_overrun(_: Mapping[str, Any], call: Call) -> dict[str, Any]:
    return _operate(call, lambda ledger: transitions.acknowledge_overrun(ledger, call.parts.now()))


def _update(call: Call, transition: Transition[T]) -> T:
    """Apply a change; what the ledger is then goes into the metrics."""

    def both(ledger: Ledger) -> tuple[Ledger, tuple[Ledger, T]]:
        changed, result = transition(ledger)
        return changed, (changed, result)

    changed, result = store.update(
        call.parts.ledger(), both, writer=call.request_id, patience=call.parts.patience
    )
    rate = call.parts.environment.rates()
    call.log.measure("budget", view.measures(changed, call.parts.now(), rate))
    return result


def _operate(call: Call, change: Any) -> dict[str, Any]:
    """Apply an operator's change; answers the sums after it."""

    def transition(ledger: Ledger) -> tuple[Ledger, dict[str, Any]]:
        try:
            changed: Ledger = change(ledger)
        except ValueError as error:
            raise InvalidRequest(str(error)) from error
        return changed, {
            "period": changed.period,
            "limit_microusd": changed.limit_microusd,
            "spent_microusd": changed.spent_microusd,
            "reserved_microusd": changed.reserved_microusd,
            "available_microusd": changed.available_microusd,
            "overrun_microusd": changed.overrun_microusd,
            "runs_in_flight_max": changed.runs_in_flight_max,
            "spend_per_day_max_microusd": changed.spend_per_day_max_microusd,
        }

    return _update(call, transition)


def _amount(payload: Mapping[str, Any], name: str, least: int = 0) -> int:
    value = payload.get(name)
    if not money.is_amount(value) or not isinstance(value, int) or value < least:
        raise InvalidRequest(f"{name} must be whole micro-dollars from {least}.")
    return value


def _runs_in_flight(payload: Mapping[str, Any]) -> int:
    value = payload.get("runs_in_flight_max")
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidRequest("runs_in_flight_max must be a whole number.")
    if not 0 <= value <= RUNS_IN_FLIGHT_LIMIT:
        raise InvalidRequest(f"runs_in_flight_max must be from 0 to {RUNS_IN_FLIGHT_LIMIT}.")
    return value


function = Function(
    "update_budget",
    actions={
        "reserve": _reserve,
        "settle": _settle,
        "release": _release,
        "initialise": _initialise,
        "top_up": _top_up,
        "set_limit": _set_limit,
        "roll_over": _roll_over,
        "acknowledge_overrun": _acknowledge_overrun,
    },
)
parts.warm(parts.LEDGER)
