"""What the task reads from its environment, the clients it makes of it, and its logs."""

from __future__ import annotations

import io
import json
import logging

import pytest
import urllib3
from botocore.awsrequest import AWSResponse

from system.settings import SettingsError
from tests.unit.worker.service_aws_server import AwsServer
from tests.unit.worker.service_fakes import RUN, TASK_ARN, FakeS3, FakeStates
from worker.service import aws, logs
from worker.service.settings import Settings

VARIABLES = {
    "STORAGE_BUCKET": "nst-storage",
    "RUN_ID": RUN,
    "AWS_REGION": "eu-west-1",
    "ECS_CONTAINER_METADATA_URI_V4": "http://169.254.170.2/v4/x",
}


def settings(**changes: str) -> Settings:
    return Settings.from_environment({**VARIABLES, **changes})


def test_a_task_on_aws_listens_to_everybody_at_8000():
    found = settings()
    assert (found.host, found.port, found.endpoint_url) == ("0.0.0.0", 8000, None)
    assert found.picture_bytes_max == 20 * 1024 * 1024


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [
        ("http://127.0.0.1:4566", "127.0.0.1"),
        ("http://localhost:4566", "127.0.0.1"),
        ("http://aws.localhost:4566", "127.0.0.1"),
        ("http://[::1]:4566", "127.0.0.1"),
        ("http://host.docker.internal:4566", "0.0.0.0"),
        ("http://172.17.0.1:4566", "0.0.0.0"),
    ],
)
def test_a_task_beside_the_emulator_listens_to_the_laptop_only(endpoint, host):
    assert settings(AWS_ENDPOINT_URL=endpoint).host == host
    assert settings(AWS_ENDPOINT_URL=endpoint, HOST="::1").host == "::1"


@pytest.mark.parametrize("port", ["-1", "65536", "8e3", "", "\u0661"])
def test_a_port_is_a_port(port):
    if port == "":
        assert settings(PORT=port).port == 8000
    else:
        with pytest.raises(SettingsError, match="PORT"):
            settings(PORT=port)


@pytest.mark.parametrize(
    ("region", "url"),
    [
        ("eu-west-1", "https://nst-storage.s3.eu-west-1.amazonaws.com/a"),
        ("us-east-1", "https://nst-storage.s3.us-east-1.amazonaws.com/a"),
    ],
)
def test_on_aws_the_clients_speak_to_the_regional_hosts(monkeypatch, region, url):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    s3, states = aws.clients(settings(AWS_REGION=region))
    sent = []

    def send(request, **_):
        sent.append(request)
        return AWSResponse(request.url, 200, {}, _Raw(request.url))

    for client in (s3, states):
        client.meta.events.register("before-send", send)
    s3.put_object(Bucket="nst-storage", Key="a", Body=b"x")
    states.send_task_heartbeat(taskToken="t")
    assert [request.url for request in sent] == [url, f"https://states.{region}.amazonaws.com/"]
    for request in sent:
        signed = request.headers["Authorization"]
        signed = signed.decode() if isinstance(signed, bytes) else signed
        assert signed.startswith("AWS4-HMAC-SHA256")
        assert f"/{region}/" in signed


def test_beside_the_emulator_buckets_are_in_the_path(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example")
    s3, states = aws.clients(settings(AWS_ENDPOINT_URL="http://127.0.0.1:4566"))
    sent = []

    def send(request, **_):
        sent.append(request.url)
        return AWSResponse(request.url, 200, {}, _Raw(request.url))

    for client in (s3, states):
        client.meta.events.register("before-send", send)
    s3.put_object(Bucket="nst-storage", Key="a", Body=b"x")
    states.send_task_heartbeat(taskToken="t")
    assert sent == ["http://127.0.0.1:4566/nst-storage/a", "http://127.0.0.1:4566/"]


class _Raw:
    def __init__(self, url: str) -> None:
        self._body = b"{}" if "nst-storage" not in url else b""

    def stream(self, **_):
        yield self._body


def test_the_task_arn_comes_from_the_containers_metadata():
    with AwsServer(FakeS3(), FakeStates()) as server:
        assert aws.task_arn(server.url + "/metadata") == TASK_ARN
        with pytest.raises(ValueError, match="metadata"):
            aws.task_arn(server.url + "/bucket")
    with pytest.raises(urllib3.exceptions.HTTPError):
        aws.task_arn(server.url + "/metadata")


@pytest.fixture
def _restored_logging():
    root, nst = logging.getLogger(), logging.getLogger(logs.ROOT)
    before = (root.handlers[:], root.level, nst.level)
    yield
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    nst.setLevel(before[2])


@pytest.mark.usefixtures("_restored_logging")
def test_logs_are_json_lines_with_the_runs_ids():
    out = io.StringIO()
    formatter = logs.configure(out)
    formatter.fields["run_id"] = RUN
    log = logging.getLogger("nst.test")
    log.info("hello %s", "there", extra={"fields": {"port": 1}})
    log.error("failed", exc_info=RuntimeError("two\nlines"))
    logging.getLogger("botocore").info("chatter")
    first, second = [json.loads(line) for line in out.getvalue().splitlines()]
    assert (first["level"], first["message"], first["run_id"]) == ("info", "hello there", RUN)
    assert first["port"] == 1
    assert first["at"].endswith("Z")
    assert "RuntimeError: two\nlines" in second["exception"]
