"""Faults set over HTTP and by the command, on a whole emulator that SDKs talk to."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError
from click.testing import CliRunner

from emulator.faults_cli import faults
from emulator.settings import Settings
from emulator.stack import Stack
from system.ledger import store, transitions
from system.ledger.s3_store import S3LedgerStore
from tests.system.running import wait_until

pytestmark = pytest.mark.needs("own emulator")


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack(Settings(aws_port=0, edge_port=0, bare=True)) as running:
        yield running


@pytest.fixture
def url(stack: Stack) -> Iterator[str]:
    url = f"{stack.emulator.aws_url}/_nst/faults"
    yield url
    httpx.delete(url).raise_for_status()


def client(stack: Stack, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=stack.emulator.aws_url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1, "mode": "standard"}),
    )


def add(url: str, effect: str, **members: Any) -> httpx.Response:
    return httpx.post(url, json={"effect": effect, **members})


def test_a_page_can_read_an_error_that_is_set_for_its_origin(stack: Stack, url: str) -> None:
    s3 = client(stack, "s3")
    s3.create_bucket(Bucket="fault-cors")
    rules = [{"AllowedMethods": ["GET"], "AllowedOrigins": ["https://page.example"]}]
    s3.put_bucket_cors(Bucket="fault-cors", CORSConfiguration={"CORSRules": rules})
    rule = {"service": "s3", "operation": "GetObject", "code": "SlowDown", "status": 503}
    add(url, "error", **rule).raise_for_status()
    at = f"{stack.emulator.aws_url}/fault-cors/picture"
    answer = httpx.get(at, headers={"origin": "https://page.example"})
    assert (answer.status_code, "SlowDown" in answer.text) == (503, True)
    assert answer.headers["access-control-allow-origin"] == "https://page.example"
    assert answer.headers["x-amz-request-id"] in answer.text
    foreign = httpx.get(at, headers={"origin": "https://other.example"})
    assert foreign.status_code == 503
    assert "access-control-allow-origin" not in foreign.headers


def test_an_error_of_s3_is_awss_and_comes_as_often_as_asked(stack: Stack, url: str) -> None:
    s3 = client(stack, "s3")
    s3.create_bucket(Bucket="fault-errors")
    rule = {"service": "s3", "operation": "PutObject", "times": 1}
    add(url, "error", code="SlowDown", status=503, **rule).raise_for_status()
    assert s3.list_objects_v2(Bucket="fault-errors")["KeyCount"] == 0
    with pytest.raises(ClientError) as caught:
        s3.put_object(Bucket="fault-errors", Key="k", Body=b"x")
    assert caught.value.response["Error"]["Code"] == "SlowDown"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    s3.put_object(Bucket="fault-errors", Key="k", Body=b"x")


@pytest.mark.parametrize(("effect", "there"), [("lost_reply", 1), ("lost_request", 0)])
def test_a_lost_message_is_a_connection_that_ends(
    stack: Stack, url: str, effect: str, there: int
) -> None:
    s3, bucket = client(stack, "s3"), effect.replace("_", "-")
    s3.create_bucket(Bucket=bucket)
    add(url, effect, service="s3", operation="PutObject").raise_for_status()
    with pytest.raises(ConnectionClosedError):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == there


def test_a_service_of_json_fails_as_well(stack: Stack, url: str) -> None:
    states = client(stack, "stepfunctions")
    add(url, "error", service="states", code="ThrottlingException", status=400)
    with pytest.raises(ClientError, match="ThrottlingException"):
        states.list_state_machines()
    httpx.delete(url).raise_for_status()
    assert states.list_state_machines()["stateMachines"] == []


@pytest.mark.parametrize("write", ["put", "copy", "complete"])
def test_a_conflict_of_a_conditional_write_is_s3s_own_answer(
    stack: Stack, url: str, write: str
) -> None:
    s3, bucket = client(stack, "s3"), f"conflict-{write}"
    s3.create_bucket(Bucket=bucket)
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"old")["ETag"]
    named: dict[str, Any] = {"Bucket": bucket, "Key": "k"}
    if write == "complete":
        upload = s3.create_multipart_upload(**named)["UploadId"]
        part = s3.upload_part(**named, UploadId=upload, PartNumber=1, Body=b"new")["ETag"]
        parts = {"Parts": [{"PartNumber": 1, "ETag": part}]}
        call, more = s3.complete_multipart_upload, {"UploadId": upload, "MultipartUpload": parts}
    elif write == "copy":
        s3.put_object(Bucket=bucket, Key="source", Body=b"new")
        call, more = s3.copy_object, {"CopySource": f"{bucket}/source"}
    else:
        call, more = s3.put_object, {"Body": b"new"}
    add(url, "conflict", service="s3", times=1).raise_for_status()
    if write != "complete":
        call(**named, **more)  # without a condition it cannot conflict
        etag = s3.head_object(**named)["ETag"]
    with pytest.raises(ClientError) as caught:
        call(**named, **more, IfMatch=etag)
    error = caught.value.response
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 409
    assert error["Error"]["Code"] == "ConditionalRequestConflict"
    assert (error["Error"]["Condition"], error["Error"]["Key"]) == ("If-Match", "k")
    assert s3.head_object(**named)["ETag"] == etag
    call(**named, **more, IfMatch=etag)


def test_the_ledger_bears_conflicts_through_boto3(stack: Stack, url: str) -> None:
    s3 = client(stack, "s3")
    s3.create_bucket(Bucket="conflict-ledger")
    kept = S3LedgerStore(s3, "conflict-ledger")
    assert store.create(
        kept,
        transitions.new_ledger(
            0.0, limit_microusd=100, runs_in_flight_max=9, spend_per_day_max_microusd=100
        ),
    )
    paused: list[float] = []
    patience = store.Patience(rng=random.Random(1), sleep=paused.append)
    add(url, "conflict", service="s3", operation="PutObject", times=4).raise_for_status()
    answer = store.update(
        kept,
        lambda ledger: transitions.reserve(
            ledger, 0.0, run_id="e" * 32, digest="5" * 64, ceiling_microusd=10, lease_s=60
        ),
        writer="w",
        patience=patience,
    )
    assert answer.fresh
    assert store.read(kept).reserved_microusd == 10
    assert store.read(kept).sequence == 2
    assert len(set(paused)) == len(paused) == 4, "each pause is drawn anew"


def test_a_duplicate_of_an_upload_is_a_second_delivery_with_the_same_body(
    stack: Stack, url: str
) -> None:
    s3, bucket = client(stack, "s3"), "duplicates"
    s3.create_bucket(Bucket=bucket)
    versioned = {"Status": "Enabled"}
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=versioned)
    add(url, "duplicate", service="s3", operation="PutObject", times=1).raise_for_status()
    body = bytes(range(256)) * 8_192  # 2 MiB: more than is kept in memory
    first = s3.put_object(Bucket=bucket, Key="k", Body=body, ContentType="image/png")["VersionId"]

    def versions() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = s3.list_object_versions(Bucket=bucket)["Versions"]
        return found if len(found) == 2 else []

    both = {version["VersionId"] for version in wait_until("the second delivery", versions)}
    assert first in both
    (second,) = both - {first}
    found = s3.get_object(Bucket=bucket, Key="k", VersionId=second)
    assert found["Body"].read() == body
    assert found["ContentType"] == "image/png"


def test_what_moto_answers_fails_as_well(stack: Stack, url: str) -> None:
    tables = client(stack, "dynamodb")
    rule = {"service": "dynamodb", "operation": "ListTables", "times": 1}
    add(url, "error", code="ThrottlingException", status=400, **rule).raise_for_status()
    with pytest.raises(ClientError, match="ThrottlingException"):
        tables.list_tables()
    assert tables.list_tables()["TableNames"] == []
    parameters = client(stack, "iam")
    add(url, "lost_request", service="iam", operation="CreateUser").raise_for_status()
    with pytest.raises(ConnectionClosedError):
        parameters.create_user(UserName="nobody")
    assert parameters.list_users()["Users"] == []


def test_what_makes_no_sense_is_refused_with_a_sentence(url: str) -> None:
    answer = add(url, "explode")
    assert answer.status_code == 400
    assert "there is no effect 'explode'" in answer.json()["message"]
    answer = add(url, "crash_before")
    assert answer.status_code == 400
    assert "not supported" in answer.json()["message"]
    assert httpx.post(url, content=b"{").status_code == 400
    assert httpx.put(url).status_code == 405
    assert httpx.delete(f"{url}/77").status_code == 404


def test_the_command_sets_shows_and_takes_back(stack: Stack, url: str) -> None:
    port = stack.emulator.aws_url.rsplit(":", 1)[1]

    def nst(*arguments: str) -> str:
        ended = CliRunner().invoke(faults, ["--aws-port", port, *arguments])
        assert ended.exit_code == 0, ended.output
        return ended.output

    ident = nst("add", "error", "--service", "ecs", "--operation", "RunTask", "--nth", "2").strip()
    assert '"operation": "RunTask"' in nst("list")
    assert httpx.get(url).json()["rules"][0]["id"] == ident
    assert nst("clear", ident) == "1 taken back.\n"
    assert nst("list") == "No faults are set.\n"
    nst("add", "conflict", "--service", "s3", "--operation", "PutObject", "--nth", "3")
    assert '"effect": "conflict"' in nst("list")
    assert nst("clear") == "1 taken back.\n"
    refused = CliRunner().invoke(faults, ["--aws-port", port, "add", "delay"])
    assert refused.exit_code == 1
    assert "delay needs seconds" in refused.output
