"""Parameters of object operations: what is taken, what is refused by name, and limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from emulator.core.errors import AwsError, NotSupported
from emulator.s3 import digests, errors

KEY_BYTES_MAX = 1024
METADATA_BYTES_MAX = 2048
HEADER_BYTES_MAX = 8192
"""Content headers of one object together; AWS limits a request's headers to 8 KB."""
SINGLE_PUT_BYTES_MAX = 5 * 1024**3
DIGITS_MAX = 18
TAGS_MAX = 10
TAG_KEY_CHARS_MAX = 128
TAG_VALUE_CHARS_MAX = 256

CONTENT_MEMBERS = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "Expires",
    "StorageClass",
    "WebsiteRedirectLocation",
)
"""Members that are stored with an object and answered with it."""
DEFAULT_TYPE = "binary/octet-stream"

_CHECKSUMS = frozenset(f"Checksum{name}" for name in (*digests.ALGORITHMS, *digests.REFUSED))
_COMMON = frozenset({"Bucket", "ExpectedBucketOwner", "RequestPayer"})
_WRITE = frozenset(
    {*CONTENT_MEMBERS, "Key", "Metadata", "Tagging", "ACL", "ServerSideEncryption",
     "BucketKeyEnabled", "ChecksumAlgorithm"}
)  # fmt: skip
_READ = frozenset(
    {"Key", "VersionId", "Range", "PartNumber", "IfMatch", "IfNoneMatch", "IfModifiedSince",
     "IfUnmodifiedSince", "ChecksumMode", "ResponseCacheControl", "ResponseContentDisposition",
     "ResponseContentEncoding", "ResponseContentLanguage", "ResponseContentType",
     "ResponseExpires"}
)  # fmt: skip
_SOURCE = frozenset(
    {"CopySource", "CopySourceIfMatch", "CopySourceIfNoneMatch", "CopySourceIfModifiedSince",
     "CopySourceIfUnmodifiedSince", "ExpectedSourceBucketOwner"}
)  # fmt: skip

TAKEN: Mapping[str, frozenset[str]] = {
    "PutObject": _COMMON | _WRITE | _CHECKSUMS
    | {"Body", "ContentMD5", "ContentLength", "IfMatch", "IfNoneMatch"},
    "GetObject": _COMMON | _READ,
    "HeadObject": _COMMON | _READ,
    "DeleteObject": _COMMON | {"Key", "VersionId", "IfMatch"},
    "DeleteObjects": _COMMON | {"Delete", "ChecksumAlgorithm"},
    "CopyObject": _COMMON | _WRITE | _SOURCE
    | {"MetadataDirective", "TaggingDirective", "IfMatch", "IfNoneMatch"},
    "ListObjects": _COMMON | {"Prefix", "Delimiter", "Marker", "MaxKeys", "EncodingType",
                              "OptionalObjectAttributes"},
    "ListObjectsV2": _COMMON | {"Prefix", "Delimiter", "ContinuationToken", "StartAfter",
                                "MaxKeys", "EncodingType", "FetchOwner",
                                "OptionalObjectAttributes"},
    "ListObjectVersions": _COMMON | {"Prefix", "Delimiter", "KeyMarker", "VersionIdMarker",
                                     "MaxKeys", "EncodingType", "OptionalObjectAttributes"},
    "CreateMultipartUpload": _COMMON | _WRITE | {"ChecksumType"},
    "UploadPart": _COMMON | _CHECKSUMS
    | {"Key", "UploadId", "PartNumber", "Body", "ContentMD5", "ContentLength",
       "ChecksumAlgorithm"},
    "UploadPartCopy": _COMMON | _SOURCE | {"Key", "UploadId", "PartNumber", "CopySourceRange"},
    "CompleteMultipartUpload": _COMMON | _CHECKSUMS
    | {"Key", "UploadId", "MultipartUpload", "ChecksumType", "MpuObjectSize", "IfMatch",
       "IfNoneMatch"},
    "AbortMultipartUpload": _COMMON | {"Key", "UploadId"},
    "ListParts": _COMMON | {"Key", "UploadId", "MaxParts", "PartNumberMarker"},
    "ListMultipartUploads": _COMMON | {"Prefix", "Delimiter", "KeyMarker", "UploadIdMarker",
                                       "MaxUploads", "EncodingType"},
    "GetObjectTagging": _COMMON | {"Key", "VersionId"},
    "PutObjectTagging": _COMMON | {"Key", "VersionId", "Tagging", "ChecksumAlgorithm",
                                   "ContentMD5"},
    "DeleteObjectTagging": _COMMON | {"Key", "VersionId"},
    "GetObjectAttributes": _COMMON | {"Key", "VersionId", "ObjectAttributes", "MaxParts",
                                      "PartNumberMarker"},
    "GetObjectAcl": _COMMON | {"Key", "VersionId"},
    "PutObjectAcl": _COMMON | {"Key", "VersionId", "ACL", "AccessControlPolicy"},
}  # fmt: skip
"""What each operation takes; everything else of the SDK's is refused by name."""

_STORAGE_CLASSES = frozenset(
    {"STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING",
     "GLACIER_IR"}
)  # fmt: skip
_ARCHIVES = frozenset({"GLACIER", "DEEP_ARCHIVE", "OUTPOSTS", "SNOW", "EXPRESS_ONEZONE"})
_TAG_TEXT = re.compile(r"[\w\s+\-=.:/@]*")


def refuse_unknown(operation: str, params: Mapping[str, Any]) -> None:
    """Raise NotSupported for a parameter that ``operation`` does not take here."""
    unknown = params.keys() - TAKEN[operation]
    if unknown:
        raise NotSupported(f"the parameter {min(unknown)} of s3:{operation}")


def valid_key(key: Any) -> str:
    """A key of 1 to 1024 bytes of UTF-8."""
    if not isinstance(key, str) or not key:
        raise errors.invalid_argument("Key", key, "A key is at least one character long.")
    try:
        size = len(key.encode())
    except UnicodeEncodeError as error:
        raise AwsError("InvalidURI", "Couldn't parse the specified URI.") from error
    if size > KEY_BYTES_MAX:
        raise AwsError(
            "KeyTooLongError",
            "Your key is too long",
            400,
            {"Size": size, "MaxSizeAllowed": KEY_BYTES_MAX},
        )
    return key


def integer(raw: Any, name: str) -> int:
    """A whole number of at most 18 digits; InvalidArgument naming ``name`` otherwise."""
    text = str(raw)
    if not (text.isascii() and text.removeprefix("-").isdigit() and len(text) <= DIGITS_MAX):
        raise errors.invalid_argument(
            name, raw, f"Provided {name} not an integer or within integer range"
        )
    return int(text)


def content_headers(params: Mapping[str, Any]) -> dict[str, str]:
    """What is stored with an object; checks storage class, encryption, ACL and sizes."""
    found = {name: str(params[name]) for name in CONTENT_MEMBERS if params.get(name)}
    found.setdefault("ContentType", DEFAULT_TYPE)
    if sum(len(value.encode()) for value in found.values()) > HEADER_BYTES_MAX:
        raise AwsError(
            "RequestHeaderSectionTooLarge",
            "Your request header section exceeds the maximum allowed size",
            400,
            {"MaxSizeAllowed": HEADER_BYTES_MAX},
        )
    storage = found.get("StorageClass", "STANDARD")
    if storage in _ARCHIVES:
        raise NotSupported(f"the storage class {storage}")
    if storage not in _STORAGE_CLASSES:
        raise AwsError("InvalidStorageClass", "The storage class you specified is not valid")
    if storage == "STANDARD":
        found.pop("StorageClass", None)
    encryption = params.get("ServerSideEncryption", "AES256")
    if encryption != "AES256":
        if encryption in {"aws:kms", "aws:kms:dsse"}:
            raise NotSupported(f"server-side encryption with {encryption}")
        raise errors.invalid_argument(
            "x-amz-server-side-encryption",
            encryption,
            "The encryption method specified is not supported",
        )
    check_acl(params.get("ACL"))
    return found


def check_acl(acl: Any) -> None:
    """Take the canned ACLs that change nothing; buckets here have ACLs switched off."""
    if acl not in {None, "private", "bucket-owner-full-control"}:
        raise AwsError("AccessControlListNotSupported", "The bucket does not allow ACLs")


def metadata(params: Mapping[str, Any]) -> dict[str, str]:
    """User metadata, names in lower case, of 2 KB at most (names and values together)."""
    found = {str(k).lower(): str(v) for k, v in (params.get("Metadata") or {}).items()}
    size = sum(len(k.encode()) + len(v.encode()) for k, v in found.items())
    if size > METADATA_BYTES_MAX:
        raise AwsError(
            "MetadataTooLarge",
            "Your metadata headers exceed the maximum allowed metadata size",
            400,
            {"Size": size, "MaxSizeAllowed": METADATA_BYTES_MAX},
        )
    return found


def header_tags(text: Any) -> dict[str, str]:
    """Tags from the form ``a=b&c=d`` of the Tagging header."""
    if not text:
        return {}
    pairs = parse_qsl(str(text), keep_blank_values=True, max_num_fields=TAGS_MAX * 5)
    if len({name for name, _ in pairs}) != len(pairs):
        raise errors.invalid_argument(
            "x-amz-tagging",
            text,
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then "
            "URLEncoded URL query parameters without tag name duplicates.",
        )
    return valid_tags(dict(pairs), TAGS_MAX)


def tag_set(document: Any, most: int) -> dict[str, str]:
    """Tags from ``{"TagSet": [{"Key", "Value"}]}``."""
    listed = (document or {}).get("TagSet", [])
    names = [tag["Key"] for tag in listed]
    if len(set(names)) != len(names):
        raise AwsError("InvalidTag", "Cannot provide multiple Tags with the same key")
    return valid_tags({tag["Key"]: tag["Value"] for tag in listed}, most)


def valid_tags(tags: dict[str, str], most: int) -> dict[str, str]:
    """Check number, lengths and characters of tags."""
    if len(tags) > most:
        raise AwsError("BadRequest", f"Object tags cannot be greater than {most}")
    for name, value in tags.items():
        if not 1 <= len(name) <= TAG_KEY_CHARS_MAX or not _TAG_TEXT.fullmatch(name):
            raise AwsError("InvalidTag", "The TagKey you have provided is invalid")
        if len(value) > TAG_VALUE_CHARS_MAX or not _TAG_TEXT.fullmatch(value):
            raise AwsError("InvalidTag", "The TagValue you have provided is invalid")
        if name.lower().startswith("aws:"):
            raise AwsError("InvalidTag", "System tags cannot be added/updated by requester")
    return tags


def sent_checksums(params: Mapping[str, Any]) -> dict[str, str]:
    """The checksum a request carries, by algorithm (one at most)."""
    found = {}
    for name in _CHECKSUMS & params.keys():
        algorithm = name.removeprefix("Checksum")
        if algorithm in digests.REFUSED:
            raise digests.unknown(algorithm)
        found[algorithm] = digests.checked(algorithm, str(params[name]))
    if len(found) > 1:
        raise errors.invalid_request(
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
        )
    return found
