"""The AWS services as the functions see them; each call is checked against AWS's API models."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.validate import validate_parameters

from handlers.aws import Clients
from handlers.parts import Parts
from system.ledger.store import Patience
from system.settings import Environment
from tests.unit.system.fake_s3 import FakeS3, client_error

NOW = 1_793_000_000.0
RUN = "0123456789abcdef" * 2
TASK_ARN = "arn:aws:ecs:us-east-1:000000000000:task/nst/" + "1" * 32
MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:nst-run-nst"
VARIABLES = {
    "AWS_REGION": "us-east-1",
    "STORAGE_BUCKET": "nst-storage",
    "BUDGET_BUCKET": "nst-budget",
    "RUN_STATE_MACHINE_ARN": MACHINE,
    "CLUSTER": "nst",
    "TASK_DEFINITION": "nst-worker",
    "SUBNETS": "subnet-1,subnet-2",
    "SECURITY_GROUPS": "sg-1",
    "TASK_CPU_UNITS": "2048",
    "TASK_MEMORY_MIB": "4096",
    "TASK_ARCHITECTURE": "X86_64",
    "MAX_UPLOAD_BYTES": "1000",
}


@functools.cache
def real_client(service: str) -> Any:
    """An SDK client that never leaves the machine: for signing, and for AWS's API models."""
    session = boto3.session.Session(
        aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="secret", region_name="us-east-1"
    )
    clients = Clients(Environment(VARIABLES))
    clients._session = session
    return clients(service)


class Checked:
    """A fake whose calls must be valid for the real API; signing is the real client's."""

    def __init__(self, service: str, fake: Any) -> None:
        self._service = service
        self._fake = fake

    def __getattr__(self, name: str) -> Callable[..., Any]:
        real = real_client(self._service)
        if name.startswith("generate_presigned"):
            signer: Callable[..., Any] = getattr(real, name)
            return signer

        def call(**params: Any) -> Any:
            operation = real.meta.method_to_api_mapping[name]
            validate_parameters(
                params, real.meta.service_model.operation_model(operation).input_shape
            )
            return getattr(self._fake, name)(**params)

        return call


class FakeEcs:
    """One cluster; ``answers`` are used up by run_task: an error, failures, or None to place."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.answers: list[Any] = []
        self.tasks: dict[str, dict[str, Any]] = {}
        self.run: list[dict[str, Any]] = []
        self.stopped: list[dict[str, Any]] = []
        self.listed = True

    def place(self, run_id: str = RUN, arn: str = TASK_ARN, **members: Any) -> dict[str, Any]:
        task = {
            "taskArn": arn,
            "startedBy": run_id,
            "lastStatus": "RUNNING",
            "desiredStatus": "RUNNING",
            "cpu": "2048",
            "memory": "4096",
            "createdAt": moment(self.world.now),
            "containers": [{"name": "nst"}],
            **members,
        }
        self.tasks[arn] = task
        return task

    def run_task(self, **params: Any) -> dict[str, Any]:
        self.run.append(params)
        answer = self.answers.pop(0) if self.answers else None
        if answer == "lost reply":
            self.place(params["startedBy"])
            raise client_error("ServerException", 500, "RunTask")
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, dict):
            return answer
        if answer is not None:
            return {"tasks": [], "failures": answer}
        known = [t for t in self.tasks.values() if t["startedBy"] == params["clientToken"]]
        return {"tasks": known or [self.place(params["startedBy"])], "failures": []}

    def list_tasks(self, **params: Any) -> dict[str, Any]:
        wanted = params.get("desiredStatus", "RUNNING")
        found = [
            arn
            for arn, t in self.tasks.items()
            if t["desiredStatus"] == wanted
            and params.get("startedBy", t["startedBy"]) == t["startedBy"]
        ]
        start = int(params.get("nextToken", 0))
        most = start + min(params.get("maxResults", 100), 2)
        more = {"nextToken": str(most)} if most < len(found) else {}
        return {"taskArns": found[start:most] if self.listed else [], **more}

    def describe_tasks(self, **params: Any) -> dict[str, Any]:
        shown = [self.tasks[a] for a in params["tasks"] if a in self.tasks and self.listed]
        return {"tasks": shown, "failures": []}

    def stop_task(self, **params: Any) -> dict[str, Any]:
        self.stopped.append(params)
        self.tasks[params["task"]]["desiredStatus"] = "STOPPED"
        return {}

    def end(self, arn: str = TASK_ARN, seconds: float = 100.0, exit_code: int = 0) -> None:
        """The task is over: pulled at NOW, started 20 s later."""
        self.tasks[arn] |= {
            "lastStatus": "STOPPED",
            "desiredStatus": "STOPPED",
            "pullStartedAt": moment(NOW),
            "startedAt": moment(NOW + 20),
            "stoppedAt": moment(NOW + seconds),
            "stoppedReason": "Essential container in task exited",
            "containers": [{"name": "nst", "exitCode": exit_code}],
        }


class FakeStates:
    """Executions that exist, and tokens that somebody waits for."""

    def __init__(self) -> None:
        self.executions: set[str] = set()
        self.waiting: set[str] = set()
        self.failures: list[dict[str, Any]] = []

    def describe_execution(self, **params: Any) -> dict[str, Any]:
        if params["executionArn"] not in self.executions:
            raise client_error("ExecutionDoesNotExist", 400, "DescribeExecution")
        return {"status": "RUNNING"}

    def send_task_failure(self, **params: Any) -> dict[str, Any]:
        if params["taskToken"] not in self.waiting:
            raise client_error("TaskTimedOut", 400, "SendTaskFailure")
        self.waiting.discard(params["taskToken"])
        self.failures.append(params)
        return {}


@dataclass
class World:
    """The services, and a clock that stands still until a test moves it."""

    now: float = NOW
    variables: dict[str, str] = field(default_factory=lambda: dict(VARIABLES))

    def __post_init__(self) -> None:
        self.s3 = FakeS3()
        self.ecs = FakeEcs(self)
        self.states = FakeStates()

    @property
    def parts(self) -> Parts:
        fakes = {"s3": self.s3, "ecs": self.ecs, "stepfunctions": self.states}
        return Parts(
            Environment(self.variables),
            lambda service: Checked(service, fakes[service]),
            lambda: self.now,
            Patience(sleep=lambda _: None),
        )

    def put(self, key: str, body: Any, bucket: str = "nst-storage") -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.s3.put_object(Bucket=bucket, Key=key, Body=data)

    def get(self, key: str, bucket: str = "nst-storage") -> Any:
        return json.loads(self.s3.get_object(Bucket=bucket, Key=key)["Body"].read())

    def has(self, key: str) -> bool:
        return ("nst-storage", key) in self.s3.objects


@dataclass
class Context:
    """Lambda's context, as much of it as the functions read."""

    aws_request_id: str = "request-1"


def moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def proxy_event(method: str, resource: str, body: Any = None, **path: str) -> dict[str, Any]:
    """A proxy event as API Gateway's REST API sends it, with nulls where it sends them."""
    return {
        "resource": resource,
        "path": resource,
        "httpMethod": method,
        "headers": None,
        "queryStringParameters": None,
        "pathParameters": path or None,
        "requestContext": {"requestId": "correlation-1", "stage": "prod"},
        "body": body if body is None or isinstance(body, str) else json.dumps(body),
        "isBase64Encoded": False,
    }
