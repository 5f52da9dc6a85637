"""Requests on objects: headers and documents to the operations' parameters, and back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import Any

from emulator.core.errors import NotSupported
from emulator.core.sigv4 import Verified
from emulator.s3 import errors, ranges, rest_bodies, shapes
from emulator.s3 import params as limits
from emulator.s3 import rest_headers as table
from emulator.s3.access import Call
from emulator.s3.bodies import MEMORY_BYTES_MAX
from emulator.s3.operations import Operations
from emulator.s3.rest import XML_TYPE, Answer, BodyAnswer, Rest, xml

Handler = Callable[[Rest, Call, Verified | None], Awaitable[Answer]]


class ObjectRequests:
    """The REST requests that name a key."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._handlers: dict[tuple[str, str], Handler] = {
            ("PUT", ""): self._put,
            ("GET", ""): self._get,
            ("HEAD", ""): self._get,
            ("DELETE", ""): self._delete,
            ("PUT", "uploadId"): self._put_part,
            ("GET", "uploadId"): self._list_parts,
            ("POST", "uploadId"): self._complete,
            ("DELETE", "uploadId"): self._abort,
            ("POST", "uploads"): self._create_upload,
            ("GET", "tagging"): self._get_tags,
            ("PUT", "tagging"): self._put_tags,
            ("DELETE", "tagging"): self._put_tags,
            ("GET", "attributes"): self._attributes,
            ("GET", "acl"): self._get_acl,
            ("PUT", "acl"): self._put_acl,
        }

    async def answer(self, rest: Rest, call: Call, verified: Verified | None) -> Answer:
        """Answer a request; NotSupported names a sub-resource that is not there."""
        sub = next((name for name in _SUBRESOURCES if name in rest.values), "")
        handler = self._handlers.get((rest.method, sub))
        if handler is None:
            if sub in _REFUSED:
                raise NotSupported(f"{rest.method} ?{sub} on an object")
            raise errors.method_not_allowed(rest.method, "OBJECT")
        for name in rest.headers:
            if name.startswith("x-amz-") and name not in table.KNOWN:
                if name.startswith("x-amz-meta-"):
                    continue
                if name in _DIRECTORY_BUCKETS_ONLY:
                    raise errors.not_implemented(name)
                raise NotSupported(f"the header {name}")
        return await handler(rest, call, verified)

    async def _put(self, rest: Rest, call: Call, verified: Verified | None) -> Answer:
        headers = rest.headers
        params = self._named(rest, table.CONTENT, table.WRITE_CONDITIONS)
        params["Metadata"] = table.metadata(headers)
        if "x-amz-copy-source" in headers:
            params |= table.read_times(
                table.pick(headers, (*table.SOURCE, *table.DIRECTIVES, *table.ALGORITHM[:1]))
            )
            answer = await self._operations.copies.copy(call, params)
            return xml_result("CopyObjectResult", answer)
        params |= table.pick(headers, table.BODY)
        table.strip_chunked(params)
        size, trailer = rest_bodies.announced(rest)
        if size > limits.SINGLE_PUT_BYTES_MAX:
            raise errors.entity_too_large(size, limits.SINGLE_PUT_BYTES_MAX)
        objects = self._operations.objects
        write = objects.begin_put(call, params, trailer=trailer)
        try:
            await rest_bodies.take_body(rest, write, trailer, size, verified)
            answer = objects.finish_put(write)
        finally:
            write.intake.discard()
        return Answer(200, b"", table.headers_out(answer))

    async def _get(self, rest: Rest, call: Call, _: Verified | None) -> Answer:
        head = rest.method == "HEAD"
        params = self._named(rest, table.READ)
        params |= table.pick(rest.values, table.OVERRIDES)
        params = table.read_times(params)
        operation = "HeadObject" if head else "GetObject"
        found = self._operations.objects.find(call, operation, params)
        headers = table.headers_out(found.answer)
        headers["last-modified"] = formatdate(found.entry.modified // 1, usegmt=True)
        for name, value in found.entry.metadata.items():
            headers[f"x-amz-meta-{name}"] = value
        status = 206 if ranges.is_partial(params, found.entry.size) else 200
        size = found.stop - found.start
        if head:
            return Answer(status, b"", headers, length=size)
        whole = size == found.entry.size
        body = found.entry.body
        reader = body.open() if whole else body.open(found.start, found.stop)
        if size <= MEMORY_BYTES_MAX:
            return Answer(status, reader.read(), headers)
        return BodyAnswer(status, reader, headers)

    async def _delete(self, rest: Rest, call: Call, _: Verified | None) -> Answer:
        params = self._named(rest, table.WRITE_CONDITIONS[:1])
        if "if-none-match" in rest.headers:
            raise errors.not_implemented("If-None-Match")
        params |= table.pick(rest.values, (("versionId", "VersionId"),))
        answer = self._operations.objects.delete(call, params)
        headers = table.headers_out(answer)
        if answer.get("DeleteMarker"):
            headers["x-amz-delete-marker"] = "true"
        return Answer(204, b"", headers)

    async def _create_upload(self, rest: Rest, call: Call, _: Verified | None) -> Answer:
        params = self._named(rest, table.CONTENT, table.ALGORITHM)
        params["Metadata"] = table.metadata(rest.headers)
        answer = self._operations.multipart.create(call, params)
        body = {name: answer[name] for name in ("Bucket", "Key", "UploadId")}
        response = xml("InitiateMultipartUploadResult", body)
        response.add(table.headers_out({k: v for k, v in answer.items() if k not in body}))
        return response

    async def _put_part(self, rest: Rest, call: Call, verified: Verified | None) -> Answer:
        params = self._named(rest)
        params |= table.pick(rest.values, _UPLOAD)
        if "x-amz-copy-source" in rest.headers:
            params |= table.read_times(table.pick(rest.headers, table.SOURCE))
            params |= table.pick(rest.headers, (("x-amz-copy-source-range", "CopySourceRange"),))
            answer = await self._operations.multipart.copy_part(call, params)
            return xml_result("CopyPartResult", answer)
        params |= table.pick(rest.headers, table.BODY)
        size, trailer = rest_bodies.announced(rest)
        if size > limits.SINGLE_PUT_BYTES_MAX:
            raise errors.entity_too_large(size, limits.SINGLE_PUT_BYTES_MAX)
        write = self._operations.multipart.begin_part(call, params, trailer=trailer)
        try:
            await rest_bodies.take_body(rest, write, trailer, size, verified)
            answer = self._operations.multipart.finish_part(write)
        finally:
            write.intake.discard()
        return Answer(200, b"", table.headers_out(answer))

    async def _complete(self, rest: Rest, call: Call, _: Verified | None) -> Answer:
        params = self._named(rest, table.WRITE_CONDITIONS, table.CHECKSUMS, table.ALGORITHM[1:])
        params |= table.pick(rest.values, _UPLOAD)
        params |= table.pick(rest.headers, (("x-amz-mp-object-size", "MpuObjectSize"),))
        params["MultipartUpload"] = shapes.read("CompleteMultipartUpload", await rest.document())
        answer = await self._operations.multipart.complete(call, params)
        version = {"VersionId": answer.pop("VersionId")} if "VersionId" in answer else {}
        sse = answer.pop("ServerSideEncryption")
        location = f"http://{rest.headers.get('host', '')}{rest.raw_path}"
        response = xml("CompleteMultipartUploadResult", {"Location": location, **answer})
        response.add(table.headers_out({"ServerSideEncryption": sse, **version}))
        return response

    async def _abort(self, rest: Rest, call: Call, _: Verified | None) -> Answer:
        params = self._named(rest) | table.pick(rest.values, _UPLOAD[:1])
        self._operations.multipart.abort(call, params)
        return Answer(204)

    async def _list_parts(self, rest: Rest, call: Call, _: Verified | None) -> Answer:
        paging = (("max-parts", "MaxParts"), ("part-number-marker", "PartNumberMarker"))
        params = self._named(rest) | table.pick(rest.values, (*_UPLOAD[:1], *paging))
        answer = self._operations.upload_lists.parts(call, params)
        return xml("ListPartsResult", table.singular(answer, Parts="Part"))

    async def _get_tags(self, rest: Rest, call: Call, _: Verified | None) -> Answer:
        params = self._named(rest) | table.pick(rest.values, (("versionId", "VersionId"),))
        answer = self._operations.tags.get_tags(call, params)
        response = xml("Tagging", {"TagSet": {"Tag": answer.pop("TagSet")}})
        response.add(table.headers_out(answer))
        return response

    async def _put_tags(self, rest: Rest, call: Call, _: Verified | None) -> Answer:
        params = self._named(rest) | table.pick(rest.values, (("versionId", "VersionId"),))
        if rest.method == "PUT":
            params["Tagging"] = shapes.read("PutObjectTagging", await rest.document())
        answer = self._operations.tags.put_tags(call, params)
        return Answer(200 if rest.method == "PUT" else 204, b"", table.headers_out(answer))

    async def _attributes(self, rest: Rest, call: Call, _: Verified | None) -> Answer:
        params = self._named(rest) | table.pick(rest.values, (("versionId", "VersionId"),))
        listed = rest.headers.get("x-amz-object-attributes", "")
        params["ObjectAttributes"] = [one.strip() for one in listed.split(",") if one.strip()]
        answer = self._operations.tags.attributes(call, params)
        modified = answer.pop("LastModified")
        version = {"VersionId": answer.pop("VersionId")} if "VersionId" in answer else {}
        parts = answer.get("ObjectParts")
        if parts:
            # The model's name for the element differs from the member's.
            answer["ObjectParts"] = {"PartsCount": parts["TotalPartsCount"]}
        response = xml("GetObjectAttributesResponse", answer)
        response.add({"last-modified": formatdate(modified // 1, usegmt=True)})
        response.add(table.headers_out(version))
        return response

    async def _get_acl(self, rest: Rest, call: Call, _: Verified | None) -> Answer:
        answer = await self._operations.run("GetObjectAcl", self._named(rest), call)
        body = shapes.write("GetObjectAcl", answer, "AccessControlPolicy")
        return Answer(200, body, XML_TYPE)

    async def _put_acl(self, rest: Rest, call: Call, _: Verified | None) -> Answer:
        params = self._named(rest, (("x-amz-acl", "ACL"),))
        if "ACL" not in params:
            params["AccessControlPolicy"] = shapes.read("PutObjectAcl", await rest.document())
        await self._operations.run("PutObjectAcl", params, call)
        return Answer(200)

    @staticmethod
    def _named(rest: Rest, *tables: tuple[tuple[str, str], ...]) -> dict[str, Any]:
        params = {"Bucket": rest.bucket, "Key": rest.key}
        headers = rest.headers
        for one in (table.OWNER, *tables):
            for header, member in one:
                if header in headers:
                    params[member] = headers[header]
        return params


_UPLOAD = (("uploadId", "UploadId"), ("partNumber", "PartNumber"))
_REFUSED = (
    "retention",
    "legal-hold",
    "torrent",
    "select",
    "restore",
    "renameObject",
    "encryption",
    "annotation",
    "annotations",
)
_SUBRESOURCES = ("uploadId", "uploads", "tagging", "acl", "attributes", *_REFUSED)
_DIRECTORY_BUCKETS_ONLY = frozenset(
    {"x-amz-if-match-last-modified-time", "x-amz-if-match-size", "x-amz-write-offset-bytes"}
)


def xml_result(root: str, answer: dict[str, Any]) -> Answer:
    """An answer of which one member is the document and the rest are headers."""
    response = xml(root, answer.pop(root))
    response.add(table.headers_out(answer))
    return response
