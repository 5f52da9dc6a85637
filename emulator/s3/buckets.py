"""Operations on buckets: create, head, list, delete, where they are."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

from emulator.core.errors import AwsError, NotSupported
from emulator.s3 import errors, listing, parts
from emulator.s3 import params as limits
from emulator.s3.access import Call
from emulator.s3.model import Bucket
from emulator.s3.state import State

BUCKETS_MAX = 10_000
"""AWS's default quota of an account."""
HOME = "us-east-1"

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{1,61})[a-z0-9]", re.ASCII)
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d", re.ASCII)
_CREATE = frozenset(
    {"Bucket", "CreateBucketConfiguration", "ACL", "ObjectOwnership",
     "ObjectLockEnabledForBucket"}
)  # fmt: skip
_OWNERSHIPS = ("BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter")


class Buckets:
    """Bucket operations over the shared state."""

    def __init__(self, state: State) -> None:
        self._state = state

    def create(self, call: Call, params: Mapping[str, Any]) -> dict[str, Any]:
        """CreateBucket: one's own again is fine in us-east-1 (200) and a 409 elsewhere."""
        unknown = params.keys() - _CREATE
        if unknown:
            raise NotSupported(f"the parameter {min(unknown)} of s3:CreateBucket")
        if call.caller is None:
            raise errors.access_denied()
        name = valid_name(params.get("Bucket"))
        self._state.access.require_own(call, "s3:CreateBucket", f"arn:aws:s3:::{name}")
        region, tags = _place(params.get("CreateBucketConfiguration"), call.caller.region)
        if params.get("ObjectLockEnabledForBucket"):
            raise NotSupported("object lock")
        ownership = params.get("ObjectOwnership", _OWNERSHIPS[0])
        if ownership not in _OWNERSHIPS:
            raise errors.invalid_argument(
                "x-amz-object-ownership", ownership, "Invalid x-amz-object-ownership header"
            )
        limits.check_acl(params.get("ACL"))
        known = self._state.buckets.get(name)
        if known is not None:
            if known.owner != call.caller.account:
                raise AwsError(
                    "BucketAlreadyExists",
                    "The requested bucket name is not available. The bucket namespace is shared by "
                    "all users of the system. Please select a different name and try again.",
                    409,
                    {"BucketName": name},
                )
            if region != HOME or known.region != HOME:
                raise AwsError(
                    "BucketAlreadyOwnedByYou",
                    "Your previous request to create the named bucket succeeded and you already "
                    "own it.",
                    409,
                    {"BucketName": name},
                )
            return {"Location": f"/{name}"}
        if len(self._state.buckets) >= BUCKETS_MAX:
            raise AwsError(
                "TooManyBuckets", "You have attempted to create more buckets than allowed"
            )
        bucket = Bucket(name, call.caller.account, region, self._state.clock.now())
        # What AWS gives every new bucket since April 2023.
        bucket.config["publicAccessBlock"] = dict.fromkeys(
            ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"),
            True,
        )
        bucket.config["ownershipControls"] = {"Rules": [{"ObjectOwnership": ownership}]}
        if tags:
            bucket.config["tagging"] = tags
        self._state.store.put_bucket(bucket)
        self._state.buckets[name] = bucket
        return {"Location": f"/{name}"}

    def head(self, call: Call, params: Mapping[str, Any]) -> dict[str, Any]:
        """HeadBucket."""
        bucket = self._state.bucket(params)
        self._state.access.check(call, bucket, "s3:ListBucket")
        return {"BucketRegion": bucket.region, "AccessPointAlias": False}

    def location(self, call: Call, params: Mapping[str, Any]) -> dict[str, Any]:
        """GetBucketLocation: None stands for us-east-1."""
        bucket = self._state.bucket(params)
        self._state.access.check(call, bucket, "s3:GetBucketLocation")
        return {"LocationConstraint": None if bucket.region == HOME else bucket.region}

    def delete(self, call: Call, params: Mapping[str, Any]) -> dict[str, Any]:
        """DeleteBucket; BucketNotEmpty as long as there are objects, versions or markers."""
        bucket = self._state.bucket(params)
        self._state.access.check(call, bucket, "s3:DeleteBucket")
        if not bucket.empty():
            message = "The bucket you tried to delete is not empty"
            if bucket.versions is not None:
                message += ". You must delete all versions in the bucket."
            raise AwsError("BucketNotEmpty", message, 409, {"BucketName": bucket.name})
        for upload in bucket.uploads.values():
            parts.idle(upload)
        for upload in bucket.uploads.values():
            self._state.store.remove_upload(upload)
        self._state.store.remove_bucket(bucket)
        del self._state.buckets[bucket.name]
        return {}

    def list_all(self, call: Call, params: Mapping[str, Any]) -> dict[str, Any]:
        """ListBuckets of the caller's account, in order of their names."""
        if call.caller is None:
            raise errors.access_denied()
        self._state.access.require_own(call, "s3:ListAllMyBuckets", "*")
        unknown = params.keys() - {"MaxBuckets", "ContinuationToken", "Prefix", "BucketRegion"}
        if unknown:
            raise NotSupported(f"the parameter {min(unknown)} of s3:ListBuckets")
        prefix, region = params.get("Prefix", ""), params.get("BucketRegion")
        mine = sorted(
            (
                bucket
                for bucket in self._state.buckets.values()
                if bucket.owner == call.caller.account
                and bucket.name.startswith(prefix)
                and region in {None, bucket.region}
            ),
            key=lambda bucket: bucket.name,
        )
        after = params.get("ContinuationToken", "")
        mine = [bucket for bucket in mine if bucket.name > after]
        most = limits.integer(params.get("MaxBuckets", BUCKETS_MAX), "max-buckets")
        if not 1 <= most <= BUCKETS_MAX:
            raise errors.invalid_argument(
                "max-buckets", most, "Argument max-buckets must be an integer between 1 and 10000"
            )
        answer: dict[str, Any] = {
            "Owner": {"ID": listing.owner_id(call.caller.account)},
            "Buckets": [
                {
                    "Name": bucket.name,
                    "CreationDate": bucket.created,
                    "BucketRegion": bucket.region,
                    "BucketArn": f"arn:aws:s3:::{bucket.name}",
                }
                for bucket in mine[:most]
            ],
        }
        if len(mine) > most:
            answer["ContinuationToken"] = mine[most - 1].name
        if prefix:
            answer["Prefix"] = prefix
        return answer


def valid_name(name: Any) -> str:
    """A bucket name by "Bucket naming rules"; InvalidBucketName otherwise."""
    text = name if isinstance(name, str) else ""
    wrong = (
        not _NAME.fullmatch(text)
        or ".." in text
        or text.startswith(("xn--", "sthree-", "amzn-s3-demo-"))
        or text.endswith(("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"))
    )
    try:
        ipaddress.IPv4Address(text)
        wrong = True
    except ValueError:
        pass  # as it should be: not an address
    if wrong:
        raise AwsError(
            "InvalidBucketName",
            "The specified bucket is not valid.",
            400,
            {"BucketName": text},
        )
    return text


def _place(configuration: Any, region: str) -> tuple[str, dict[str, Any] | None]:
    """Region and tags of a new bucket, from its configuration and the region that was called."""
    given = configuration or {}
    unknown = given.keys() - {"LocationConstraint", "Tags"}
    if unknown:
        raise NotSupported(f"{min(unknown)} of a new bucket's configuration")
    tags = {"TagSet": given["Tags"]} if given.get("Tags") else None
    constraint = given.get("LocationConstraint")
    if constraint is None:
        if region != HOME:
            raise AwsError(
                "IllegalLocationConstraintException",
                "The unspecified location constraint is incompatible for the region specific "
                "endpoint this request was sent to.",
            )
        return HOME, tags
    chosen = "eu-west-1" if constraint == "EU" else constraint
    if not _REGION.fullmatch(chosen) or chosen == HOME:
        raise AwsError(
            "InvalidLocationConstraint",
            "The specified location-constraint is not valid",
            400,
            {"LocationConstraint": constraint},
        )
    if region not in {HOME, chosen}:
        raise AwsError(
            "IllegalLocationConstraintException",
            f"The {constraint} location constraint is incompatible for the region specific "
            "endpoint this request was sent to.",
        )
    return chosen, tags
