"""Permissions one by one, and the flow that each of them is there for.

One stack in this process, with the real functions, gateway, rules and tasks (whose program only
waits); the worker's own classes play the task with its role. A flow raises when it does not work.
"""

from __future__ import annotations

import copy
import io
import itertools
import json
import logging
import secrets
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import boto3
import httpx
from botocore.config import Config

from emulator.settings import Settings
from emulator.stack import Stack
from system import runs
from system import stack as declared
from tests.system.running import wait_until
from worker.service.callbacks import Callbacks
from worker.service.storage import Storage

WAITING = (sys.executable, "-S", "-c", "import signal; signal.pause()")
ROLES = (
    *("admit-run", "start-run", "run-nst", "reconcile"),
    *("read-budget", "get-upload-url", "update-budget", "start-nst", "stop-nst"),
    *("gateway", "events", "gate", "task", "task-execution"),
)
EITHER = frozenset({"RunTask"})
"""Statements with two resources for one thing: AWS does not say whether it checks a definition that
is named by its family alone with its newest revision or without one. Both are taken away."""
REGISTRY = "000000000000.dkr.ecr.us-east-1.amazonaws.com"


@dataclass(frozen=True)
class Grant:
    """One action on one resource, as a role's policy has it with its placeholders."""

    role: str
    sid: str
    action: str
    resource: str

    def __str__(self) -> str:
        return f"{self.role} {self.action} {self.resource}"


def grants(role: str) -> Iterator[Grant]:
    """Every permission of a role's policy."""
    for statement in declared.policy(role)["Statement"]:
        sid = statement["Sid"]
        resources = listed(statement["Resource"])[: 1 if sid in EITHER else None]
        for action, resource in itertools.product(listed(statement["Action"]), resources):
            yield Grant(role, sid, action, resource)


def without(document: Mapping[str, Any], grant: Grant) -> dict[str, Any]:
    """The policy without one permission."""
    kept = []
    for statement in document["Statement"]:
        if statement["Sid"] != grant.sid:
            kept.append(statement)
            continue
        for place, (action, resource) in enumerate(
            itertools.product(listed(statement["Action"]), listed(statement["Resource"]))
        ):
            same = resource == grant.resource or grant.sid in EITHER
            if action != grant.action or not same:
                alone = {"Sid": f"{grant.sid}{place}", "Action": action, "Resource": resource}
                kept.append({**statement, **alone})
    return {**document, "Statement": kept}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


class RefusedError(AssertionError):
    """A flow did not work."""


class House:
    """The stack and what flows need of it."""

    def __init__(self, stack: Stack, records: list[logging.LogRecord]) -> None:
        self.stack = stack
        self.records = records
        assert stack.emulator.deployment is not None
        self.values = stack.emulator.deployment.values
        self.iam, self.s3 = self.client("iam"), self.client("s3")
        self.states, self.ecs = self.client("stepfunctions"), self.client("ecs")
        self.logs = self.client("logs")
        self._lambda = self.client("lambda")
        self.web = httpx.Client(base_url=stack.edge_url, timeout=30)
        self.storage = self.values["storage_bucket"]

    def close(self) -> None:
        self.web.close()

    def client(self, service: str, session: Any = None, **config: Any) -> Any:
        """A client of the stack: the account's, or that of a session."""
        key, secret, token = "test", "test", None
        if session is not None:
            key, secret = session["AccessKeyId"], session["SecretAccessKey"]
            token = session["SessionToken"]
        options: dict[str, Any] = {"retries": {"max_attempts": 0}, "inject_host_prefix": False}
        if service == "s3":
            options |= {"signature_version": "s3v4", "s3": {"addressing_style": "path"}}
        return boto3.client(
            service,
            endpoint_url=self.stack.aws_url,
            region_name="us-east-1",
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=Config(**{**options, **config}),
        )

    def session(self, role: str, policy: str | None = None) -> Any:
        """A session of a role, as the account's administrator gets it."""
        given = {"Policy": policy} if policy else {}
        return self.client("sts").assume_role(
            RoleArn=f"arn:aws:iam::000000000000:role/nst-{role}", RoleSessionName="test", **given
        )["Credentials"]

    def as_role(self, role: str, service: str, policy: str | None = None) -> Any:
        return self.client(service, self.session(role, policy))

    def set_policy(self, role: str, document: Mapping[str, Any]) -> None:
        """Give a role this policy instead of its own."""
        name = f"nst-{role}"
        if document["Statement"]:
            text = json.dumps(declared.fill(copy.deepcopy(dict(document)), self.values))
            self.iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=text)
        else:
            self.iam.delete_role_policy(RoleName=name, PolicyName=name)

    def set_trust(self, role: str, trust: str, without: str | None = None) -> None:
        """Let a role trust whom its policy names, but for one service."""
        document = declared.fill(declared.policy(f"trust-{trust}"), self.values)
        for statement in document["Statement"]:
            services = [s for s in listed(statement["Principal"]["Service"]) if s != without]
            statement["Principal"] = {"Service": services or ["nobody.amazonaws.com"]}
        text = json.dumps(document)
        self.iam.update_assume_role_policy(RoleName=f"nst-{role}", PolicyDocument=text)

    def invoke(self, function: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """What a function answers; RefusedError names its error."""
        answer = self._lambda.invoke(
            FunctionName=f"nst-{function}", Payload=json.dumps(payload).encode()
        )
        body: dict[str, Any] = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise RefusedError(body["errorType"], body["errorMessage"])
        return body

    def error(self, function: str, payload: Mapping[str, Any]) -> str:
        """The name of the error that a function raises."""
        try:
            self.invoke(function, payload)
        except RefusedError as error:
            return str(error.args[0])
        raise RefusedError(f"{function} did not fail")

    def api(self, method: str, path: str, status: int, body: Any = None) -> Any:
        """A call of the public API that must be answered with ``status``."""
        answer = self.web.request(method, f"/api{path}", json=body)
        if answer.status_code != status:
            raise RefusedError(f"{path} answered {answer.status_code}: {answer.text}")
        return answer.json()

    def put(self, key: str, body: bytes = b"x") -> None:
        self.s3.put_object(Bucket=self.storage, Key=key, Body=body)

    def upload(self, post: Mapping[str, Any], key: str | None = None) -> None:
        """A visitor's upload through a presigned POST."""
        fields = {**post["fields"], **({"key": key} if key else {})}
        answer = httpx.post(post["url"], data=fields, files={"file": ("p", io.BytesIO(b"p"))})
        if answer.status_code >= 300:
            raise RefusedError(answer.text)

    def admit(self) -> dict[str, Any]:
        picture = {"content_type": "image/png"}
        return self.invoke(
            "get-upload-url", {"action": "admit", "content": picture, "styles": [picture]}
        )

    def run_input(self) -> dict[str, Any]:
        """The input of a run that nobody has uploaded anything for."""
        return {
            "run_id": runs.make_run_id(),
            "digest": "d",
            "ceiling_microusd": 5,
            "deadline_s": 60,
        }

    def waiting_run(self) -> tuple[str, str]:
        """A run whose workflow waits for its task: its id and the callback token."""
        given = self.run_input()
        run_id = given["run_id"]
        machine = self.values["run_nst_arn"]
        self.states.start_execution(stateMachineArn=machine, name=run_id, input=json.dumps(given))

        def token() -> str | None:
            try:
                body = self.s3.get_object(Bucket=self.storage, Key=runs.start_order_key(run_id))
            except self.s3.exceptions.NoSuchKey:
                return None
            order = json.loads(body["Body"].read())
            placed = any(a["outcome"] == "placed" for a in order["attempts"])
            return order["task_token"] if placed else None

        return run_id, wait_until("the run's task to be placed", token)

    def end_run(self, run_id: str) -> None:
        """End a run and its task, whatever a test has left of them."""
        prefix = self.values["run_nst_execution_arn_prefix"]
        self.states.stop_execution(executionArn=f"{prefix}:{run_id}")
        self.stop_tasks(run_id)

    def stop_tasks(self, started_by: str) -> None:
        cluster = self.values["cluster"]
        for arn in self.ecs.list_tasks(cluster=cluster, startedBy=started_by)["taskArns"]:
            self.ecs.stop_task(cluster=cluster, task=arn)

    def run_task(self, definition: str, **options: Any) -> str:
        """A task of the cluster, run by the account; its ARN."""
        answer = self.ecs.run_task(
            cluster=self.values["cluster"],
            taskDefinition=definition,
            launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": {"subnets": ["subnet-1"]}},
            **options,
        )
        return str(answer["tasks"][0]["taskArn"])

    def described(self, arn: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ecs.describe_tasks(
            cluster=self.values["cluster"], tasks=[arn]
        )["tasks"][0]
        return found

    def said(self, text: str, since: int) -> bool:
        """Whether the emulator's log has a line with this text."""
        return any(text in record.getMessage() for record in self.records[since:])

    def heard(self, function: str, mark: str, refused: str, since: int) -> None:
        """Wait until a function's log has a line with ``mark``, or the emulator's ``refused``."""
        group = f"/aws/lambda/nst-{function}"

        def seen() -> str:
            if self.said(refused, since):
                return "refused"
            try:
                found = self.logs.filter_log_events(logGroupName=group)["events"]
            except self.logs.exceptions.ResourceNotFoundException:
                return ""
            return "written" if any(mark in event["message"] for event in found) else ""

        if wait_until(f"{function} to log {mark}, or not", seen) == "refused":
            raise RefusedError(refused)

    def worker(self) -> tuple[Storage, Callbacks]:
        """The worker's own ways to S3 and Step Functions, with the task's role."""
        session = self.session("task")
        storage = Storage(self.client("s3", session), self.storage)
        return storage, Callbacks(self.client("stepfunctions", session))


def start(records: list[logging.LogRecord], **options: Any) -> tuple[Stack, House]:
    """A stack whose tasks only wait."""
    settings = replace(Settings(), aws_port=0, edge_port=0, worker_command=WAITING, **options)
    stack = Stack(settings).__enter__()
    return stack, House(stack, records)


def mark() -> str:
    """A text that stands nowhere else."""
    return secrets.token_hex(8)
