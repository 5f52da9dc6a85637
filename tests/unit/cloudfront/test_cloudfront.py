"""CloudFront's control plane over its wire format, as an SDK client sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ClientError

from emulator.cloudfront import CloudFrontService
from emulator.core.bus import Caller
from emulator.core.clock import RealClock
from emulator.core.errors import AwsError
from emulator.core.rest_xml import rest_xml
from emulator.deploy_cdn import distribution_config, headers_config
from emulator.endpoint.wire import error_response
from tests.unit.edge.edge_fakes import CDN, VALUES

API = "https://docs.aws.amazon.com/cloudfront/latest/APIReference/"
CALLER = Caller("000000000000", "us-east-1", "arn:aws:iam::000000000000:root", request_id="r1")


class Body:
    def __init__(self, data: bytes) -> None:
        self.data = data

    def stream(self, **_: Any) -> list[bytes]:
        return [self.data]

    def read(self, *_: Any) -> bytes:
        data, self.data = self.data, b""
        return data


class CloudFront:
    """The service behind a real boto3 client, without a socket between."""

    def __init__(self) -> None:
        self.served: dict[str, Mapping[str, Any] | None] = {}
        self.codes: dict[str, Mapping[str, str]] = {}
        self.invalidated: list[tuple[str, list[str]]] = []
        self.refuse = False
        self.service = CloudFrontService(RealClock(), self._load, self._remove, self._forget)
        self.client: Any = boto3.client(
            "cloudfront",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        self.client.meta.events.register("before-send.cloudfront", self._send)

    def _load(self, record_id: str, config: Any, *, functions: Any, **_: Any) -> None:
        if self.refuse:
            raise AwsError("InvalidArgument", "The edge cannot serve this.")
        self.served[record_id] = config
        self.codes[record_id] = dict(functions)

    def _remove(self, record_id: str, after_s: float) -> None:
        self.served[record_id] = None

    def _forget(self, record_id: str, paths: list[str], after_s: float) -> None:
        self.invalidated.append((record_id, paths))

    def _send(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        path, _, query = request.url.split("amazonaws.com", 1)[1].partition("?")
        headers = {k: v.decode() if isinstance(v, bytes) else v for k, v in request.headers.items()}
        body = request.body or b""
        try:
            status, out_headers, out = asyncio.run(
                self._answer(request.method, path, query, headers, body)
            )
        except AwsError as error:
            refused = error_response("rest-xml", error, "r1")
            status, out_headers, out = refused.status_code, dict(refused.headers), refused.body
        return AWSResponse(request.url, status, out_headers, Body(out))

    async def _answer(
        self, method: str, path: str, query: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        protocol = rest_xml("cloudfront")
        operation, labels = protocol.operation(method, path, query)
        params = protocol.parameters(operation, labels, query, headers, body)
        written = protocol.answer(
            operation, await self.service.call(operation, params, CALLER), "r1"
        )
        return written.status, written.headers, written.body


@pytest.fixture
def cloudfront() -> CloudFront:
    return CloudFront()


def refused(call: Any, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    return str(caught.value.response["Error"]["Code"])


def function(cloudfront: CloudFront, code: bytes = b"function handler(e) { return e; }") -> Any:
    made = cloudfront.client.create_function(
        Name="f",
        FunctionConfig={"Comment": "c", "Runtime": "cloudfront-js-2.0"},
        FunctionCode=code,
    )
    return cloudfront.client.publish_function(Name="f", IfMatch=made["ETag"])["FunctionSummary"]


def config(cloudfront: CloudFront) -> dict[str, Any]:
    arn = function(cloudfront)["FunctionMetadata"]["FunctionARN"]
    policies = {
        key: cloudfront.client.create_response_headers_policy(
            ResponseHeadersPolicyConfig=headers_config(policy, CDN["transport_security_s"])
        )["ResponseHeadersPolicy"]["Id"]
        for key, policy in CDN["headers"].items()
    }
    return distribution_config(VALUES, ("a1", "prod"), arn, policies, CDN["uncached_errors"])


@pytest.mark.fidelity(
    area="CloudFront", feature="CreateDistribution", source=API + "API_CreateDistribution.html"
)
def test_a_distribution_is_given_back_as_it_was_sent_with_the_rest_filled_in(
    cloudfront: CloudFront,
) -> None:
    sent = config(cloudfront)
    made = cloudfront.client.create_distribution(DistributionConfig=sent)
    got = cloudfront.client.get_distribution(Id=made["Distribution"]["Id"])
    assert got["ETag"] == made["ETag"]
    kept = got["Distribution"]["DistributionConfig"]
    for member in ("CallerReference", "Comment", "Enabled", "HttpVersion", "CustomErrorResponses"):
        assert kept[member] == sent[member]
    behaviour = kept["DefaultCacheBehavior"]
    assert behaviour["FunctionAssociations"] == sent["DefaultCacheBehavior"]["FunctionAssociations"]
    assert "ForwardedValues" not in behaviour
    assert kept["Aliases"] == {"Quantity": 0}
    assert kept["Restrictions"]["GeoRestriction"]["RestrictionType"] == "none"
    assert kept["Origins"]["Items"][1]["CustomOriginConfig"]["OriginSslProtocols"] == {
        "Quantity": 1,
        "Items": ["TLSv1.2"],
    }
    assert cloudfront.served[made["Distribution"]["Id"]] is not None


@pytest.mark.fidelity(
    area="CloudFront", feature="UpdateDistribution", source=API + "API_UpdateDistribution.html"
)
def test_a_change_must_name_the_version_that_it_changes(cloudfront: CloudFront) -> None:
    client = cloudfront.client
    made = client.create_distribution(DistributionConfig=config(cloudfront))
    record_id = made["Distribution"]["Id"]
    changed = {**made["Distribution"]["DistributionConfig"], "Comment": "new"}
    assert refused(client.update_distribution, Id=record_id, DistributionConfig=changed) == (
        "InvalidIfMatchVersion"
    )
    done = client.update_distribution(
        Id=record_id, DistributionConfig=changed, IfMatch=made["ETag"]
    )
    assert done["ETag"] != made["ETag"]
    code = refused(
        client.update_distribution,
        Id=record_id,
        DistributionConfig=changed,
        IfMatch=made["ETag"],
    )
    assert code == "PreconditionFailed"


@pytest.mark.fidelity(
    area="CloudFront", feature="DeleteDistribution", source=API + "API_DeleteDistribution.html"
)
def test_only_a_disabled_distribution_can_be_deleted(cloudfront: CloudFront) -> None:
    client = cloudfront.client
    made = client.create_distribution(DistributionConfig=config(cloudfront))
    record_id = made["Distribution"]["Id"]
    assert refused(client.delete_distribution, Id=record_id, IfMatch=made["ETag"]) == (
        "DistributionNotDisabled"
    )
    off = {**made["Distribution"]["DistributionConfig"], "Enabled": False}
    done = client.update_distribution(Id=record_id, DistributionConfig=off, IfMatch=made["ETag"])
    assert cloudfront.served[record_id] is None
    client.delete_distribution(Id=record_id, IfMatch=done["ETag"])
    assert refused(client.get_distribution, Id=record_id) == "NoSuchDistribution"


def test_what_the_edge_refuses_is_not_kept(cloudfront: CloudFront) -> None:
    sent = config(cloudfront)
    cloudfront.refuse = True
    assert refused(cloudfront.client.create_distribution, DistributionConfig=sent) == (
        "InvalidArgument"
    )
    assert cloudfront.client.list_distributions()["DistributionList"]["Quantity"] == 0


def test_the_callers_reference_makes_a_distribution_unique(cloudfront: CloudFront) -> None:
    sent = config(cloudfront)
    cloudfront.client.create_distribution(DistributionConfig=sent)
    assert refused(cloudfront.client.create_distribution, DistributionConfig=sent) == (
        "DistributionAlreadyExists"
    )


@pytest.mark.fidelity(
    area="CloudFront", feature="PublishFunction", source=API + "API_PublishFunction.html"
)
def test_new_code_serves_once_it_is_published(cloudfront: CloudFront) -> None:
    client = cloudfront.client
    made = client.create_distribution(DistributionConfig=config(cloudfront))
    record_id = made["Distribution"]["Id"]
    arn = "arn:aws:cloudfront::000000000000:function/f"
    before = client.describe_function(Name="f")
    updated = client.update_function(
        Name="f",
        IfMatch=before["ETag"],
        FunctionConfig={"Comment": "c", "Runtime": "cloudfront-js-2.0"},
        FunctionCode=b"function handler(e) { return 2; }",
    )
    assert b"return e" in cloudfront.codes[record_id][arn].encode()
    assert b"return e" in client.get_function(Name="f", Stage="LIVE")["FunctionCode"].read()
    client.publish_function(Name="f", IfMatch=updated["ETag"])
    assert "return 2" in cloudfront.codes[record_id][arn]
    assert refused(client.delete_function, Name="f", IfMatch=updated["ETag"]) == "FunctionInUse"


def test_functions_that_cannot_be_are_refused(cloudfront: CloudFront) -> None:
    create = cloudfront.client.create_function
    good = {"Comment": "", "Runtime": "cloudfront-js-2.0"}
    assert refused(create, Name="g", FunctionConfig=good, FunctionCode=b"x" * 10_241) == (
        "FunctionSizeLimitExceeded"
    )
    bad = {"Comment": "", "Runtime": "python"}
    assert refused(create, Name="g", FunctionConfig=bad, FunctionCode=b"x") == "InvalidArgument"
    assert refused(cloudfront.client.describe_function, Name="nope") == "NoSuchFunctionExists"


@pytest.mark.fidelity(
    area="CloudFront",
    feature="managed cache and origin request policies",
    source="https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
    "using-managed-cache-policies.html",
    verdict="differs",
    note="only those that the edge serves are listed",
)
def test_managed_policies_have_the_ids_of_aws_and_cannot_be_changed(cloudfront: CloudFront) -> None:
    client = cloudfront.client
    found = client.list_cache_policies(Type="managed")["CachePolicyList"]["Items"]
    ids = {
        item["CachePolicy"]["CachePolicyConfig"]["Name"]: item["CachePolicy"]["Id"]
        for item in found
    }
    assert ids["Managed-CachingOptimized"] == "658327ea-f89d-4fab-a63d-7e88639e58f6"
    assert ids["Managed-CachingDisabled"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    optimised = ids["Managed-CachingOptimized"]
    etag = client.get_cache_policy(Id=optimised)["ETag"]
    assert refused(client.delete_cache_policy, Id=optimised, IfMatch=etag) == "IllegalDelete"


def test_a_policy_in_use_stays_and_its_change_is_served(cloudfront: CloudFront) -> None:
    client = cloudfront.client
    sent = config(cloudfront)
    made = client.create_distribution(DistributionConfig=sent)
    policy_id = sent["DefaultCacheBehavior"]["ResponseHeadersPolicyId"]
    got = client.get_response_headers_policy(Id=policy_id)
    assert refused(client.delete_response_headers_policy, Id=policy_id, IfMatch=got["ETag"]) == (
        "ResponseHeadersPolicyInUse"
    )
    cloudfront.served.clear()
    changed = got["ResponseHeadersPolicy"]["ResponseHeadersPolicyConfig"]
    changed["Comment"] = "new"
    client.update_response_headers_policy(
        Id=policy_id, IfMatch=got["ETag"], ResponseHeadersPolicyConfig=changed
    )
    assert list(cloudfront.served) == [made["Distribution"]["Id"]]


@pytest.mark.fidelity(
    area="CloudFront", feature="CreateInvalidation", source=API + "API_CreateInvalidation.html"
)
def test_an_invalidation_reaches_the_edge_once_for_a_reference(cloudfront: CloudFront) -> None:
    client = cloudfront.client
    record_id = client.create_distribution(DistributionConfig=config(cloudfront))["Distribution"][
        "Id"
    ]
    batch = {"Paths": {"Quantity": 1, "Items": ["/*"]}, "CallerReference": "one"}
    first = client.create_invalidation(DistributionId=record_id, InvalidationBatch=batch)
    again = client.create_invalidation(DistributionId=record_id, InvalidationBatch=batch)
    assert first["Invalidation"]["Id"] == again["Invalidation"]["Id"]
    assert cloudfront.invalidated == [(record_id, ["/*"])]
    other = {**batch, "Paths": {"Quantity": 1, "Items": ["/a"]}}
    assert (
        refused(client.create_invalidation, DistributionId=record_id, InvalidationBatch=other)
        == "InvalidationBatchAlreadyExists"
    )
    got = client.get_invalidation(DistributionId=record_id, Id=first["Invalidation"]["Id"])
    assert got["Invalidation"]["Status"] == "Completed"


def test_tags_stay_with_a_distribution(cloudfront: CloudFront) -> None:
    client = cloudfront.client
    tags = {"Items": [{"Key": "Project", "Value": "nst"}]}
    made = client.create_distribution_with_tags(
        DistributionConfigWithTags={"DistributionConfig": config(cloudfront), "Tags": tags}
    )
    arn = made["Distribution"]["ARN"]
    client.tag_resource(Resource=arn, Tags={"Items": [{"Key": "a", "Value": "1"}]})
    client.untag_resource(Resource=arn, TagKeys={"Items": ["Project"]})
    assert client.list_tags_for_resource(Resource=arn)["Tags"]["Items"] == [
        {"Key": "a", "Value": "1"}
    ]
    assert refused(client.list_tags_for_resource, Resource=arn + "X") == "NoSuchResource"


def test_lists_come_in_pages(cloudfront: CloudFront) -> None:
    for number in range(3):
        cloudfront.client.create_origin_access_control(
            OriginAccessControlConfig={
                "Name": f"c{number}",
                "SigningProtocol": "sigv4",
                "SigningBehavior": "always",
                "OriginAccessControlOriginType": "s3",
            }
        )
    names, marker = [], {}
    for _ in range(3):
        page = cloudfront.client.list_origin_access_controls(MaxItems="1", **marker)
        found = page["OriginAccessControlList"]
        names += [item["Name"] for item in found["Items"]]
        marker = {"Marker": found.get("NextMarker", "")}
    assert names == ["c0", "c1", "c2"]
    assert not found["IsTruncated"]


def test_operations_that_are_not_there_are_refused_at_once(cloudfront: CloudFront) -> None:
    assert refused(cloudfront.client.list_key_groups) == "NotSupportedByEmulator"


def test_xml_with_entities_is_refused() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aa">]><DistributionConfig>&a;</DistributionConfig>'
    with pytest.raises(AwsError, match="MalformedXML"):
        rest_xml("cloudfront").parameters("CreateDistribution", {}, "", {}, bomb)
