"""Least privilege beyond the roles' policies: the buckets' policies, and the ledger in a table.

Every statement of a bucket's policy is taken away alone: what it denies then goes through, what it
allows then fails. With the ledger in DynamoDB two functions have other policies; each permission of
these is taken away as well.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from starlette.requests import Request

from system import stack as declared
from tests.system.permission_flows import FLOWS, Flow, budget_is_changed, budget_is_read
from tests.system.permissions import (
    Grant,
    House,
    RefusedError,
    grants,
    listed,
    mark,
    start,
    without,
)
from tests.system.test_permissions import Failures, Records, refused

pytestmark = pytest.mark.needs("own emulator")

BUCKETS = declared.declaration()["buckets"]
VARIANTS = declared.declaration()["ledger_in_dynamodb"]["policies"]
TABLE_FLOWS: dict[tuple[str, str], Flow] = {
    ("read-budget", "dynamodb:GetItem"): budget_is_read,
    ("update-budget", "dynamodb:GetItem"): budget_is_changed,
    ("update-budget", "dynamodb:PutItem"): budget_is_changed,
}
TABLE_GRANTS = [
    pytest.param(role, grant, id=str(grant))
    for role, document in VARIANTS.items()
    for grant in grants(document)
]
ABROAD = ("203.0.113.9", 4711)
"""A peer that is not this machine: what comes from it in plain HTTP is not secure."""


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    heard = Records()
    logging.getLogger("emulator").addHandler(heard)
    stack, made = start(heard.records, budget_store="dynamodb")
    try:
        yield made
    finally:
        made.close()
        stack.__exit__(None, None, None)
        logging.getLogger("emulator").removeHandler(heard)


def flow_of(role: str, grant: Grant) -> Flow:
    if grant.action.startswith("logs:"):
        name = f"${{{role.replace('-', '_')}_name}}:*"
        return FLOWS[role, grant.action, name]
    return TABLE_FLOWS[role, grant.action]


@pytest.mark.parametrize(("role", "grant"), TABLE_GRANTS)
def test_no_permission_of_the_ledger_in_a_table_is_superfluous(
    role: str, grant: Grant, house: House
) -> None:
    flow = flow_of(role, grant)
    flow(house)
    document = declared.policy(VARIANTS[role])
    house.set_policy(role, without(document, grant))
    try:
        with pytest.raises(Failures):
            flow(house)
    finally:
        house.set_policy(role, document)


@pytest.mark.parametrize(
    ("role", "operation"),
    [
        ("read-budget", "put_item"),
        ("read-budget", "delete_item"),
        ("update-budget", "delete_item"),
        ("update-budget", "scan"),
        ("get-upload-url", "get_item"),
        ("start-nst", "put_item"),
        ("task", "put_item"),
    ],
)
def test_what_no_role_may_do_with_the_table(role: str, operation: str, house: House) -> None:
    more: dict[str, Any] = {"Key": {"id": {"S": "ledger"}}}
    if operation == "put_item":
        more = {"Item": {"id": {"S": "ledger"}}}
    call = getattr(house.as_role(role, "dynamodb"), operation)
    code, message = refused(call, TableName="nst-ledger", **({} if operation == "scan" else more))
    assert code == "AccessDeniedException"
    assert f"assumed-role/nst-{role}/test is not authorized to perform: dynamodb:" in message


# The buckets' policies.


def without_statement(house: House, bucket: str, sid: str, action: str | None = None) -> str:
    """Put a bucket's policy without a statement, or without one of its actions; the whole one."""
    whole = house.s3.get_bucket_policy(Bucket=f"nst-{bucket}")["Policy"]
    document = declared.bucket_policy(BUCKETS[bucket]["policies"])
    kept = []
    for statement in document["Statement"]:
        left = [a for a in listed(statement["Action"]) if action is not None and a != action]
        if statement["Sid"] != sid:
            kept.append(statement)
        elif left:
            kept.append({**statement, "Action": left})
    assert kept != document["Statement"]
    values = {**house.values, "bucket_arn": house.values[f"{bucket}_bucket_arn"]}
    distribution = house.stack.emulator.deployment
    assert distribution is not None
    arn = f"arn:aws:cloudfront::000000000000:distribution/{distribution.distribution_id}"
    filled = declared.fill({**document, "Statement": kept}, {**values, "distribution_arn": arn})
    put(house, bucket, json.dumps(filled))
    return str(whole)


def put(house: House, bucket: str, policy: str) -> None:
    """Give a bucket this policy; one without statements is none."""
    if json.loads(policy)["Statement"]:
        house.s3.put_bucket_policy(Bucket=f"nst-{bucket}", Policy=policy)
    else:
        house.s3.delete_bucket_policy(Bucket=f"nst-{bucket}")


def an_unconditional_write(house: House) -> None:
    house.s3.put_object(Bucket="nst-budget", Key="ledger.json", Body=b"{}")


def a_delete(house: House) -> None:
    house.s3.delete_object(Bucket="nst-budget", Key="ledger.json")


def a_delete_of_a_version(house: House) -> None:
    key = f"{mark()}.json"
    made = house.s3.put_object(Bucket="nst-budget", Key=key, Body=b"{}", IfNoneMatch="*")
    house.s3.delete_object(Bucket="nst-budget", Key=key, VersionId=made["VersionId"])


DENIED = {
    ("DenyUnconditionalWrites", "s3:PutObject"): an_unconditional_write,
    ("DenyDeletes", "s3:DeleteObject"): a_delete,
    ("DenyDeletes", "s3:DeleteObjectVersion"): a_delete_of_a_version,
}


def test_every_denial_of_the_budgets_bucket_is_tested() -> None:
    document = declared.policy("bucket-budget")["Statement"]
    assert set(DENIED) == {(s["Sid"], a) for s in document for a in listed(s["Action"])}
    assert BUCKETS["budget"]["policies"] == ["bucket-tls", "bucket-budget"]


@pytest.mark.parametrize("denial", DENIED, ids=" ".join)
def test_each_denial_of_the_budgets_bucket_stands_between(
    denial: tuple[str, str], house: House
) -> None:
    """Even the account's own key is held by it, and by nothing else."""
    attempt = DENIED[denial]
    with pytest.raises(ClientError, match="explicit deny in a resource-based policy"):
        attempt(house)
    whole = without_statement(house, "budget", *denial)
    try:
        attempt(house)
    finally:
        put(house, "budget", whole)


def test_the_website_is_read_through_the_cdn_by_its_policy_alone(house: House) -> None:
    def a_page_is_read() -> None:
        name = f"{mark()}.txt"  # one that no cache knows
        house.s3.put_object(Bucket="nst-website", Key=name, Body=b"page")
        answer = house.web.get(f"/{name}")
        if answer.content != b"page":
            raise RefusedError(answer.status_code)

    a_page_is_read()
    whole = without_statement(house, "website", "ReadThroughTheCdn")
    try:
        with pytest.raises(RefusedError, match="403"):
            a_page_is_read()
    finally:
        put(house, "website", whole)


def from_abroad(house: House, path: str) -> int:
    """The status of a signed request in plain HTTP that does not come from this machine."""
    url = f"{house.stack.aws_url}{path}"
    signed = AWSRequest("GET", url)
    S3SigV4Auth(Credentials("test", "test"), "s3", "us-east-1").add_auth(signed)
    path, _, query = path.partition("?")
    headers = {"host": url.split("/")[2], **{k.lower(): v for k, v in signed.headers.items()}}
    scope = {
        "type": "http", "method": "GET", "scheme": "http", "client": ABROAD, "path": path,
        "raw_path": path.encode(), "query_string": query.encode(),
        "headers": [(k.encode(), v.encode()) for k, v in headers.items()],
    }  # fmt: skip

    async def ask() -> int:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        answer = await house.stack.emulator.s3.handle(Request(scope, receive), None)
        return int(answer.status_code)

    return house.stack.run(ask())


@pytest.mark.parametrize("bucket", BUCKETS)
def test_each_bucket_answers_nobody_in_plain_http(bucket: str, house: House) -> None:
    """Not the bucket itself, and not what is in it."""
    assert "bucket-tls" in BUCKETS[bucket]["policies"]
    key = f"probe-{mark()}"
    house.s3.put_object(Bucket=f"nst-{bucket}", Key=key, Body=b"x", IfNoneMatch="*")
    paths = (f"/nst-{bucket}?list-type=2", f"/nst-{bucket}/{key}")
    assert [from_abroad(house, path) for path in paths] == [403, 403]
    whole = without_statement(house, bucket, "DenyPlainHttp")
    try:
        assert [from_abroad(house, path) for path in paths] == [200, 200]
    finally:
        put(house, bucket, whole)


def test_every_policy_of_a_bucket_is_one_of_these() -> None:
    policies = {name for bucket in BUCKETS.values() for name in bucket["policies"]}
    assert policies == {"bucket-tls", "bucket-budget", "bucket-website"}
    assert [s["Sid"] for s in declared.policy("bucket-website")["Statement"]] == [
        "ReadThroughTheCdn"
    ]
    assert [s["Sid"] for s in declared.policy("bucket-tls")["Statement"]] == ["DenyPlainHttp"]
