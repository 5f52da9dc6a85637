"""The clients: the URLs, headers and signatures that AWS and browsers get."""

from __future__ import annotations

import subprocess
import sys
from typing import Any
from urllib.parse import urlsplit

import botocore.awsrequest
import pytest

from handlers import aws
from handlers.aws import Clients
from system import artifacts
from system.settings import Environment


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1", "eu-central-1"])
def test_on_aws_urls_have_the_regional_host_of_the_bucket(region: str) -> None:
    s3 = Clients(Environment({"AWS_REGION": region}))("s3")
    post = s3.generate_presigned_post(Bucket="nst-storage", Key="k")
    assert post["url"] == f"https://nst-storage.s3.{region}.amazonaws.com/"
    got = s3.generate_presigned_url("get_object", Params={"Bucket": "nst-storage", "Key": "k"})
    assert urlsplit(got).netloc == f"nst-storage.s3.{region}.amazonaws.com"
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in got
    assert f"%2F{region}%2Fs3%2F" in got


def test_with_an_endpoint_of_ones_own_urls_have_the_bucket_in_the_path() -> None:
    variables = {"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}
    clients = Clients(Environment(variables))
    s3 = clients("s3")
    post = s3.generate_presigned_post(Bucket="nst-storage", Key="k")
    assert post["url"] == "http://127.0.0.1:4566/nst-storage"
    got = s3.generate_presigned_url("get_object", Params={"Bucket": "nst-storage", "Key": "a/b"})
    assert got.startswith("http://127.0.0.1:4566/nst-storage/a/b?X-Amz-Algorithm=")
    assert clients("ecs").meta.endpoint_url == "http://127.0.0.1:4566"
    assert clients("s3") is s3


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize(
    ("condition", "header"),
    [({"IfMatch": '"e"'}, ("If-Match", '"e"')), ({"IfNoneMatch": "*"}, ("If-None-Match", "*"))],
)
def test_conditions_are_sent_and_signed_whatever_the_sdk_knows(
    condition: dict[str, str],
    header: tuple[str, str],
    old: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """``old``: an SDK from before conditional writes, whose model has no such parameters."""
    s3 = Clients(Environment({"AWS_REGION": "us-east-1"}))("s3")
    if old:
        members = s3.meta.service_model.operation_model("PutObject").input_shape.members
        for name in aws.CONDITIONS:
            monkeypatch.delitem(members, name)
        aws.allow_conditional_puts(s3)
    sent: list[Any] = []

    def answer(request: Any, **_: Any) -> Any:
        sent.append(request)
        return botocore.awsrequest.AWSResponse(request.url, 200, {"ETag": '"n"'}, None)

    s3.meta.events.register("before-send.s3.PutObject", answer)
    monkeypatch.setattr(botocore.awsrequest.AWSResponse, "content", b"")
    s3.put_object(Bucket="b", Key="k", Body=b"x", **condition)
    s3.put_object(Bucket="b", Key="k", Body=b"x")
    name, value = header
    first, second = (dict(request.headers) for request in sent)
    assert _text(first[name]) == value
    assert name.lower() in _text(first["Authorization"])
    assert name not in second


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def test_importing_a_function_imports_no_sdk() -> None:
    names = ", ".join(f"handlers.{name}" for name in artifacts.FUNCTIONS)
    program = f"import sys, {names}; print('boto3' in sys.modules, 'botocore' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=artifacts.ROOT,
        check=True,
    )
    assert done.stdout.split() == ["False", "False"]
