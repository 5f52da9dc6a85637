"""Headers of S3's REST API and the SDK's members they stand for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from emulator.s3 import digests
from emulator.s3.rest import http_time

CONTENT = (
    ("cache-control", "CacheControl"),
    ("content-disposition", "ContentDisposition"),
    ("content-encoding", "ContentEncoding"),
    ("content-language", "ContentLanguage"),
    ("content-type", "ContentType"),
    ("expires", "Expires"),
    ("x-amz-storage-class", "StorageClass"),
    ("x-amz-website-redirect-location", "WebsiteRedirectLocation"),
    ("x-amz-tagging", "Tagging"),
    ("x-amz-acl", "ACL"),
    ("x-amz-server-side-encryption", "ServerSideEncryption"),
    ("x-amz-server-side-encryption-bucket-key-enabled", "BucketKeyEnabled"),
)
OWNER = (("x-amz-expected-bucket-owner", "ExpectedBucketOwner"),)
WRITE_CONDITIONS = (("if-match", "IfMatch"), ("if-none-match", "IfNoneMatch"))
CHECKSUMS = tuple(
    (f"x-amz-checksum-{name.lower()}", f"Checksum{name}")
    for name in (*digests.ALGORITHMS, *digests.REFUSED)
)
ALGORITHM = (
    ("x-amz-checksum-algorithm", "ChecksumAlgorithm"),
    ("x-amz-checksum-type", "ChecksumType"),
)
BODY = (("content-md5", "ContentMD5"), *CHECKSUMS)
SOURCE = (
    ("x-amz-copy-source", "CopySource"),
    ("x-amz-copy-source-if-match", "CopySourceIfMatch"),
    ("x-amz-copy-source-if-none-match", "CopySourceIfNoneMatch"),
    ("x-amz-copy-source-if-modified-since", "CopySourceIfModifiedSince"),
    ("x-amz-copy-source-if-unmodified-since", "CopySourceIfUnmodifiedSince"),
    ("x-amz-source-expected-bucket-owner", "ExpectedSourceBucketOwner"),
)
DIRECTIVES = (
    ("x-amz-metadata-directive", "MetadataDirective"),
    ("x-amz-tagging-directive", "TaggingDirective"),
)
READ = (
    ("range", "Range"),
    ("if-match", "IfMatch"),
    ("if-none-match", "IfNoneMatch"),
    ("if-modified-since", "IfModifiedSince"),
    ("if-unmodified-since", "IfUnmodifiedSince"),
    ("x-amz-checksum-mode", "ChecksumMode"),
)
OVERRIDES = (
    ("response-cache-control", "ResponseCacheControl"),
    ("response-content-disposition", "ResponseContentDisposition"),
    ("response-content-encoding", "ResponseContentEncoding"),
    ("response-content-language", "ResponseContentLanguage"),
    ("response-content-type", "ResponseContentType"),
    ("response-expires", "ResponseExpires"),
    ("partNumber", "PartNumber"),
    ("versionId", "VersionId"),
)
TIMES = frozenset(
    {
        "IfModifiedSince",
        "IfUnmodifiedSince",
        "CopySourceIfModifiedSince",
        "CopySourceIfUnmodifiedSince",
    }
)
HEADERS_OUT: Mapping[str, str] = {
    "ETag": "etag",
    "AcceptRanges": "accept-ranges",
    "ContentRange": "content-range",
    "ChecksumType": "x-amz-checksum-type",
    "ServerSideEncryption": "x-amz-server-side-encryption",
    "VersionId": "x-amz-version-id",
    "CopySourceVersionId": "x-amz-copy-source-version-id",
    "Expiration": "x-amz-expiration",
    "TagCount": "x-amz-tagging-count",
    "PartsCount": "x-amz-mp-parts-count",
    "ChecksumAlgorithm": "x-amz-checksum-algorithm",
    "CacheControl": "cache-control",
    "ContentDisposition": "content-disposition",
    "ContentEncoding": "content-encoding",
    "ContentLanguage": "content-language",
    "ContentType": "content-type",
    "Expires": "expires",
    "StorageClass": "x-amz-storage-class",
    "WebsiteRedirectLocation": "x-amz-website-redirect-location",
    **{member: header for header, member in CHECKSUMS},
}
KNOWN = frozenset(
    header
    for table in (CONTENT, OWNER, CHECKSUMS, ALGORITHM, SOURCE, DIRECTIVES, READ)
    for header, _ in table
) | {
    "x-amz-content-sha256",
    "x-amz-copy-source-range",
    "x-amz-date",
    "x-amz-decoded-content-length",
    "x-amz-max-parts",
    "x-amz-mp-object-size",
    "x-amz-object-attributes",
    "x-amz-part-number-marker",
    "x-amz-request-payer",
    "x-amz-sdk-checksum-algorithm",
    "x-amz-security-token",
    "x-amz-te",
    "x-amz-trailer",
    "x-amz-user-agent",
}  # fmt: skip


def pick(headers: Mapping[str, str], table: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The members whose headers are there, by a table of ``(header, member)``."""
    return {member: headers[header] for header, member in table if header in headers}


def headers_out(answer: Mapping[str, Any]) -> dict[str, str]:
    """The members of an answer that go into headers."""
    return {HEADERS_OUT[name]: str(value) for name, value in answer.items() if name in HEADERS_OUT}


def singular(answer: dict[str, Any], **names: str) -> dict[str, Any]:
    """An answer with list members under their element names."""
    return {names.get(name, name): value for name, value in answer.items()}


def metadata(headers: Mapping[str, str]) -> dict[str, str]:
    """The user metadata of a request."""
    return {k[11:]: v for k, v in headers.items() if k.startswith("x-amz-meta-")}


def read_times(params: dict[str, Any]) -> dict[str, Any]:
    """HTTP dates as epoch seconds; a date that cannot be read is no condition."""
    for name in TIMES & params.keys():
        at = http_time(params.pop(name))
        if at is not None:
            params[name] = at
    return params


def strip_chunked(params: dict[str, Any]) -> None:
    """``aws-chunked`` is how the body travels, not how the object is encoded."""
    encodings = params.get("ContentEncoding", "").split(",")
    kept = [one.strip() for one in encodings if one.strip().lower() not in {"aws-chunked", ""}]
    if kept:
        params["ContentEncoding"] = ",".join(kept)
    else:
        params.pop("ContentEncoding", None)
