"""Operations on objects: put, get, head, delete.

``params`` and answers have the members of the SDK's shapes; times are epoch seconds. Nothing here
awaits: what is checked holds when it is acted on.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from emulator.core.errors import AwsError
from emulator.s3 import digests, errors, lifecycle, preconditions, ranges
from emulator.s3 import params as limits
from emulator.s3.access import Call, object_context
from emulator.s3.bodies import Intake
from emulator.s3.model import NULL_VERSION, Bucket, ObjectEntry
from emulator.s3.state import State


@dataclass(slots=True)
class Write:
    """A body that is being written, from the checked request to the commit."""

    call: Call
    bucket: Bucket
    entry: ObjectEntry
    params: Mapping[str, Any]
    intake: Intake
    expected: dict[str, str] = field(default_factory=dict)
    reason: str = "PutObject"


@dataclass(slots=True)
class Found:
    """An object that was found for reading: the answer without Body, the range to send."""

    answer: dict[str, Any]
    entry: ObjectEntry
    start: int
    stop: int


class Objects:
    """Object operations over the shared state."""

    def __init__(self, state: State) -> None:
        self._state = state

    def begin_put(
        self,
        call: Call,
        params: Mapping[str, Any],
        *,
        trailer: str | None = None,
        size_max: int = limits.SINGLE_PUT_BYTES_MAX,
        reason: str = "PutObject",
    ) -> Write:
        """Check a PutObject before its body comes.

        ``trailer`` is the algorithm of a checksum that follows the body. Without any checksum S3
        computes a CRC64NVME.
        """
        limits.refuse_unknown("PutObject", params)
        state = self._state
        key = limits.valid_key(params.get("Key"))
        bucket = state.bucket(params)
        preconditions.validate_write(params)
        tags = limits.header_tags(params.get("Tagging"))
        context = write_context(params, tags)
        state.access.check(call, bucket, "s3:PutObject", key, context)
        if tags:
            state.access.check(call, bucket, "s3:PutObjectTagging", key, context)
        entry = ObjectEntry(
            key=key,
            etag="",
            size=0,
            modified=0.0,
            sequence=0,
            headers=limits.content_headers(params),
            metadata=limits.metadata(params),
            tags=tags,
            owner=bucket.owner,
        )
        expected = limits.sent_checksums(params)
        algorithms = {*expected, *([trailer] if trailer else [])}
        wanted = params.get("ChecksumAlgorithm")
        if not algorithms and wanted is not None and call.kind == "internal":
            algorithms.add(wanted)
        if not algorithms:
            algorithms.add(digests.DEFAULT)
        intake = Intake(
            state.store,
            reserve=state.store.reserve(entry.header()),
            size_max=size_max,
            algorithms=algorithms,
            payload_sha256=ranges.is_digest(call.payload_hash),
        )
        return Write(call, bucket, entry, params, intake, expected, reason)

    def finish_put(self, write: Write) -> dict[str, Any]:
        """Check the digests and the preconditions and commit: one step, without an await."""
        entry, intake, bucket = write.entry, write.intake, write.bucket
        check_body(write.call, write.params, intake, write.expected)
        entry.etag = intake.md5().hex()
        entry.size = intake.size
        entry.checksums = intake.checksums()
        preconditions.check_write(bucket.objects.get(entry.key), entry.key, write.params)
        self._state.commit(bucket, entry, intake, write.call, write.reason)
        return written(bucket, entry)

    def find(self, call: Call, operation: str, params: Mapping[str, Any]) -> Found:
        """Find what GetObject or HeadObject answers; raises 304, 404, 412, 416."""
        limits.refuse_unknown(operation, params)
        state = self._state
        bucket = state.bucket(params)
        entry = state.version(bucket, params, call, "s3:GetObject")
        preconditions.check_read(entry, params)
        start, stop = ranges.of(entry, params)
        answer: dict[str, Any] = {
            "AcceptRanges": "bytes",
            "LastModified": entry.modified,
            "ContentLength": stop - start,
            "ETag": f'"{entry.etag}"',
            **entry.headers,
            "Metadata": entry.metadata,
            "ServerSideEncryption": "AES256",
        }
        partial = ranges.is_partial(params, entry.size)
        if partial and entry.size:
            answer["ContentRange"] = f"bytes {start}-{stop - 1}/{entry.size}"
        if params.get("ChecksumMode") == "ENABLED" and not partial:
            answer.update(checksum_members(entry))
        if bucket.versions is not None:
            answer["VersionId"] = entry.version_id
        if entry.tags:
            answer["TagCount"] = len(entry.tags)
        if entry.parts and "PartNumber" in params:
            answer["PartsCount"] = len(entry.parts)
        expiration = lifecycle.expiration(bucket, entry)
        if expiration is not None:
            answer["Expiration"] = expiration
        if any(name.startswith("Response") for name in params):
            if call.kind == "anonymous":
                raise errors.invalid_request(
                    "Request specific response headers cannot be used for anonymous GET requests."
                )
            for name, member in _OVERRIDES.items():
                if name in params:
                    answer[member] = params[name]
        return Found(answer, entry, start, stop)

    def delete(self, call: Call, params: Mapping[str, Any]) -> dict[str, Any]:
        """DeleteObject: for good, or a delete marker where versions are kept."""
        limits.refuse_unknown("DeleteObject", params)
        state = self._state
        bucket = state.bucket(params)
        return self._delete(call, bucket, params)

    def delete_many(self, call: Call, params: Mapping[str, Any]) -> dict[str, Any]:
        """DeleteObjects: up to 1000 keys, each with its own outcome."""
        limits.refuse_unknown("DeleteObjects", params)
        bucket = self._state.bucket(params)
        listed = (params.get("Delete") or {}).get("Objects", [])
        if not 1 <= len(listed) <= DELETE_KEYS_MAX:
            raise errors.malformed_xml()
        deleted: list[dict[str, Any]] = []
        failed: list[dict[str, Any]] = []
        for one in listed:
            named = {name: one[name] for name in ("Key", "VersionId") if one.get(name) is not None}
            try:
                if "LastModifiedTime" in one or "Size" in one:
                    raise errors.not_implemented("LastModifiedTime,Size")
                wanted = {**named, **({"IfMatch": one["ETag"]} if one.get("ETag") else {})}
                answer = self._delete(call, bucket, wanted)
            except AwsError as error:
                failed.append({**named, "Code": error.code, "Message": error.message})
                continue
            if "VersionId" in answer and "VersionId" not in named:
                answer["DeleteMarkerVersionId"] = answer.pop("VersionId")
            deleted.append({**answer, **named})
        quiet = bool((params.get("Delete") or {}).get("Quiet"))
        answer = {} if quiet or not deleted else {"Deleted": deleted}
        return {**answer, **({"Errors": failed} if failed else {})}

    def _delete(self, call: Call, bucket: Bucket, params: Mapping[str, Any]) -> dict[str, Any]:
        state = self._state
        key = limits.valid_key(params.get("Key"))
        version_id = params.get("VersionId")
        current = state.find(bucket, key, version_id)
        action = "s3:DeleteObject" if version_id is None else "s3:DeleteObjectVersion"
        context = {**preconditions.context(params), **object_context(current)}
        state.access.check(call, bucket, action, key, context)
        if "IfMatch" in params:
            preconditions.check_write(bucket.objects.get(key), key, params)
        if version_id is not None:
            if current is None:
                return {"VersionId": version_id}
            state.remove(bucket, current, call, "DeleteObject")
            marker = {"DeleteMarker": True} if current.marker else {}
            return {**version_member(bucket, current), **marker}
        if bucket.versions is not None:
            marker_entry = state.marker(bucket, key, call, "DeleteObject")
            return {"DeleteMarker": True, "VersionId": marker_entry.version_id}
        if current is not None:
            state.remove(bucket, current, call, "DeleteObject")
        return {}


DELETE_KEYS_MAX = 1000
_OVERRIDES = {
    "ResponseCacheControl": "CacheControl",
    "ResponseContentDisposition": "ContentDisposition",
    "ResponseContentEncoding": "ContentEncoding",
    "ResponseContentLanguage": "ContentLanguage",
    "ResponseContentType": "ContentType",
    "ResponseExpires": "Expires",
}


def check_body(
    call: Call, params: Mapping[str, Any], intake: Intake, expected: Mapping[str, str]
) -> None:
    """Compare what came with what was announced: payload hash, Content-MD5, checksums."""
    if ranges.is_digest(call.payload_hash) and intake.payload_sha256() != call.payload_hash:
        raise AwsError(
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
            400,
            {
                "ClientComputedContentSHA256": call.payload_hash,
                "S3ComputedContentSHA256": intake.payload_sha256(),
            },
        )
    md5 = params.get("ContentMD5")
    if md5 is not None:
        try:
            given = base64.b64decode(md5, validate=True)
        except ValueError:
            given = b""
        if len(given) != 16:  # noqa: PLR2004 (an MD5)
            raise AwsError("InvalidDigest", "The Content-MD5 you specified was invalid.")
        if given != intake.md5():
            raise AwsError(
                "BadDigest",
                "The Content-MD5 you specified did not match what we received.",
                400,
                {
                    "ExpectedDigest": md5,
                    "CalculatedDigest": digests.encode(intake.md5()),
                },
            )
    computed = intake.checksums() if expected else {}
    for algorithm, value in expected.items():
        if computed[algorithm] != value:
            raise digests.mismatch(algorithm)


def checksum_members(entry: ObjectEntry) -> dict[str, Any]:
    """The checksum of an object as members."""
    members: dict[str, Any] = {f"Checksum{name}": v for name, v in entry.checksums.items()}
    members["ChecksumType"] = entry.checksum_type
    return members


def write_context(params: Mapping[str, Any], tags: Mapping[str, str]) -> dict[str, Any]:
    """What conditions can ask of a write."""
    found: dict[str, Any] = preconditions.context(params)
    found["s3:objectcreationoperation"] = "true"
    for member, key in (
        ("ACL", "s3:x-amz-acl"),
        ("ServerSideEncryption", "s3:x-amz-server-side-encryption"),
        ("StorageClass", "s3:x-amz-storage-class"),
    ):
        if params.get(member):
            found[key] = params[member]
    if tags:
        found["s3:requestobjecttagkeys"] = list(tags)
        found.update((f"s3:requestobjecttag/{name}", value) for name, value in tags.items())
    return found


def written(bucket: Bucket, entry: ObjectEntry) -> dict[str, Any]:
    """The answer to a write."""
    answer: dict[str, Any] = {"ETag": f'"{entry.etag}"', "ServerSideEncryption": "AES256"}
    answer.update(checksum_members(entry))
    if entry.version_id != NULL_VERSION:
        answer["VersionId"] = entry.version_id
    expiration = lifecycle.expiration(bucket, entry)
    if expiration is not None:
        answer["Expiration"] = expiration
    return answer


def version_member(bucket: Bucket, entry: ObjectEntry) -> dict[str, Any]:
    """The VersionId member, where versions are kept."""
    return {} if bucket.versions is None else {"VersionId": entry.version_id}
