"""Browser uploads: ``multipart/form-data`` read as a stream, the policy checked before the file.

Source: "POST Object" of the Amazon S3 API Reference. Everything after the file is ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from emulator.core.clock import Clock
from emulator.core.errors import AwsError
from emulator.core.sigv4 import SigV4
from emulator.s3 import errors, params, post_policy, regions
from emulator.s3.access import Call
from emulator.s3.model import Bucket
from emulator.s3.objects import Objects, Write
from emulator.s3.rest import Answer, Rest, xml
from emulator.s3.rest_headers import headers_out
from emulator.s3.shapes import read as read_document

FIELDS_BYTES_MAX = 20 * 1024
"""AWS: the fields before the file are 20 KB at most."""
FIELDS_MAX = 100
FILE_PART = "file"
COUNT_BYTES_MAX = 1024 * 1024
"""How far a file is counted beyond what it may have, for the ProposedSize of the refusal."""
_SIGNATURE_FIELDS = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Signature")
_CONTENT = {
    "cache-control": "CacheControl",
    "content-disposition": "ContentDisposition",
    "content-encoding": "ContentEncoding",
    "content-type": "ContentType",
    "expires": "Expires",
    "acl": "ACL",
    "x-amz-storage-class": "StorageClass",
    "x-amz-server-side-encryption": "ServerSideEncryption",
    "x-amz-website-redirect-location": "WebsiteRedirectLocation",
    "x-amz-checksum-crc32": "ChecksumCRC32",
    "x-amz-checksum-crc32c": "ChecksumCRC32C",
    "x-amz-checksum-crc64nvme": "ChecksumCRC64NVME",
    "x-amz-checksum-sha1": "ChecksumSHA1",
    "x-amz-checksum-sha256": "ChecksumSHA256",
    "content-md5": "ContentMD5",
    "if-match": "IfMatch",
    "if-none-match": "IfNoneMatch",
}


class Form:
    """A form as it comes: its fields, then the file in pieces.

    ``fields`` have lower-case names. ``feed`` returns the file's pieces; ``at_file`` turns true
    when the file's own headers are done, ``done`` when the file has ended.
    """

    def __init__(self, boundary: bytes) -> None:
        self.fields: dict[str, str] = {}
        self.filename = ""
        self.at_file = False
        self.done = False
        self._size = 0
        self._header = (bytearray(), bytearray())
        self._headers: dict[str, str] = {}
        self._value = bytearray()
        self._name = ""
        self._pieces: list[bytes] = []
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": lambda d, a, b: self._header[0].extend(d[a:b]),
                "on_header_value": lambda d, a, b: self._header[1].extend(d[a:b]),
                "on_header_end": self._end_header,
                "on_headers_finished": self._end_headers,
                "on_part_data": self._data,
                "on_part_end": self._end,
            },
        )

    def feed(self, data: bytes) -> list[bytes]:
        """Take a piece of the body in; raises MalformedPOSTRequest."""
        try:
            self._parser.write(data)
        except (MultipartParseError, UnicodeDecodeError) as error:
            raise malformed() from error
        pieces, self._pieces = self._pieces, []
        return pieces

    def _begin(self) -> None:
        self._headers = {}
        self._value = bytearray()

    def _end_header(self) -> None:
        name, value = self._header
        self._headers[name.decode("latin-1").lower()] = value.decode()
        name.clear()
        value.clear()

    def _end_headers(self) -> None:
        if self.done:
            return
        kind, options = parse_options_header(self._headers.get("content-disposition", ""))
        name = options.get(b"name")
        if kind != b"form-data" or name is None:
            raise malformed()
        self._name = name.decode().lower()
        if self._name == FILE_PART:
            # Some browsers send a whole path: the name is what follows the last separator.
            full = options.get(b"filename", b"").decode().replace("\\", "/")
            self.filename = full.rpartition("/")[2]
            self.at_file = True

    def _data(self, data: bytes, start: int, stop: int) -> None:
        if self.done:
            return
        if self.at_file:
            self._pieces.append(data[start:stop])
            return
        self._size += stop - start
        if self._size > FIELDS_BYTES_MAX or len(self.fields) >= FIELDS_MAX:
            raise AwsError(
                "MaxPostPreDataLengthExceeded",
                "Your POST request fields preceding the upload file were too large.",
            )
        self._value.extend(data[start:stop])

    def _end(self) -> None:
        if self.at_file:
            self.done = True
        elif not self.done:
            self.fields[self._name] = self._value.decode()


class FormUploads:
    """Answers browser uploads to a bucket."""

    def __init__(self, clock: Clock, sigv4: SigV4, objects: Objects) -> None:
        self._clock = clock
        self._sigv4 = sigv4
        self._objects = objects

    async def answer(self, rest: Rest, call: Call, bucket: Bucket | None) -> Answer:
        """Store the file of a form; ``call`` is anonymous until the form's signature is checked.

        ``bucket`` is the one that is addressed, None when it is not there.
        """
        form = Form(_boundary(rest))
        write: Write | None = None
        allowed = post_policy.Range()
        size = 0
        try:
            async for piece in rest.pieces():
                found = form.feed(piece)
                if form.at_file and write is None:
                    write, allowed = self._begin(rest, form, call, bucket)
                for data in found:
                    size += len(data)
                    if size <= allowed.most and write is not None:
                        write.intake.write(data)
                if size > allowed.most + COUNT_BYTES_MAX:
                    raise errors.entity_too_large(size, allowed.most)
                if form.done:
                    break
            if write is None:
                raise errors.invalid_argument(
                    FILE_PART, 0, "POST requires exactly one file upload per request."
                )
            if not form.done:
                raise malformed()
            if size > allowed.most:
                raise errors.entity_too_large(size, allowed.most)
            if size < allowed.least:
                raise errors.entity_too_small(size, allowed.least)
            answer = self._objects.finish_put(write)
        finally:
            if write is not None:
                write.intake.discard()
        return _success(rest, form.fields, write, answer)

    def _begin(
        self, rest: Rest, form: Form, call: Call, bucket: Bucket | None
    ) -> tuple[Write, post_policy.Range]:
        fields = form.fields
        if "key" not in fields:
            raise errors.invalid_argument(
                "key",
                None,
                "Bucket POST must contain a field named 'key'.  If it is specified, please check "
                "the order of the fields.",
            )
        fields["key"] = fields["key"].replace("${filename}", form.filename)
        allowed = post_policy.Range()
        if "policy" in fields or any(name.lower() in fields for name in _SIGNATURE_FIELDS):
            self._verify(fields, call, bucket)
            allowed = post_policy.check(
                fields["policy"], {**fields, "bucket": str(rest.bucket)}, self._clock.now()
            )
        put: dict[str, Any] = {
            "Bucket": rest.bucket,
            "Key": fields["key"],
            "Metadata": {k[11:]: v for k, v in fields.items() if k.startswith("x-amz-meta-")},
        }
        put |= {member: fields[name] for name, member in _CONTENT.items() if name in fields}
        if "tagging" in fields:
            document = read_document("PutObjectTagging", fields["tagging"].encode())
            put["Tagging"] = _header_tags(params.tag_set(document, params.TAGS_MAX))
        write = self._objects.begin_put(call, put, reason="POST Object")
        return write, allowed

    def _verify(self, fields: Mapping[str, str], call: Call, bucket: Bucket | None) -> None:
        if "awsaccesskeyid" in fields or "signature" in fields:
            raise errors.invalid_request(
                "The authorization mechanism you have provided is not supported. Please use "
                "AWS4-HMAC-SHA256."
            )
        for name in (*_SIGNATURE_FIELDS, "policy"):
            if name.lower() not in fields:
                raise errors.invalid_argument(
                    name,
                    None,
                    f"Bucket POST must contain a field named '{name}'.  If it is specified, please "
                    "check the order of the fields.",
                )
        regions.check_credential(bucket, fields["x-amz-credential"])
        verified = self._sigv4.form(fields)
        call.caller = verified.credential.caller(verified.region, call.request_id)
        call.kind = "form"
        call.signed_at = verified.signed_at


def malformed() -> AwsError:
    """400 MalformedPOSTRequest."""
    return AwsError(
        "MalformedPOSTRequest",
        "The body of your POST request is not well-formed multipart/form-data.",
    )


def _boundary(rest: Rest) -> bytes:
    kind, options = parse_options_header(rest.headers.get("content-type", ""))
    if kind != b"multipart/form-data":
        raise errors.precondition_failed(
            "Bucket POST must be of the enclosure-type multipart/form-data"
        )
    boundary = options.get(b"boundary")
    if not boundary or len(boundary) > 70:  # noqa: PLR2004 (RFC 2046, 5.1.1)
        raise malformed()
    return boundary


def _success(rest: Rest, fields: Mapping[str, str], write: Write, answer: dict[str, Any]) -> Answer:
    key, etag = write.entry.key, answer["ETag"]
    location = f"http://{rest.headers.get('host', '')}/{quote(key)}"
    if rest.raw_path != "/":
        location = f"http://{rest.headers.get('host', '')}/{rest.bucket}/{quote(key)}"
    headers = {**headers_out(answer), "location": location}
    target = fields.get("success_action_redirect", fields.get("redirect", ""))
    parts = urlsplit(target)
    if parts.scheme in {"http", "https"} and parts.netloc:
        added = f"bucket={quote(str(rest.bucket))}&key={quote(key, safe='')}&etag={quote(etag)}"
        query = f"{parts.query}&{added}" if parts.query else added
        headers["location"] = urlunsplit(parts._replace(query=query))
        return Answer(303, b"", headers)
    status = fields.get("success_action_status")
    if status == "201":
        members = {"Location": location, "Bucket": rest.bucket, "Key": key, "ETag": etag}
        response = xml("PostResponse", members, 201)
        response.add(headers)
        return response
    return Answer(200 if status == "200" else 204, b"", headers)


def _header_tags(tags: Mapping[str, str]) -> str:
    return "&".join(f"{quote(name)}={quote(value)}" for name, value in tags.items())
