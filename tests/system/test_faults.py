"""Faults set over HTTP and by the command, on a whole emulator that SDKs talk to."""

from __future__ import annotations

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
    refused = CliRunner().invoke(faults, ["--aws-port", port, "add", "delay"])
    assert refused.exit_code == 1
    assert "delay needs seconds" in refused.output
