"""The IAM policies: valid, filled, and least privilege where a test can see it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from system import stack

FOLDER = Path(stack.__file__).parent / "policies"
FILES = sorted(path.stem for path in FOLDER.glob("*.json"))
VALUES = {
    name: f"value-of-{name}"
    for name in [
        "partition",
        "region",
        "account",
        "name",
        "cluster",
        "cluster_arn",
        "log_group",
        "bucket_arn",
        "distribution_arn",
        "storage_bucket_arn",
        "budget_bucket_arn",
        "website_bucket_arn",
        "task_definition_arn_prefix",
        "task_role_arn",
        "task_execution_role_arn",
        "run_nst_arn",
        "run_nst_execution_arn_prefix",
        "admit_run_arn",
        "start_run_arn",
        "reconcile_arn",
        "read_budget_arn",
        "get_upload_url_arn",
        "update_budget_arn",
        "start_nst_arn",
        "stop_nst_arn",
        "read_budget_name",
        "get_upload_url_name",
        "update_budget_name",
        "start_nst_name",
        "stop_nst_name",
        "ledger_table_arn",
        "gate_arn",
        "api_stage_arn",
    ]
}
# What the code of each role calls, seen from the SDK's side.
USED = {
    "read-budget": {"s3:GetObject"},
    "update-budget": {"s3:GetObject", "s3:PutObject"},
    "read-budget-dynamodb": {"dynamodb:GetItem"},
    "update-budget-dynamodb": {"dynamodb:GetItem", "dynamodb:PutItem"},
    "get-upload-url": {"s3:GetObject", "s3:PutObject"},
    "start-nst": {"s3:GetObject", "s3:PutObject", "ecs:RunTask", "iam:PassRole"},
    "stop-nst": {
        "s3:GetObject",
        "s3:PutObject",
        "ecs:DescribeTasks",
        "ecs:ListTasks",
        "ecs:StopTask",
        "states:DescribeExecution",
        "states:SendTaskFailure",
    },
}
CALLS = {
    "get_object": "s3:GetObject",
    "head_object": "s3:GetObject",
    "put_object": "s3:PutObject",
    "get_item": "dynamodb:GetItem",
    "put_item": "dynamodb:PutItem",
    "generate_presigned_post": "s3:PutObject",
    "generate_presigned_url": "s3:GetObject",
    "run_task": "ecs:RunTask",
    "describe_tasks": "ecs:DescribeTasks",
    "list_tasks": "ecs:ListTasks",
    "stop_task": "ecs:StopTask",
    "describe_execution": "states:DescribeExecution",
    "send_task_failure": "states:SendTaskFailure",
}


def statements(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((FOLDER / f"{name}.json").read_text())["Statement"]
    return found


def listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def allowed(name: str) -> set[str]:
    return {a for s in statements(name) for a in listed(s["Action"]) if s["Effect"] == "Allow"}


@pytest.mark.parametrize("name", FILES)
def test_a_policy_is_valid_and_fills(name: str) -> None:
    document = json.loads((FOLDER / f"{name}.json").read_text())
    assert document["Version"] == "2012-10-17"
    sids = [s["Sid"] for s in document["Statement"]]
    assert len(set(sids)) == len(sids)
    for statement in document["Statement"]:
        assert statement["Effect"] in {"Allow", "Deny"}
        assert set(statement) <= {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}
        assert all(re.fullmatch(r"[a-z0-9-]+:[A-Za-z*]+", a) for a in listed(statement["Action"]))
    filled = json.dumps(stack.fill(document, VALUES))
    assert "${" not in filled


def test_every_role_of_the_declaration_has_a_policy_and_a_trust() -> None:
    declared = stack.declaration()
    roles = {f["role"] for f in declared["functions"].values()}
    roles |= {w["role"] for w in declared["workflows"].values()}
    roles |= {declared["task"]["role"], declared["task"]["execution_role"], "gateway", "events"}
    roles.add(declared["live_events"]["service"]["role"])
    roles.add(declared["gate"]["workflow"]["role"])
    assert roles <= set(FILES)
    trusts = {f"trust-{s}" for s in ("lambda", "states", "ecs-tasks", "apigateway", "events")}
    assert trusts <= set(FILES)
    instead = declared["ledger_in_dynamodb"]["policies"]
    assert set(instead) <= roles
    known = (
        roles | trusts | set(instead.values()) | {"bucket-budget", "bucket-website", "bucket-tls"}
    )
    assert set(FILES) == known


@pytest.mark.parametrize("name", FILES)
def test_no_action_is_a_wildcard_and_all_resources_only_where_aws_knows_no_other(name: str) -> None:
    for statement in statements(name):
        if statement["Effect"] == "Deny":
            continue
        assert not [a for a in listed(statement["Action"]) if "*" in a]
        if "*" in listed(statement.get("Resource", [])):
            unscoped = {"ecs:ListTasks", "ecr:GetAuthorizationToken", "cloudwatch:PutMetricData"}
            assert set(listed(statement["Action"])) <= unscoped


@pytest.mark.parametrize("name", sorted(USED))
def test_a_function_may_do_what_it_does_and_little_else(name: str) -> None:
    beside = {"logs:CreateLogStream", "logs:PutLogEvents"}
    if "s3:GetObject" in USED[name] and name != "read-budget":
        # who has to tell a missing object from a forbidden one; without a ledger nothing starts
        beside.add("s3:ListBucket")
    assert allowed(name) == USED[name] | beside


def test_every_call_that_the_functions_make_is_known_here() -> None:
    """A new SDK call in the functions must come with its permission."""
    handlers = Path(stack.__file__).parents[1] / "handlers"
    sources = "".join(p.read_text() for p in handlers.glob("*.py"))
    sources += "".join(p.read_text() for p in (FOLDER.parent / "ledger").glob("*_store.py"))
    pattern = r'(?:client\("\w+"\)|_client|_ecs)\s*\.(\w+)\('
    called = set(re.findall(pattern, sources))
    assert called == set(CALLS)
    assert {CALLS[c] for c in called} | {"iam:PassRole"} == set().union(*USED.values())


def test_only_update_budget_may_write_the_ledger() -> None:
    writers = {
        name
        for name in FILES
        for s in statements(name)
        if s["Effect"] == "Allow"
        and "s3:PutObject" in listed(s["Action"])
        and any("budget_bucket" in r for r in listed(s["Resource"]))
    }
    assert writers == {"update-budget"}
    table = {n for n in FILES for s in statements(n) if "dynamodb:PutItem" in listed(s["Action"])}
    assert table == {"update-budget-dynamodb"}


def test_the_budget_bucket_refuses_writes_without_a_condition_and_deletes() -> None:
    writes, deletes = statements("bucket-budget")
    assert (writes["Effect"], writes["Principal"]) == ("Deny", "*")
    assert writes["Condition"] == {"Null": {"s3:if-match": "true", "s3:if-none-match": "true"}}
    assert set(listed(deletes["Action"])) == {"s3:DeleteObject", "s3:DeleteObjectVersion"}


def test_an_instance_of_live_events_reads_event_logs_and_nothing_else() -> None:
    assert allowed("live-events") == {"s3:GetObject", "s3:ListBucket"}
    [read] = [s for s in statements("live-events") if "s3:GetObject" in listed(s["Action"])]
    assert listed(read["Resource"]) == ["${storage_bucket_arn}/runs/*/events.jsonl"]


def test_the_task_cannot_touch_uploads_money_or_other_orders() -> None:
    task = statements("task")
    written = [r for s in task if "s3:PutObject" in listed(s["Action"]) for r in s["Resource"]]
    assert sorted(r.rpartition("/")[2] for r in written) == [
        "events.jsonl",
        "preview.jpg",
        "result.png",
    ]
    assert "budget" not in json.dumps(task)
