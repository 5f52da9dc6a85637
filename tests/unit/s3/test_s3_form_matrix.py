"""Browser forms: a presigned POST holds its policy to the byte, whatever is changed."""

import base64
import hmac
import json

import httpx
import pytest

from emulator.core.sigv4 import signing_key
from tests.unit.s3.access_matrix import (
    BAD_QUERY,
    BUCKET,
    DENIED,
    MISMATCH,
    POST_FORMS,
    POST_POLICY,
    code,
    form,
)


@pytest.fixture(autouse=True)
def _object(s3):
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"secret")
    s3.create_bucket(Bucket="elsewhere")


def _send(post, fields, body=b"picture", url=None):
    files = [(name, (None, value)) for name, value in fields.items()]
    return httpx.post(url or post["url"], files=[*files, ("file", ("a.png", body))])


def _policy(change):
    """Change the policy's document, without signing it again."""

    def changed(text):
        policy = json.loads(base64.b64decode(text))
        change(policy)
        return base64.b64encode(json.dumps(policy).encode()).decode()

    return {"policy": changed}


FORMS = {
    "another key": ({"key": "runs/2/content"}, DENIED),
    "a key with dots": ({"key": "runs/1/../2/content"}, DENIED),
    "a key with a suffix": ({"key": "runs/1/content.html"}, DENIED),
    "a key with a prefix": ({"key": "/runs/1/content"}, DENIED),
    "a key from the file's name": ({"key": "runs/1/${filename}"}, DENIED),
    "another type": ({"Content-Type": "text/html"}, DENIED),
    "a second type": ({"Content-Type": "image/png, text/html"}, DENIED),
    "a type in capitals": ({"Content-Type": "IMAGE/PNG"}, DENIED),
    "no type": ({"Content-Type": None}, DENIED),
    "an ACL": ({"acl": "public-read"}, DENIED),
    "metadata": ({"x-amz-meta-a": "b"}, DENIED),
    "a redirect": ({"success_action_redirect": "https://evil.example"}, DENIED),
    "a status": ({"success_action_status": "201"}, DENIED),
    "tags": ({"tagging": "<Tagging/>"}, DENIED),
    "an encoding": ({"Content-Encoding": "gzip"}, DENIED),
    "a storage class": ({"x-amz-storage-class": "GLACIER"}, DENIED),
    "a field that may be ignored": ({"x-ignore-me": "x"}, (204, None)),
    "a later expiry": (_policy(lambda p: p.update(expiration="2099-01-01T00:00:00Z")), MISMATCH),
    "no conditions": (_policy(lambda p: p.update(conditions=[])), MISMATCH),
    "a larger range": (
        _policy(lambda p: p["conditions"].append(["content-length-range", 0, 10**9])),
        MISMATCH,
    ),
    "a policy that is none": ({"policy": "e30="}, MISMATCH),
    "no policy": ({"policy": None}, (400, "InvalidArgument")),
    "another signature": ({"x-amz-signature": "0" * 64}, MISMATCH),
    "no signature": ({"x-amz-signature": None}, (400, "InvalidArgument")),
    "another date": ({"x-amz-date": "20200101T000000Z"}, BAD_QUERY),
    "no date": ({"x-amz-date": None}, (400, "InvalidArgument")),
    "another algorithm": ({"x-amz-algorithm": "AWS4-HMAC-SHA1"}, (400, "InvalidArgument")),
    "another key id": (
        {"x-amz-credential": lambda text: text.replace("test/", "AKIAUNKNOWN/")},
        (403, "InvalidAccessKeyId"),
    ),
    "another region": (
        {"x-amz-credential": lambda text: text.replace("us-east-1", "eu-west-1")},
        BAD_QUERY,
    ),
    "another service": (
        {"x-amz-credential": lambda text: text.replace("/s3/", "/ec2/")},
        BAD_QUERY,
    ),
    "a version 2 signature beside": ({"signature": "x"}, (400, "InvalidRequest")),
    "no key": ({"key": None}, (400, "InvalidArgument")),
}


@pytest.mark.fidelity(
    area="S3",
    feature="A presigned POST holds its policy to the byte: key, type, fields, size, expiry",
    source=POST_POLICY,
)
@pytest.mark.parametrize("changed", FORMS)
def test_a_form_changed_in_any_part_is_refused(server, s3, changed):
    post = form(s3)
    fields = dict(post["fields"])
    changes, expected = FORMS[changed]
    for name, value in changes.items():
        if value is None:
            del fields[name]
        else:
            fields[name] = value(fields[name]) if callable(value) else value
    assert code(_send(post, fields)) == expected
    if expected[0] != 204:
        assert s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 1
    assert _send(post, post["fields"]).status_code == 204


@pytest.mark.fidelity(
    area="S3",
    feature="content-length-range counts the file's bytes, both ends included",
    source=POST_POLICY,
)
@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, (400, "EntityTooSmall")),
        (1, (204, None)),
        (100, (204, None)),
        (101, (400, "EntityTooLarge")),
        (5_000_000, (400, "EntityTooLarge")),
    ],
)
def test_the_sizes_a_form_allows(server, s3, size, expected):
    post = form(s3)
    assert code(_send(post, post["fields"], b"x" * size)) == expected


@pytest.mark.fidelity(
    area="S3", feature="A form is for one bucket, and ends on time", source=POST_FORMS
)
def test_a_form_is_for_one_bucket_and_ends_on_time(server, s3):
    post = form(s3)
    elsewhere = post["url"].replace(BUCKET, "elsewhere")
    assert code(_send(post, post["fields"], url=elsewhere)) == DENIED
    server.clock.advance(40)
    assert _send(post, post["fields"]).status_code == 204
    server.clock.advance(21)
    answer = _send(post, post["fields"])
    assert code(answer) == DENIED
    assert "Policy expired" in answer.text


@pytest.mark.fidelity(
    area="S3",
    feature="Two fields of one name, or fields after the file, do not get past the policy",
    source=POST_FORMS,
    note="fields behind the file are not read, as AWS documents",
)
def test_doubled_and_late_fields_do_not_get_past_the_policy(server, s3):
    post = form(s3)
    pairs = [(name, (None, value)) for name, value in post["fields"].items()]
    file = ("file", ("a.png", b"picture"))
    doubled = httpx.post(post["url"], files=[*pairs, ("key", (None, "runs/2/content")), file])
    assert doubled.status_code in {400, 403}
    late = httpx.post(post["url"], files=[*pairs, file, ("key", (None, "runs/2/content"))])
    assert late.status_code in {204, 400}
    keys = {found["Key"] for found in s3.list_objects_v2(Bucket=BUCKET)["Contents"]}
    assert keys <= {"k", "runs/1/content"}


def test_a_policy_signed_with_another_secret_is_refused(server, s3):
    post = form(s3)
    date = post["fields"]["x-amz-date"][:8]
    key = signing_key("guess", date, "us-east-1", "s3")
    forged = hmac.digest(key, post["fields"]["policy"].encode(), "sha256").hex()
    assert code(_send(post, {**post["fields"], "x-amz-signature": forged})) == MISMATCH


@pytest.mark.fidelity(
    area="S3",
    feature="A form that is signed with version 2 is refused, like every such request",
    source="https://docs.aws.amazon.com/AmazonS3/latest/API/Appendix-Sigv2.html",
)
def test_a_form_that_is_signed_with_version_2_is_refused(server, s3):
    old = server.client(config={"signature_version": "s3"})
    post = old.generate_presigned_post(BUCKET, "new", ExpiresIn=60)
    assert {"AWSAccessKeyId", "policy", "signature"} <= set(post["fields"])
    answer = _send(post, post["fields"])
    assert code(answer) == (400, "InvalidRequest")
    assert "Please use AWS4-HMAC-SHA256." in answer.text
    assert s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 1
