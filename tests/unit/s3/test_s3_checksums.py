"""Checksums, Content-MD5 and the aws-chunked encoding of bodies."""

import base64
import hashlib
import hmac
import io
import re
import zlib

import httpx
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from emulator.s3 import digests
from emulator.s3.chunked import UNSIGNED_TRAILER, Decoder

BUCKET = "pictures"
PATH = f"/{BUCKET}/c"


def _code(answer):
    found = re.search(r"<Code>(\w+)</Code>", answer.text)
    return answer.status_code, found[1] if found else None


def _b64(raw):
    return base64.b64encode(raw).decode()


@pytest.mark.parametrize(
    ("algorithm", "value"),
    [
        ("CRC32", "cbf43926"),
        ("CRC32C", "e3069283"),
        ("CRC64NVME", "ae8b14860a799888"),
        ("SHA1", hashlib.sha1(b"123456789", usedforsecurity=False).hexdigest()),
        ("SHA256", hashlib.sha256(b"123456789").hexdigest()),
        ("SHA512", hashlib.sha512(b"123456789").hexdigest()),
    ],
)
def test_algorithms_by_their_check_values(server, s3, algorithm, value):
    """The catalogue's check value is the checksum of the digits 1 to 9."""
    expected = _b64(bytes.fromhex(value))
    assert digests.of_bytes(algorithm, [b"1234", b"56789"]) == expected
    header = f"x-amz-checksum-{algorithm.lower()}"
    answer = server.send("PUT", PATH, b"123456789", {header: expected})
    assert (answer.status_code, answer.headers[header]) == (200, expected)
    wrong = server.send("PUT", PATH, b"other", {header: expected})
    assert _code(wrong) == (400, "BadDigest")
    broken = server.send("PUT", PATH, b"123456789", {header: "AAAA"})
    assert _code(broken) == (400, "InvalidRequest")
    got = server.send("GET", PATH, headers={"x-amz-checksum-mode": "ENABLED"})
    assert (got.content, got.headers[header]) == (b"123456789", expected)
    assert got.headers["x-amz-checksum-type"] == "FULL_OBJECT"


def test_two_checksums_at_once_are_refused(server, s3):
    headers = {
        "x-amz-checksum-crc32": _b64(zlib.crc32(b"x").to_bytes(4, "big")),
        "x-amz-checksum-sha256": _b64(hashlib.sha256(b"x").digest()),
    }
    assert _code(server.send("PUT", PATH, b"x", headers)) == (400, "InvalidRequest")


@pytest.mark.fidelity(
    area="S3",
    feature="CRC64NVME when no checksum is sent",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html",
)
def test_without_a_checksum_s3_computes_one(server, s3):
    url = s3.generate_presigned_url("put_object", Params={"Bucket": BUCKET, "Key": "c"})
    answer = httpx.put(url, content=b"123456789")
    assert answer.headers["x-amz-checksum-crc64nvme"] == _b64(bytes.fromhex("ae8b14860a799888"))


def test_content_md5(server, s3):
    md5 = _b64(hashlib.md5(b"x", usedforsecurity=False).digest())
    assert server.send("PUT", PATH, b"x", {"content-md5": md5}).status_code == 200
    assert _code(server.send("PUT", PATH, b"y", {"content-md5": md5})) == (400, "BadDigest")
    assert _code(server.send("PUT", PATH, b"x", {"content-md5": "x"})) == (400, "InvalidDigest")
    tags = b"<Tagging><TagSet/></Tagging>"
    answer = server.send("PUT", f"/{BUCKET}?tagging", tags, {"content-md5": md5})
    assert _code(answer) == (400, "BadDigest")


def _unsigned(payload, sizes, trailer):
    body, at = b"", 0
    for size in sizes:
        piece = payload[at : at + size]
        if piece:
            body += f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
        at += size
    return body + b"0\r\n" + trailer + b"\r\n"


def _crc_trailer(payload):
    value = _b64(zlib.crc32(payload).to_bytes(4, "big"))
    return f"x-amz-checksum-crc32:{value}\r\n".encode()


@given(st.binary(min_size=1, max_size=300), st.lists(st.integers(1, 50)), st.integers(1, 40))
def test_any_cut_of_the_encoding_decodes_to_the_same(payload, sizes, step):
    body = _unsigned(payload, [*sizes, len(payload)], _crc_trailer(payload))
    decoder = Decoder(UNSIGNED_TRAILER, None)
    found = b"".join(
        piece for at in range(0, len(body), step) for piece in decoder.feed(body[at : at + step])
    )
    decoder.finish()
    assert found == payload
    assert set(decoder.trailers) == {"x-amz-checksum-crc32"}


def _put_chunked(server, body, size, **headers):
    sent = {
        "x-amz-content-sha256": UNSIGNED_TRAILER,
        "x-amz-decoded-content-length": str(size),
        "x-amz-trailer": "x-amz-checksum-crc32",
        "content-encoding": "aws-chunked",
        **headers,
    }
    request = AWSRequest("PUT", server.url + PATH, headers=sent)
    auth = S3SigV4Auth(Credentials("test", "test"), "s3", "us-east-1")
    auth.payload = lambda _: UNSIGNED_TRAILER
    request.context["payload_signing_enabled"] = False
    auth.add_auth(request)
    signed = dict(request.headers.items())
    assert signed["X-Amz-Content-SHA256"] == UNSIGNED_TRAILER
    return httpx.put(server.url + PATH, content=body, headers=signed)


@pytest.mark.fidelity(
    area="S3",
    feature="aws-chunked bodies with trailing checksums",
    source="https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html",
)
def test_trailing_checksums(server, s3, refusal):
    payload = b"abc" * 1000
    good = _unsigned(payload, [1000, 5000], _crc_trailer(payload))
    answer = _put_chunked(server, good, len(payload), **{"content-encoding": "gzip,aws-chunked"})
    assert answer.status_code == 200
    got = s3.get_object(Bucket=BUCKET, Key="c")
    assert (got["Body"].read(), got["ContentEncoding"]) == (payload, "gzip")
    wrong = _unsigned(payload, [5000], _crc_trailer(b"other"))
    assert _code(_put_chunked(server, wrong, len(payload))) == (400, "BadDigest")
    none = _unsigned(payload, [5000], b"")
    assert _code(_put_chunked(server, none, len(payload))) == (400, "MalformedTrailerError")
    assert _code(_put_chunked(server, good, len(payload) - 1)) == (400, "IncompleteBody")
    assert _code(_put_chunked(server, good, len(payload) + 1)) == (400, "IncompleteBody")
    assert _code(_put_chunked(server, good[:-60], len(payload))) == (400, "IncompleteBody")
    assert _code(_put_chunked(server, b"zz\r\n", 3)) == (400, "IncompleteBody")
    xxhash = {"x-amz-trailer": "x-amz-checksum-xxhash64"}
    answer = _put_chunked(server, good, len(payload), **xxhash)
    assert _code(answer) == (400, "NotSupportedByEmulator")


def test_boto3_over_tls_sends_trailers_and_they_are_checked(server, s3):
    """boto3 uses trailers where the URL says https; here the URL is changed on the way out."""
    client = server.client(endpoint_url=server.url.replace("http://", "https://"))

    def plain(request, **_):
        request.url = request.url.replace("https://", "http://")
        assert request.headers["X-Amz-Content-SHA256"] in {
            UNSIGNED_TRAILER,
            UNSIGNED_TRAILER.encode(),
        }

    client.meta.events.register("before-send.s3.PutObject", plain)
    body = io.BytesIO(b"data" * 100_000)
    answer = client.put_object(Bucket=BUCKET, Key="t", Body=body)
    assert answer["ChecksumCRC32"]
    assert s3.get_object(Bucket=BUCKET, Key="t")["Body"].read() == body.getvalue()


def _signed_chunks(server, chunks, *, forge=None, trailer=b""):
    """A PUT of signed chunks, as AWS's own example makes it."""
    kind = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" + ("-TRAILER" if trailer else "")
    sent = {
        "x-amz-content-sha256": kind,
        "x-amz-decoded-content-length": str(sum(map(len, chunks))),
        "content-encoding": "aws-chunked",
    }
    if trailer:
        sent["x-amz-trailer"] = trailer.partition(b":")[0].decode()
    request = AWSRequest("PUT", server.url + PATH, headers=sent)
    auth = S3SigV4Auth(Credentials("test", "test"), "s3", "us-east-1")
    auth.payload = lambda _: kind
    auth.add_auth(request)
    date = request.context["timestamp"]
    scope = f"{date[:8]}/us-east-1/s3/aws4_request"
    key = b"AWS4test"
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    previous = request.headers["Authorization"].rpartition("Signature=")[2]
    empty = hashlib.sha256().hexdigest()

    def sign(what, rest):
        nonlocal previous
        text = f"AWS4-HMAC-SHA256-{what}\n{date}\n{scope}\n{previous}\n{rest}"
        previous = hmac.digest(key, text.encode(), "sha256").hex()
        return previous

    body = b""
    for number, chunk in enumerate([*chunks, b""]):
        signature = sign("PAYLOAD", f"{empty}\n{hashlib.sha256(chunk).hexdigest()}")
        shown = b"X" + chunk[1:] if number == forge else chunk
        body += f"{len(chunk):x};chunk-signature={signature}\r\n".encode() + shown
        body += b"\r\n" if chunk else b""
    if trailer:
        digest = hashlib.sha256(trailer + b"\n").hexdigest()
        signature = sign("TRAILER", digest)
        if forge == "trailer":
            signature = "0" * 64
        body += trailer + f"\r\nx-amz-trailer-signature:{signature}\r\n".encode()
    return httpx.put(
        server.url + PATH, content=body + b"\r\n", headers=dict(request.headers.items())
    )


@pytest.mark.fidelity(
    area="S3",
    feature="Signed chunks",
    source="https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html",
)
def test_signed_chunks(server, s3):
    chunks = [b"a" * 70_000, b"b" * 10]
    assert _signed_chunks(server, chunks).status_code == 200
    assert s3.get_object(Bucket=BUCKET, Key="c")["Body"].read() == b"".join(chunks)
    forged = _signed_chunks(server, chunks, forge=1)
    assert _code(forged) == (403, "SignatureDoesNotMatch")
    trailer = _crc_trailer(b"".join(chunks)).strip()
    assert _signed_chunks(server, chunks, trailer=trailer).status_code == 200
    forged = _signed_chunks(server, chunks, trailer=trailer, forge="trailer")
    assert _code(forged) == (403, "SignatureDoesNotMatch")
