"""Conditional writes: If-Match and If-None-Match on put, copy, completion and delete."""

import json
import sys
import threading

import httpx
import pytest
from botocore.exceptions import ClientError

BUCKET = "pictures"
FAILED = ("PreconditionFailed", 412)


@pytest.mark.fidelity(
    area="S3",
    feature="PUT with If-None-Match: * is 412 when the key is there",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html",
)
def test_put_if_none_match(s3, refusal):
    named = {"Bucket": BUCKET, "Key": "k", "IfNoneMatch": "*"}
    s3.put_object(**named, Body=b"1")
    assert refusal(s3.put_object, **named, Body=b"2") == FAILED
    assert s3.get_object(Bucket=BUCKET, Key="k")["Body"].read() == b"1"
    s3.delete_object(Bucket=BUCKET, Key="k")
    s3.put_object(**named, Body=b"3")


@pytest.mark.fidelity(
    area="S3",
    feature="PUT with If-Match: 412 for another ETag, 404 for no object",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html",
)
def test_put_if_match(s3, refusal):
    named = {"Bucket": BUCKET, "Key": "k"}
    missing = refusal(s3.put_object, **named, Body=b"", IfMatch='"0"')
    assert missing == ("NoSuchKey", 404)
    etag = s3.put_object(**named, Body=b"1")["ETag"]
    new = s3.put_object(**named, Body=b"2", IfMatch=etag)["ETag"]
    assert refusal(s3.put_object, **named, Body=b"3", IfMatch=etag) == FAILED
    s3.put_object(**named, Body=b"4", IfMatch=new.strip('"'))
    assert s3.get_object(**named)["Body"].read() == b"4"


def test_the_error_names_the_condition(s3):
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"")
    with pytest.raises(ClientError) as caught:
        s3.put_object(Bucket=BUCKET, Key="k", Body=b"", IfNoneMatch="*")
    assert caught.value.response["Error"]["Condition"] == "If-None-Match"


def test_what_aws_does_not_take(s3, refusal):
    named = {"Bucket": BUCKET, "Key": "k", "Body": b""}
    refused = ("NotImplemented", 501)
    assert refusal(s3.put_object, **named, IfNoneMatch='"abc"') == refused
    assert refusal(s3.put_object, **named, IfMatch="*") == refused
    assert refusal(s3.put_object, **named, IfMatch='"a"', IfNoneMatch="*") == refused


@pytest.mark.fidelity(
    area="S3",
    feature="CopyObject with conditions on the target",
    source="https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html",
)
def test_copy_with_conditions_on_the_target(s3, refusal):
    s3.put_object(Bucket=BUCKET, Key="from", Body=b"data")
    copy = {"Bucket": BUCKET, "Key": "to", "CopySource": f"{BUCKET}/from"}
    assert refusal(s3.copy_object, **copy, IfMatch='"0"') == ("NoSuchKey", 404)
    s3.copy_object(**copy, IfNoneMatch="*")
    assert refusal(s3.copy_object, **copy, IfNoneMatch="*") == FAILED
    assert refusal(s3.copy_object, **copy, IfMatch='"0"') == FAILED
    s3.copy_object(**copy, IfMatch=s3.head_object(Bucket=BUCKET, Key="to")["ETag"])


@pytest.mark.fidelity(
    area="S3",
    feature="DELETE with If-Match",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html",
)
def test_delete_if_match(s3, refusal):
    named = {"Bucket": BUCKET, "Key": "k"}
    assert refusal(s3.delete_object, **named, IfMatch="*") == ("NoSuchKey", 404)
    etag = s3.put_object(**named, Body=b"1")["ETag"]
    assert refusal(s3.delete_object, **named, IfMatch='"0"') == FAILED
    s3.delete_object(**named, IfMatch=etag)
    s3.put_object(**named, Body=b"1")
    s3.delete_object(**named, IfMatch="*")
    assert refusal(s3.head_object, **named)[1] == 404


def _upload(s3, key="m"):
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key=key)["UploadId"]
    part = s3.upload_part(Bucket=BUCKET, Key=key, UploadId=upload, PartNumber=1, Body=b"new")
    listed = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    return {"Bucket": BUCKET, "Key": key, "UploadId": upload, "MultipartUpload": listed}


def test_completion_with_conditions(s3, refusal):
    complete = s3.complete_multipart_upload
    etag = complete(**_upload(s3), IfNoneMatch="*")["ETag"]
    assert refusal(complete, **_upload(s3), IfNoneMatch="*") == FAILED
    assert refusal(complete, **_upload(s3), IfMatch='"0"') == FAILED
    complete(**_upload(s3), IfMatch=etag)
    assert refusal(complete, **_upload(s3, "x"), IfMatch=etag) == ("NoSuchKey", 404)


@pytest.mark.fidelity(
    area="S3",
    feature="CompleteMultipartUpload with conditions; 409 ConditionalRequestConflict",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html",
)
def test_completion_conflicts_with_a_write_during_the_upload(s3, refusal):
    etag = s3.put_object(Bucket=BUCKET, Key="m", Body=b"old")["ETag"]
    upload = _upload(s3)
    s3.put_object(Bucket=BUCKET, Key="m", Body=b"old")
    conflict = refusal(s3.complete_multipart_upload, **upload, IfMatch=etag)
    assert conflict == ("ConditionalRequestConflict", 409)
    upload = _upload(s3)
    assert refusal(s3.complete_multipart_upload, **upload, IfNoneMatch="*") == FAILED
    s3.delete_object(Bucket=BUCKET, Key="m")
    conflict = refusal(s3.complete_multipart_upload, **upload, IfNoneMatch="*")
    assert conflict == ("ConditionalRequestConflict", 409)


def test_a_slow_body_is_judged_when_it_is_written(server, s3):
    """The precondition is looked at after the body has come, not before."""
    url = s3.generate_presigned_url(
        "put_object", Params={"Bucket": BUCKET, "Key": "slow", "IfNoneMatch": "*"}
    )
    half = threading.Event()
    written = threading.Event()

    def body():
        yield b"a" * 10
        half.set()
        assert written.wait(30)
        yield b"b" * 10

    answers = []
    headers = {"Content-Length": "20", "If-None-Match": "*"}
    slow = threading.Thread(
        target=lambda: answers.append(httpx.put(url, content=body(), headers=headers, timeout=30))
    )
    slow.start()
    assert half.wait(30)
    s3.put_object(Bucket=BUCKET, Key="slow", Body=b"fast")
    written.set()
    slow.join(30)
    assert answers[0].status_code == 412
    assert s3.get_object(Bucket=BUCKET, Key="slow")["Body"].read() == b"fast"


def test_compare_and_swap_loses_nothing(server, s3):
    threads, increments = 16, 20
    s3.put_object(Bucket=BUCKET, Key="n", Body=b'{"n":0}')
    get = s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "n"})
    put = s3.generate_presigned_url(
        "put_object", Params={"Bucket": BUCKET, "Key": "n", "IfMatch": "-"}
    )
    assert "if-match" in put  # signed, so the value must be the one of the request
    put = s3.generate_presigned_url("put_object", Params={"Bucket": BUCKET, "Key": "n"})
    wrong: list[int] = []

    def work() -> None:
        with httpx.Client(timeout=60) as http:
            for _ in range(increments):
                while True:
                    found = http.get(get)
                    body = json.dumps({"n": found.json()["n"] + 1})
                    answer = http.put(
                        put, content=body, headers={"If-Match": found.headers["etag"]}
                    )
                    if answer.status_code == 200:
                        break
                    if answer.status_code != 412:
                        wrong.append(answer.status_code)
                        return

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        workers = [threading.Thread(target=work) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    finally:
        sys.setswitchinterval(before)
    assert wrong == []
    assert json.loads(s3.get_object(Bucket=BUCKET, Key="n")["Body"].read())["n"] == (
        threads * increments
    )
