"""Multipart uploads, their checksums and their limits."""

import base64
import hashlib

import anycrc
import pytest

BUCKET = "pictures"


def _md5(data):
    return hashlib.md5(data, usedforsecurity=False)


FIVE = 5 * 1024 * 1024
ONE, TWO = b"1" * FIVE, b"2" * 1000


def _start(s3, **options):
    return s3.create_multipart_upload(Bucket=BUCKET, Key="m", **options)["UploadId"]


def _part(s3, upload, number, body, **options):
    named = {"Bucket": BUCKET, "Key": "m", "UploadId": upload, "PartNumber": number}
    answer = s3.upload_part(**named, Body=body, **options)
    kept = {k: v for k, v in answer.items() if k.startswith("Checksum") and k != "ChecksumType"}
    return {"PartNumber": number, "ETag": answer["ETag"], **kept}


def _complete(s3, upload, parts, **options):
    return s3.complete_multipart_upload(
        Bucket=BUCKET, Key="m", UploadId=upload, MultipartUpload={"Parts": parts}, **options
    )


@pytest.mark.fidelity(
    area="S3",
    feature="Multipart uploads",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html",
)
def test_an_upload(s3):
    upload = _start(s3, ContentType="a/b", Metadata={"k": "v"}, Tagging="t=1")
    second, first = _part(s3, upload, 7, TWO), _part(s3, upload, 2, ONE)
    answer = _complete(s3, upload, [first, second])
    md5s = _md5(ONE).digest() + _md5(TWO).digest()
    assert answer["ETag"] == f'"{_md5(md5s).hexdigest()}-2"'
    assert answer["Location"].endswith(f"/{BUCKET}/m")
    got = s3.get_object(Bucket=BUCKET, Key="m")
    assert got["Body"].read() == ONE + TWO
    assert (got["ContentType"], got["Metadata"]) == ("a/b", {"k": "v"})
    assert s3.get_object_tagging(Bucket=BUCKET, Key="m")["TagSet"][0]["Key"] == "t"
    part = s3.get_object(Bucket=BUCKET, Key="m", PartNumber=2)
    assert (part["Body"].read(), part["PartsCount"]) == (TWO, 2)
    assert s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads") is None


@pytest.mark.parametrize(
    ("algorithm", "model", "size"),
    [("CRC32", "CRC32", 4), ("CRC32C", "CRC32C", 4), ("CRC64NVME", "CRC64-NVME", 8)],
)
@pytest.mark.fidelity(
    area="S3",
    feature="Full-object checksums of multipart uploads",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html",
)
def test_full_object_checksums_are_those_of_the_whole(s3, algorithm, model, size):
    def checksum(body):
        value = anycrc.Model(model).calc(body)
        return base64.b64encode(value.to_bytes(size, "big")).decode()

    upload = _start(s3, ChecksumAlgorithm=algorithm, ChecksumType="FULL_OBJECT")
    member = f"Checksum{algorithm}"
    parts = [
        _part(s3, upload, number, body, **{member: checksum(body)})
        for number, body in ((1, ONE), (2, TWO))
    ]
    answer = _complete(s3, upload, parts)
    assert (answer[member], answer["ChecksumType"]) == (checksum(ONE + TWO), "FULL_OBJECT")
    head = s3.head_object(Bucket=BUCKET, Key="m", ChecksumMode="ENABLED")
    assert head[member] == checksum(ONE + TWO)


def test_composite_checksums(s3, refusal):
    upload = _start(s3, ChecksumAlgorithm="SHA256")
    parts = [
        _part(s3, upload, 1, ONE, ChecksumAlgorithm="SHA256"),
        _part(s3, upload, 2, TWO, ChecksumAlgorithm="SHA256"),
    ]
    wrong = [{**parts[0], "ChecksumSHA256": parts[1]["ChecksumSHA256"]}, parts[1]]
    assert refusal(_complete, s3=s3, upload=upload, parts=wrong)[0] == "InvalidPart"
    answer = _complete(s3, upload, parts)
    digests = hashlib.sha256(ONE).digest() + hashlib.sha256(TWO).digest()
    whole = base64.b64encode(hashlib.sha256(digests).digest()).decode()
    assert answer["ChecksumSHA256"] == f"{whole}-2"
    assert answer["ChecksumType"] == "COMPOSITE"


def test_a_part_with_another_checksum_than_announced(s3, refusal):
    upload = _start(s3, ChecksumAlgorithm="SHA256")
    code, _ = refusal(_part, s3=s3, upload=upload, number=1, body=b"x", ChecksumAlgorithm="CRC32")
    assert code == "InvalidRequest"
    answer = refusal(_start, s3=s3, ChecksumAlgorithm="SHA1", ChecksumType="FULL_OBJECT")
    assert answer == ("InvalidRequest", 400)


def test_completions_that_are_refused(s3, refusal):
    upload = _start(s3)
    first, second = _part(s3, upload, 1, b"small"), _part(s3, upload, 2, TWO)
    assert refusal(_complete, s3=s3, upload=upload, parts=[first, second])[0] == "EntityTooSmall"
    assert refusal(_complete, s3=s3, upload=upload, parts=[second, first])[0] == "InvalidPartOrder"
    absent = {**first, "PartNumber": 3}
    assert refusal(_complete, s3=s3, upload=upload, parts=[absent])[0] == "InvalidPart"
    other = {**first, "ETag": second["ETag"]}
    assert refusal(_complete, s3=s3, upload=upload, parts=[other])[0] == "InvalidPart"
    assert refusal(_complete, s3=s3, upload=upload, parts=[])[0] == "MalformedXML"
    assert refusal(_complete, s3=s3, upload="no", parts=[first]) == ("NoSuchUpload", 404)
    code, _ = refusal(_complete, s3=s3, upload=upload, parts=[first], MpuObjectSize=6)
    assert code == "InvalidRequest"
    _complete(s3, upload, [first])
    assert refusal(_complete, s3=s3, upload=upload, parts=[first]) == ("NoSuchUpload", 404)


def test_a_part_can_be_replaced_and_an_upload_aborted(s3, refusal):
    upload = _start(s3)
    _part(s3, upload, 1, b"old")
    new = _part(s3, upload, 1, b"new!")
    listed = s3.list_parts(Bucket=BUCKET, Key="m", UploadId=upload)
    assert [(row["PartNumber"], row["Size"]) for row in listed["Parts"]] == [(1, 4)]
    assert listed["Parts"][0]["ETag"] == new["ETag"]
    uploads = s3.list_multipart_uploads(Bucket=BUCKET)["Uploads"]
    assert [(row["Key"], row["UploadId"]) for row in uploads] == [("m", upload)]
    s3.abort_multipart_upload(Bucket=BUCKET, Key="m", UploadId=upload)
    named = {"Bucket": BUCKET, "Key": "m", "UploadId": upload}
    assert refusal(s3.list_parts, **named) == ("NoSuchUpload", 404)
    assert refusal(s3.head_object, Bucket=BUCKET, Key="m")[1] == 404


@pytest.mark.parametrize("number", [0, 10_001, -1])
def test_part_numbers_from_1_to_10000(s3, refusal, number):
    upload = _start(s3)
    answer = refusal(_part, s3=s3, upload=upload, number=number, body=b"")
    assert answer == ("InvalidArgument", 400)


def test_copied_parts(s3, refusal):
    s3.put_object(Bucket=BUCKET, Key="from", Body=ONE + TWO)
    upload = _start(s3)
    named = {"Bucket": BUCKET, "Key": "m", "UploadId": upload, "CopySource": f"{BUCKET}/from"}
    whole = s3.upload_part_copy(**named, PartNumber=1)["CopyPartResult"]
    piece = s3.upload_part_copy(**named, PartNumber=2, CopySourceRange="bytes=10-19")
    parts = [
        {"PartNumber": 1, "ETag": whole["ETag"]},
        {"PartNumber": 2, "ETag": piece["CopyPartResult"]["ETag"]},
    ]
    assert refusal(
        s3.upload_part_copy, **named, PartNumber=3, CopySourceRange="bytes=0-99999999"
    ) == ("InvalidArgument", 400)
    _complete(s3, upload, parts)
    assert s3.get_object(Bucket=BUCKET, Key="m")["Body"].read() == ONE + TWO + b"1" * 10


def test_paged_parts_and_the_transfer_manager(s3, tmp_path):
    upload = _start(s3)
    for number in (3, 1, 2):
        _part(s3, upload, number, b"x")
    pages = s3.get_paginator("list_parts").paginate(
        Bucket=BUCKET, Key="m", UploadId=upload, PaginationConfig={"PageSize": 2}
    )
    assert [row["PartNumber"] for page in pages for row in page["Parts"]] == [1, 2, 3]
    file = tmp_path / "big"
    file.write_bytes(b"abc" * 4_000_000)
    s3.upload_file(str(file), BUCKET, "big")
    s3.download_file(BUCKET, "big", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == file.read_bytes()
    assert "-" in s3.head_object(Bucket=BUCKET, Key="big")["ETag"]


def test_a_bucket_with_uploads_alone_can_be_deleted(s3, refusal):
    _start(s3)
    s3.delete_bucket(Bucket=BUCKET)
    assert refusal(s3.head_bucket, Bucket=BUCKET)[1] == 404
