"""Stop NST: ends a run's task, says for certain what became of it, and tells who waits for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handlers import parts, proxy
from handlers.aws import error_code
from handlers.errors import InvalidRequest, RunNotFound
from handlers.function import Call, Function
from handlers.orders import Orders
from handlers.task_report import NEVER_STARTED, reason_of
from handlers.tasks import Tasks
from system import problems, runs

REASON_CHARS_MAX = 200
OPEN_RUNS_MAX = 1_000
EXIT_CODE_KILLED = 137

_GONE = frozenset({"TaskTimedOut", "InvalidToken", "TaskDoesNotExist"})


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Lambda's entry point."""
    return function(event, context, parts.from_environment())


def _post_stop(request: proxy.Request, call: Call) -> dict[str, Any]:
    """The visitor stops a run: a mark for the task, and a failure for the workflow."""
    run_id = runs.check_run_id(request.path.get("run_id"))
    call.log.bind(run_id=run_id)
    orders = _orders(call)
    if not _exists(call, run_id) and orders.start_order(run_id) is None:
        raise RunNotFound(run_id=run_id)
    # The mark first: a token that is written after we look belongs to someone who will see it.
    orders.mark_cancelled(run_id, call.parts.now())
    _fail(call, orders, run_id, "RunCancelled", problems.kind_of("RunCancelled").detail)
    return proxy.answer(202, {"run_id": run_id, "state": "stopping"})


def _ensure_stopped(payload: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """TASK of a run that is over; raises TaskStillStopping until it is STOPPED."""
    run_id = runs.check_run_id(payload.get("run_id"))
    reason = str(payload.get("reason") or "the run is over")[:REASON_CHARS_MAX]
    orders, tasks = _orders(call), Tasks(call)
    order = orders.start_order(run_id)
    if order is None or order.task_arn is None:
        # Until here an attempt may be under way. Whoever reads this mark does not ask ECS, and
        # whoever has passed it is in the order that we read now.
        orders.mark_over(run_id, call.parts.now())
        order = orders.start_order(run_id)
    if order is None or (order.task_arn is None and order.certainly_refused):
        return {"task": dict(NEVER_STARTED)}
    task_arn = order.task_arn or tasks.find(run_id)
    return {"task": tasks.stop(task_arn, order.asked_at, reason)}


def _report_lost(payload: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """A run's execution waits: when its task is over, nobody else will tell it."""
    run_id = runs.check_run_id(payload.get("run_id"))
    orders, tasks = _orders(call), Tasks(call)
    order = orders.start_order(run_id)
    if order is None:
        return {"finding": None}
    task_arn = order.task_arn or tasks.find(run_id)
    task = tasks.describe(task_arn) if task_arn else None
    if task is None or task.get("lastStatus") != "STOPPED":
        return {"finding": None}
    told = _fail(call, orders, run_id, "TaskStopped", _why_stopped(task))
    return {"finding": "lost_callback" if told else None}


def _sweep(payload: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """Stop the tasks whose run holds no money."""
    open_runs = payload.get("open_run_ids")
    if not isinstance(open_runs, list) or len(open_runs) > OPEN_RUNS_MAX:
        raise InvalidRequest(f"open_run_ids must be a list of at most {OPEN_RUNS_MAX} run ids.")
    return {"stopped": Tasks(call).stop_orphans({runs.check_run_id(run) for run in open_runs})}


def _orders(call: Call) -> Orders:
    storage = call.parts.environment.storage()
    return Orders(call.parts.client("s3"), storage.bucket, call.parts.patience)


def _exists(call: Call, run_id: str) -> bool:
    """Whether the run has an execution; a very young one may not be seen yet."""
    machine = call.parts.environment.run_state_machine_arn
    prefix = machine.replace(":stateMachine:", ":execution:", 1)
    try:
        call.parts.client("stepfunctions").describe_execution(executionArn=f"{prefix}:{run_id}")
    except Exception as error:
        if error_code(error) == "ExecutionDoesNotExist":
            return False
        raise
    return True


def _fail(call: Call, orders: Orders, run_id: str, error: str, cause: str) -> bool:
    """Fail the newest callback that waits; False when none does."""
    order = orders.start_order(run_id)
    tokens = [orders.watch_token(run_id), order.task_token if order else None]
    # One of them waits at most. The watch token is the later one, but it may be of the past.
    return any(_send_failure(call, token, error, cause) for token in tokens if token)


def _send_failure(call: Call, token: str, error: str, cause: str) -> bool:
    try:
        call.parts.client("stepfunctions").send_task_failure(
            taskToken=token, error=error, cause=cause
        )
    except Exception as failure:
        if error_code(failure) in _GONE:
            return False
        raise
    return True


def _why_stopped(task: Mapping[str, Any]) -> str:
    """A sentence for the visitor."""
    killed = any(c.get("exitCode") == EXIT_CODE_KILLED for c in task.get("containers", []))
    if "OutOfMemory" in reason_of(task):
        return "The painter ran out of memory; please try a smaller size."
    if killed:
        return "The painter was killed before its painting was done; please try again."
    return problems.kind_of("TaskStopped").detail


function = Function(
    "stop_nst",
    actions={
        "ensure_stopped": _ensure_stopped,
        "report_lost": _report_lost,
        "sweep": _sweep,
    },
    routes={"POST /api/runs/{run_id}/stop": _post_stop},
)
parts.warm("s3", "stepfunctions")
