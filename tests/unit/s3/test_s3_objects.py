"""Objects through boto3: what goes in comes out, and limits hold."""

import hashlib
import io
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from botocore.exceptions import ClientError

from emulator.core.errors import AwsError

BUCKET = "pictures"


def _md5(data):
    return hashlib.md5(data, usedforsecurity=False)


def test_body_metadata_and_headers_come_back(s3):
    body = bytes(range(256)) * 5
    put = s3.put_object(
        Bucket=BUCKET,
        Key="a/ü +&%.bin",
        Body=body,
        ContentType="image/png",
        CacheControl="max-age=1",
        ContentDisposition="inline",
        ContentEncoding="identity",
        ContentLanguage="de",
        Metadata={"Artist": "me"},
    )
    got = s3.get_object(Bucket=BUCKET, Key="a/ü +&%.bin")
    assert got["Body"].read() == body
    assert put["ETag"] == got["ETag"] == f'"{_md5(body).hexdigest()}"'
    assert got["Metadata"] == {"artist": "me"}
    assert (got["ContentType"], got["CacheControl"], got["ContentDisposition"]) == (
        "image/png",
        "max-age=1",
        "inline",
    )
    assert (got["ContentEncoding"], got["ContentLanguage"]) == ("identity", "de")
    assert got["ContentLength"] == len(body)
    head = s3.head_object(Bucket=BUCKET, Key="a/ü +&%.bin")
    assert head["ContentLength"] == len(body)
    assert head["LastModified"] == got["LastModified"]
    assert head["ServerSideEncryption"] == "AES256"


def test_missing_things_have_s3s_codes(s3, refusal):
    assert refusal(s3.get_object, Bucket=BUCKET, Key="no") == ("NoSuchKey", 404)
    assert refusal(s3.get_object, Bucket="nope", Key="no") == ("NoSuchBucket", 404)
    assert refusal(s3.head_object, Bucket=BUCKET, Key="no") == ("404", 404)
    assert s3.delete_object(Bucket=BUCKET, Key="no")["ResponseMetadata"]["HTTPStatusCode"] == 204


@pytest.mark.fidelity(
    area="S3",
    feature="Errors as XML with details, RequestId and HostId",
    source="https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html",
)
def test_error_documents_carry_details_and_ids(server, s3):
    with pytest.raises(ClientError) as caught:
        s3.get_object(Bucket=BUCKET, Key="gone")
    response = caught.value.response
    assert response["Error"]["Key"] == "gone"
    assert response["ResponseMetadata"]["RequestId"]
    assert response["ResponseMetadata"]["HostId"]
    assert response["ResponseMetadata"]["HTTPHeaders"]["x-amz-request-id"]


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [("bytes=0-9", 0, 10), ("bytes=5-", 5, 100), ("bytes=-7", 93, 100), ("bytes=90-500", 90, 100)],
)
@pytest.mark.fidelity(
    area="S3",
    feature="Range reads",
    source="https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html",
)
def test_ranges(s3, asked, start, stop):
    body = bytes(range(100))
    s3.put_object(Bucket=BUCKET, Key="r", Body=body)
    got = s3.get_object(Bucket=BUCKET, Key="r", Range=asked)
    assert got["Body"].read() == body[start:stop]
    assert got["ContentRange"] == f"bytes {start}-{stop - 1}/100"
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206


@pytest.mark.parametrize("asked", ["bytes=9-3", "lines=1-2", "bytes=-", "bytes=1-2,4-5"])
def test_a_range_without_sense_is_ignored(s3, asked):
    s3.put_object(Bucket=BUCKET, Key="r", Body=b"0123456789")
    got = s3.get_object(Bucket=BUCKET, Key="r", Range=asked)
    assert got["Body"].read() == b"0123456789"
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert "ContentRange" not in got


def test_a_range_behind_the_end_is_refused(s3, refusal):
    s3.put_object(Bucket=BUCKET, Key="r", Body=b"0123456789")
    answer = refusal(s3.get_object, Bucket=BUCKET, Key="r", Range="bytes=10-")
    assert answer == ("InvalidRange", 416)
    assert refusal(s3.get_object, Bucket=BUCKET, Key="r", Range="bytes=-0")[1] == 416


@pytest.mark.fidelity(
    area="S3",
    feature="Conditional reads",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-reads.html",
)
def test_conditional_reads(s3, refusal):
    etag = s3.put_object(Bucket=BUCKET, Key="c", Body=b"x")["ETag"]
    at = s3.head_object(Bucket=BUCKET, Key="c")["LastModified"]
    later, earlier = at + timedelta(minutes=1), at - timedelta(minutes=1)
    named = {"Bucket": BUCKET, "Key": "c"}
    assert s3.get_object(**named, IfMatch=etag)["Body"].read() == b"x"
    assert refusal(s3.get_object, **named, IfMatch='"0"') == ("PreconditionFailed", 412)
    assert refusal(s3.get_object, **named, IfNoneMatch=etag) == ("304", 304)
    assert refusal(s3.head_object, **named, IfNoneMatch="*") == ("304", 304)
    assert s3.get_object(**named, IfNoneMatch='"0"')["Body"].read() == b"x"
    assert refusal(s3.get_object, **named, IfModifiedSince=at) == ("304", 304)
    assert s3.get_object(**named, IfModifiedSince=earlier)["Body"].read() == b"x"
    assert refusal(s3.get_object, **named, IfUnmodifiedSince=earlier)[1] == 412
    # If-Match beats If-Unmodified-Since, If-None-Match beats If-Modified-Since.
    assert s3.head_object(**named, IfMatch=etag, IfUnmodifiedSince=earlier)["ETag"] == etag
    assert s3.head_object(**named, IfNoneMatch='"0"', IfModifiedSince=later)["ETag"] == etag


def test_a_304_has_the_etag_and_no_body(server, s3):
    etag = s3.put_object(Bucket=BUCKET, Key="c", Body=b"x")["ETag"]
    url = s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "c"})
    answer = httpx.get(url, headers={"If-None-Match": etag})
    assert (answer.status_code, answer.headers["etag"], answer.content) == (304, etag, b"")


def test_response_overrides(s3):
    s3.put_object(Bucket=BUCKET, Key="o", Body=b"x", ContentType="a/b")
    got = s3.get_object(
        Bucket=BUCKET,
        Key="o",
        ResponseContentType="text/plain",
        ResponseContentDisposition='attachment; filename="x.txt"',
        ResponseCacheControl="no-store",
    )
    assert got["Body"].read() == b"x"
    assert got["ContentType"] == "text/plain"
    assert got["ContentDisposition"] == 'attachment; filename="x.txt"'
    assert got["CacheControl"] == "no-store"


def test_large_bodies_spool_to_files_and_stream_back(server, s3):
    body = bytes(range(256)) * 4096 * 5  # 5 MiB
    s3.put_object(Bucket=BUCKET, Key="big", Body=body)
    entry = server.run(server.service.read_entry(BUCKET, "big"))
    assert entry.body.path.exists()
    assert s3.get_object(Bucket=BUCKET, Key="big")["Body"].read() == body
    part = s3.get_object(Bucket=BUCKET, Key="big", Range="bytes=1000000-3500000")["Body"].read()
    assert part == body[1000000:3500001]
    file = entry.body.path
    s3.put_object(Bucket=BUCKET, Key="big", Body=b"small")
    assert not file.exists()
    s3.upload_fileobj(io.BytesIO(body[:100]), BUCKET, "file")
    assert s3.get_object(Bucket=BUCKET, Key="file")["Body"].read() == body[:100]


def test_a_reader_of_a_replaced_body_sees_the_old_one_whole(server, s3):
    old, new = b"o" * 4_000_000, b"n" * 4_000_000
    s3.put_object(Bucket=BUCKET, Key="big", Body=old)
    stream = s3.get_object(Bucket=BUCKET, Key="big")["Body"]
    first = stream.read(1000)
    s3.put_object(Bucket=BUCKET, Key="big", Body=new)
    assert first + stream.read() == old


def test_limits(s3, refusal):
    put = s3.put_object
    assert refusal(put, Bucket=BUCKET, Key="k" * 1025, Body=b"")[0] == "KeyTooLongError"
    put(Bucket=BUCKET, Key="k" * 1024, Body=b"")
    big = {"a": "x" * 2048}
    assert refusal(put, Bucket=BUCKET, Key="m", Body=b"", Metadata=big)[0] == "MetadataTooLarge"
    put(Bucket=BUCKET, Key="m", Body=b"", Metadata={"a": "x" * 2047})


@pytest.mark.fidelity(
    area="S3",
    feature="SSE-KMS, SSE-C, storage classes beyond STANDARD, object lock",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingEncryption.html",
    verdict="refused",
)
def test_what_is_not_supported_is_refused_by_name(s3, refusal):
    named = {"Bucket": BUCKET, "Key": "n", "Body": b""}
    for extra in (
        {"ServerSideEncryption": "aws:kms"},
        {"StorageClass": "GLACIER"},
        {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": datetime.now(UTC)},
        {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32},
        {"GrantRead": "id=1"},
        {"ChecksumAlgorithm": "XXHASH64", "ChecksumXXHASH64": "AAAAAAAAAAA="},
    ):
        try:
            code, status = refusal(s3.put_object, **named, **extra)
        except ValueError:
            continue  # boto3 itself refuses a customer's key over plain HTTP
        assert (code, status) == ("NotSupportedByEmulator", 400), extra
    answer = refusal(s3.put_object, **named, ACL="public-read")
    assert answer == ("AccessControlListNotSupported", 400)
    assert s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0


def test_delete_many(s3):
    for number in range(5):
        s3.put_object(Bucket=BUCKET, Key=f"d{number}", Body=b"")
    etag = s3.head_object(Bucket=BUCKET, Key="d4")["ETag"]
    answer = s3.delete_objects(
        Bucket=BUCKET,
        Delete={
            "Objects": [
                {"Key": "d0"},
                {"Key": "never"},
                {"Key": "d3", "ETag": '"0"'},
                {"Key": "d4", "ETag": etag},
            ]
        },
    )
    assert [row["Key"] for row in answer["Deleted"]] == ["d0", "never", "d4"]
    assert [(row["Key"], row["Code"]) for row in answer["Errors"]] == [("d3", "PreconditionFailed")]
    left = [row["Key"] for row in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert left == ["d1", "d2", "d3"]
    quiet = s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": "d1"}], "Quiet": True})
    assert "Deleted" not in quiet


def test_copy(s3, refusal):
    s3.put_object(
        Bucket=BUCKET, Key="from +ü", Body=b"data", Metadata={"a": "1"}, ContentType="x/y"
    )
    s3.create_bucket(Bucket="other")
    source = {"Bucket": BUCKET, "Key": "from +ü"}
    copied = s3.copy_object(Bucket="other", Key="to", CopySource=source)
    assert copied["CopyObjectResult"]["ETag"] == f'"{_md5(b"data").hexdigest()}"'
    got = s3.get_object(Bucket="other", Key="to")
    assert (got["Body"].read(), got["Metadata"], got["ContentType"]) == (
        b"data",
        {"a": "1"},
        "x/y",
    )
    s3.copy_object(
        Bucket="other",
        Key="to",
        CopySource=source,
        MetadataDirective="REPLACE",
        Metadata={"b": "2"},
        ContentType="p/q",
    )
    got = s3.head_object(Bucket="other", Key="to")
    assert (got["Metadata"], got["ContentType"]) == ({"b": "2"}, "p/q")
    itself = {"Bucket": BUCKET, "Key": "from +ü", "CopySource": source}
    assert refusal(s3.copy_object, **itself)[0] == "InvalidRequest"
    missing = {"Bucket": BUCKET, "Key": "nope"}
    assert refusal(s3.copy_object, Bucket="other", Key="x", CopySource=missing)[0] == "NoSuchKey"
    target = {"Bucket": "other", "Key": "x", "CopySource": source}
    assert refusal(s3.copy_object, **target, CopySourceIfMatch='"0"')[1] == 412
    etag = copied["CopyObjectResult"]["ETag"]
    assert refusal(s3.copy_object, **target, CopySourceIfNoneMatch=etag)[1] == 412
    old = datetime.now(UTC) - timedelta(days=1)
    assert refusal(s3.copy_object, **target, CopySourceIfUnmodifiedSince=old)[1] == 412
    assert refusal(s3.head_object, Bucket="other", Key="x")[1] == 404


def test_a_large_copy_keeps_its_checksum(s3):
    body = b"z" * 3_000_000
    s3.put_object(Bucket=BUCKET, Key="a", Body=body, ChecksumAlgorithm="SHA256")
    s3.copy_object(Bucket=BUCKET, Key="b", CopySource=f"{BUCKET}/a")
    got = s3.get_object(Bucket=BUCKET, Key="b", ChecksumMode="ENABLED")
    assert got["Body"].read() == body
    first = s3.head_object(Bucket=BUCKET, Key="a", ChecksumMode="ENABLED")
    assert got["ChecksumSHA256"] == first["ChecksumSHA256"]


def test_tags_and_attributes(s3, refusal):
    s3.put_object(Bucket=BUCKET, Key="t", Body=b"12", Tagging="a=1&b=%C3%BC")
    tags = s3.get_object_tagging(Bucket=BUCKET, Key="t")["TagSet"]
    assert tags == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "ü"}]
    assert (
        s3.head_object(Bucket=BUCKET, Key="t")["ResponseMetadata"]["HTTPHeaders"][
            "x-amz-tagging-count"
        ]
        == "2"
    )
    s3.put_object_tagging(Bucket=BUCKET, Key="t", Tagging={"TagSet": [{"Key": "c", "Value": ""}]})
    assert s3.get_object_tagging(Bucket=BUCKET, Key="t")["TagSet"] == [{"Key": "c", "Value": ""}]
    s3.delete_object_tagging(Bucket=BUCKET, Key="t")
    assert s3.get_object_tagging(Bucket=BUCKET, Key="t")["TagSet"] == []
    many = {"TagSet": [{"Key": str(n), "Value": ""} for n in range(11)]}
    assert refusal(s3.put_object_tagging, Bucket=BUCKET, Key="t", Tagging=many)[0] == "BadRequest"
    got = s3.get_object_attributes(
        Bucket=BUCKET, Key="t", ObjectAttributes=["ETag", "ObjectSize", "Checksum", "StorageClass"]
    )
    assert got["ETag"] == _md5(b"12").hexdigest()
    assert (got["ObjectSize"], got["StorageClass"]) == (2, "STANDARD")
    assert got["Checksum"]["ChecksumCRC32"]


def test_acl_says_the_owner_has_full_control(s3, refusal):
    s3.put_object(Bucket=BUCKET, Key="t", Body=b"")
    for answer in (s3.get_object_acl(Bucket=BUCKET, Key="t"), s3.get_bucket_acl(Bucket=BUCKET)):
        (grant,) = answer["Grants"]
        assert grant["Permission"] == "FULL_CONTROL"
        assert grant["Grantee"]["ID"] == answer["Owner"]["ID"]
        assert grant["Grantee"]["Type"] == "CanonicalUser"
    answer = refusal(s3.put_object_acl, Bucket=BUCKET, Key="t", ACL="public-read")
    assert answer == ("AccessControlListNotSupported", 400)


def test_sub_resources_that_are_not_there_are_refused_by_name(s3, refusal):
    s3.put_object(Bucket=BUCKET, Key="t", Body=b"")
    for call in (s3.get_object_legal_hold, s3.get_object_retention, s3.get_object_torrent):
        assert refusal(call, Bucket=BUCKET, Key="t") == ("NotSupportedByEmulator", 400)


def test_in_process_calls_take_and_give_bytes(server, s3):
    server.call("PutObject", Bucket=BUCKET, Key="j", Body={"a": "ü"}, ContentType="text/json")
    got = server.call("GetObject", Bucket=BUCKET, Key="j")
    assert got["Body"] == '{"a":"ü"}'.encode()
    assert isinstance(got["LastModified"], float)
    listed = server.call("ListObjectsV2", Bucket=BUCKET)
    assert [row["Key"] for row in listed["Contents"]] == ["j"]
    head = server.call("HeadObject", Bucket=BUCKET, Key="j", ChecksumMode="ENABLED")
    assert head["ChecksumCRC64NVME"]
    for operation, params in (
        ("PutObject", {"Bucket": BUCKET, "Key": "j", "Body": b"", "ObjectLockMode": "x"}),
        ("SelectObjectContent", {"Bucket": BUCKET, "Key": "j"}),
    ):
        with pytest.raises(AwsError) as caught:
            server.call(operation, **params)
        assert caught.value.code == "NotSupportedByEmulator"


@pytest.mark.parametrize(
    ("operation", "params", "code"),
    [
        ("PutObject", {"Key": "k", "Body": 7}, "InvalidArgument"),
        ("PutObject", {"Key": 7, "Body": b""}, "InvalidArgument"),
        ("PutObject", {"Key": "\ud800", "Body": b""}, "InvalidURI"),
        ("PutObject", {"Key": "k", "Body": b"", "IfMatch": 3}, "InvalidArgument"),
        ("ListObjectsV2", {"Prefix": 1}, "InvalidArgument"),
        ("ListObjectsV2", {"MaxKeys": "many"}, "InvalidArgument"),
        ("DeleteObjects", {"Delete": {"Objects": "k"}}, "MalformedXML"),
        ("DeleteObjects", {"Delete": {"Objects": []}}, "MalformedXML"),
        ("PutObjectTagging", {"Key": "k", "Tagging": {"TagSet": [{"Key": "a"}]}}, "MalformedXML"),
        ("GetObject", {"Key": "k", "IfModifiedSince": "soon"}, "InvalidArgument"),
        ("GetObject", {"Key": "k", "PartNumber": "x"}, "InvalidArgument"),
        ("PutObject", {"Key": "k", "Body": b"", "ServerSideEncryption": "x"}, "InvalidArgument"),
        ("PutObject", {"Key": "k", "Body": b"", "StorageClass": "x"}, "InvalidStorageClass"),
        ("PutObject", {"Key": "k", "Body": b"", "Tagging": "a=1&a=2"}, "InvalidArgument"),
        ("PutObject", {"Key": "k", "Body": b"", "Tagging": "aws:a=1"}, "InvalidTag"),
        ("CopyObject", {"Key": "k", "CopySource": "nothing"}, "InvalidArgument"),
    ],
)
def test_in_process_arguments_that_make_no_sense(server, s3, operation, params, code):
    server.call("PutObject", Bucket=BUCKET, Key="k", Body="there")
    with pytest.raises(AwsError) as caught:
        server.call(operation, Bucket=BUCKET, **params)
    assert caught.value.code == code
