"""Multipart uploads.

Source: "Uploading and copying objects using multipart upload" of the S3 user guide: 1 to 10,000
parts, each but the last of 5 MiB at least, an ETag made of the parts' MD5s.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from emulator.core import conditional_writes
from emulator.s3 import copies, digests, errors, objects, parts, preconditions, ranges
from emulator.s3 import params as limits
from emulator.s3.access import Call
from emulator.s3.bodies import MEMORY_BYTES_MAX, Intake, MemoryBody
from emulator.s3.model import Bucket, ObjectEntry, Part, Upload
from emulator.s3.state import State

OBJECT_BYTES_MAX = 5 * 1024**4
UPLOADS_MAX = 10_000
"""Uploads under way in one bucket of this emulator."""


class Multipart:
    """Multipart operations over the shared state."""

    def __init__(self, state: State, copier: copies.Copies) -> None:
        self._state = state
        self._copier = copier

    def create(self, call: Call, params: Mapping[str, Any]) -> dict[str, Any]:
        """CreateMultipartUpload."""
        limits.refuse_unknown("CreateMultipartUpload", params)
        state = self._state
        key = limits.valid_key(params.get("Key"))
        bucket = state.bucket(params)
        tags = limits.header_tags(params.get("Tagging"))
        context = objects.write_context(params, tags)
        context["s3:objectcreationoperation"] = "false"
        state.access.check(call, bucket, "s3:PutObject", key, context)
        if len(bucket.uploads) >= UPLOADS_MAX:
            raise errors.invalid_request(f"This emulator keeps {UPLOADS_MAX} uploads in a bucket.")
        algorithm = params.get("ChecksumAlgorithm")
        kind = parts.checksum_type(algorithm, params.get("ChecksumType"))
        upload = Upload(
            upload_id=secrets.token_urlsafe(48),
            bucket=bucket.name,
            key=key,
            initiated=state.clock.now(),
            sequence=state.next_sequence(),
            headers=limits.content_headers(params),
            metadata=limits.metadata(params),
            tags=tags,
            algorithm=algorithm,
            checksum_type=kind,
            principal=call.caller.principal if call.caller else "",
        )
        state.store.put_upload(upload)
        bucket.uploads[upload.upload_id] = upload
        answer = {
            "Bucket": bucket.name,
            "Key": key,
            "UploadId": upload.upload_id,
            "ServerSideEncryption": "AES256",
        }
        if algorithm is not None:
            answer.update(ChecksumAlgorithm=algorithm, ChecksumType=kind)
        return answer

    def begin_part(
        self, call: Call, params: Mapping[str, Any], *, trailer: str | None = None
    ) -> objects.Write:
        """Check an UploadPart before its body comes."""
        limits.refuse_unknown("UploadPart", params)
        bucket, upload = self._upload(call, params, "s3:PutObject")
        number = parts.number(params.get("PartNumber"))
        expected = limits.sent_checksums(params)
        sent = {*expected, *([trailer] if trailer else [])}
        if upload.algorithm and sent and upload.algorithm not in sent:
            raise errors.invalid_request(
                "Checksum Type mismatch occurred, expected checksum Type: "
                f"{upload.algorithm.lower()}, actual checksum Type: {min(sent).lower()}"
            )
        intake = self._intake(upload, number, sent, call.payload_hash)
        entry = ObjectEntry(upload.key, "", 0, 0.0, 0)
        return objects.Write(call, bucket, entry, params, intake, expected)

    def finish_part(self, write: objects.Write) -> dict[str, Any]:
        """Keep a part whose body has come."""
        objects.check_body(write.call, write.params, write.intake, write.expected)
        _, upload = self._upload(write.call, write.params, "s3:PutObject")
        part = self._keep(upload, parts.number(write.params["PartNumber"]), write.intake)
        shown = {upload.algorithm} if upload.algorithm else set(write.expected)
        shown = shown or set(part.checksums)
        return {
            "ETag": f'"{part.etag}"',
            "ServerSideEncryption": "AES256",
            **{f"Checksum{name}": v for name, v in part.checksums.items() if name in shown},
        }

    async def copy_part(self, call: Call, params: Mapping[str, Any]) -> dict[str, Any]:
        """UploadPartCopy."""
        limits.refuse_unknown("UploadPartCopy", params)
        _, upload = self._upload(call, params, "s3:PutObject")
        number = parts.number(params.get("PartNumber"))
        _, source = self._copier.copy_source(call, params)
        start, stop = 0, source.size
        if "CopySourceRange" in params:
            start, stop = ranges.copy_range(str(params["CopySourceRange"]), source.size)
        intake = self._intake(upload, number, (), "")
        try:
            await copies.copy_body(source, start, stop, intake)
            _, upload = self._upload(call, params, "s3:PutObject")
            part = self._keep(upload, number, intake)
        finally:
            intake.discard()
        return {
            "CopyPartResult": {
                "ETag": f'"{part.etag}"',
                "LastModified": part.modified,
                **{f"Checksum{name}": v for name, v in part.checksums.items()},
            },
            "ServerSideEncryption": "AES256",
        }

    async def complete(self, call: Call, params: Mapping[str, Any]) -> dict[str, Any]:
        """CompleteMultipartUpload: joins the parts, then checks the precondition and commits.

        Joining large parts happens off the event loop. With a condition, a key that was written or
        deleted since the upload began answers 409 ConditionalRequestConflict, as AWS does.
        """
        limits.refuse_unknown("CompleteMultipartUpload", params)
        state = self._state
        preconditions.validate_write(params)
        bucket, upload = self._upload(call, params, "s3:PutObject", creates=True)
        parts.idle(upload)
        chosen = parts.chosen(upload, params)
        self._conditions(bucket, upload, params)
        entry = self._joined_entry(bucket, upload, chosen, params)
        intake = Intake(
            state.store,
            reserve=state.store.reserve(entry.header()),
            size_max=OBJECT_BYTES_MAX,
        )
        upload.busy = True
        try:
            if entry.size <= MEMORY_BYTES_MAX:
                parts.join(chosen, intake)
            else:
                await asyncio.to_thread(parts.join, chosen, intake)
            self._conditions(bucket, upload, params)
            if bucket.uploads.get(upload.upload_id) is not upload:
                raise errors.no_such_upload(upload.upload_id)
            state.commit(bucket, entry, intake, call, "CompleteMultipartUpload")
        finally:
            upload.busy = False
            intake.discard()
        del bucket.uploads[upload.upload_id]
        state.store.remove_upload(upload)
        return {**objects.written(bucket, entry), "Bucket": bucket.name, "Key": entry.key}

    def abort(self, call: Call, params: Mapping[str, Any]) -> dict[str, Any]:
        """AbortMultipartUpload."""
        limits.refuse_unknown("AbortMultipartUpload", params)
        bucket, upload = self._upload(call, params, "s3:AbortMultipartUpload")
        parts.idle(upload)
        del bucket.uploads[upload.upload_id]
        self._state.store.remove_upload(upload)
        return {}

    def upload(self, call: Call, params: Mapping[str, Any], action: str) -> Upload:
        """The upload that a request names, for a caller who may do ``action``."""
        return self._upload(call, params, action)[1]

    def _upload(
        self, call: Call, params: Mapping[str, Any], action: str, *, creates: bool = False
    ) -> tuple[Bucket, Upload]:
        key = limits.valid_key(params.get("Key"))
        bucket = self._state.bucket(params)
        context = preconditions.context(params)
        context["s3:objectcreationoperation"] = "true" if creates else "false"
        self._state.access.check(call, bucket, action, key, context)
        upload = bucket.uploads.get(str(params.get("UploadId")))
        if upload is None or upload.key != key:
            raise errors.no_such_upload(str(params.get("UploadId")))
        return bucket, upload

    def _intake(
        self, upload: Upload, number: int, sent: Iterable[str], payload_hash: str
    ) -> Intake:
        store = self._state.store
        part = Part(number, "", 0, 0.0, MemoryBody(b""))
        return Intake(
            store,
            reserve=store.reserve(part.header()),
            size_max=limits.SINGLE_PUT_BYTES_MAX,
            algorithms={*sent, upload.algorithm or digests.DEFAULT},
            payload_sha256=ranges.is_digest(payload_hash),
        )

    def _keep(self, upload: Upload, number: int, intake: Intake) -> Part:
        parts.idle(upload)
        part = Part(
            number=number,
            etag=intake.md5().hex(),
            size=intake.size,
            modified=self._state.clock.now(),
            body=MemoryBody(b""),
            checksums=intake.checksums(),
        )
        self._state.store.put_part(upload, part, intake)
        upload.parts[number] = part
        return part

    @staticmethod
    def _conditions(bucket: Bucket, upload: Upload, params: Mapping[str, Any]) -> None:
        for member, header in conditional_writes.HEADERS.items():
            if params.get(member) is None:
                continue
            current = bucket.objects.get(upload.key)
            if member == "IfNoneMatch" or not upload.touched:
                preconditions.check_write(current, upload.key, params)
            if upload.touched:
                raise conditional_writes.conflict(header, upload.key)

    @staticmethod
    def _joined_entry(
        bucket: Bucket, upload: Upload, chosen: list[Part], params: Mapping[str, Any]
    ) -> ObjectEntry:
        size = sum(part.size for part in chosen)
        announced = params.get("MpuObjectSize")
        if announced is not None and limits.integer(announced, "x-amz-mp-object-size") != size:
            raise errors.invalid_request(
                f"The provided 'x-amz-mp-object-size' header value {announced} does not match "
                f"what was computed: {size}"
            )
        md5s = b"".join(bytes.fromhex(part.etag) for part in chosen)
        algorithm = upload.algorithm or digests.DEFAULT
        values = [(part.checksums[algorithm], part.size) for part in chosen]
        if upload.checksum_type == "COMPOSITE":
            checksum = digests.composite(algorithm, (value for value, _ in values))
        else:
            checksum = digests.whole(algorithm, values)
        given = params.get(f"Checksum{algorithm}")
        if given is not None and given.split("-")[0] != checksum.split("-")[0]:
            raise digests.mismatch(algorithm)
        return ObjectEntry(
            key=upload.key,
            etag=f"{hashlib.md5(md5s, usedforsecurity=False).hexdigest()}-{len(chosen)}",
            size=size,
            modified=0.0,
            sequence=0,
            headers=upload.headers,
            metadata=upload.metadata,
            tags=upload.tags,
            checksums={algorithm: checksum},
            checksum_type=upload.checksum_type,
            parts=[{"size": part.size} for part in chosen],
            owner=bucket.owner,
        )
