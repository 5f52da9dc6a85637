"""Clients that people have: boto3's paginators and waiters, the AWS CLI, Step Functions Local."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.roles import open_role
from tests.system.running import started, wait_until
from tests.system.workflows import ROLE, Workflows, bare_workflows

pytestmark = pytest.mark.needs("own emulator")

AREA = "Step Functions: API"
PASS = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
ENDLESS = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 9999, "End": True}}}
CLI_TIMEOUT_S = 120


@pytest.fixture(scope="module")
def flows() -> Iterator[Workflows]:
    with bare_workflows() as found:
        yield found


@pytest.mark.fidelity(
    area=AREA,
    feature="boto3's paginators",
    source="https://boto3.amazonaws.com/v1/documentation/api/latest/reference/services/stepfunctions.html#paginators",
)
def test_paginators(flows: Workflows) -> None:
    states = flows.client("stepfunctions")
    machine = flows.machine(PASS)
    started = [states.start_execution(stateMachineArn=machine)["executionArn"] for _ in range(5)]
    for execution in started:
        flows.ended(execution)

    def every(operation: str, member: str, key: str, **params: Any) -> list[Any]:
        pages = states.get_paginator(operation).paginate(**params, PaginationConfig={"PageSize": 2})
        found = [page[member] for page in pages]
        assert all(len(page) <= 2 for page in found)
        return [item[key] for page in found for item in page]

    listed = every("list_executions", "executions", "executionArn", stateMachineArn=machine)
    assert sorted(listed) == sorted(started)
    events = every("get_execution_history", "events", "id", executionArn=started[0])
    assert events == [1, 2, 3, 4]
    others = {flows.machine(PASS) for _ in range(4)}
    machines = every("list_state_machines", "stateMachines", "stateMachineArn")
    assert others | {machine} <= set(machines)
    assert len(machines) == len(set(machines))
    assert every("list_activities", "activities", "activityArn") == []


@pytest.mark.fidelity(
    area=AREA,
    feature="boto3's exceptions by their classes",
    source="https://docs.aws.amazon.com/step-functions/latest/apireference/API_Operations.html",
)
def test_exceptions_have_their_classes(flows: Workflows) -> None:
    states = flows.client("stepfunctions")
    missing = flows.machine(PASS) + "x"
    with pytest.raises(states.exceptions.StateMachineDoesNotExist):
        states.start_execution(stateMachineArn=missing)
    with pytest.raises(states.exceptions.InvalidArn):
        states.describe_execution(executionArn="nope")
    with pytest.raises(states.exceptions.ValidationException):
        states.list_executions()
    # The API has no waiters, which is why people poll.
    assert states.waiter_names == []


@pytest.mark.fidelity(
    area=AREA,
    feature="A client of AWS Step Functions Local, on its own port",
    source="https://docs.aws.amazon.com/step-functions/latest/dg/sfn-local.html",
    note="account 123456789012 in the emulator's region, whatever signs; only Step Functions "
    "answers there",
)
def test_a_client_of_step_functions_local(flows: Workflows) -> None:
    local = flows.client("stepfunctions", flows.local_url, key="any key at all")
    arn = local.create_state_machine(
        name="HelloWorld",
        definition=json.dumps(PASS),
        roleArn="arn:aws:iam::012345678901:role/DummyRole",
    )["stateMachineArn"]
    assert arn == "arn:aws:states:us-east-1:123456789012:stateMachine:HelloWorld"
    execution = local.start_execution(stateMachineArn=arn, name="test", input='{"a":1}')
    assert execution["executionArn"] == (
        "arn:aws:states:us-east-1:123456789012:execution:HelloWorld:test"
    )

    def over() -> Any:
        found = local.describe_execution(executionArn=execution["executionArn"])
        return found["status"] == "SUCCEEDED"

    wait_until("its end", over)
    assert [m["name"] for m in local.list_state_machines()["stateMachines"]] == ["HelloWorld"]
    with pytest.raises(local.exceptions.ClientError, match="Only Step Functions answers"):
        flows.client("sqs", flows.local_url).list_queues()


def test_the_command_line_opens_the_port(tmp_path: Path) -> None:
    with started(tmp_path, "--bare", "--stepfunctions-port", "0") as running:
        found = httpx.get(f"{running.aws_url}/_nst/status").json()
        local = running.open.enter_context(httpx.Client(base_url=found["stepfunctions"]))
        headers = {"x-amz-target": "AWSStepFunctions.ListStateMachines"}
        assert local.post("/", headers=headers, content="{}").json() == {"stateMachines": []}
    with started(tmp_path, "--bare") as running:
        assert httpx.get(f"{running.aws_url}/_nst/status").json()["stepfunctions"] is None


class Cli:
    """The AWS CLI as a user runs it: a process, settings in its environment."""

    def __init__(self, url: str) -> None:
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        self._environment = {
            **kept,
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "awscli", *arguments, "--output", "json"],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=CLI_TIMEOUT_S,
            check=False,
        )

    def __call__(self, *arguments: str) -> Any:
        """What a command prints, parsed (None for nothing)."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None


@pytest.mark.fidelity(
    area=AREA,
    feature="The AWS CLI's stepfunctions commands",
    source="https://docs.aws.amazon.com/cli/latest/reference/stepfunctions/",
)
def test_stepfunctions_commands(flows: Workflows) -> None:
    aws = Cli(flows.aws_url)

    def sfn(*arguments: str) -> Any:
        return aws("stepfunctions", *arguments)

    definition = ["--definition", json.dumps(ENDLESS)]
    assert sfn("validate-state-machine-definition", *definition)["result"] == "OK"
    made = ["create-state-machine", "--name", "cli", "--role-arn", ROLE]
    arn = sfn(*made, *definition)["stateMachineArn"]
    machine = ["--state-machine-arn", arn]
    assert sfn("describe-state-machine", *machine)["status"] == "ACTIVE"
    started = sfn("start-execution", *machine, "--name", "one", "--input", '{"a": 1}')
    execution = ["--execution-arn", started["executionArn"]]
    (listed,) = sfn("list-executions", *machine, "--status-filter", "RUNNING")["executions"]
    assert listed["name"] == "one"
    sfn("stop-execution", *execution, "--cause", "enough")
    assert sfn("describe-execution", *execution)["cause"] == "enough"
    events = sfn("get-execution-history", *execution, "--reverse-order", "--max-items", "1")
    assert events["events"][0]["type"] == "ExecutionAborted"
    tested = sfn(
        "test-state", "--definition", json.dumps(PASS["States"]["P"]), "--input", '{"b": 2}'
    )
    assert (tested["status"], json.loads(tested["output"])) == ("SUCCEEDED", {"b": 2})
    express = [*made[:2], "cli-express", *made[3:], "--type", "EXPRESS"]
    quick = sfn(*express, "--definition", json.dumps(PASS))["stateMachineArn"]
    answer = sfn("start-sync-execution", "--state-machine-arn", quick, "--input", '{"c": 3}')
    assert (answer["status"], json.loads(answer["output"])) == ("SUCCEEDED", {"c": 3})
    assert sfn("delete-state-machine", *machine) is None
    refused = aws.run("stepfunctions", "describe-state-machine", *machine)
    assert refused.returncode != 0
    assert "(StateMachineDoesNotExist)" in refused.stderr


@pytest.mark.fidelity(
    area="Lambda",
    feature="The AWS CLI's lambda commands and boto3's waiters",
    source="https://docs.aws.amazon.com/cli/latest/reference/lambda/",
)
def test_lambda_commands(flows: Workflows, tmp_path: Path) -> None:
    aws = Cli(flows.aws_url)
    role = open_role(flows.client("iam"), "cli", "lambda")
    code, out = tmp_path / "code.zip", tmp_path / "out.json"
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("code.py", "def handle(event, context):\n    return {'got': event}\n")
    name = ["--function-name", "cli"]
    made = aws(
        "lambda", "create-function", *name, "--runtime", "python3.11", "--handler", "code.handle",
        "--role", role, "--zip-file", f"fileb://{code}",
    )  # fmt: skip
    assert made["FunctionName"] == "cli"
    for waiter in ("function_exists", "function_active_v2", "function_updated_v2"):
        flows.client("lambda").get_waiter(waiter).wait(FunctionName="cli")
    aws("lambda", "wait", "function-active-v2", *name)
    answer = aws("lambda", "invoke", *name, "--payload", '{"a": 1}', str(out))
    assert answer["StatusCode"] == 200
    assert json.loads(out.read_text(encoding="utf-8")) == {"got": {"a": 1}}
    assert aws("lambda", "get-function", *name)["Configuration"]["Handler"] == "code.handle"
    assert [f["FunctionName"] for f in aws("lambda", "list-functions")["Functions"]] == ["cli"]
    aws("lambda", "delete-function", *name)
    refused = aws.run("lambda", "invoke", *name, str(out))
    assert "(ResourceNotFoundException)" in refused.stderr
