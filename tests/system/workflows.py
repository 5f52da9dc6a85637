"""A bare emulator in this process, and workflows run on it through boto3."""

from __future__ import annotations

import contextlib
import itertools
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config

from emulator.settings import Settings
from emulator.stack import Stack
from tests.roles import open_role
from tests.system.running import wait_until

ACCOUNT = "000000000000"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/workflow"
PROGRAM = """
import os, sys, time
mode = os.environ["MODE"]
while mode == "hang":
    time.sleep(0.05)
sys.exit(int(mode))
"""
"""What the tasks run: an exit code, or no end."""


@dataclass
class Workflows:
    """The emulator's addresses, its clients, and a way to run one definition."""

    aws_url: str
    local_url: str
    open: contextlib.ExitStack
    names: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def client(self, service: str, url: str | None = None, key: str = "test") -> Any:
        made = boto3.client(
            service,
            endpoint_url=url or self.aws_url,
            region_name="us-east-1",
            aws_access_key_id=key,
            aws_secret_access_key="test",
            # without: boto3 puts "sync-" before the host of StartSyncExecution and TestState
            config=Config(retries={"max_attempts": 1}, inject_host_prefix=False),
        )
        self.open.callback(made.close)
        return made

    def machine(self, definition: dict[str, Any], kind: str = "STANDARD") -> str:
        made = self.client("stepfunctions").create_state_machine(
            name=f"m{next(self.names)}",
            definition=json.dumps(definition),
            roleArn=ROLE,
            type=kind,
        )
        return str(made["stateMachineArn"])

    def start(self, definition: dict[str, Any], data: Any = None) -> str:
        started = self.client("stepfunctions").start_execution(
            stateMachineArn=self.machine(definition), input=json.dumps(data or {})
        )
        return str(started["executionArn"])

    def ended(self, execution: str) -> dict[str, Any]:
        """The description of an execution once it is over, its output parsed."""
        states = self.client("stepfunctions")

        def over() -> Any:
            found = states.describe_execution(executionArn=execution)
            return None if found["status"] == "RUNNING" else found

        found: dict[str, Any] = wait_until(f"the end of {execution}", over)
        if "output" in found:
            found["output"] = json.loads(found["output"])
        return found

    def run(
        self,
        resource: str,
        parameters: dict[str, Any],
        during: Callable[[str], None] | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """Run a machine of one Task state to its end; ``during`` acts while it runs."""
        execution = self.start(task(resource, parameters, **more))
        if during is not None:
            during(execution)
        return self.ended(execution)

    def output(self, resource: str, parameters: dict[str, Any]) -> Any:
        """`run`, which must succeed."""
        ended = self.run(resource, parameters)
        assert ended["status"] == "SUCCEEDED", (ended.get("error"), ended.get("cause"))
        return ended["output"]

    def error(self, resource: str, parameters: dict[str, Any]) -> tuple[str, str]:
        """`run`, which must fail: the error's name and cause."""
        ended = self.run(resource, parameters)
        assert ended["status"] == "FAILED"
        return ended["error"], ended["cause"]


def task(resource: str, parameters: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A machine of one Task state; ``resource`` is what follows ``arn:aws:states:::``."""
    text = resource if resource.startswith("arn:") else f"arn:aws:states:::{resource}"
    state = {"Type": "Task", "Resource": text, "Parameters": parameters, "End": True, **more}
    return {"StartAt": "S", "States": {"S": state}}


@contextlib.contextmanager
def bare_workflows() -> Iterator[Workflows]:
    """A bare emulator on free ports, with Step Functions Local's port too."""
    settings = Settings(
        aws_port=0,
        edge_port=0,
        stepfunctions_port=0,
        bare=True,
        worker_command=(sys.executable, "-c", PROGRAM),
    )
    with Stack(settings) as stack, contextlib.ExitStack() as clients:
        local_url = stack.emulator.stepfunctions_url
        assert local_url is not None
        flows = Workflows(stack.aws_url, local_url, clients)
        open_role(flows.client("iam"), "workflow", "states", "ecs-tasks", "events", "lambda")
        yield flows
