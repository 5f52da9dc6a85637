"""Presigned URLs: every part of what was signed is changed in turn, and nothing gets through."""

import httpx
import pytest

from tests.unit.s3.access_matrix import (
    BAD_QUERY,
    BUCKET,
    DENIED,
    ERRORS,
    MISMATCH,
    NAMED,
    QUERY_AUTH,
    ROLE,
    code,
    query,
)


def _scope(place, value):
    """Change one part of the credential's scope: key, date, region, service, ending."""

    def change(credential):
        parts = credential.split("/")
        parts[place] = value
        return "/".join(parts)

    return query(X_Amz_Credential=change)


SIGNED = {
    "get": ("get_object", "GET", {}),
    "head": ("head_object", "HEAD", {}),
    "put": ("put_object", "PUT", {"ContentType": "image/png"}),
    "delete": ("delete_object", "DELETE", {}),
    "list": ("list_objects_v2", "GET", {}),
    "part": ("upload_part", "PUT", {"UploadId": "none", "PartNumber": 1}),
}
TAMPERED = {
    "another key": (lambda url: url.replace("/k?", "/other?"), MISMATCH),
    "a longer key": (lambda url: url.replace("/k?", "/k/..%2fother?"), MISMATCH),
    "another bucket": (lambda url: url.replace(f"/{BUCKET}", "/elsewhere", 1), MISMATCH),
    "a longer life": (query(X_Amz_Expires="604800"), MISMATCH),
    "a shorter life": (query(X_Amz_Expires="59"), MISMATCH),
    "a life beyond a week": (query(X_Amz_Expires="604801"), BAD_QUERY),
    "no life": (query(X_Amz_Expires=None), BAD_QUERY),
    "another date": (query(X_Amz_Date="20200101T000000Z"), BAD_QUERY),
    "a date that is none": (query(X_Amz_Date="today"), BAD_QUERY),
    "no date": (query(X_Amz_Date=None), BAD_QUERY),
    "another signature": (query(X_Amz_Signature="0" * 64), MISMATCH),
    "half a signature": (query(X_Amz_Signature=lambda s: s[:32]), MISMATCH),
    "a signature in capitals": (query(X_Amz_Signature=str.upper), MISMATCH),
    "no signature": (query(X_Amz_Signature=None), BAD_QUERY),
    "another key id": (_scope(0, "AKIAUNKNOWN"), (403, "InvalidAccessKeyId")),
    "another day": (_scope(1, "20200101"), BAD_QUERY),
    "another region": (_scope(2, "eu-west-1"), BAD_QUERY),
    "another service": (_scope(3, "ec2"), BAD_QUERY),
    "another ending": (_scope(4, "aws3_request"), BAD_QUERY),
    "no credential": (query(X_Amz_Credential=None), BAD_QUERY),
    "another algorithm": (query(X_Amz_Algorithm="AWS4-HMAC-SHA1"), BAD_QUERY),
    "no signed headers": (query(X_Amz_SignedHeaders=None), BAD_QUERY),
    "the host not signed": (query(X_Amz_SignedHeaders="date"), DENIED),
    "one more parameter": (query(versionId="null"), MISMATCH),
    "an ACL": (query(x_amz_acl="public-read"), MISMATCH),
    "a body's digest": (query(X_Amz_Content_Sha256="0" * 64), MISMATCH),
    "a session's token": (query(X_Amz_Security_Token="x"), (400, "InvalidToken")),
}
"""What is changed -> how, and what S3 answers."""


@pytest.fixture(autouse=True)
def _object(s3):
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"secret")
    s3.create_bucket(Bucket="elsewhere")


@pytest.mark.fidelity(
    area="S3",
    feature="A presigned URL is refused when any part of it is changed",
    source=QUERY_AUTH,
)
@pytest.mark.parametrize("changed", TAMPERED)
def test_a_presigned_url_changed_in_any_part_is_refused(server, s3, changed):
    change, expected = TAMPERED[changed]
    tried = 0
    for name, (call, method, params) in SIGNED.items():
        named = {"Bucket": BUCKET, **params} if name == "list" else {**NAMED, **params}
        url = s3.generate_presigned_url(call, Params=named, ExpiresIn=60)
        tampered = change(url)
        if tampered == url:
            continue
        headers = {"Content-Type": "image/png"} if name == "put" else {}
        answer = httpx.request(method, tampered, headers=headers)
        if method == "HEAD":
            assert answer.status_code == expected[0], name
        else:
            assert code(answer) == expected, name
        tried += 1
    # A listing has no key to change.
    assert tried == len(SIGNED) - ("key" in changed and "id" not in changed)
    assert s3.get_object(**NAMED)["Body"].read() == b"secret"
    assert s3.list_objects_v2(Bucket="elsewhere")["KeyCount"] == 0


@pytest.mark.fidelity(
    area="S3",
    feature="A presigned URL is for one method",
    source=QUERY_AUTH,
)
@pytest.mark.parametrize("signed", ["get", "head", "put", "delete"])
def test_a_presigned_url_is_for_the_method_it_was_signed_for(server, s3, signed):
    call, method, params = SIGNED[signed]
    url = s3.generate_presigned_url(call, Params={**NAMED, **params}, ExpiresIn=60)
    headers = {"Content-Type": "image/png"} if signed == "put" else {}
    for used in ("GET", "HEAD", "PUT", "DELETE"):
        answer = httpx.request(used, url, headers=headers)
        expected = {"DELETE": 204}.get(used, 200) if used == method else 403
        assert answer.status_code == expected, used


@pytest.mark.fidelity(
    area="S3",
    feature="A header that was signed must be sent as signed; an x-amz- header must be signed",
    source=QUERY_AUTH,
)
@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"Content-Type": "image/png"}, (200, None)),
        ({"Content-Type": "image/png", "User-Agent": "another"}, (200, None)),
        ({}, MISMATCH),
        ({"Content-Type": "text/html"}, MISMATCH),
        ({"Content-Type": "image/png", "x-amz-meta-by": "a stranger"}, DENIED),
        ({"Content-Type": "image/png", "x-amz-tagging": "a=b"}, DENIED),
        ({"Content-Type": "image/png", "x-amz-acl": "public-read"}, DENIED),
        ({"Content-Type": "image/png", "x-amz-copy-source": f"{BUCKET}/k"}, DENIED),
        ({"Content-Type": "image/png", "Host": "evil.example"}, MISMATCH),
    ],
)
def test_headers_of_a_presigned_put(server, s3, sent, expected):
    params = {"Bucket": BUCKET, "Key": "new", "ContentType": "image/png"}
    url = s3.generate_presigned_url("put_object", Params=params, ExpiresIn=60)
    assert code(httpx.put(url, content=b"x", headers=sent)) == expected


@pytest.mark.fidelity(
    area="S3",
    feature="A signature for another region than the bucket's is refused with the right region",
    source=ERRORS,
    note="one endpoint answers for all regions; AWS's regional endpoints redirect besides",
)
def test_a_signature_is_for_the_buckets_region(server, s3):
    url = server.client(region_name="eu-west-1").generate_presigned_url(
        "get_object", Params={"Bucket": BUCKET, "Key": "k"}
    )
    answer = httpx.get(url)
    assert code(answer) == BAD_QUERY
    assert "the region 'eu-west-1' is wrong; expecting 'us-east-1'" in answer.text
    assert "<Region>us-east-1</Region>" in answer.text
    post = server.client(region_name="eu-west-1").generate_presigned_post(BUCKET, "new")
    sent = httpx.post(post["url"], data=post["fields"], files={"file": b"x"})
    assert code(sent) == BAD_QUERY
    seen = []
    abroad = server.client(region_name="eu-west-1", config={"retries": {"max_attempts": 2}})
    abroad.meta.events.register(
        "before-parse.s3", lambda response_dict, **_: seen.append(response_dict["status_code"])
    )
    # The SDK takes the region from the error, as it does on AWS, and signs again.
    assert abroad.head_object(Bucket=BUCKET, Key="k")["ContentLength"] == 6
    assert seen[0] == 400
    assert seen[-1] == 200


@pytest.mark.fidelity(
    area="S3",
    feature="A link that a role has signed dies with the role's session",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html",
)
def test_a_roles_links_and_forms_die_with_its_session(server, s3):
    session = server.credentials.issue_session(ROLE, "run", 600)
    client = server.client(
        aws_access_key_id=session.access_key,
        aws_secret_access_key=session.secret,
        aws_session_token=session.token,
    )
    url = client.generate_presigned_url(
        "get_object", Params={"Bucket": BUCKET, "Key": "k"}, ExpiresIn=3600
    )
    post = client.generate_presigned_post(BUCKET, "up", ExpiresIn=3600)
    token = "X-Amz-Security-Token"
    assert httpx.get(url).status_code == 200
    assert code(httpx.get(query(**{token: "other"})(url))) == (400, "InvalidToken")
    assert code(httpx.get(query(**{token: None})(url))) == (403, "InvalidAccessKeyId")
    server.clock.advance(601)
    assert code(httpx.get(url)) == (400, "ExpiredToken")
    sent = httpx.post(post["url"], data=post["fields"], files={"file": b"x"})
    assert code(sent) == (400, "ExpiredToken")


@pytest.mark.fidelity(
    area="S3",
    feature="A presigned URL ends at its time, whatever it allows",
    source=QUERY_AUTH,
)
@pytest.mark.parametrize("signed", SIGNED)
def test_a_presigned_url_ends_on_time(server, s3, signed):
    call, method, params = SIGNED[signed]
    named = {"Bucket": BUCKET, **params} if signed == "list" else {**NAMED, **params}
    url = s3.generate_presigned_url(call, Params=named, ExpiresIn=60)
    server.clock.advance(61)
    headers = {"Content-Type": "image/png"} if signed == "put" else {}
    answer = httpx.request(method, url, headers=headers)
    assert answer.status_code == 403
    if method != "HEAD":
        assert code(answer) == DENIED
        assert "Request has expired" in answer.text
    assert s3.get_object(**NAMED)["Body"].read() == b"secret"
