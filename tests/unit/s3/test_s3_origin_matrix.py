"""Origins: a browser's upload works from the bucket's origins, and from no other."""

import httpx
import pytest

from tests.unit.s3.access_matrix import BUCKET, CORS, form

OURS = "http://localhost:8080"
RULE = {
    "AllowedOrigins": [OURS],
    "AllowedMethods": ["GET", "HEAD", "POST"],
    "AllowedHeaders": ["content-type", "if-none-match", "range"],
    "ExposeHeaders": ["ETag"],
}
ORIGINS = [
    (OURS, True),
    ("https://localhost:8080", False),
    ("http://localhost", False),
    ("http://localhost:80800", False),
    ("http://LOCALHOST:8080", False),
    ("http://evil.example", False),
    ("http://localhost:8080.evil.example", False),
    ("http://evil.example?http://localhost:8080", False),
    ("null", False),
    ("", False),
]


@pytest.mark.fidelity(
    area="S3",
    feature="CORS: an upload works from the bucket's origins; others get no header at all",
    source=CORS,
    note="S3 carries the request out all the same: it is the browser that hides the answer",
)
@pytest.mark.parametrize(("origin", "ours"), ORIGINS)
def test_a_browsers_upload_from_each_origin(server, s3, origin, ours):
    s3.put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": [RULE]})
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    preflight = httpx.options(f"{server.url}/{BUCKET}", headers=asked)
    post = form(s3)
    fields = [(name, (None, value)) for name, value in post["fields"].items()]
    sent = httpx.post(
        post["url"], files=[*fields, ("file", ("a", b"x"))], headers={"Origin": origin}
    )
    assert preflight.status_code == (200 if ours else 403 if origin else 400)
    assert sent.status_code == 204
    for answer in (preflight, sent):
        allowed = answer.headers.get("access-control-allow-origin")
        assert allowed == (origin if ours else None)


@pytest.mark.fidelity(
    area="S3", feature="CORS: a preflight asks for methods and headers, all must be allowed",
    source=CORS,
)  # fmt: skip
@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", "range", 200),
        ("GET", "Range, If-None-Match", 200),
        ("HEAD", "", 200),
        ("POST", "content-type", 200),
        ("POST", "Content-Type,x-evil", 403),
        ("GET", "authorization", 403),
        ("PUT", "", 403),
        ("DELETE", "", 403),
        ("get", "", 400),
        ("PATCH", "", 400),
        ("", "", 400),
    ],
)
def test_preflights(server, s3, method, headers, status):
    s3.put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": [RULE]})
    asked = {"Origin": OURS, "Access-Control-Request-Method": method}
    if headers:
        asked["Access-Control-Request-Headers"] = headers
    # No signature: a preflight never has one, and is answered before any is looked for.
    assert httpx.options(f"{server.url}/{BUCKET}/k", headers=asked).status_code == status
