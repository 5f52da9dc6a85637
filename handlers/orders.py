"""The private objects of a run below ``orders/``: start order, watch token, marks.

The start order is changed by compare-and-swap, since Lambda may run an invocation twice: an attempt
that was written down is never lost, which is what makes "never started" a certainty.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from handlers.aws import CONFLICT, MISSING, error_code
from system import runs
from system.ledger.store import Patience

DOCUMENT_BYTES_MAX = 262_144
ATTEMPTS_MAX = 32

Outcome = Literal["asked", "placed", "refused"]


class OrderError(Exception):
    """A start order cannot be read or changed."""


@dataclass(frozen=True)
class Attempt:
    """One RunTask: when, and what came of it.

    ``asked``: it was called, or was about to be, and nothing more is known. ``placed``: ECS has
    the task. ``refused``: ECS said no, or it was not called after all.
    """

    id: str
    at: int
    outcome: Outcome
    task_arn: str | None = None


@dataclass(frozen=True)
class StartOrder:
    """What a task is to do, whom to tell, and every attempt to start it."""

    run_id: str
    task_token: str
    run: Mapping[str, Any]
    correlation_id: str | None = None
    attempts: tuple[Attempt, ...] = ()
    version: str | None = field(default=None, compare=False)

    @property
    def task_arn(self) -> str | None:
        """The run's task; there is at most one, because all attempts have one client token."""
        return next((a.task_arn for a in reversed(self.attempts) if a.task_arn), None)

    @property
    def certainly_refused(self) -> bool:
        """Whether every attempt was refused."""
        return all(attempt.outcome == "refused" for attempt in self.attempts)

    @property
    def asked_at(self) -> int:
        """When the newest attempt was made that may have placed a task; 0 for none."""
        return max((a.at for a in self.attempts if a.outcome != "refused"), default=0)

    def with_attempt(self, attempt: Attempt) -> StartOrder:
        """The order with this attempt added, or in the place of the one with its id."""
        others = tuple(a for a in self.attempts if a.id != attempt.id)
        return replace(self, attempts=(*others, attempt))

    def document(self) -> dict[str, Any]:
        """As it is stored."""
        attempts = [
            {k: v for k, v in vars(attempt).items() if v is not None} for attempt in self.attempts
        ]
        document = {
            "run_id": self.run_id,
            "task_token": self.task_token,
            "run": dict(self.run),
            "attempts": attempts,
        }
        if self.correlation_id is not None:
            document["correlation_id"] = self.correlation_id
        return document


class Orders:
    """Reads and writes them in the storage bucket. All methods pass on the SDK's errors."""

    def __init__(self, client: Any, bucket: str, patience: Patience) -> None:
        self._client = client
        self._bucket = bucket
        self._patience = patience

    def start_order(self, run_id: str) -> StartOrder | None:
        """The start order; None when there is none. Raises OrderError for one that is not one."""
        found = self._read(runs.start_order_key(run_id))
        if found is None:
            return None
        document, version = found
        try:
            attempts = tuple(Attempt(**attempt) for attempt in document["attempts"])
            order = StartOrder(
                str(document["run_id"]),
                str(document["task_token"]),
                dict(document["run"]),
                document.get("correlation_id"),
                attempts,
                version,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise OrderError(f"the start order of {run_id} cannot be read") from error
        if order.run_id != run_id:
            raise OrderError(f"the start order of {run_id} is for another run")
        return order

    def change_start_order(
        self, run_id: str, change: Callable[[StartOrder | None], StartOrder]
    ) -> StartOrder:
        """Replace the start order by ``change`` of it, as often as others are faster.

        ``change`` must be harmless when applied to its own result. Raises OrderError when all
        attempts were lost.
        """
        for attempt in range(self._patience.attempts):
            old = self.start_order(run_id)
            new = change(old)
            if new == old:
                return new
            condition = {"IfMatch": old.version} if old else {"IfNoneMatch": "*"}
            try:
                self._put(runs.start_order_key(run_id), new.document(), **condition)
            except Exception as error:
                if error_code(error) not in CONFLICT | MISSING:
                    raise
                self._patience.pause(attempt)
            else:
                return new
        raise OrderError(f"the start order of {run_id} is changed by too many at once")

    def watch_token(self, run_id: str) -> str | None:
        """The second callback token; None while the workflow has not written it."""
        found = self._read(runs.watch_key(run_id))
        token = found[0].get("task_token") if found else None
        return token if isinstance(token, str) and token else None

    def mark_cancelled(self, run_id: str, at: float) -> None:
        """Say that the visitor stopped the run."""
        self._put(runs.cancel_key(run_id), {"run_id": run_id, "at": int(at)})

    def mark_over(self, run_id: str, at: float) -> None:
        """Say that no task may be started for the run any more."""
        self._put(runs.over_key(run_id), {"run_id": run_id, "at": int(at)})

    def marked(self, run_id: str) -> bool:
        """Whether the run is cancelled or over."""
        return any(self._exists(key(run_id)) for key in (runs.cancel_key, runs.over_key))

    def _exists(self, key: str) -> bool:
        try:
            self._client.head_object(Bucket=self._bucket, Key=key)
        except Exception as error:
            if error_code(error) in MISSING:
                return False
            raise
        return True

    def _read(self, key: str) -> tuple[dict[str, Any], str] | None:
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
        except Exception as error:
            if error_code(error) in MISSING:
                return None
            raise
        body = answer["Body"].read(DOCUMENT_BYTES_MAX + 1)
        if len(body) > DOCUMENT_BYTES_MAX:
            raise OrderError(f"{key} is too large")
        try:
            document = json.loads(body)
        except ValueError as error:
            raise OrderError(f"{key} is not JSON") from error
        if not isinstance(document, dict):
            raise OrderError(f"{key} is not an object")
        return document, str(answer["ETag"])

    def _put(self, key: str, document: Mapping[str, Any], **condition: Any) -> None:
        self._client.put_object(
            Bucket=self._bucket,
            Key=key,
            Body=json.dumps(document).encode(),
            ContentType="application/json",
            **condition,
        )
