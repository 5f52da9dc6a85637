"""What is changed in Terraform alone, the emulator does: one apply of a changed copy of the files.

The system is looked at before and after; every test is about one change. The copy is applied over
what test_changes applied; after these tests the deployment is a changed one, and only
test_zz_destroy comes later.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest
from botocore.exceptions import ClientError

from system.deployment.terraform import Terraform
from tests.system.running import Running, wait_until
from tests.system.visitor import Visitor, picture
from tests.terraform.deployed import Deployed

# Terraform waits by itself, and each step has a limit of its own.
pytestmark = pytest.mark.timeout(900)

SLOW_S = 3.0
TIMEOUT_S = 2
CLOSED = {
    "type": "urn:nst:problem:closed-for-a-test",
    "title": "Closed",
    "status": 503,
    "detail": "Terraform has changed this workflow.",
    "code": "closed-for-a-test",
}
MARK = "the changed schedule"


@dataclass(frozen=True)
class Seen:
    """What the system does."""

    slow_function: str
    upload: int
    unconditional_write: str
    knows_routes: tuple[bool, ...]
    """Whether the route of a run's state is there: under its name, and under another."""
    admission: tuple[int, str]
    scheduled: bool


@dataclass(frozen=True)
class Change:
    """Before, and after the changed files were applied; ``planned`` is what Terraform said."""

    before: Seen
    after: Seen
    planned: str


def look(stack: Running) -> Seen:
    visitor = Visitor(stack)
    return Seen(
        slow_function=slow_function(stack),
        upload=upload(visitor),
        unconditional_write=unconditional_write(stack),
        knows_routes=tuple(
            visitor.http.get(f"/api/{name}/{'a' * 32}").json()["code"] == "run-not-found"
            for name in ("runs", "paintings")
        ),
        admission=admission(visitor),
        scheduled=scheduled(stack),
    )


def slow_function(stack: Running) -> str:
    """What read_budget answers while its read of the ledger takes SLOW_S."""
    rule = {"effect": "delay", "service": "s3", "operation": "GetObject", "seconds": SLOW_S}
    faults = f"{stack.aws_url}/_nst/faults"
    made = httpx.post(faults, json=rule).raise_for_status().json()["id"]
    try:
        answer = stack.client("lambda", read_timeout=60).invoke(
            FunctionName=stack.named("read-budget"), Payload=b'{"action": "check"}'
        )
        document = json.loads(answer["Payload"].read())
    finally:
        httpx.delete(f"{faults}/{made}").raise_for_status()
    return str(document.get("errorMessage", "answered"))


def upload(visitor: Visitor) -> int:
    post = visitor.post("/api/upload-urls", {"slot": "content", "content_type": "image/png"})
    assert post.status_code == 200, post.text
    return visitor.upload(post.json(), picture()).status_code


def unconditional_write(stack: Running) -> str:
    s3 = stack.client("s3")
    where = {"Bucket": stack.named("budget"), "Key": "ledger.json"}
    ledger = s3.get_object(**where)["Body"].read()
    try:
        s3.put_object(**where, Body=ledger)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "written"


def admission(visitor: Visitor) -> tuple[int, str]:
    body = {"content": {"content_type": "image/png"}, "styles": [{"gallery": "ink-wash"}]}
    answer = visitor.post("/api/runs", body)
    return answer.status_code, answer.json().get("code", "admitted")


def scheduled(stack: Running) -> bool:
    """Whether run-nst was started by the changed schedule."""
    states = stack.client("stepfunctions")
    pages = states.get_paginator("list_executions").paginate(
        stateMachineArn=stack.machine("run-nst")
    )
    return any(
        MARK in states.describe_execution(executionArn=execution["executionArn"])["input"]
        for page in pages
        for execution in page["executions"]
    )


def edit(path: Path, pattern: str, replacement: str) -> None:
    text = path.read_text()
    changed, count = re.subn(pattern, lambda _: replacement, text, flags=re.DOTALL)
    assert count == 1, f"{pattern} is {count} times in {path.name}"
    path.write_text(changed)


def change_files(root: Path) -> None:
    """A timeout, two policies, a route, a workflow and a schedule."""
    system = root / "system"
    document = json.loads((system / "stack.json").read_text())
    document["functions"]["read_budget"]["timeout_s"] = TIMEOUT_S
    document["schedules"]["reconcile"] |= {
        "expression": "rate(1 minute)",
        "target": "run_nst",
        "input": {"by": MARK},
    }
    (system / "stack.json").write_text(json.dumps(document))
    policies = system / "policies"
    edit(policies / "get-upload-url.json", '"s3:PutObject"', '"s3:PutObjectTagging"')
    edit(policies / "events.json", re.escape('"${reconcile_arn}"'), '["${run_nst_arn}"]')
    (policies / "bucket-budget.json").write_text('{"Version": "2012-10-17", "Statement": []}')
    contract = system / "contract" / "openapi.yaml"
    edit(contract, r"(?m)^  /api/runs/\{run_id\}:$", "  /api/paintings/{run_id}:")
    closed = {"Type": "Fail", "Error": "Closed", "Cause": json.dumps(CLOSED)}
    workflow = {"StartAt": "Closed", "States": {"Closed": closed}}
    (system / "workflows" / "admit-run.asl.json").write_text(json.dumps(workflow))


@pytest.fixture(scope="module")
def change(
    deployed: Deployed,
    options: Terraform,
    root: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Change:
    before = look(deployed.stack)
    folder = tmp_path_factory.mktemp("changed")
    ignored = shutil.ignore_patterns(".terraform*", "__pycache__", "*.tfstate*")
    for name in ("terraform", "system", "build/zips"):
        shutil.copytree(root / name, folder / name, ignore=ignored)
    change_files(folder)
    terraform = replace(options, source=folder / "terraform", folder=folder / "build" / "data")
    terraform.init()
    planned = terraform.plan()
    terraform.apply()
    return Change(before, settled_look(deployed.stack), planned)


def settled_look(stack: Running) -> Seen:
    """A look once the changed schedule has fired: a rate begins when it is made."""
    wait_until("the changed schedule to fire", lambda: scheduled(stack))
    return look(stack)


def test_only_what_was_changed_is_planned(change: Change) -> None:
    changed = re.findall(r"(?m)^  # module\.\S+\.aws_(\w+)\.", change.planned)
    assert set(changed) == {
        "api_gateway_deployment",
        "api_gateway_rest_api",
        "api_gateway_stage",
        "iam_role_policy",
        "lambda_function",
        "s3_bucket_policy",
        "scheduler_schedule",
        "sfn_state_machine",
    }


def test_a_functions_timeout(change: Change) -> None:
    assert change.before.slow_function == "answered"
    assert f"Task timed out after {TIMEOUT_S}.00 seconds" in change.after.slow_function


def test_a_roles_policy(change: Change) -> None:
    """The link is signed by a role that may not write any more."""
    assert change.before.upload in {200, 201, 204}
    assert change.after.upload == 403


def test_a_buckets_policy(change: Change) -> None:
    assert change.before.unconditional_write == "AccessDenied"
    assert change.after.unconditional_write == "written"


def test_a_route_of_the_api(change: Change) -> None:
    assert change.before.knows_routes == (True, False)
    assert change.after.knows_routes == (False, True)


def test_a_workflow(change: Change) -> None:
    assert change.before.admission == (201, "admitted")
    assert change.after.admission == (503, "closed-for-a-test")


def test_a_schedule(change: Change) -> None:
    assert change.before.scheduled is False
    assert change.after.scheduled is True
