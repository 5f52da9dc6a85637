"""Deploys the buckets, their policies and the website's files, as Terraform's ``storage`` does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from emulator.core.errors import AwsError
from system import stack, website

Call = Callable[[str, str, dict[str, Any]], Awaitable[dict[str, Any]]]

_PRIVATE = dict.fromkeys(
    ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
)
_LIFECYCLE = {
    "days": ("Expiration", "Days"),
    "old_days": ("NoncurrentVersionExpiration", "NoncurrentDays"),
    "unfinished_days": ("AbortIncompleteMultipartUpload", "DaysAfterInitiation"),
}


async def deploy_bucket(
    call: Call, name: str, bucket: Mapping[str, Any], origins: Sequence[str]
) -> None:
    """A private bucket as it is declared; one that is there keeps what is in it.

    ``origins`` are the web origins that its CORS rules name. Raises AwsError.
    """
    try:
        await call("s3", "CreateBucket", {"Bucket": name})
    except AwsError as error:
        if error.code not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:
            raise
    private = {"Bucket": name, "PublicAccessBlockConfiguration": _PRIVATE}
    await call("s3", "PutPublicAccessBlock", private)
    if "cors" in bucket:
        rules = [{**rule, "AllowedOrigins": list(origins)} for rule in bucket["cors"]]
        cors = {"Bucket": name, "CORSConfiguration": {"CORSRules": rules}}
        await call("s3", "PutBucketCors", cors)
    if "expire" in bucket:
        await call("s3", "PutBucketLifecycleConfiguration", _lifecycle(name, bucket))
    if bucket.get("versioning"):
        versioning = {"Bucket": name, "VersioningConfiguration": {"Status": "Enabled"}}
        await call("s3", "PutBucketVersioning", versioning)


async def deploy_bucket_policy(
    call: Call, name: str, policies: list[str], values: Mapping[str, str]
) -> None:
    """The bucket's policy, made of ``policies``; raises AwsError."""
    filled = stack.fill(
        stack.bucket_policy(policies), {**values, "bucket_arn": f"arn:aws:s3:::{name}"}
    )
    await call("s3", "PutBucketPolicy", {"Bucket": name, "Policy": json.dumps(filled)})


async def deploy_files(call: Call, values: Mapping[str, str]) -> None:
    """The website and the house styles; raises AwsError."""
    for item in website.uploads():
        await call(
            "s3",
            "PutObject",
            {
                "Bucket": values[f"{item.bucket}_bucket"],
                "Key": item.key,
                "Body": await asyncio.to_thread(item.path.read_bytes),
                "ContentType": item.content_type,
                "CacheControl": item.cache_control,
            },
        )


def _lifecycle(name: str, bucket: Mapping[str, Any]) -> dict[str, Any]:
    rules = [
        {
            "ID": rule["id"],
            "Status": "Enabled",
            "Filter": {"Prefix": rule["prefix"]},
            **{
                action: {member: rule[key]}
                for key, (action, member) in _LIFECYCLE.items()
                if key in rule
            },
        }
        for rule in bucket["expire"]
    ]
    return {"Bucket": name, "LifecycleConfiguration": {"Rules": rules}}
