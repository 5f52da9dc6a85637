"""Configuration sub-resources of buckets: stored and answered as AWS does, or refused by name.

``OPERATIONS`` names every SDK operation this file answers. A configuration that would change what
the data plane does, and that it does not follow, is refused when it is put.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from emulator.core.errors import AwsError, NotSupported
from emulator.s3 import cors, errors, lifecycle, listing, policy, shapes
from emulator.s3 import params as limits
from emulator.s3.access import Call, policy_of
from emulator.s3.model import Bucket
from emulator.s3.state import State

BUCKET_TAGS_MAX = 50
Validate = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Resource:
    """One sub-resource.

    ``query`` is its name in URLs and in the bucket's configuration; ``noun`` its name in the
    operations (``Put<noun>``); ``member`` the request's payload; ``payload`` the answer's, where
    it has one; ``missing`` an error code with its message, or what a bucket without it answers;
    ``permission`` the noun in IAM actions.
    """

    query: str
    noun: str
    member: str
    root: str
    permission: str
    missing: tuple[str, str] | dict[str, Any]
    payload: str | None = None
    validate: Validate | None = None
    deletable: bool = False


def _versioning(value: dict[str, Any]) -> dict[str, Any]:
    if value.get("MFADelete") == "Enabled":
        raise NotSupported("MFA delete")
    if "Status" not in value:
        raise AwsError(
            "IllegalVersioningConfigurationException", "The Versioning element must be specified"
        )
    return {"Status": value["Status"]}


def _encryption(value: dict[str, Any]) -> dict[str, Any]:
    for rule in value["Rules"]:
        default = rule.get("ApplyServerSideEncryptionByDefault", {})
        if default.get("SSEAlgorithm", "AES256") != "AES256":
            raise NotSupported(f"default encryption with {default['SSEAlgorithm']}")
        rule.setdefault("BucketKeyEnabled", False)
    return value


def _ownership(value: dict[str, Any]) -> dict[str, Any]:
    if len(value["Rules"]) != 1:
        raise errors.malformed_xml()
    return value


def _blocks(value: dict[str, Any]) -> dict[str, Any]:
    return {
        name: bool(value.get(name, False))
        for name in (
            "BlockPublicAcls",
            "IgnorePublicAcls",
            "BlockPublicPolicy",
            "RestrictPublicBuckets",
        )
    }


def _tagging(value: dict[str, Any]) -> dict[str, Any]:
    limits.tag_set(value, BUCKET_TAGS_MAX)
    return value


def _notification(value: dict[str, Any]) -> dict[str, Any]:
    for name in value:
        if name != "EventBridgeConfiguration":
            raise NotSupported(f"{name} of a bucket's notifications (EventBridge is)")
    return value


def _only(member: str, allowed: str, what: str) -> Validate:
    def validate(value: dict[str, Any]) -> dict[str, Any]:
        if value.get(member, allowed) != allowed:
            raise NotSupported(what)
        return value

    return validate


def _refuse(what: str) -> Validate:
    def validate(_: dict[str, Any]) -> dict[str, Any]:
        raise NotSupported(what)

    return validate


def _no_logging(value: dict[str, Any]) -> dict[str, Any]:
    if value.get("LoggingEnabled"):
        raise NotSupported("server access logging")
    return value


_SSE = {
    "Rules": [
        {
            "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
            "BucketKeyEnabled": False,
        }
    ]
}

RESOURCES: tuple[Resource, ...] = (
    Resource("versioning", "BucketVersioning", "VersioningConfiguration",
             "VersioningConfiguration", "BucketVersioning", {}, validate=_versioning),
    Resource("encryption", "BucketEncryption", "ServerSideEncryptionConfiguration",
             "ServerSideEncryptionConfiguration", "EncryptionConfiguration", _SSE,
             "ServerSideEncryptionConfiguration", _encryption, deletable=True),
    Resource("publicAccessBlock", "PublicAccessBlock", "PublicAccessBlockConfiguration",
             "PublicAccessBlockConfiguration", "BucketPublicAccessBlock",
             ("NoSuchPublicAccessBlockConfiguration",
              "The public access block configuration was not found"),
             "PublicAccessBlockConfiguration", _blocks, deletable=True),
    Resource("ownershipControls", "BucketOwnershipControls", "OwnershipControls",
             "OwnershipControls", "BucketOwnershipControls",
             ("OwnershipControlsNotFoundError", "The bucket ownership controls were not found"),
             "OwnershipControls", _ownership, deletable=True),
    Resource("lifecycle", "BucketLifecycleConfiguration", "LifecycleConfiguration",
             "LifecycleConfiguration", "LifecycleConfiguration",
             ("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"),
             None, lifecycle.validate, deletable=True),
    Resource("cors", "BucketCors", "CORSConfiguration", "CORSConfiguration", "BucketCORS",
             ("NoSuchCORSConfiguration", "The CORS configuration does not exist"),
             None, cors.validate, deletable=True),
    Resource("tagging", "BucketTagging", "Tagging", "Tagging", "BucketTagging",
             ("NoSuchTagSet", "The TagSet does not exist"), None, _tagging, deletable=True),
    Resource("notification", "BucketNotificationConfiguration", "NotificationConfiguration",
             "NotificationConfiguration", "BucketNotification", {}, validate=_notification),
    Resource("logging", "BucketLogging", "BucketLoggingStatus", "BucketLoggingStatus",
             "BucketLogging", {}, validate=_no_logging),
    Resource("website", "BucketWebsite", "WebsiteConfiguration", "WebsiteConfiguration",
             "BucketWebsite",
             ("NoSuchWebsiteConfiguration",
              "The specified bucket does not have a website configuration"),
             None, _refuse("a bucket's website endpoint"), deletable=True),
    Resource("accelerate", "BucketAccelerateConfiguration", "AccelerateConfiguration",
             "AccelerateConfiguration", "AccelerateConfiguration", {},
             validate=_only("Status", "Suspended", "transfer acceleration")),
    Resource("requestPayment", "BucketRequestPayment", "RequestPaymentConfiguration",
             "RequestPaymentConfiguration", "BucketRequestPayment", {"Payer": "BucketOwner"},
             validate=_only("Payer", "BucketOwner", "requester pays")),
    Resource("replication", "BucketReplication", "ReplicationConfiguration",
             "ReplicationConfiguration", "ReplicationConfiguration",
             ("ReplicationConfigurationNotFoundError",
              "The replication configuration was not found"),
             "ReplicationConfiguration", _refuse("replication"), deletable=True),
    Resource("object-lock", "ObjectLockConfiguration", "ObjectLockConfiguration",
             "ObjectLockConfiguration", "BucketObjectLockConfiguration",
             ("ObjectLockConfigurationNotFoundError",
              "Object Lock configuration does not exist for this bucket"),
             "ObjectLockConfiguration", _refuse("object lock")),
)  # fmt: skip
BY_QUERY: Mapping[str, Resource] = {one.query: one for one in RESOURCES}
OPERATIONS: Mapping[str, tuple[str, Resource]] = {
    f"{verb}{one.noun}".replace("DeleteBucketLifecycleConfiguration", "DeleteBucketLifecycle"): (
        verb,
        one,
    )
    for one in RESOURCES
    for verb in ("Get", "Put", *(("Delete",) if one.deletable else ()))
}
EXTRA = (
    "GetBucketPolicy",
    "PutBucketPolicy",
    "DeleteBucketPolicy",
    "GetBucketPolicyStatus",
    "GetBucketAcl",
    "PutBucketAcl",
)
_SIDE_PARAMS = frozenset({"Bucket", "ExpectedBucketOwner", "ChecksumAlgorithm", "ContentMD5"})
_SMALLEST = "TransitionDefaultMinimumObjectSize"
_SMALLEST_DEFAULT = "all_storage_classes_128K"


class Configuration:
    """Configuration operations over the shared state."""

    def __init__(self, state: State) -> None:
        self._state = state

    def call(self, call: Call, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Answer one of OPERATIONS or EXTRA."""
        if operation not in OPERATIONS:
            return self._extra(call, operation, params)
        verb, resource = OPERATIONS[operation]
        self._refuse_unknown(operation, params, resource if verb == "Put" else None)
        bucket = self._state.bucket(params)
        right = "Get" if verb == "Get" else "Put"
        self._state.access.check(call, bucket, f"s3:{right}{resource.permission}")
        if verb == "Get":
            return self._get(bucket, resource)
        if verb == "Delete":
            return self._set(bucket, resource.query, None)
        value = shapes.check(operation, params.get(resource.member, {}))
        if resource.validate is not None:
            value = resource.validate(value)
        if resource.query == "versioning":
            bucket.begin_versions()
        if resource.query == "lifecycle":
            value[_SMALLEST] = params.get(_SMALLEST, _SMALLEST_DEFAULT)
            self._set(bucket, resource.query, value)
            return {_SMALLEST: value[_SMALLEST]}
        return self._set(bucket, resource.query, value)

    def _get(self, bucket: Bucket, resource: Resource) -> dict[str, Any]:
        value = bucket.config.get(resource.query)
        if value is None:
            if isinstance(resource.missing, tuple):
                code, message = resource.missing
                raise AwsError(code, message, 404, {"BucketName": bucket.name})
            value = resource.missing
        return {resource.payload: value} if resource.payload else dict(value)

    def _set(self, bucket: Bucket, name: str, value: Any) -> dict[str, Any]:
        before = bucket.config.get(name)
        bucket.configure(name, value)
        try:
            self._state.store.put_bucket(bucket)
        except OSError:
            bucket.configure(name, before)
            raise
        return {}

    def _extra(self, call: Call, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        bucket = self._state.bucket(params)
        if operation == "GetBucketPolicyStatus":
            self._state.access.check(call, bucket, "s3:GetBucketPolicyStatus")
            found = policy_of(bucket)
            if found is None:
                raise _no_policy(bucket)
            return {"PolicyStatus": {"IsPublic": found.public}}
        self._state.access.check(call, bucket, f"s3:{operation}")
        if operation == "GetBucketPolicy":
            if "policy" not in bucket.config:
                raise _no_policy(bucket)
            return {"Policy": bucket.config["policy"]}
        if operation == "DeleteBucketPolicy":
            return self._set(bucket, "policy", None)
        if operation == "PutBucketPolicy":
            text = str(params.get("Policy", ""))
            parsed = policy.parse(text, bucket.name)
            blocks = bucket.config.get("publicAccessBlock", {})
            if parsed.public and blocks.get("BlockPublicPolicy"):
                raise errors.access_denied(
                    "The bucket policy would be public, and the bucket's public access block "
                    "(BlockPublicPolicy) prevents public policies."
                )
            return self._set(bucket, "policy", text)
        if operation == "GetBucketAcl":
            return owner_acl(bucket)
        put_acl(bucket, params)
        return {}

    @staticmethod
    def _refuse_unknown(
        operation: str, params: Mapping[str, Any], resource: Resource | None
    ) -> None:
        taken = set(_SIDE_PARAMS)
        if resource is not None:
            taken.add(resource.member)
        if operation == "PutBucketLifecycleConfiguration":
            taken.add(_SMALLEST)
        if operation == "PutBucketNotificationConfiguration":
            taken.add("SkipDestinationValidation")
        unknown = params.keys() - taken
        if unknown:
            raise NotSupported(f"the parameter {min(unknown)} of s3:{operation}")


def owner_acl(bucket: Bucket) -> dict[str, Any]:
    """The ACL of everything here: the owner has full control, nobody else anything."""
    owner = {"ID": listing.owner_id(bucket.owner)}
    grantee = {"Type": "CanonicalUser", **owner}
    return {"Owner": owner, "Grants": [{"Grantee": grantee, "Permission": "FULL_CONTROL"}]}


def put_acl(bucket: Bucket, params: Mapping[str, Any]) -> None:
    """Take the ACL that is there already; ACLs that grant anything are refused."""
    rules = bucket.config.get("ownershipControls", {}).get("Rules", [])
    enforced = any(rule["ObjectOwnership"] == "BucketOwnerEnforced" for rule in rules)
    if enforced and params.get("ACL") != "bucket-owner-full-control":
        raise AwsError("AccessControlListNotSupported", "The bucket does not allow ACLs")
    unknown = params.keys() - _SIDE_PARAMS - {"ACL", "Key", "VersionId"}
    if unknown or params.get("ACL") not in {"private", "bucket-owner-full-control"}:
        raise NotSupported("an access control list other than private")


def _no_policy(bucket: Bucket) -> AwsError:
    return AwsError(
        "NoSuchBucketPolicy",
        "The bucket policy does not exist",
        404,
        {"BucketName": bucket.name},
    )
