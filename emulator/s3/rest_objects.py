"""Requests on objects: headers and documents to the operations' parameters, and back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from email.utils import formatdate
from typing import Any

from emulator.core.errors import AwsError, NotSupported
from emulator.core.sigv4 import Verified
from emulator.s3 import chunked, digests, errors, ranges, shapes
from emulator.s3 import params as limits
from emulator.s3.access import Call
from emulator.s3.bodies import MEMORY_BYTES_MAX
from emulator.s3.objects import Write
from emulator.s3.operations import Operations
from emulator.s3.rest import XML_TYPE, Answer, BodyAnswer, Rest, http_time, pick, xml

_CONTENT = (
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
_OWNER = (("x-amz-expected-bucket-owner", "ExpectedBucketOwner"),)
_WRITE_CONDITIONS = (("if-match", "IfMatch"), ("if-none-match", "IfNoneMatch"))
_CHECKSUMS = tuple(
    (f"x-amz-checksum-{name.lower()}", f"Checksum{name}")
    for name in (*digests.ALGORITHMS, *digests.REFUSED)
)
_ALGORITHM = (
    ("x-amz-checksum-algorithm", "ChecksumAlgorithm"),
    ("x-amz-checksum-type", "ChecksumType"),
)
_BODY = (("content-md5", "ContentMD5"), *_CHECKSUMS)
_SOURCE = (
    ("x-amz-copy-source", "CopySource"),
    ("x-amz-copy-source-if-match", "CopySourceIfMatch"),
    ("x-amz-copy-source-if-none-match", "CopySourceIfNoneMatch"),
    ("x-amz-copy-source-if-modified-since", "CopySourceIfModifiedSince"),
    ("x-amz-copy-source-if-unmodified-since", "CopySourceIfUnmodifiedSince"),
    ("x-amz-source-expected-bucket-owner", "ExpectedSourceBucketOwner"),
)
_DIRECTIVES = (
    ("x-amz-metadata-directive", "MetadataDirective"),
    ("x-amz-tagging-directive", "TaggingDirective"),
)
_READ = (
    ("range", "Range"),
    ("if-match", "IfMatch"),
    ("if-none-match", "IfNoneMatch"),
    ("if-modified-since", "IfModifiedSince"),
    ("if-unmodified-since", "IfUnmodifiedSince"),
    ("x-amz-checksum-mode", "ChecksumMode"),
)
_OVERRIDES = (
    ("response-cache-control", "ResponseCacheControl"),
    ("response-content-disposition", "ResponseContentDisposition"),
    ("response-content-encoding", "ResponseContentEncoding"),
    ("response-content-language", "ResponseContentLanguage"),
    ("response-content-type", "ResponseContentType"),
    ("response-expires", "ResponseExpires"),
    ("partNumber", "PartNumber"),
    ("versionId", "VersionId"),
)
_TIMES = frozenset({"IfModifiedSince", "IfUnmodifiedSince", "CopySourceIfModifiedSince",
                    "CopySourceIfUnmodifiedSince"})  # fmt: skip
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
    **{member: header for header, member in _CHECKSUMS},
}
_KNOWN = frozenset(
    header
    for table in (_CONTENT, _OWNER, _CHECKSUMS, _ALGORITHM, _SOURCE, _DIRECTIVES, _READ)
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
            if name.startswith("x-amz-") and name not in _KNOWN:
                if name.startswith("x-amz-meta-"):
                    continue
                if name in _DIRECTORY_BUCKETS_ONLY:
                    raise errors.not_implemented(name)
                raise NotSupported(f"the header {name}")
        return await handler(rest, call, verified)

    async def _put(self, rest: Rest, call: Call, verified: Verified | None) -> Answer:
        headers = rest.headers
        params = self._named(rest, _CONTENT, _WRITE_CONDITIONS)
        params["Metadata"] = _metadata(headers)
        if "x-amz-copy-source" in headers:
            params |= _read_times(pick(headers, (*_SOURCE, *_DIRECTIVES, *_ALGORITHM[:1])))
            answer = await self._operations.copies.copy(call, params)
            return xml_result("CopyObjectResult", answer)
        params |= pick(headers, _BODY)
        _strip_chunked(params)
        size, trailer = _announced(rest)
        if size > limits.SINGLE_PUT_BYTES_MAX:
            raise errors.entity_too_large(size, limits.SINGLE_PUT_BYTES_MAX)
        objects = self._operations.objects
        write = objects.begin_put(call, params, trailer=trailer)
        try:
            await _take_body(rest, write, trailer, size, verified)
            answer = objects.finish_put(write)
        finally:
            write.intake.discard()
        return Answer(200, b"", headers_out(answer))

    async def _get(self, rest: Rest, call: Call, _: Verified | None) -> Answer:
        head = rest.method == "HEAD"
        params = self._named(rest, _READ)
        params |= pick(rest.values, _OVERRIDES)
        params = _read_times(params)
        operation = "HeadObject" if head else "GetObject"
        found = self._operations.objects.find(call, operation, params)
        headers = headers_out(found.answer)
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
        params = self._named(rest, _WRITE_CONDITIONS[:1])
        if "if-none-match" in rest.headers:
            raise errors.not_implemented("If-None-Match")
        params |= pick(rest.values, (("versionId", "VersionId"),))
        answer = self._operations.objects.delete(call, params)
        headers = headers_out(answer)
        if answer.get("DeleteMarker"):
            headers["x-amz-delete-marker"] = "true"
        return Answer(204, b"", headers)

    async def _create_upload(self, rest: Rest, call: Call, _: Verified | None) -> Answer:
        params = self._named(rest, _CONTENT, _ALGORITHM)
        params["Metadata"] = _metadata(rest.headers)
        answer = self._operations.multipart.create(call, params)
        body = {name: answer[name] for name in ("Bucket", "Key", "UploadId")}
        response = xml("InitiateMultipartUploadResult", body)
        response.add(headers_out({k: v for k, v in answer.items() if k not in body}))
        return response

    async def _put_part(self, rest: Rest, call: Call, verified: Verified | None) -> Answer:
        params = self._named(rest)
        params |= pick(rest.values, _UPLOAD)
        if "x-amz-copy-source" in rest.headers:
            params |= _read_times(pick(rest.headers, _SOURCE))
            params |= pick(rest.headers, (("x-amz-copy-source-range", "CopySourceRange"),))
            answer = await self._operations.multipart.copy_part(call, params)
            return xml_result("CopyPartResult", answer)
        params |= pick(rest.headers, _BODY)
        size, trailer = _announced(rest)
        if size > limits.SINGLE_PUT_BYTES_MAX:
            raise errors.entity_too_large(size, limits.SINGLE_PUT_BYTES_MAX)
        write = self._operations.multipart.begin_part(call, params, trailer=trailer)
        try:
            await _take_body(rest, write, trailer, size, verified)
            answer = self._operations.multipart.finish_part(write)
        finally:
            write.intake.discard()
        return Answer(200, b"", headers_out(answer))

    async def _complete(self, rest: Rest, call: Call, _: Verified | None) -> Answer:
        params = self._named(rest, _WRITE_CONDITIONS, _CHECKSUMS, _ALGORITHM[1:])
        params |= pick(rest.values, _UPLOAD)
        params |= pick(rest.headers, (("x-amz-mp-object-size", "MpuObjectSize"),))
        params["MultipartUpload"] = shapes.read("CompleteMultipartUpload", await rest.document())
        answer = await self._operations.multipart.complete(call, params)
        version = {"VersionId": answer.pop("VersionId")} if "VersionId" in answer else {}
        sse = answer.pop("ServerSideEncryption")
        location = f"http://{rest.headers.get('host', '')}{rest.raw_path}"
        response = xml("CompleteMultipartUploadResult", {"Location": location, **answer})
        response.add(headers_out({"ServerSideEncryption": sse, **version}))
        return response

    async def _abort(self, rest: Rest, call: Call, _: Verified | None) -> Answer:
        params = self._named(rest) | pick(rest.values, _UPLOAD[:1])
        self._operations.multipart.abort(call, params)
        return Answer(204)

    async def _list_parts(self, rest: Rest, call: Call, _: Verified | None) -> Answer:
        paging = (("max-parts", "MaxParts"), ("part-number-marker", "PartNumberMarker"))
        params = self._named(rest) | pick(rest.values, (*_UPLOAD[:1], *paging))
        answer = self._operations.upload_lists.parts(call, params)
        return xml("ListPartsResult", singular(answer, Parts="Part"))

    async def _get_tags(self, rest: Rest, call: Call, _: Verified | None) -> Answer:
        params = self._named(rest) | pick(rest.values, (("versionId", "VersionId"),))
        answer = self._operations.tags.get_tags(call, params)
        response = xml("Tagging", {"TagSet": {"Tag": answer.pop("TagSet")}})
        response.add(headers_out(answer))
        return response

    async def _put_tags(self, rest: Rest, call: Call, _: Verified | None) -> Answer:
        params = self._named(rest) | pick(rest.values, (("versionId", "VersionId"),))
        if rest.method == "PUT":
            params["Tagging"] = shapes.read("PutObjectTagging", await rest.document())
        answer = self._operations.tags.put_tags(call, params)
        return Answer(200 if rest.method == "PUT" else 204, b"", headers_out(answer))

    async def _attributes(self, rest: Rest, call: Call, _: Verified | None) -> Answer:
        params = self._named(rest) | pick(rest.values, (("versionId", "VersionId"),))
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
        response.add(headers_out(version))
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
        for table in (_OWNER, *tables):
            for header, member in table:
                if header in headers:
                    params[member] = headers[header]
        return params


_UPLOAD = (("uploadId", "UploadId"), ("partNumber", "PartNumber"))
_REFUSED = ("retention", "legal-hold", "torrent", "select", "restore", "renameObject", "encryption",
            "annotation", "annotations")  # fmt: skip
_SUBRESOURCES = ("uploadId", "uploads", "tagging", "acl", "attributes", *_REFUSED)
_DIRECTORY_BUCKETS_ONLY = frozenset(
    {"x-amz-if-match-last-modified-time", "x-amz-if-match-size", "x-amz-write-offset-bytes"}
)


def headers_out(answer: Mapping[str, Any]) -> dict[str, str]:
    """The members of an answer that go into headers."""
    return {
        HEADERS_OUT[name]: str(value) for name, value in answer.items() if name in HEADERS_OUT
    }  # fmt: skip


def xml_result(root: str, answer: dict[str, Any]) -> Answer:
    """An answer of which one member is the document and the rest are headers."""
    response = xml(root, answer.pop(root))
    response.add(headers_out(answer))
    return response


def singular(answer: dict[str, Any], **names: str) -> dict[str, Any]:
    """An answer with list members under their element names."""
    return {names.get(name, name): value for name, value in answer.items()}


def _metadata(headers: Mapping[str, str]) -> dict[str, str]:
    return {k[11:]: v for k, v in headers.items() if k.startswith("x-amz-meta-")}


def _read_times(params: dict[str, Any]) -> dict[str, Any]:
    """HTTP dates as epoch seconds; a date that cannot be read is no condition."""
    for name in _TIMES & params.keys():
        at = http_time(params.pop(name))
        if at is not None:
            params[name] = at
    return params


def _strip_chunked(params: dict[str, Any]) -> None:
    """``aws-chunked`` is how the body travels, not how the object is encoded."""
    encodings = params.get("ContentEncoding", "").split(",")
    kept = [one.strip() for one in encodings if one.strip().lower() not in {"aws-chunked", ""}]
    if kept:
        params["ContentEncoding"] = ",".join(kept)
    else:
        params.pop("ContentEncoding", None)


def _announced(rest: Rest) -> tuple[int, str | None]:
    """The length of the payload, and the algorithm of a trailing checksum."""
    headers = rest.headers
    if headers.get("x-amz-content-sha256") in chunked.KINDS:
        text = headers.get("x-amz-decoded-content-length", "")
        if not (text.isascii() and text.isdigit()):
            raise _no_length()
        trailer = headers.get("x-amz-trailer")
        if trailer is None:
            return int(text), None
        algorithm = trailer.strip().lower().removeprefix("x-amz-checksum-").upper()
        if algorithm not in digests.ALGORITHMS:
            raise digests.unknown(algorithm)
        return int(text), algorithm
    length = rest.length()
    if length is None:
        raise _no_length()
    return length, None


async def _take_body(
    rest: Rest, write: Write, trailer: str | None, size: int, verified: Verified | None
) -> None:
    """Read the body into ``write``; a trailing checksum becomes an expected one."""
    intake = write.intake
    kind = rest.headers.get("x-amz-content-sha256", "")
    if kind not in chunked.KINDS:
        async for piece in rest.pieces():
            intake.write(piece)
    else:
        decoder = chunked.Decoder(kind, verified)
        async for piece in rest.pieces():
            for part in decoder.feed(piece):
                if intake.size + len(part) > size:
                    raise _incomplete()
                intake.write(part)
        decoder.finish()
        if trailer is not None:
            value = decoder.trailers.get(f"x-amz-checksum-{trailer.lower()}")
            if value is None:
                raise AwsError("MalformedTrailerError", "The request contained trailing data that "
                               "was not well-formed or did not conform to our published schema.")  # fmt: skip
            write.expected[trailer] = digests.checked(trailer, value)
    if intake.size != size:
        raise _incomplete()


def _incomplete() -> AwsError:
    return AwsError(
        "IncompleteBody",
        "You did not provide the number of bytes specified by the Content-Length HTTP header",
    )


def _no_length() -> AwsError:
    return AwsError(
        "MissingContentLength", "You must provide the Content-Length HTTP header.", 411
    )  # fmt: skip


