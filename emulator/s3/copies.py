"""Copies of objects, and what multipart copies share with them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from emulator.s3 import digests, errors, preconditions
from emulator.s3 import params as limits
from emulator.s3.access import Call
from emulator.s3.bodies import MEMORY_BYTES_MAX, Intake
from emulator.s3.model import Bucket, ObjectEntry
from emulator.s3.objects import write_context, written
from emulator.s3.state import State
from emulator.s3.store import copy_chunks


class Copies:
    """CopyObject over the shared state.

    Large bodies are copied off the event loop; the preconditions on the target are looked at after
    that, and the commit follows without an await.
    """

    def __init__(self, state: State) -> None:
        self._state = state

    async def copy(self, call: Call, params: Mapping[str, Any]) -> dict[str, Any]:
        """CopyObject within this S3, of 5 GiB at most."""
        limits.refuse_unknown("CopyObject", params)
        state = self._state
        key = limits.valid_key(params.get("Key"))
        bucket = state.bucket(params)
        preconditions.validate_write(params)
        source_bucket, source = self.copy_source(call, params)
        replace = params.get("MetadataDirective", "COPY") == "REPLACE"
        new_tags = params.get("TaggingDirective", "COPY") == "REPLACE"
        tags = limits.header_tags(params.get("Tagging")) if new_tags else source.tags
        fresh = limits.content_headers(params)
        same = source_bucket is bucket and source.key == key and "VersionId" not in params
        if (
            same
            and not replace
            and not {"StorageClass", "WebsiteRedirectLocation", "ServerSideEncryption"}
            & params.keys()
        ):
            raise errors.invalid_request(
                "This copy request is illegal because it is trying to copy an object to itself "
                "without changing the object's metadata, storage class, website redirect location "
                "or encryption attributes."
            )
        context = write_context(params, tags if new_tags else {})
        context["s3:x-amz-copy-source"] = f"{source_bucket.name}/{source.key}"
        context["s3:x-amz-metadata-directive"] = params.get("MetadataDirective", "COPY")
        state.access.check(call, bucket, "s3:PutObject", key, context)
        kept = {k: v for k, v in source.headers.items() if k != "StorageClass"}
        if "StorageClass" in fresh:
            kept["StorageClass"] = fresh["StorageClass"]
        entry = ObjectEntry(
            key=key,
            etag="",
            size=source.size,
            modified=0.0,
            sequence=0,
            headers=fresh if replace else kept,
            metadata=limits.metadata(params) if replace else source.metadata,
            tags=dict(tags),
            owner=bucket.owner,
        )
        wanted = params.get("ChecksumAlgorithm")
        full = source.checksum_type == "FULL_OBJECT"
        algorithms = [wanted] if wanted else list(source.checksums) if full else []
        intake = Intake(
            state.store,
            reserve=state.store.reserve(entry.header()),
            size_max=limits.SINGLE_PUT_BYTES_MAX,
            algorithms=algorithms or [digests.DEFAULT],
        )
        try:
            await copy_body(source, 0, source.size, intake)
            entry.etag = intake.md5().hex()
            entry.checksums = intake.checksums()
            preconditions.check_write(bucket.objects.get(key), key, params)
            state.commit(bucket, entry, intake, call, "CopyObject")
        finally:
            intake.discard()
        answer = written(bucket, entry)
        result = {"ETag": answer.pop("ETag"), "LastModified": entry.modified}
        for name in [one for one in answer if one.startswith("Checksum")]:
            result[name] = answer.pop(name)
        if source_bucket.versions is not None:
            answer["CopySourceVersionId"] = source.version_id
        return {"CopyObjectResult": result, **answer}

    def copy_source(self, call: Call, params: Mapping[str, Any]) -> tuple[Bucket, ObjectEntry]:
        """The object that a copy reads, its conditions checked."""
        named = source_name(params.get("CopySource"))
        named["ExpectedBucketOwner"] = params.get("ExpectedSourceBucketOwner")
        bucket = self._state.bucket(named)
        entry = self._state.version(bucket, named, call, "s3:GetObject")
        preconditions.check_copy_source(entry, params, self._state.clock.now())
        return bucket, entry


async def copy_body(source: ObjectEntry, start: int, stop: int, intake: Intake) -> None:
    """Feed ``[start, stop)`` of an object into ``intake``; large ones off the event loop."""
    with source.body.open(start, stop) as reader:
        if stop - start <= MEMORY_BYTES_MAX:
            copy_chunks(intake, reader)
        else:
            await asyncio.to_thread(copy_chunks, intake, reader)


def source_name(raw: Any) -> dict[str, Any]:
    """Bucket, Key and VersionId of a CopySource (``bucket/key?versionId=...``, or a mapping)."""
    if isinstance(raw, Mapping):
        return {k: raw[k] for k in ("Bucket", "Key", "VersionId") if k in raw}
    path, _, version = str(raw or "").partition("?versionId=")
    bucket, _, key = unquote(path).removeprefix("/").partition("/")
    if not bucket or not key:
        raise errors.invalid_argument(
            "x-amz-copy-source",
            raw,
            "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
        )
    return {"Bucket": bucket, "Key": key, **({"VersionId": version} if version else {})}
