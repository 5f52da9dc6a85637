"""Tags and attributes of objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.s3 import errors
from emulator.s3 import params as limits
from emulator.s3.access import Call
from emulator.s3.objects import checksum_members, version_member
from emulator.s3.state import State


class Tags:
    """Tag and attribute operations over the shared state."""

    def __init__(self, state: State) -> None:
        self._state = state

    def get_tags(self, call: Call, params: Mapping[str, Any]) -> dict[str, Any]:
        """GetObjectTagging."""
        limits.refuse_unknown("GetObjectTagging", params)
        bucket = self._state.bucket(params)
        entry = self._state.version(bucket, params, call, "s3:GetObjectTagging")
        return {
            **version_member(bucket, entry),
            "TagSet": [{"Key": name, "Value": value} for name, value in entry.tags.items()],
        }

    def put_tags(self, call: Call, params: Mapping[str, Any]) -> dict[str, Any]:
        """PutObjectTagging and (without Tagging) DeleteObjectTagging."""
        clears = "Tagging" not in params
        name = "DeleteObjectTagging" if clears else "PutObjectTagging"
        limits.refuse_unknown(name, params)
        bucket = self._state.bucket(params)
        entry = self._state.version(bucket, params, call, f"s3:{name}")
        entry.tags = {} if clears else limits.tag_set(params["Tagging"], limits.TAGS_MAX)
        self._state.store.put_tags(bucket, entry)
        return version_member(bucket, entry)

    def attributes(self, call: Call, params: Mapping[str, Any]) -> dict[str, Any]:
        """GetObjectAttributes: of ETag, Checksum, StorageClass, ObjectSize, ObjectParts."""
        limits.refuse_unknown("GetObjectAttributes", params)
        bucket = self._state.bucket(params)
        entry = self._state.version(bucket, params, call, "s3:GetObjectAttributes")
        wanted = params.get("ObjectAttributes") or []
        all_of = {
            "ETag": entry.etag,
            "Checksum": checksum_members(entry),
            "StorageClass": entry.headers.get("StorageClass", "STANDARD"),
            "ObjectSize": entry.size,
        }
        answer: dict[str, Any] = {"LastModified": entry.modified, **version_member(bucket, entry)}
        for name in wanted:
            if name == "ObjectParts":
                if entry.parts:
                    answer["ObjectParts"] = {"TotalPartsCount": len(entry.parts)}
            elif name in all_of:
                answer[name] = all_of[name]
            else:
                raise errors.invalid_argument(
                    "x-amz-object-attributes", name, "Invalid attribute name specified."
                )
        return answer
