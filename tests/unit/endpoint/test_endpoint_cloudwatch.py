"""CloudWatch at the endpoint: both of its protocols, compressed data, what is delivered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import boto3
import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from defusedxml import ElementTree

from emulator.settings import Settings
from emulator.stack import Stack

NAMESPACE = "{http://monitoring.amazonaws.com/doc/2010-08-01/}"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack(replace(Settings(), aws_port=0, edge_port=0, bare=True)) as made:
        yield made


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[Any]:
    made = boto3.client(
        "cloudwatch",
        endpoint_url=stack.aws_url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    yield made
    made.close()


def query(stack: Stack, action: str, **params: str) -> httpx.Response:
    """A call in the query protocol, as older SDKs and Terraform make it."""
    body = urlencode({"Action": action, "Version": "2010-08-01", **params})
    form = "application/x-www-form-urlencoded"
    asked = AWSRequest("POST", stack.aws_url + "/", {"Content-Type": form}, body)
    SigV4Auth(Credentials("test", "test"), "monitoring", "us-east-1").add_auth(asked)
    return httpx.post(stack.aws_url + "/", content=body, headers=dict(asked.headers.items()))


ALARM = {
    "AlarmName": "query",
    "Namespace": "N",
    "MetricName": "m",
    "Statistic": "Sum",
    "Period": "60",
    "EvaluationPeriods": "1",
    "Threshold": "2.5",
    "ComparisonOperator": "GreaterThanThreshold",
    "Dimensions.member.1.Name": "d",
    "Dimensions.member.1.Value": "v",
}


@pytest.mark.fidelity(
    area="CloudWatch",
    feature="the protocols JSON and query",
    source="https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/making-api-requests.html",
    note="Smithy RPC v2 CBOR is refused by name",
)
def test_an_alarm_put_in_one_protocol_is_described_in_the_other(stack: Stack, client: Any) -> None:
    assert query(stack, "PutMetricAlarm", **ALARM).status_code == 200
    [found] = client.describe_alarms(AlarmNames=["query"])["MetricAlarms"]
    assert found["Threshold"] == 2.5
    assert found["Dimensions"] == [{"Name": "d", "Value": "v"}]
    answer = query(stack, "DescribeAlarms", **{"AlarmNames.member.1": "query"})
    assert answer.headers["content-type"].startswith("text/xml")
    tree = ElementTree.fromstring(answer.text)
    shown = {e.tag.removeprefix(NAMESPACE): e.text for e in tree.iter() if e.text}
    assert (shown["AlarmName"], float(shown["Threshold"] or 0)) == ("query", 2.5)
    assert shown["StateUpdatedTimestamp"].startswith("20")


def test_errors_are_written_in_the_protocol_of_the_call(stack: Stack, client: Any) -> None:
    refused = query(stack, "DeleteAlarms", **{"AlarmNames.member.1": "nobody"})
    assert refused.status_code == 404
    assert "<Code>ResourceNotFound</Code>" in refused.text
    assert "<Code>InvalidAction</Code>" in query(stack, "Dance").text
    with pytest.raises(client.exceptions.ResourceNotFound):
        client.delete_alarms(AlarmNames=["nobody"])


def test_cbor_is_refused_by_name_and_at_once(stack: Stack) -> None:
    url = f"{stack.aws_url}/service/GraniteServiceVersion20100801/operation/ListMetrics"
    asked = AWSRequest("POST", url, {"smithy-protocol": "rpc-v2-cbor"}, b"\xa0")
    SigV4Auth(Credentials("test", "test"), "monitoring", "us-east-1").add_auth(asked)
    answer = httpx.post(url, content=b"\xa0", headers=dict(asked.headers.items()))
    assert answer.status_code == 400
    assert b"NotSupportedByEmulator" in answer.content


def test_compressed_data_are_read_and_nonsense_is_refused(stack: Stack, client: Any) -> None:
    """SDKs compress PutMetricData from some ten kilobytes on."""
    seen: list[str] = []
    client.meta.events.register(
        "before-send.cloudwatch",
        lambda request, **_: seen.append(str(request.headers.get("Content-Encoding"))),
    )
    data = [{"MetricName": f"m{number}", "Value": 1.0} for number in range(900)]
    client.put_metric_data(Namespace="Compressed", MetricData=data)
    assert "gzip" in seen[0]
    found = client.list_metrics(Namespace="Compressed")["Metrics"]
    assert len(found) == 900
    headers = {
        "X-Amz-Target": "GraniteServiceVersion20100801.PutMetricData",
        "Content-Encoding": "gzip",
    }
    asked = AWSRequest("POST", stack.aws_url + "/", headers, b"no gzip")
    SigV4Auth(Credentials("test", "test"), "monitoring", "us-east-1").add_auth(asked)
    answer = httpx.post(
        stack.aws_url + "/", content=b"no gzip", headers=dict(asked.headers.items())
    )
    assert (answer.status_code, json.loads(answer.text)["__type"]) == (
        400,
        "SerializationException",
    )


def test_an_invalid_dashboard_says_where(client: Any) -> None:
    with pytest.raises(ClientError) as caught:
        client.put_dashboard(DashboardName="d", DashboardBody='{"widgets": [1]}')
    assert caught.value.response["Error"]["Code"] == "InvalidParameterInput"
    assert caught.value.response["dashboardValidationMessages"][0]["DataPath"] == "/widgets/0"
