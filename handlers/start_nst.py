"""Start NST: writes the start order, then asks ECS for the run's task.

All attempts of a run have the client token ``run_id``, so that ECS makes one task at most
(https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html). The callback
token, which every retry has anew, goes into the order and never into overrides: these must not
differ between attempts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from handlers import parts
from handlers.aws import error_code, refused, tried_before
from handlers.errors import InvalidRequest, NoCapacity, RunCancelled, TaskRefused
from handlers.function import Call, Function
from handlers.orders import ATTEMPTS_MAX, Attempt, Orders, Outcome, StartOrder
from handlers.task_report import CONTAINER
from system import runs
from system.settings import CapacityProvider

TOKEN_CHARS_MAX = 2_048

_TRANSIENT = frozenset(
    {"ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded", "Throttling"}
)
_LASTING = ("MISSING", "INACTIVE", "ATTRIBUTE", "LOCATION")
"""Reasons of failures that a later attempt would meet again; all others pass.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/api_failures_messages.html
"""


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Lambda's entry point."""
    return function(event, context, parts.from_environment())


def _start(payload: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """Start the run's task, or find it when an earlier attempt has.

    Raises RunCancelled, NoCapacity (try again) and TaskRefused (do not).
    """
    run = payload.get("run")
    if not isinstance(run, Mapping):
        raise InvalidRequest("run must be the run input.")
    run_id = runs.check_run_id(run.get("run_id"))
    token = payload.get("task_token")
    if not isinstance(token, str) or not 0 < len(token) <= TOKEN_CHARS_MAX:
        raise InvalidRequest("task_token must be a callback token.")
    call.log.bind(run_id=run_id)
    attempt = _Attempt(run_id, run, token, payload.get("correlation_id"), call)
    order = attempt.write_down()
    if order.task_arn is not None:
        return {"task_arn": order.task_arn}
    if attempt.orders.marked(run_id):
        attempt.end("refused")
        raise RunCancelled(run_id=run_id)
    return {"task_arn": attempt.run_task()}


class _Attempt:
    """One attempt to start a run's task."""

    def __init__(
        self, run_id: str, run: Mapping[str, Any], token: str, correlation_id: Any, call: Call
    ) -> None:
        storage = call.parts.environment.storage()
        self.orders = Orders(call.parts.client("s3"), storage.bucket, call.parts.patience)
        self._run_id = run_id
        self._run = run
        self._token = token
        self._correlation_id = correlation_id if isinstance(correlation_id, str) else None
        self._call = call
        self._at = int(call.parts.now())
        # Lambda repeats an invocation under its request id: then it is the same attempt.
        self._id = call.request_id or f"{self._at}"

    def write_down(self) -> StartOrder:
        """Put the newest token into the order, and that ECS is about to be asked.

        It stands there before the mark is looked for: whoever sets the mark first and reads the
        order then sees every attempt that the mark did not stop.
        """

        def change(order: StartOrder | None) -> StartOrder:
            if order is None:
                order = StartOrder(self._run_id, self._token, self._run, self._correlation_id)
            if len(order.attempts) >= ATTEMPTS_MAX:
                raise TaskRefused(run_id=self._run_id)
            order = replace(order, task_token=self._token)
            if order.task_arn is not None:
                return order
            return order.with_attempt(Attempt(self._id, self._at, "asked"))

        return self.orders.change_start_order(self._run_id, change)

    def end(self, outcome: Outcome, task_arn: str | None = None) -> None:
        """Write down what came of the attempt."""

        def change(order: StartOrder | None) -> StartOrder:
            if order is None:
                order = StartOrder(self._run_id, self._token, self._run, self._correlation_id)
            return order.with_attempt(Attempt(self._id, self._at, outcome, task_arn))

        self.orders.change_start_order(self._run_id, change)

    def run_task(self) -> str:
        """The ARN of the run's task. Raises NoCapacity, TaskRefused."""
        try:
            answer = self._call.parts.client("ecs").run_task(**self._request())
        except Exception as error:  # noqa: BLE001 (sorted by what ECS said; all of it is raised)
            return self._failed(error)
        if answer.get("tasks"):
            return self._placed(answer["tasks"][0]["taskArn"])
        self._note_refusal(answer)
        failures = answer.get("failures", [])
        reasons = "; ".join(str(failure.get("reason")) for failure in failures)
        self._call.log.warning("ECS placed no task", reasons=reasons)
        if any(str(failure.get("reason")).startswith(_LASTING) for failure in failures):
            raise TaskRefused(run_id=self._run_id)
        raise NoCapacity(run_id=self._run_id)

    def _placed(self, task_arn: str) -> str:
        self.end("placed", task_arn)
        self._call.log.info("placed", task_arn=task_arn)
        return task_arn

    def _failed(self, error: Exception) -> str:
        code = error_code(error)
        self._call.log.warning("RunTask failed", code=code, detail=str(error))
        if code == "ConflictException":
            # A task has this client token already; ECS names it.
            known = getattr(error, "response", {}).get("resourceIds") or []
            if known:
                return self._placed(str(known[0]))
        elif refused(error):
            self._note_refusal(error)
            if code in _TRANSIENT or _is_capacity(code, str(error)):
                raise NoCapacity(run_id=self._run_id) from error
            raise TaskRefused(run_id=self._run_id) from error
        # No answer, or none that says whether there is a task: the attempt stays "asked", and the
        # next one with the same client token finds the task if there is one.
        raise NoCapacity(run_id=self._run_id) from error

    def _note_refusal(self, answer: object) -> None:
        """Write down that ECS said no, if that was its only word.

        Where the SDK has tried before, the first try may have placed a task and its answer been
        lost: the attempt stays "asked".
        """
        if not tried_before(answer):
            self.end("refused")

    def _request(self) -> dict[str, Any]:
        task = self._call.parts.environment.task()
        return {
            "cluster": task.cluster,
            "taskDefinition": task.task_definition,
            **_where(task.capacity_provider),
            "count": 1,
            "clientToken": self._run_id,
            "startedBy": self._run_id,
            "networkConfiguration": {
                "awsvpcConfiguration": {
                    "subnets": list(task.subnets),
                    "securityGroups": list(task.security_groups),
                    "assignPublicIp": "ENABLED",
                }
            },
            "overrides": {
                "containerOverrides": [
                    {
                        "name": CONTAINER,
                        "environment": [{"name": "RUN_ID", "value": self._run_id}],
                    }
                ]
            },
        }


def _where(provider: CapacityProvider) -> dict[str, Any]:
    """Spot can only be asked for by a strategy, which excludes a launch type.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
    """
    if provider == "FARGATE":
        return {"launchType": "FARGATE"}
    return {"capacityProviderStrategy": [{"capacityProvider": provider, "weight": 1}]}


def _is_capacity(code: str, message: str) -> bool:
    """Whether a refusal is about how much there is: Fargate's capacity, or the account's vCPUs."""
    return code == "LimitExceededException" or any(
        word in message.lower() for word in ("capacity", "concurrent", "vcpu limit")
    )


function = Function("start_nst", actions={"start": _start})
parts.warm("s3", "ecs")
