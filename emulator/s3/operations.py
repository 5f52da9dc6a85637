"""All operations of S3 over one state, and how they are called in-process."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from emulator.core.errors import NotSupported
from emulator.s3 import configuration, errors, lifecycle, shapes
from emulator.s3 import params as limits
from emulator.s3.access import Call
from emulator.s3.bodies import MEMORY_BYTES_MAX
from emulator.s3.buckets import Buckets
from emulator.s3.configuration import Configuration, owner_acl, put_acl
from emulator.s3.copies import Copies
from emulator.s3.listing import Listing
from emulator.s3.multipart import Multipart
from emulator.s3.objects import Objects
from emulator.s3.state import State
from emulator.s3.tags import Tags
from emulator.s3.upload_lists import UploadLists

CALL_BODY_BYTES_MAX = 128 * MEMORY_BYTES_MAX
"""The largest body that GetObject hands out in one piece in-process."""

_PAYLOADS = {
    "CompleteMultipartUpload": "MultipartUpload",
    "CreateBucket": "CreateBucketConfiguration",
    "DeleteObjects": "Delete",
    "PutObjectTagging": "Tagging",
}
_TEXTS = frozenset(
    {"ContinuationToken", "CopySourceIfMatch", "CopySourceIfNoneMatch", "Delimiter", "IfMatch",
     "IfNoneMatch", "KeyMarker", "Marker", "Prefix", "Range", "StartAfter", "UploadIdMarker",
     "VersionId", "VersionIdMarker"}
)  # fmt: skip

Run = Callable[[Call, Mapping[str, Any]], dict[str, Any]]
RunAsync = Callable[[Call, Mapping[str, Any]], Awaitable[dict[str, Any]]]


class Operations:
    """The operations by their kind; ``run`` calls one by its name in the SDK."""

    def __init__(self, state: State) -> None:
        self.objects = Objects(state)
        self.copies = Copies(state)
        self.tags = Tags(state)
        self.multipart = Multipart(state, self.copies)
        self.upload_lists = UploadLists(state, self.multipart)
        self.listing = Listing(state)
        self.buckets = Buckets(state)
        self.configuration = Configuration(state)
        self._state = state
        self._plain: dict[str, Run] = {
            "PutObject": self._put_object,
            "GetObject": self._get_object,
            "HeadObject": lambda call, p: self.objects.find(call, "HeadObject", p).answer,
            "DeleteObject": self.objects.delete,
            "DeleteObjects": self.objects.delete_many,
            "GetObjectTagging": self.tags.get_tags,
            "PutObjectTagging": self._put_tags,
            "DeleteObjectTagging": self.tags.put_tags,
            "GetObjectAttributes": self.tags.attributes,
            "GetObjectAcl": self._get_object_acl,
            "PutObjectAcl": self._put_object_acl,
            "ListObjects": self.listing.objects_v1,
            "ListObjectsV2": self.listing.objects_v2,
            "ListObjectVersions": self.listing.versions,
            "CreateMultipartUpload": self.multipart.create,
            "UploadPart": self._upload_part,
            "AbortMultipartUpload": self.multipart.abort,
            "ListParts": self.upload_lists.parts,
            "ListMultipartUploads": self.upload_lists.uploads,
            "CreateBucket": self.buckets.create,
            "HeadBucket": self.buckets.head,
            "DeleteBucket": self.buckets.delete,
            "ListBuckets": self.buckets.list_all,
            "GetBucketLocation": self.buckets.location,
        }
        self._awaited: dict[str, RunAsync] = {
            "CopyObject": self.copies.copy,
            "UploadPartCopy": self.multipart.copy_part,
            "CompleteMultipartUpload": self.multipart.complete,
        }

    async def run(self, operation: str, params: Mapping[str, Any], call: Call) -> dict[str, Any]:
        """Run an operation with the SDK's parameters; NotSupported for one that is not here.

        Parameters that are None count as not given.
        """
        given = _checked(operation, params)
        plain = self._plain.get(operation)
        if plain is not None:
            return plain(call, given)
        awaited = self._awaited.get(operation)
        if awaited is not None:
            return await awaited(call, given)
        if operation in configuration.OPERATIONS or operation in configuration.EXTRA:
            return self.configuration.call(call, operation, given)
        raise NotSupported(f"s3:{operation}")

    def _put_object(self, call: Call, params: Mapping[str, Any]) -> dict[str, Any]:
        write = self.objects.begin_put(call, params)
        try:
            write.intake.write(_bytes(params.get("Body", b"")))
            return self.objects.finish_put(write)
        finally:
            write.intake.discard()

    def _upload_part(self, call: Call, params: Mapping[str, Any]) -> dict[str, Any]:
        write = self.multipart.begin_part(call, params)
        try:
            write.intake.write(_bytes(params.get("Body", b"")))
            return self.multipart.finish_part(write)
        finally:
            write.intake.discard()

    def _get_object(self, call: Call, params: Mapping[str, Any]) -> dict[str, Any]:
        found = self.objects.find(call, "GetObject", params)
        if found.stop - found.start > CALL_BODY_BYTES_MAX:
            raise errors.invalid_request(
                f"In-process GetObject gives {CALL_BODY_BYTES_MAX} bytes at most; ask for ranges."
            )
        return {**found.answer, "Body": found.entry.body.open(found.start, found.stop).read()}

    def _put_tags(self, call: Call, params: Mapping[str, Any]) -> dict[str, Any]:
        return self.tags.put_tags(call, {"Tagging": {}, **params})

    def _get_object_acl(self, call: Call, params: Mapping[str, Any]) -> dict[str, Any]:
        limits.refuse_unknown("GetObjectAcl", params)
        bucket = self._state.bucket(params)
        self._state.version(bucket, params, call, "s3:GetObjectAcl")
        return owner_acl(bucket)

    def _put_object_acl(self, call: Call, params: Mapping[str, Any]) -> dict[str, Any]:
        limits.refuse_unknown("PutObjectAcl", params)
        bucket = self._state.bucket(params)
        self._state.version(bucket, params, call, "s3:PutObjectAcl")
        put_acl(bucket, params)
        return {}


def _checked(operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """What came in-process, checked as far as the REST protocol's types would have done it."""
    given: dict[str, Any] = {}
    for name, value in params.items():
        if value is None:
            continue
        if name.endswith("Since"):
            given[name] = lifecycle.instant(value)
        elif _PAYLOADS.get(operation) == name:
            given[name] = shapes.check(operation, value)
        elif name in _TEXTS and not isinstance(value, str):
            raise errors.invalid_argument(name, type(value).__name__, f"{name} is a text.")
        else:
            given[name] = value
    return given


def _bytes(body: Any) -> bytes:
    """A body that came in-process: bytes, text, or a JSON document.

    Step Functions gives what its JSON has for a blob: text as it is, an object as JSON text.
    """
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body)
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, (dict, list)):
        return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    raise errors.invalid_argument("Body", type(body).__name__, "A body is bytes, text or JSON.")
