"""Requests on buckets and on the service itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.core.errors import AwsError, NotSupported
from emulator.core.sigv4 import Verified
from emulator.s3 import configuration, errors, shapes, xmltext
from emulator.s3.access import Call
from emulator.s3.operations import Operations
from emulator.s3.policy import POLICY_BYTES_MAX
from emulator.s3.rest import XML_TYPE, Answer, Rest, xml
from emulator.s3.rest_headers import pick, singular

_LIST = (
    ("prefix", "Prefix"),
    ("delimiter", "Delimiter"),
    ("max-keys", "MaxKeys"),
    ("encoding-type", "EncodingType"),
)
_V2 = (
    ("continuation-token", "ContinuationToken"),
    ("start-after", "StartAfter"),
    ("fetch-owner", "FetchOwner"),
)
_VERSIONS = (("key-marker", "KeyMarker"), ("version-id-marker", "VersionIdMarker"))
_UPLOADS = (
    ("prefix", "Prefix"),
    ("delimiter", "Delimiter"),
    ("encoding-type", "EncodingType"),
    ("key-marker", "KeyMarker"),
    ("upload-id-marker", "UploadIdMarker"),
    ("max-uploads", "MaxUploads"),
)
_BUCKETS = (
    ("max-buckets", "MaxBuckets"),
    ("continuation-token", "ContinuationToken"),
    ("prefix", "Prefix"),
    ("bucket-region", "BucketRegion"),
)
_LIST_ELEMENTS = {"Versions": "Version", "DeleteMarkers": "DeleteMarker"}
_NO_LISTS: Mapping[str, str] = {
    "analytics": "ListBucketAnalyticsConfigurationResult",
    "intelligent-tiering": "ListBucketIntelligentTieringConfigurationsOutput",
    "inventory": "ListInventoryConfigurationsResult",
    "metrics": "ListMetricsConfigurationsResult",
}
"""Kinds of configuration of which no bucket here has any."""
_READS = ("location", "versions", "uploads", "delete", "policy", "policyStatus", "acl")
_REFUSED = (
    "session",
    "abac",
    "metadataConfiguration",
    "metadataTable",
    "metadataInventoryTable",
    "metadataJournalTable",
    "metadataAnnotationTable",
)
SUBRESOURCES = (*configuration.BY_QUERY, *_READS, *_NO_LISTS, *_REFUSED)


class BucketRequests:
    """The REST requests that name no key."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    async def answer(self, rest: Rest, call: Call, _: Verified | None) -> Answer:
        """Answer a request; NotSupported names a sub-resource that is not there."""
        if rest.bucket is None:
            return self._root(rest, call)
        sub = next((name for name in SUBRESOURCES if name in rest.values), "")
        method = rest.method
        if sub in configuration.BY_QUERY:
            return await self._configured(rest, call, configuration.BY_QUERY[sub])
        if sub == "policy":
            return await self._policy(rest, call)
        if sub == "acl":
            return await self._acl(rest, call)
        if sub in _NO_LISTS:
            return self._none(rest, call, sub)
        if sub == "delete" and method == "POST":
            return await self._delete_many(rest, call)
        if method == "GET" and sub not in _REFUSED:
            return await self._read(rest, call, sub)
        if sub:
            raise NotSupported(f"{method} ?{sub} on a bucket")
        if method == "PUT":
            return await self._create(rest, call)
        if method == "HEAD":
            answer = self._operations.buckets.head(call, _named(rest))
            headers = {
                "x-amz-bucket-region": answer["BucketRegion"],
                "x-amz-bucket-arn": f"arn:aws:s3:::{rest.bucket}",
                "x-amz-access-point-alias": "false",
            }
            return Answer(200, b"", {**headers, **XML_TYPE})
        if method == "DELETE":
            self._operations.buckets.delete(call, _named(rest))
            return Answer(204)
        raise errors.method_not_allowed(method, "BUCKET")

    def _root(self, rest: Rest, call: Call) -> Answer:
        if rest.method != "GET":
            raise errors.method_not_allowed(rest.method, "SERVICE")
        answer = self._operations.buckets.list_all(call, pick(rest.values, _BUCKETS))
        answer["Buckets"] = {"Bucket": answer["Buckets"]}
        return xml("ListAllMyBucketsResult", answer)

    async def _create(self, rest: Rest, call: Call) -> Answer:
        params = {"Bucket": rest.bucket}
        body = await rest.document()
        if body.strip():
            params["CreateBucketConfiguration"] = shapes.read("CreateBucket", body)
        headers = rest.headers
        params |= pick(
            headers,
            (("x-amz-acl", "ACL"), ("x-amz-object-ownership", "ObjectOwnership")),
        )
        if headers.get("x-amz-bucket-object-lock-enabled", "").lower() == "true":
            params["ObjectLockEnabledForBucket"] = True  # type: ignore[assignment]
        for name in headers:
            if name.startswith("x-amz-grant-"):
                raise NotSupported(f"the header {name}")
        answer = self._operations.buckets.create(call, params)
        return Answer(200, b"", {"location": answer["Location"]})

    async def _read(self, rest: Rest, call: Call, sub: str) -> Answer:
        operations, values = self._operations, rest.values
        if sub == "location":
            answer = operations.buckets.location(call, _named(rest))
            place = answer["LocationConstraint"] or ""
            text = (
                '<?xml version="1.0" encoding="UTF-8"?>\n'
                f'<LocationConstraint xmlns="{xmltext.NAMESPACE}">{place}</LocationConstraint>'
            )
            return Answer(200, text.encode(), XML_TYPE)
        if sub == "policyStatus":
            answer = await operations.run("GetBucketPolicyStatus", _named(rest), call)
            return xml("PolicyStatus", answer["PolicyStatus"])
        if sub == "versions":
            params = _named(rest) | pick(values, (*_LIST, *_VERSIONS))
            answer = operations.listing.versions(call, params)
            return xml("ListVersionsResult", singular(answer, **_LIST_ELEMENTS))
        if sub == "uploads":
            answer = operations.upload_lists.uploads(call, _named(rest) | pick(values, _UPLOADS))
            return xml("ListMultipartUploadsResult", singular(answer, Uploads="Upload"))
        if values.get("list-type") == "2":
            params = _named(rest) | pick(values, (*_LIST, *_V2))
            if "FetchOwner" in params:
                params["FetchOwner"] = params["FetchOwner"].lower() == "true"
            _optional(rest, params)
            return xml("ListBucketResult", operations.listing.objects_v2(call, params))
        params = _named(rest) | pick(values, (*_LIST, ("marker", "Marker")))
        _optional(rest, params)
        return xml("ListBucketResult", operations.listing.objects_v1(call, params))

    async def _delete_many(self, rest: Rest, call: Call) -> Answer:
        body = await rest.document()
        params = {**_named(rest), "Delete": shapes.read("DeleteObjects", body)}
        answer = self._operations.objects.delete_many(call, params)
        return xml("DeleteResult", singular(answer, Errors="Error"))

    async def _configured(self, rest: Rest, call: Call, resource: configuration.Resource) -> Answer:
        params: dict[str, Any] = _named(rest)
        verb = _VERBS.get(rest.method)
        operation = f"{verb}{resource.noun}"
        if rest.method == "DELETE" and resource.query == "lifecycle":
            operation = "DeleteBucketLifecycle"
        if verb is None or operation not in configuration.OPERATIONS:
            raise errors.method_not_allowed(rest.method, "BUCKET")
        if verb == "Put":
            body = await rest.document()
            params[resource.member] = shapes.read(operation, body)
            if resource.query == "lifecycle":
                params |= pick(rest.headers, ((_SMALLEST, "TransitionDefaultMinimumObjectSize"),))
        answer = self._operations.configuration.call(call, operation, params)
        smallest = answer.pop("TransitionDefaultMinimumObjectSize", None)
        headers = {_SMALLEST: smallest} if smallest else {}
        if verb == "Delete":
            return Answer(204, b"", headers)
        if verb == "Put":
            return Answer(200, b"", headers)
        body = shapes.write(operation, answer, resource.root)
        return Answer(200, body, {**headers, **XML_TYPE})

    async def _policy(self, rest: Rest, call: Call) -> Answer:
        verb = _VERBS.get(rest.method)
        if verb is None:
            raise errors.method_not_allowed(rest.method, "BUCKET")
        params: dict[str, Any] = _named(rest)
        if verb == "Put":
            body = await rest.document(POLICY_BYTES_MAX * 2)
            try:
                params["Policy"] = body.decode()
            except ValueError as error:
                raise AwsError("MalformedPolicy", "Policies must be valid JSON") from error
        answer = await self._operations.run(f"{verb}BucketPolicy", params, call)
        if verb == "Get":
            return Answer(200, answer["Policy"].encode(), {"content-type": "application/json"})
        return Answer(204)

    async def _acl(self, rest: Rest, call: Call) -> Answer:
        if rest.method == "GET":
            answer = await self._operations.run("GetBucketAcl", _named(rest), call)
            body = shapes.write("GetBucketAcl", answer, "AccessControlPolicy")
            return Answer(200, body, XML_TYPE)
        if rest.method != "PUT":
            raise errors.method_not_allowed(rest.method, "BUCKET")
        params = _named(rest) | pick(rest.headers, (("x-amz-acl", "ACL"),))
        if "ACL" not in params:
            params["AccessControlPolicy"] = shapes.read("PutBucketAcl", await rest.document())
        await self._operations.run("PutBucketAcl", params, call)
        return Answer(200)

    def _none(self, rest: Rest, call: Call, sub: str) -> Answer:
        """Inventory and its kin: none are there, and none can be put."""
        self._operations.buckets.head(call, _named(rest))
        if rest.method == "GET" and "id" not in rest.values:
            return xml(_NO_LISTS[sub], {"IsTruncated": False})
        if rest.method == "GET":
            raise AwsError(
                "NoSuchConfiguration", "The specified configuration does not exist.", 404
            )
        raise NotSupported(f"{rest.method} ?{sub} on a bucket")


_VERBS = {"GET": "Get", "PUT": "Put", "DELETE": "Delete"}
_SMALLEST = "x-amz-transition-default-minimum-object-size"


def _named(rest: Rest) -> dict[str, Any]:
    params: dict[str, Any] = {"Bucket": rest.bucket}
    if "x-amz-expected-bucket-owner" in rest.headers:
        params["ExpectedBucketOwner"] = rest.headers["x-amz-expected-bucket-owner"]
    return params


def _optional(rest: Rest, params: dict[str, Any]) -> None:
    if "x-amz-optional-object-attributes" in rest.headers:
        params["OptionalObjectAttributes"] = rest.headers["x-amz-optional-object-attributes"]
