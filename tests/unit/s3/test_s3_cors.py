"""CORS: the bucket's rules and no others, before any signature, on errors too."""

import re

import httpx
import pytest

BUCKET = "pictures"
WEB = "http://localhost:8080"
RULES = [
    {
        "AllowedOrigins": [WEB, "https://*.nst-art.org"],
        "AllowedMethods": ["GET", "POST"],
        "AllowedHeaders": ["content-type", "x-amz-*"],
        "ExposeHeaders": ["ETag", "Content-Range"],
        "MaxAgeSeconds": 3000,
    },
    {"AllowedOrigins": ["*"], "AllowedMethods": ["HEAD"]},
]


def _code(answer):
    found = re.search(r"<Code>(\w+)</Code>", answer.text)
    return answer.status_code, found[1] if found else None


def _preflight(server, origin, method, headers=None, path=f"/{BUCKET}/k"):
    sent = {"Origin": origin, "Access-Control-Request-Method": method}
    if headers:
        sent["Access-Control-Request-Headers"] = headers
    sent = {name: value for name, value in sent.items() if value is not None}
    return httpx.options(server.url + path, headers=sent)


def _cors_headers(answer):
    return [name for name in answer.headers if name.startswith("access-control-")]


@pytest.fixture
def ruled(s3):
    s3.put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": RULES})
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"data")
    return s3


def test_a_preflight_that_matches(server, ruled):
    answer = _preflight(server, WEB, "POST", "Content-Type, x-amz-meta-a")
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == WEB
    assert answer.headers["access-control-allow-methods"] == "GET, POST"
    assert answer.headers["access-control-allow-headers"] == "content-type, x-amz-meta-a"
    assert answer.headers["access-control-expose-headers"] == "ETag, Content-Range"
    assert answer.headers["access-control-max-age"] == "3000"
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "Origin" in answer.headers["vary"]


@pytest.mark.parametrize(
    ("origin", "method", "headers", "status"),
    [
        (WEB, "GET", None, 200),
        (WEB, "PUT", None, 403),
        (WEB, "DELETE", None, 403),
        (WEB, "GET", "authorization", 403),
        (WEB, "GET", "content-type,authorization", 403),
        ("http://localhost:8081", "GET", None, 403),
        ("https://localhost:8080", "GET", None, 403),
        ("https://a.nst-art.org", "GET", None, 200),
        ("https://a.b.nst-art.org", "GET", None, 200),
        ("https://nst-art.org", "GET", None, 403),
        ("https://a.nst-art.org.evil.example", "GET", None, 403),
        ("null", "GET", None, 403),
        ("https://anyone.example", "HEAD", None, 200),
        ("https://anyone.example", "HEAD", "x-a", 403),
    ],
)
@pytest.mark.fidelity(
    area="S3",
    feature="CORS rules with wildcards",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html",
)
def test_the_matrix(server, ruled, *, origin, method, headers, status):
    answer = _preflight(server, origin, method, headers)
    assert answer.status_code == status
    if status == 403:
        assert _code(answer) == (403, "AccessForbidden")
        assert "CORSResponse: This CORS request is not allowed." in answer.text
        assert f"<Method>{method}</Method><ResourceType>OBJECT</ResourceType>" in answer.text
        assert _cors_headers(answer) == []


def test_anyone_means_a_star_without_credentials(server, ruled):
    answer = _preflight(server, "https://anyone.example", "HEAD")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


def test_preflights_that_are_none(server, ruled):
    assert _code(httpx.options(f"{server.url}/{BUCKET}/k")) == (400, "BadRequest")
    assert _code(_preflight(server, WEB, None)) == (400, "BadRequest")
    assert _code(_preflight(server, WEB, "PATCH")) == (400, "BadRequest")
    answer = _preflight(server, WEB, "GET", path="/nowhere/k")
    assert _code(answer) == (403, "AccessForbidden")
    assert "Bucket not found" in answer.text


def test_a_bucket_without_rules(server, s3):
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"data")
    answer = _preflight(server, WEB, "GET")
    assert _code(answer) == (403, "AccessForbidden")
    assert "CORS is not enabled for this bucket" in answer.text
    url = s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "k"})
    answer = httpx.get(url, headers={"Origin": WEB})
    assert (answer.status_code, _cors_headers(answer)) == (200, [])


def test_actual_requests(server, ruled):
    url = ruled.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "k"})
    answer = httpx.get(url, headers={"Origin": WEB})
    assert answer.headers["access-control-allow-origin"] == WEB
    assert answer.headers["access-control-expose-headers"] == "ETag, Content-Range"
    assert "Origin" in answer.headers["vary"]
    assert _cors_headers(httpx.get(url)) == []
    assert _cors_headers(httpx.get(url, headers={"Origin": "https://evil.example"})) == []


def test_errors_have_the_headers_too(server, ruled):
    answer = httpx.get(f"{server.url}/{BUCKET}/k", headers={"Origin": WEB})
    assert _code(answer) == (403, "AccessDenied")
    assert answer.headers["access-control-allow-origin"] == WEB
    post = ruled.generate_presigned_post(BUCKET, "up")
    post["fields"]["x-amz-signature"] = "0"
    answer = httpx.post(
        post["url"], data=post["fields"], files={"file": b"x"}, headers={"Origin": WEB}
    )
    assert _code(answer) == (403, "SignatureDoesNotMatch")
    assert answer.headers["access-control-allow-origin"] == WEB


def test_an_upload_from_a_browser(server, ruled):
    post = ruled.generate_presigned_post(BUCKET, "up")
    answer = httpx.post(
        post["url"], data=post["fields"], files={"file": b"x"}, headers={"Origin": WEB}
    )
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == WEB


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ({"AllowedMethods": ["PATCH"], "AllowedOrigins": ["*"]}, "InvalidRequest"),
        ({"AllowedMethods": ["GET"], "AllowedOrigins": ["http://*.a.*"]}, "InvalidRequest"),
        (
            {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "AllowedHeaders": ["a*b*"]},
            "InvalidRequest",
        ),
        (
            {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "ExposeHeaders": ["x-*"]},
            "InvalidRequest",
        ),
        ({"AllowedMethods": [], "AllowedOrigins": ["*"]}, "MalformedXML"),
    ],
)
def test_rules_that_are_refused(s3, refusal, rule, code):
    rules = {"CORSRules": [rule]}
    assert refusal(s3.put_bucket_cors, Bucket=BUCKET, CORSConfiguration=rules) == (code, 400)
    missing = refusal(s3.get_bucket_cors, Bucket=BUCKET)
    assert missing == ("NoSuchCORSConfiguration", 404)


def test_rules_come_back_and_go(s3, refusal):
    s3.put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": RULES})
    assert s3.get_bucket_cors(Bucket=BUCKET)["CORSRules"] == RULES
    s3.delete_bucket_cors(Bucket=BUCKET)
    assert refusal(s3.get_bucket_cors, Bucket=BUCKET)[1] == 404
