"""Signatures: what was signed is what is done, for as long as it was signed for."""

import re
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import httpx
import pytest
from botocore.exceptions import ClientError

BUCKET = "pictures"
ROLE = "arn:aws:iam::000000000000:role/nst-task"


def _code(answer):
    found = re.search(r"<Code>(\w+)</Code>", answer.text)
    return answer.status_code, found[1] if found else None


def _presign(s3, operation="get_object", expires=3600, **params):
    named = {"Bucket": BUCKET, "Key": "k", **params}
    return s3.generate_presigned_url(operation, Params=named, ExpiresIn=expires)


def _change(url, **values):
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    for name, value in values.items():
        parameter = name.replace("_", "-")
        if value is None:
            query.pop(parameter)
        else:
            query[parameter] = value
    return urlunsplit(parts._replace(query=urlencode(query)))


@pytest.fixture(autouse=True)
def _object(s3):
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"secret")


@pytest.mark.fidelity(
    area="S3",
    feature="Signature version 4 in headers",
    source="https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html",
)
def test_header_signatures(server, s3, refusal):
    wrong = server.client(aws_secret_access_key="guess")
    answer = refusal(wrong.get_object, Bucket=BUCKET, Key="k")
    assert answer == ("SignatureDoesNotMatch", 403)
    unknown = server.client(aws_access_key_id="AKIAUNKNOWN")
    answer = refusal(unknown.get_object, Bucket=BUCKET, Key="k")
    assert answer == ("InvalidAccessKeyId", 403)
    assert server.client().get_object(Bucket=BUCKET, Key="k")["Body"].read() == b"secret"


@pytest.mark.fidelity(
    area="S3",
    feature="RequestTimeTooSkewed beyond 15 minutes",
    source="https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html",
)
def test_a_header_signature_is_for_now(server, s3, refusal):
    server.clock.advance(14 * 60)
    s3.head_object(Bucket=BUCKET, Key="k")
    server.clock.advance(2 * 60)
    assert refusal(s3.get_object, Bucket=BUCKET, Key="k") == ("RequestTimeTooSkewed", 403)


def test_anonymous_requests_are_refused(server):
    assert _code(httpx.get(f"{server.url}/{BUCKET}/k")) == (403, "AccessDenied")
    assert _code(httpx.put(f"{server.url}/{BUCKET}/x", content=b"")) == (403, "AccessDenied")
    assert _code(httpx.delete(f"{server.url}/{BUCKET}/k")) == (403, "AccessDenied")
    assert _code(httpx.get(f"{server.url}/{BUCKET}")) == (403, "AccessDenied")
    assert _code(httpx.get(server.url)) == (403, "AccessDenied")


def test_presigned_requests_do_what_was_signed(server, s3):
    assert httpx.get(_presign(s3)).content == b"secret"
    assert httpx.head(_presign(s3, "head_object")).status_code == 200
    assert httpx.put(_presign(s3, "put_object", Key="new"), content=b"x").status_code == 200
    assert s3.get_object(Bucket=BUCKET, Key="new")["Body"].read() == b"x"
    assert httpx.delete(_presign(s3, "delete_object", Key="new")).status_code == 204


def test_a_presigned_url_tampered_with_in_any_part_is_refused(server, s3):
    url = _presign(s3)
    mismatch = (403, "SignatureDoesNotMatch")
    assert _code(httpx.get(url.replace("/k?", "/other?"))) == mismatch
    assert _code(httpx.get(url.replace(f"/{BUCKET}/", "/elsewhere/"))) == mismatch
    assert _code(httpx.put(url, content=b"evil")) == mismatch
    assert _code(httpx.get(_change(url, X_Amz_Expires="604800"))) == mismatch
    assert _code(httpx.get(_change(url, X_Amz_Signature="0" * 64))) == mismatch
    assert _code(httpx.get(url + "&versionId=null")) == mismatch
    assert _code(httpx.get(url + "&response-content-type=text%2Fhtml")) == mismatch
    assert _code(httpx.get(url, headers={"host": "evil.example"})) == mismatch
    missing = _change(url, X_Amz_Date=None)
    assert _code(httpx.get(missing)) == (400, "AuthorizationQueryParametersError")
    unknown = _change(url, X_Amz_Credential="AKIANO/20260101/us-east-1/s3/aws4_request")
    assert httpx.get(unknown).status_code == 400  # the date no longer fits
    other_key = url.replace("Credential=test%2F", "Credential=AKIANO%2F")
    assert _code(httpx.get(other_key)) == (403, "InvalidAccessKeyId")
    assert s3.get_object(Bucket=BUCKET, Key="k")["Body"].read() == b"secret"


def test_signed_headers_must_be_sent_as_signed(server, s3):
    url = _presign(s3, "put_object", Key="t", ContentType="image/png")
    assert httpx.put(url, content=b"", headers={"Content-Type": "image/png"}).status_code == 200
    answer = httpx.put(url, content=b"", headers={"Content-Type": "text/html"})
    assert _code(answer) == (403, "SignatureDoesNotMatch")


def test_amz_headers_that_were_not_signed_are_refused(server, s3):
    url = _presign(s3, "put_object", Key="t")
    answer = httpx.put(url, content=b"", headers={"x-amz-meta-by": "stranger"})
    assert _code(answer) == (403, "AccessDenied")
    assert "x-amz-meta-by" in answer.text


@pytest.mark.fidelity(
    area="S3",
    feature="Presigned URLs expire",
    source="https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html",
)
def test_a_presigned_url_expires_on_the_emulators_clock(server, s3):
    url = _presign(s3, expires=60)
    server.clock.advance(58)
    assert httpx.get(url).status_code == 200
    server.clock.advance(4)
    answer = httpx.get(url)
    assert _code(answer) == (403, "AccessDenied")
    assert "<Message>Request has expired</Message>" in answer.text
    assert "<X-Amz-Expires>60</X-Amz-Expires>" in answer.text


@pytest.mark.parametrize("seconds", ["0", "-1", "604801", "x", "1e3", "²"])
def test_lifetimes_from_one_second_to_a_week(server, s3, seconds):
    answer = httpx.get(_change(_presign(s3), X_Amz_Expires=seconds))
    assert _code(answer) == (400, "AuthorizationQueryParametersError")


def test_a_week_is_allowed(server, s3):
    assert httpx.get(_presign(s3, expires=604800)).status_code == 200


def test_a_url_signed_in_the_future_is_not_valid_yet(server, s3):
    url = _presign(s3)
    server.clock.advance(-3600)
    assert "not valid yet" in httpx.get(url).text


def test_sessions(server, s3, refusal):
    session = server.credentials.issue_session(ROLE, "run", 600)
    keys = {"aws_access_key_id": session.access_key, "aws_secret_access_key": session.secret}
    client = server.client(**keys, aws_session_token=session.token)
    assert client.get_object(Bucket=BUCKET, Key="k")["Body"].read() == b"secret"
    url = _presign(client, expires=86400)
    assert httpx.get(url).status_code == 200
    tampered = _change(url, X_Amz_Security_Token="other")
    assert _code(httpx.get(tampered)) == (400, "InvalidToken")
    without = server.client(**keys)
    assert refusal(without.get_object, Bucket=BUCKET, Key="k") == ("InvalidAccessKeyId", 403)
    server.clock.advance(599)
    assert httpx.get(url).status_code == 200
    server.clock.advance(2)
    assert _code(httpx.get(url)) == (400, "ExpiredToken")
    assert refusal(client.get_object, Bucket=BUCKET, Key="k") == ("ExpiredToken", 400)


def test_a_token_beside_a_long_term_key_is_refused(server, refusal):
    client = server.client(aws_session_token="anything")
    assert refusal(client.get_object, Bucket=BUCKET, Key="k") == ("InvalidToken", 400)


@pytest.mark.fidelity(
    area="S3",
    feature="Signature version 2 is refused, as for every bucket made since June 2020",
    source="https://docs.aws.amazon.com/AmazonS3/latest/API/Appendix-Sigv2.html",
)
def test_signature_version_2_is_refused(server, refusal):
    old = server.client(config={"signature_version": "s3"})
    assert refusal(old.get_object, Bucket=BUCKET, Key="k") == ("InvalidRequest", 400)
    url = old.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "k"})
    assert "Signature=" in url
    assert _code(httpx.get(url)) == (400, "InvalidRequest")


def test_two_signatures_at_once_are_refused(server, s3):
    answer = httpx.get(_presign(s3), headers={"Authorization": "AWS4-HMAC-SHA256 x"})
    assert _code(answer) == (400, "InvalidArgument")


@pytest.mark.parametrize(
    "value",
    ["", "Basic abc", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host",
     "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=0"],
)  # fmt: skip
def test_broken_authorization_headers_are_a_400(server, value):
    headers = {"Authorization": value, "x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
    assert httpx.get(f"{server.url}/{BUCKET}/k", headers=headers).status_code == 400


def test_a_body_other_than_the_signed_one_is_refused(server, s3):
    seen = {}

    def capture(request, **_):
        seen["headers"] = dict(request.headers.items())

    s3.meta.events.register("before-send.s3.PutObject", capture)
    s3.put_object(Bucket=BUCKET, Key="b", Body=b"signed")
    headers = {
        k: v.decode() if isinstance(v, bytes) else v
        for k, v in seen["headers"].items()
        if k.lower() not in {"expect", "content-length"}
    }
    answer = httpx.put(f"{server.url}/{BUCKET}/b", content=b"forged", headers=headers)
    assert _code(answer) == (400, "XAmzContentSHA256Mismatch")
    assert s3.get_object(Bucket=BUCKET, Key="b")["Body"].read() == b"signed"


def test_odd_keys_are_signed_as_they_are(s3, server):
    for key in ("a b", "a+b", "a%20b", "ü/é", "a//b", "~x", "a=b&c", "./x", "a/../b", "x'(1)*!"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=key.encode())
        assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == key.encode()
        url = _presign(s3, Key=key)
        if ".." not in key and "./" not in key:  # httpx would resolve the dots
            assert httpx.get(url).content == key.encode(), key


def test_the_mismatch_says_what_was_signed_here(server):
    with pytest.raises(ClientError) as caught:
        server.client(aws_secret_access_key="guess").get_object(Bucket=BUCKET, Key="k")
    error = caught.value.response["Error"]
    assert error["CanonicalRequest"].startswith(f"GET\n/{BUCKET}/k\n")
    assert error["StringToSign"].startswith("AWS4-HMAC-SHA256\n")
