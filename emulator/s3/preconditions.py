"""Preconditions of reads, writes and copies.

Sources: "Add preconditions to S3 operations with conditional requests" and RFC 9110, section 13.
Times are epoch seconds; HTTP knows whole seconds only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from emulator.core.errors import AwsError
from emulator.s3 import errors
from emulator.s3.model import ObjectEntry


def check_read(entry: ObjectEntry, params: Mapping[str, Any]) -> None:
    """Check IfMatch, IfUnmodifiedSince, IfNoneMatch, IfModifiedSince of GET and HEAD.

    Raises 412 PreconditionFailed, or an AwsError NotModified (304) whose fields have the ETag.
    """
    modified = math.floor(entry.modified)
    if "IfMatch" in params:
        if not _matches(params["IfMatch"], entry.etag):
            raise errors.precondition_failed("If-Match")
    elif "IfUnmodifiedSince" in params and modified > params["IfUnmodifiedSince"]:
        raise errors.precondition_failed("If-Unmodified-Since")
    if "IfNoneMatch" in params:
        if _matches(params["IfNoneMatch"], entry.etag):
            raise not_modified(entry)
    elif "IfModifiedSince" in params and modified <= params["IfModifiedSince"]:
        raise not_modified(entry)


def not_modified(entry: ObjectEntry) -> AwsError:
    """304 with the entry's ETag and time."""
    return AwsError(
        "NotModified",
        "Not Modified",
        304,
        {"ETag": f'"{entry.etag}"', "LastModified": entry.modified, "VersionId": entry.version_id},
    )


def check_copy_source(entry: ObjectEntry, params: Mapping[str, Any], now: float) -> None:
    """Check the conditions on a copy's source; every one that fails is a 412.

    If-Match beats If-Unmodified-Since, If-None-Match beats If-Modified-Since (CopyObject's page).
    """
    modified = math.floor(entry.modified)
    prefix, header = "CopySource", "x-amz-copy-source-"
    if f"{prefix}IfMatch" in params:
        if not _matches(params[f"{prefix}IfMatch"], entry.etag):
            raise errors.precondition_failed(f"{header}If-Match")
    elif (since := params.get(f"{prefix}IfUnmodifiedSince")) is not None and modified > since:
        raise errors.precondition_failed(f"{header}If-Unmodified-Since")
    if f"{prefix}IfNoneMatch" in params:
        if _matches(params[f"{prefix}IfNoneMatch"], entry.etag):
            raise errors.precondition_failed(f"{header}If-None-Match")
    elif (since := params.get(f"{prefix}IfModifiedSince")) is not None and modified <= since <= now:
        raise errors.precondition_failed(f"{header}If-Modified-Since")


def validate_write(params: Mapping[str, Any]) -> None:
    """Refuse, as AWS does, what a conditional write cannot be."""
    match, none_match = params.get("IfMatch"), params.get("IfNoneMatch")
    if match is not None and none_match is not None:
        raise errors.not_implemented(
            "If-Match,If-None-Match", "Multiple conditional request headers present in the request"
        )
    if none_match is not None and none_match.strip() != "*":
        raise errors.not_implemented(
            "If-None-Match",
            "We don't accept the provided value of If-None-Match header for this API",
        )
    if match is not None and match.strip() == "*":
        raise errors.not_implemented(
            "If-Match", "We don't accept the provided value of If-Match header for this API"
        )


def check_write(current: ObjectEntry | None, key: str, params: Mapping[str, Any]) -> None:
    """Check IfMatch and ``IfNoneMatch: *`` against what is there now.

    Raises 412 PreconditionFailed; 404 NoSuchKey for IfMatch on a key that is not there. The caller
    must write without an await in between: that is what makes it atomic.
    """
    if params.get("IfNoneMatch") is not None and current is not None:
        raise errors.precondition_failed("If-None-Match")
    match = params.get("IfMatch")
    if match is not None:
        if current is None:
            raise errors.no_such_key(key)
        if not _matches(match, current.etag):
            raise errors.precondition_failed("If-Match")


def _matches(given: str, etag: str) -> bool:
    return any(
        one.strip() == "*" or one.strip().removeprefix("W/").strip('"') == etag
        for one in given.split(",")
    )


def context(params: Mapping[str, Any]) -> dict[str, Any]:
    """The condition keys ``s3:if-match`` and ``s3:if-none-match`` of a request."""
    found = {}
    if params.get("IfMatch") is not None:
        found["s3:if-match"] = params["IfMatch"]
    if params.get("IfNoneMatch") is not None:
        found["s3:if-none-match"] = params["IfNoneMatch"]
    return found
