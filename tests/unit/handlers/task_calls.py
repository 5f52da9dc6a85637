"""Calls of Start NST and Stop NST, as the workflows make them."""

from __future__ import annotations

from typing import Any

from handlers.start_nst import function as start_nst
from handlers.stop_nst import function as stop_nst
from tests.unit.handlers.fakes import RUN, Context, World

ORDER = f"orders/{RUN}/start.json"


def start(world: World, token: str = "t1", request: str = "request-1") -> Any:
    event = {"action": "start", "task_token": token, "run": {"run_id": RUN}, "correlation_id": "c"}
    return start_nst(event, Context(request), world.parts)


def stop(world: World, action: str, **payload: Any) -> Any:
    return stop_nst({"action": action, **payload}, Context(), world.parts)


def ensure(world: World) -> Any:
    return stop(world, "ensure_stopped", run_id=RUN, reason="finished")["task"]


def outcomes(world: World) -> list[str]:
    return [attempt["outcome"] for attempt in world.get(ORDER)["attempts"]]
