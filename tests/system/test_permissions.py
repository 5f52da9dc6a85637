"""Least privilege, both ways: what each permission is for, and what nobody may do.

Every permission of the functions', the gateway's, the rules' and the task's roles is taken away
alone, and a flow that works with it then fails. The workflows' roles are tested in
``tests/unit/iam/test_iam_workflow_roles.py``: their retries would take minutes here.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from system import runs
from system import stack as declared
from tests.system.permission_flows import FLOWS, TRUSTS, Flow
from tests.system.permissions import (
    ROLES,
    Grant,
    House,
    RefusedError,
    grants,
    listed,
    start,
    without,
)
from worker.service.storage import ObjectMissingError

pytestmark = pytest.mark.needs("own emulator")

WORKFLOWS = frozenset({"admit-run", "start-run", "run-nst", "reconcile"})
GRANTS = [grant for role in ROLES if role not in WORKFLOWS for grant in grants(role)]
Failures = (RefusedError, ClientError, AssertionError, ObjectMissingError)


class Records(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    heard = Records()
    logging.getLogger("emulator").addHandler(heard)
    stack, made = start(heard.records)
    try:
        yield made
    finally:
        made.close()
        stack.__exit__(None, None, None)
        logging.getLogger("emulator").removeHandler(heard)


@pytest.fixture(scope="module")
def works(house: House) -> set[Flow]:
    """The flows that were seen to work with all permissions."""
    return set()


def flow_of(grant: Grant) -> Flow:
    found = [
        flow
        for (role, action, suffix), flow in FLOWS.items()
        if (role, action) == (grant.role, grant.action) and grant.resource.endswith(suffix)
    ]
    assert len(found) == 1, f"{grant} has {len(found)} flows that need it"
    return found[0]


def refused(call: Any, **params: Any) -> tuple[str, str]:
    """Code and message of a call that must be refused."""
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.mark.parametrize("grant", GRANTS, ids=str)
def test_no_permission_is_superfluous(grant: Grant, house: House, works: set[Flow]) -> None:
    flow = flow_of(grant)
    if flow not in works:
        flow(house)
        works.add(flow)
    document = declared.policy(grant.role)
    house.set_policy(grant.role, without(document, grant))
    try:
        with pytest.raises(Failures):
            flow(house)
    finally:
        house.set_policy(grant.role, document)


@pytest.mark.parametrize("trust", TRUSTS, ids=" ".join)
@pytest.mark.fidelity(
    area="IAM",
    feature="services assume roles that trust them, and no others",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-service.html",
)
def test_a_service_needs_the_trust_of_its_role(
    trust: tuple[str, str, str], house: House, works: set[Flow]
) -> None:
    role, document, service = trust
    flow = TRUSTS[trust]
    if flow not in works:
        flow(house)
        works.add(flow)
    house.set_trust(role, document, without=service)
    try:
        with pytest.raises(Failures):
            flow(house)
    finally:
        house.set_trust(role, document)


def test_every_trust_is_tested() -> None:
    declared_trusts = {
        (trust, service)
        for trust in ("lambda", "states", "ecs-tasks", "apigateway", "events")
        for statement in declared.policy(f"trust-{trust}")["Statement"]
        for service in listed(statement["Principal"]["Service"])
    }
    assert {(trust, service) for _, trust, service in TRUSTS} == declared_trusts


def test_every_flow_is_there_for_a_permission() -> None:
    needed = {flow_of(grant) for grant in GRANTS}
    assert needed == set(FLOWS.values())
    assert len(FLOWS) == len(GRANTS)


@pytest.mark.parametrize(
    ("role", "operation", "params"),
    [
        ("read-budget", "put_object", {"Bucket": "nst-budget", "Key": "ledger.json"}),
        ("read-budget", "get_object", {"Bucket": "nst-storage", "Key": "runs/x/content"}),
        ("get-upload-url", "get_object", {"Bucket": "nst-budget", "Key": "ledger.json"}),
        ("get-upload-url", "get_object", {"Bucket": "nst-storage", "Key": "orders/x/start.json"}),
        ("get-upload-url", "put_object", {"Bucket": "nst-storage", "Key": "runs/x/result.png"}),
        ("update-budget", "put_object", {"Bucket": "nst-budget", "Key": "other.json"}),
        ("update-budget", "delete_object", {"Bucket": "nst-budget", "Key": "ledger.json"}),
        ("start-nst", "get_object", {"Bucket": "nst-budget", "Key": "ledger.json"}),
        ("stop-nst", "get_object", {"Bucket": "nst-budget", "Key": "ledger.json"}),
        ("task", "get_object", {"Bucket": "nst-budget", "Key": "ledger.json"}),
        ("task", "put_object", {"Bucket": "nst-budget", "Key": "ledger.json"}),
        ("task", "put_object", {"Bucket": "nst-storage", "Key": "runs/x/content"}),
        ("task", "put_object", {"Bucket": "nst-storage", "Key": "orders/x/cancel"}),
        ("task", "put_object", {"Bucket": "nst-website", "Key": "index.html"}),
        ("task", "delete_object", {"Bucket": "nst-storage", "Key": "runs/x/content"}),
        ("gateway", "get_object", {"Bucket": "nst-storage", "Key": "runs/x/content"}),
    ],
)
@pytest.mark.fidelity(
    area="IAM",
    feature="roles are held to their policies",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html",
)
def test_what_no_role_may_do_with_buckets(
    role: str, operation: str, params: dict[str, str], house: House
) -> None:
    body = {"Body": b"x", "IfNoneMatch": "*"} if operation == "put_object" else {}
    code, message = refused(getattr(house.as_role(role, "s3"), operation), **params, **body)
    assert code == "AccessDenied"
    action = {"put": "PutObject", "get": "GetObject", "delete": "DeleteObject"}
    assert (
        f"User: arn:aws:sts::000000000000:assumed-role/nst-{role}/test is not authorized to "
        f"perform: s3:{action[operation.partition('_')[0]]} on resource: "
        f'"arn:aws:s3:::{params["Bucket"]}/{params["Key"]}" '
    ) in message
    assert message.endswith(
        ("because no identity-based policy allows the s3:GetObject action",
         "because no identity-based policy allows the s3:PutObject action",
         "because no identity-based policy allows the s3:DeleteObject action",
         "with an explicit deny in a resource-based policy")
    )  # fmt: skip


def test_the_ledger_is_not_written_without_a_condition_and_never_deleted(house: House) -> None:
    """Not even by the function that may change it, nor by the account's own key."""
    ledger = {"Bucket": "nst-budget", "Key": "ledger.json"}
    for client in (house.as_role("update-budget", "s3"), house.s3):
        for call, more in ((client.put_object, {"Body": b""}), (client.delete_object, {})):
            code, message = refused(call, **ledger, **more)
            assert code == "AccessDenied"
            assert message.endswith("with an explicit deny in a resource-based policy")


def test_a_visitor_without_a_link_reads_and_writes_nothing(house: House) -> None:
    run_id = runs.make_run_id()
    house.put(runs.content_key(run_id))
    url = f"{house.stack.aws_url}/nst-storage/{runs.content_key(run_id)}"
    for answer in (httpx.get(url), httpx.put(url, content=b"x"), httpx.delete(url)):
        assert answer.status_code == 403
        assert "<Code>AccessDenied</Code>" in answer.text
    assert httpx.get(f"{house.stack.aws_url}/nst-storage").status_code == 403
    assert httpx.get(f"{house.stack.aws_url}/nst-budget/ledger.json").status_code == 403


def test_an_upload_goes_to_its_own_key_only(house: House) -> None:
    post = house.admit()["uploads"]["content"]
    other = runs.content_key(runs.make_run_id())
    with pytest.raises(RefusedError, match="AccessDenied"):
        house.upload(post, key=other)
    house.upload(post)


@pytest.mark.fidelity(
    area="IAM",
    feature="iam:PassRole is asked for a task's roles",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html",
)
def test_a_task_runs_with_its_own_roles_only(house: House) -> None:
    """Whoever may start tasks may not hand them the role of another part."""
    ecs = house.as_role("start-nst", "ecs")
    request = {
        "cluster": "nst",
        "taskDefinition": "nst-worker",
        "launchType": "FARGATE",
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}},
    }
    role = "arn:aws:iam::000000000000:role/nst-update-budget"
    for override in ("taskRoleArn", "executionRoleArn"):
        code, message = refused(ecs.run_task, **request, overrides={override: role})
        assert code == "AccessDeniedException"
        assert f"is not authorized to perform: iam:PassRole on resource: {role}" in message
    code, _ = refused(ecs.run_task, **{**request, "cluster": "default"})
    assert code == "AccessDeniedException"


def test_a_role_may_not_change_its_own_policy(house: House) -> None:
    iam = house.as_role("update-budget", "iam")
    code, message = refused(
        iam.put_role_policy, RoleName="nst-task", PolicyName="more", PolicyDocument="{}"
    )
    assert code == "AccessDenied"
    assert "iam:PutRolePolicy on resource: arn:aws:iam::000000000000:role/nst-task" in message


MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:nst"
BEYOND = [
    ("task", "stepfunctions", "start_execution", {"stateMachineArn": f"{MACHINE}-run-nst"}),
    ("task", "stepfunctions", "stop_execution", {"executionArn": "arn:aws:states:us-east-1:"
     "000000000000:execution:nst-run-nst:x"}),
    ("task", "lambda", "invoke", {"FunctionName": "nst-update-budget"}),
    ("task", "ecs", "list_tasks", {"cluster": "nst"}),
    ("read-budget", "stepfunctions", "list_state_machines", {}),
    ("get-upload-url", "ecs", "list_tasks", {"cluster": "nst"}),
    ("update-budget", "stepfunctions", "start_execution",
     {"stateMachineArn": f"{MACHINE}-run-nst"}),
    ("start-nst", "ecs", "stop_task", {"cluster": "nst", "task": "x"}),
    ("start-nst", "stepfunctions", "start_execution", {"stateMachineArn": f"{MACHINE}-run-nst"}),
    ("stop-nst", "ecs", "list_tasks", {"cluster": "default"}),
    ("stop-nst", "ecs", "describe_tasks", {"cluster": "default", "tasks": ["x"]}),
    ("stop-nst", "ecs", "stop_task", {"cluster": "default", "task": "x"}),
    ("stop-nst", "stepfunctions", "stop_execution", {"executionArn": "arn:aws:states:us-east-1:"
     "000000000000:execution:nst-run-nst:x"}),
    ("gateway", "lambda", "invoke", {"FunctionName": "nst-update-budget"}),
    ("gateway", "stepfunctions", "start_execution", {"stateMachineArn": f"{MACHINE}-run-nst"}),
    ("gateway", "stepfunctions", "start_sync_execution",
     {"stateMachineArn": f"{MACHINE}-reconcile"}),
    ("events", "stepfunctions", "start_execution", {"stateMachineArn": f"{MACHINE}-run-nst"}),
    ("gate", "lambda", "invoke", {"FunctionName": "nst-update-budget"}),
    ("gate", "stepfunctions", "start_execution", {"stateMachineArn": f"{MACHINE}-run-nst"}),
    ("start-run", "stepfunctions", "start_execution", {"stateMachineArn": f"{MACHINE}-reconcile"}),
    ("run-nst", "lambda", "invoke", {"FunctionName": "nst-read-budget"}),
    ("admit-run", "lambda", "invoke", {"FunctionName": "nst-update-budget"}),
    ("reconcile", "cloudwatch", "put_metric_data",
     {"Namespace": "AWS/Billing", "MetricData": [{"MetricName": "m", "Value": 1}]}),
    ("reconcile", "lambda", "invoke", {"FunctionName": "nst-start-nst"}),
    ("task-execution", "ecs", "run_task", {"cluster": "nst", "taskDefinition": "nst-worker"}),
]  # fmt: skip
"""Calls beside buckets: those of other parts, other clusters, another namespace."""


@pytest.mark.parametrize(("role", "service", "operation", "params"), BEYOND)
def test_what_no_role_may_do_besides(
    role: str, service: str, operation: str, params: dict[str, Any], house: House
) -> None:
    code, message = refused(getattr(house.as_role(role, service), operation), **params)
    assert code in {"AccessDenied", "AccessDeniedException"}
    assert f"assumed-role/nst-{role}/test is not authorized to perform: " in message


def test_every_role_is_refused_something() -> None:
    assert {role for role, *_ in BEYOND} == set(ROLES)


def test_functions_may_not_invoke_each_other(house: House) -> None:
    function = house.as_role("read-budget", "lambda")
    code, message = refused(function.invoke, FunctionName="nst-update-budget")
    assert code == "AccessDeniedException"
    assert "lambda:InvokeFunction on resource: arn:aws:lambda:us-east-1:" in message


@pytest.mark.fidelity(
    area="IAM",
    feature="a missing key is 403 without s3:ListBucket",
    source="https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html",
)
def test_a_missing_key_is_forbidden_to_those_who_may_not_list(house: House) -> None:
    """S3 tells only those who may list the bucket whether a key is there."""
    missing = {"Bucket": "nst-storage", "Key": runs.start_order_key(runs.make_run_id())}
    assert refused(house.as_role("task", "s3").get_object, **missing)[0] == "NoSuchKey"
    document = declared.policy("task")
    listing = next(g for g in grants("task") if g.action == "s3:ListBucket")
    house.set_policy("task", without(document, listing))
    try:
        code, message = refused(house.as_role("task", "s3").get_object, **missing)
    finally:
        house.set_policy("task", document)
    assert code == "AccessDenied"
    assert 's3:ListBucket on resource: "arn:aws:s3:::nst-storage" because no' in message
