"""Which service a request is for, and what moto answers on its lane."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import Iterator

import pytest
from starlette.requests import Request

from emulator.core.bus import Caller
from emulator.core.errors import AwsError, EmulatorError, NotSupported
from emulator.endpoint.moto_lane import MotoLane
from emulator.endpoint.router import Route, operation_of, query_action, route
from emulator.settings import Settings

CALLER = Caller("000000000000", "us-east-1", "arn:aws:iam::000000000000:root")


def request(path: str = "/", host: str = "127.0.0.1:4566", **headers: str) -> Request:
    sent = {"host": host, **{k.replace("_", "-"): v for k, v in headers.items()}}
    return Request(
        {
            "type": "http",
            "method": "POST",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(k.encode(), v.encode()) for k, v in sent.items()],
            "scheme": "http",
            "server": ("127.0.0.1", 4566),
        }
    )


def signed(service: str, region: str = "us-east-1") -> str:
    scope = f"test/20260101/{region}/{service}/aws4_request"
    return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"


@pytest.mark.parametrize(
    ("asked", "service"),
    [
        (request(authorization=signed("states")), "states"),
        (request(authorization=signed("iam")), "iam"),
        (request("/bucket/key"), "s3"),
        (request("/key", "pics.s3.localhost.localstack.cloud:4566"), "s3"),
        (request("/key", "pics.s3.us-east-1.amazonaws.com"), "s3"),
        (request("/key", "my.dotted.bucket.s3.amazonaws.com"), "s3"),
        (request("/", "sqs.us-east-1.localhost.localstack.cloud:4566"), "sqs"),
        (request(x_amz_target="AWSStepFunctions.ListStateMachines"), "states"),
        (request(x_amz_target="AmazonEC2ContainerServiceV20141113.RunTask"), "ecs"),
    ],
)
def test_the_service_of_a_request(asked: Request, service: str) -> None:
    found = route(asked)
    assert found.kind == "aws"
    assert found.service == service


def test_an_unsigned_form_to_the_endpoint_is_for_sts() -> None:
    form = {"content_type": "application/x-www-form-urlencoded; charset=utf-8"}
    assert route(request(**form)).service == "sts"
    assert route(request("/bucket", content_type="multipart/form-data; boundary=x")).service == "s3"


def test_the_scope_says_who_and_where() -> None:
    found = route(request(authorization=signed("ecs", "eu-west-1")))
    assert (found.access_key, found.region) == ("test", "eu-west-1")
    assert route(request()).access_key is None


@pytest.mark.parametrize(
    "asked",
    [
        request("/restapis/abc123/prod/_user_request_/api/budget"),
        request("/_aws/execute-api/abc123/prod/api/budget"),
        request("/prod/api/budget", "abc123.execute-api.localhost.localstack.cloud:4566"),
        request("/prod/api/budget", "abc123.execute-api.us-east-1.amazonaws.com"),
    ],
)
def test_the_addresses_of_a_rest_api(asked: Request) -> None:
    expected = Route("execute-api", api="abc123", stage="prod", path="/api/budget")
    assert route(asked) == expected


@pytest.mark.parametrize("path", ["/_localstack/health", "/health", "/_nst/status"])
def test_the_emulators_own_addresses(path: str) -> None:
    assert route(request(path)).kind == "internal"


def test_operation_names() -> None:
    assert operation_of(request(x_amz_target="AWSEvents.PutEvents")) == "PutEvents"
    assert query_action(b"Action=AssumeRole&Version=2011-06-15") == "AssumeRole"
    assert query_action(b"Version=1&Action=ListRoles") == "ListRoles"
    assert query_action(b"<xml/>") == ""


@pytest.fixture(scope="module")
def lane() -> Iterator[MotoLane]:
    made = MotoLane()
    yield made
    made.close()


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as zipped:
        zipped.writestr("a.py", "def handler(event, context): return event")
    return out.getvalue()


def test_the_lane_speaks_every_protocol(lane: MotoLane) -> None:
    async def scene() -> None:
        cluster = await lane.call("ecs", "CreateCluster", {"clusterName": "c"}, CALLER)
        assert cluster["cluster"]["clusterArn"].endswith(":000000000000:cluster/c")
        role = {"RoleName": "r", "AssumeRolePolicyDocument": "{}"}
        made = await lane.call("iam", "CreateRole", role, CALLER)
        function = {
            "FunctionName": "f",
            "Role": made["Role"]["Arn"],
            "Runtime": "python3.12",
            "Handler": "a.handler",
            "Code": {"ZipFile": archive()},
        }
        assert (await lane.call("lambda", "CreateFunction", function, CALLER))["CodeSha256"]
        listed = await lane.call("cloudfront", "ListDistributions", {}, CALLER)
        assert listed["DistributionList"]["Quantity"] == 0
        metric = {"Namespace": "NST", "MetricData": [{"MetricName": "m", "Value": 1.0}]}
        assert await lane.call("cloudwatch", "PutMetricData", metric, CALLER) == {}

    asyncio.run(scene())


def test_an_error_keeps_its_code_and_status(lane: MotoLane) -> None:
    with pytest.raises(AwsError) as refused:
        asyncio.run(lane.call("lambda", "GetFunction", {"FunctionName": "nope"}, CALLER))
    assert refused.value.code == "ResourceNotFoundException"
    assert refused.value.status == 404


def test_what_no_service_has_is_refused_by_name(lane: MotoLane) -> None:
    with pytest.raises(NotSupported, match="ecs:Paint"):
        asyncio.run(lane.call("ecs", "Paint", {}, CALLER))
    with pytest.raises(NotSupported, match="palette"):
        asyncio.run(lane.call("palette", "Mix", {}, CALLER))


def test_every_port_is_another_one() -> None:
    with pytest.raises(EmulatorError, match="different ports"):
        Settings(aws_port=8083, stepfunctions_port=8083)
    with pytest.raises(EmulatorError, match="not a port"):
        Settings(stepfunctions_port=70_000)
    assert Settings(aws_port=0, edge_port=0, stepfunctions_port=0).stepfunctions_port == 0
    with pytest.raises(EmulatorError, match="27 characters"):
        Settings(name="n" * 28, live_events=True)
    assert Settings(name="n" * 27, live_events=True).live_events
