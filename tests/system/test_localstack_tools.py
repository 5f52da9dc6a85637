"""Tools that are made for LocalStack work on this emulator: awslocal, the variable, health."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import boto3
import httpx
import pytest

from tests.system.running import Running, free_port, started

pytestmark = pytest.mark.needs("own emulator")
AREA = "Ecosystem"
AWSLOCAL = Path(sys.executable).with_name("awslocal")


def environment(**variables: str) -> dict[str, str]:
    """This process's, without anything of AWS but what is given."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "LOCALSTACK_"))}
    # awslocal runs the command line that lies beside it
    return {**kept, "PATH": f"{AWSLOCAL.parent}{os.pathsep}{kept['PATH']}", **variables}


def awslocal(stack: Running, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [AWSLOCAL, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=environment(AWS_ENDPOINT_URL=stack.aws_url),
    )


@pytest.mark.fidelity(
    area=AREA,
    feature="awslocal",
    source="https://docs.localstack.cloud/aws/integrations/aws-native-tools/aws-cli/",
)
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("s3", "ls"), "nst-storage"),
        (("lambda", "list-functions"), "nst-read-budget"),
        (("stepfunctions", "list-state-machines"), "nst-run-nst"),
        (("sts", "get-caller-identity"), "000000000000"),
        (("ecs", "list-clusters"), "cluster/nst"),
    ],
)
def test_awslocal(stack: Running, arguments: tuple[str, ...], expected: str) -> None:
    done = awslocal(stack, *arguments)
    assert done.returncode == 0, done.stderr
    assert expected in done.stdout


def test_awslocal_finds_the_default_port_by_itself(tmp_path: Path) -> None:
    """It reads the port from ``EDGE_PORT``, as LocalStack has it, where no address is given."""
    ports = free_port(), free_port()
    with started(tmp_path, "--bare", ports=ports) as stack:
        done = subprocess.run(
            [AWSLOCAL, "s3", "mb", "s3://made-by-awslocal"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env=environment(EDGE_PORT=str(ports[0]), LOCALSTACK_HOST=f"127.0.0.1:{ports[0]}"),
        )
        assert done.returncode == 0, done.stderr
        buckets = stack.client("s3").list_buckets()["Buckets"]
        assert [b["Name"] for b in buckets] == ["made-by-awslocal"]


@pytest.mark.fidelity(
    area=AREA,
    feature="AWS_ENDPOINT_URL alone points an SDK at it",
    source="https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html",
)
def test_the_endpoint_variable_is_enough_for_an_sdk(
    stack: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", stack.aws_url)
    session = boto3.Session("test", "test", region_name="us-east-1")
    client = session.client("s3")
    try:
        assert "nst-website" in {b["Name"] for b in client.list_buckets()["Buckets"]}
    finally:
        client.close()


@pytest.mark.fidelity(
    area=AREA,
    feature="/_localstack/health and /_localstack/init say when it is ready",
    source="https://docs.localstack.cloud/aws/capabilities/networking/internal-endpoints/",
)
def test_the_health_endpoint_is_as_tools_read_it(stack: Running) -> None:
    health = httpx.get(f"{stack.aws_url}/_localstack/health").json()
    assert {"services", "edition", "version"} <= health.keys()
    assert set(health["services"].values()) <= {"available", "running"}
    for service in ("s3", "lambda", "stepfunctions", "ecs", "apigateway", "cloudfront"):
        assert health["services"][service] == "running"
    ready = httpx.get(f"{stack.aws_url}/_localstack/init/ready").json()
    assert ready["completed"]["READY"] is True


def test_the_answer_is_json_whatever_the_client_asks_for(stack: Running) -> None:
    """Scripts wait with curl and grep for it."""
    answer = httpx.get(f"{stack.aws_url}/_localstack/health", headers={"Accept": "*/*"})
    assert answer.headers["content-type"].startswith("application/json")
    assert '"s3"' in answer.text
    assert json.loads(answer.text)["services"]["s3"] == "running"
