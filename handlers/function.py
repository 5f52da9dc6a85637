"""How every function takes an event: from the gateway by its route, from a workflow by its action.

A route answers a proxy response, problems included. An action returns its answer or raises one of
``handlers.errors``, whose name the workflow catches.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from handlers import proxy
from handlers.errors import BY_NAME, BudgetUnavailable, FunctionError, InvalidRequest
from handlers.log import Log
from handlers.parts import Parts
from system import runs
from system.ledger.errors import LedgerRefusedError, LedgerUnavailableError


@dataclass(frozen=True)
class Call:
    """One invocation: its payload's parts, and its request id (the same when Lambda retries it)."""

    parts: Parts
    log: Log
    request_id: str


Action = Callable[[Mapping[str, Any], Call], dict[str, Any]]
Route = Callable[[proxy.Request, Call], dict[str, Any]]


@dataclass(frozen=True)
class Function:
    """One Lambda function: its actions by name, its routes by ``METHOD /template``."""

    name: str
    actions: Mapping[str, Action] = field(default_factory=dict)
    routes: Mapping[str, Route] = field(default_factory=dict)

    def __call__(self, event: Any, context: Any, parts: Parts) -> dict[str, Any]:
        """Answer an event; ``context`` is Lambda's."""
        request_id = str(getattr(context, "aws_request_id", "") or "")
        call = Call(parts, Log(self.name, parts.now, parts.write), request_id)
        call.log.bind(request_id=request_id or None)
        if proxy.is_request(event):
            return self._answer(proxy.request(event), call)
        return self._act(event, call)

    def _act(self, event: Any, call: Call) -> dict[str, Any]:
        if not isinstance(event, dict):
            raise InvalidRequest("A payload is an object with an action.")
        action = event.get("action")
        call.log.bind(
            action=action,
            correlation_id=event.get("correlation_id"),
            run_id=event.get("run_id") if runs.is_run_id(event.get("run_id")) else None,
        )
        try:
            with _named():
                answer = self._action(action)(event, call)
        except FunctionError as error:
            call.log.warning("refused", error=type(error).__name__, detail=str(error))
            raise
        except Exception as error:
            call.log.failed(error)
            raise
        call.log.info("done")
        return answer

    def _answer(self, request: proxy.Request, call: Call) -> dict[str, Any]:
        call.log.bind(
            route=f"{request.method} {request.resource}", correlation_id=request.correlation_id
        )
        try:
            with _named():
                response = self._route(request)(request, call)
        except FunctionError as error:
            call.log.warning("refused", error=type(error).__name__, detail=str(error))
            response = proxy.problem(
                type(error).__name__,
                str(error),
                run_id=error.run_id,
                correlation_id=request.correlation_id,
            )
        except Exception as error:  # noqa: BLE001 (logged in full; the visitor gets a problem)
            call.log.failed(error)
            response = proxy.problem("InternalError", None, correlation_id=request.correlation_id)
        if request.correlation_id:
            response["headers"]["X-Correlation-Id"] = request.correlation_id
        call.log.info("answered", status=response["statusCode"])
        return response

    def _action(self, name: object) -> Action:
        if not isinstance(name, str) or name not in self.actions:
            raise InvalidRequest(f"{self.name} has no action {name!r:.40}.")
        return self.actions[name]

    def _route(self, request: proxy.Request) -> Route:
        route = self.routes.get(f"{request.method} {request.resource}")
        if route is None:
            raise InvalidRequest("There is no such call.")
        return route


@contextlib.contextmanager
def _named() -> Iterator[None]:
    """Errors of the core under the names that the workflows know."""
    try:
        yield
    except runs.InvalidRunError as error:
        raise InvalidRequest(str(error)) from error
    except LedgerRefusedError as error:
        raise BY_NAME[error.error_name](str(error)) from error
    except LedgerUnavailableError as error:
        raise BudgetUnavailable from error
