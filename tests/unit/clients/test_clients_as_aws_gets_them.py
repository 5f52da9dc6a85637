"""Every client of the functions and of the worker, built as on AWS: no endpoint of one's own.

What is checked is the request that would leave the machine: host, addressing, region, signature.
An emulator hides mistakes here, since with ``endpoint_url`` every host is the same. Hosts are those
of AWS's table, https://docs.aws.amazon.com/general/latest/gr/aws-service-information.html.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.awsrequest import AWSResponse

from handlers.aws import Clients
from system import prices, stack
from system.settings import Environment
from worker.service import aws as worker_aws
from worker.service.settings import Settings

REGIONS = sorted(prices.REGIONS)
ACCOUNT_ARN = "000000000000"
RUN = "0123456789abcdef" * 2
ARN = f"arn:aws:states:us-east-1:{ACCOUNT_ARN}:execution:nst-run-nst:{RUN}"
OBJECT = {"Bucket": "nst-storage", "Key": f"runs/{RUN}/content"}
ITEM = {"TableName": "nst-ledger"}
TOKEN = {"taskToken": "t" * 100}

S3_CALLS = {
    "get_object": OBJECT,
    "head_object": OBJECT,
    "put_object": {**OBJECT, "Body": b"x", "IfNoneMatch": "*"},
}
STATES_CALLS = {
    "send_task_success": {**TOKEN, "output": "{}"},
    "send_task_failure": {**TOKEN, "error": "e", "cause": "c"},
    "send_task_heartbeat": TOKEN,
}
FUNCTIONS: dict[str, dict[str, dict[str, Any]]] = {
    "s3": S3_CALLS,
    "stepfunctions": {
        "describe_execution": {"executionArn": ARN},
        "send_task_failure": STATES_CALLS["send_task_failure"],
    },
    "ecs": {
        "run_task": {"cluster": "nst", "taskDefinition": "nst-worker"},
        "describe_tasks": {"cluster": "nst", "tasks": ["t"]},
        "list_tasks": {"cluster": "nst"},
        "stop_task": {"cluster": "nst", "task": "t"},
    },
    "dynamodb": {
        "get_item": {**ITEM, "Key": {"id": {"S": "ledger"}}},
        "put_item": {**ITEM, "Item": {"id": {"S": "ledger"}}},
    },
}
"""Service -> call -> parameters: every call that the functions make."""
HOSTS = {
    "s3": r"nst-storage\.s3\.{region}\.amazonaws\.com",
    "stepfunctions": r"states\.{region}\.amazonaws\.com",
    "ecs": r"ecs\.{region}\.amazonaws\.com",
    "dynamodb": r"(\d{{12}}\.ddb|dynamodb)\.{region}\.amazonaws\.com",
}
SCOPES = {"s3": "s3", "stepfunctions": "states", "ecs": "ecs", "dynamodb": "dynamodb"}


@pytest.fixture(autouse=True)
def _as_on_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The environment of a function or task: a role's session, no profile, no endpoint."""
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session")


def of_function(service: str, region: str) -> Any:
    return Clients(Environment({"AWS_REGION": region}))(service)


def of_worker(service: str, region: str) -> Any:
    variables = {
        "STORAGE_BUCKET": "nst-storage",
        "RUN_ID": RUN,
        "AWS_REGION": region,
        "ECS_CONTAINER_METADATA_URI_V4": "http://169.254.170.2/v4/x",
    }
    s3, states = worker_aws.clients(Settings.from_environment(variables))
    return {"s3": s3, "stepfunctions": states}[service]


MAKERS = {
    "functions": (of_function, FUNCTIONS),
    "worker": (of_worker, {"s3": S3_CALLS, "stepfunctions": STATES_CALLS}),
}


def sent(client: Any, call: str, params: dict[str, Any]) -> Any:
    """The request that would have left the machine."""
    requests: list[Any] = []

    class Raw:
        def stream(self, **_: Any) -> list[bytes]:
            return []

    def catch(request: Any, **_: Any) -> Any:
        requests.append(request)
        return AWSResponse(request.url, 200, {}, Raw())

    client.meta.events.register("before-send", catch)
    getattr(client, call)(**params)
    [request] = requests
    return request


def text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize(
    ("who", "service"), [(who, service) for who, (_, table) in MAKERS.items() for service in table]
)
def test_requests_go_to_the_regional_host_and_are_signed_for_it(
    who: str, service: str, region: str
) -> None:
    make, table = MAKERS[who]
    for call, params in table[service].items():
        request = sent(make(service, region), call, params)
        url = urlsplit(request.url)
        assert url.scheme == "https", call
        assert url.port is None, call
        assert re.fullmatch(HOSTS[service].format(region=re.escape(region)), url.netloc), call
        # Virtual addressing: the bucket is in the host and not in the path.
        assert url.path == (f"/runs/{RUN}/content" if service == "s3" else "/"), call
        signature = text(request.headers["Authorization"])
        scope = rf"AWS4-HMAC-SHA256 Credential=ASIAEXAMPLE/\d{{8}}/{region}/{SCOPES[service]}/"
        assert re.match(scope, signature), call
        signed = signature.partition("SignedHeaders=")[2].partition(",")[0].split(";")
        assert {"host", "x-amz-date", "x-amz-security-token"} <= set(signed), call
        assert text(request.headers["X-Amz-Security-Token"]) == "session"


@pytest.mark.parametrize("who", ["functions", "worker"])
def test_a_condition_travels_as_a_signed_header(who: str) -> None:
    make, _ = MAKERS[who]
    request = sent(make("s3", "eu-west-1"), "put_object", S3_CALLS["put_object"])
    assert text(request.headers["If-None-Match"]) == "*"
    assert "if-none-match" in text(request.headers["Authorization"]).lower()


@pytest.mark.parametrize("region", REGIONS)
def test_what_visitors_get_is_for_the_regional_host_and_signature_version_4(region: str) -> None:
    """us-east-1 above all: there the SDK's default is the global host, which redirects."""
    s3 = of_function("s3", region)
    host = f"nst-storage.s3.{region}.amazonaws.com"
    url = urlsplit(s3.generate_presigned_url("get_object", Params=OBJECT, ExpiresIn=60))
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert (url.scheme, url.netloc, url.path) == ("https", host, f"/runs/{RUN}/content")
    assert query["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256"
    assert query["X-Amz-Credential"].split("/")[2:] == [region, "s3", "aws4_request"]
    assert (query["X-Amz-Expires"], query["X-Amz-Security-Token"]) == ("60", "session")
    post = s3.generate_presigned_post(**OBJECT, ExpiresIn=60)
    assert post["url"] == f"https://{host}/"
    assert post["fields"]["x-amz-algorithm"] == "AWS4-HMAC-SHA256"
    assert post["fields"]["x-amz-credential"].split("/")[2:] == [region, "s3", "aws4_request"]
    assert post["fields"]["x-amz-security-token"] == "session"
    assert not {"signature", "AWSAccessKeyId"} & set(post["fields"])


@pytest.mark.parametrize("who", ["functions", "worker"])
def test_a_client_gives_up_before_the_function_or_the_heartbeat_does(who: str) -> None:
    make, table = MAKERS[who]
    for service in table:
        config = make(service, "us-east-1").meta.config
        assert config.connect_timeout <= 3
        assert config.read_timeout <= 10
        assert config.retries["mode"] == "standard"
        assert config.retries["total_max_attempts"] == 3


def test_every_client_that_the_code_makes_is_in_the_table() -> None:
    """A new service in the functions or in the worker must come here."""
    root = Path(stack.__file__).parents[1]
    sources = "".join(p.read_text() for p in (root / "handlers").glob("*.py"))
    assert set(re.findall(r'client\(\s*"(\w+)"', sources)) == set(FUNCTIONS)
    worker = "".join(p.read_text() for p in (root / "worker").rglob("*.py"))
    assert set(re.findall(r'\.client\(\s*"(\w+)"', worker)) == set(MAKERS["worker"][1])
    # system/deployment is the operator's command, not a part of what is deployed
    made = [
        path
        for path in root.glob("[hsw]*/**/*.py")
        if "boto3." in path.read_text() and "deployment" not in path.parts
    ]
    assert {p.relative_to(root).as_posix() for p in made} == {
        "handlers/aws.py",
        "worker/service/aws.py",
    }
