"""Who gets in, and who does not: presigned URLs, browser forms, origins and strangers.

Each matrix is written down as AWS documents it. Every part of what was signed is changed in turn;
a part that could be changed without a refusal would be a hole.
"""

import base64
import hmac
import json
import re
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import httpx
import pytest

from emulator.core.sigv4 import signing_key

BUCKET = "pictures"
NAMED = {"Bucket": BUCKET, "Key": "k"}
ROLE = "arn:aws:iam::000000000000:role/nst-get-upload-url"
QUERY_AUTH = "https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html"
POST_POLICY = "https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html"
POST_FORMS = "https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTForms.html"
ERRORS = "https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"
CORS = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html"
BLOCK = (
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html"
)
MISMATCH = (403, "SignatureDoesNotMatch")
BAD_QUERY = (400, "AuthorizationQueryParametersError")
DENIED = (403, "AccessDenied")


def _code(answer):
    found = re.search(r"<Code>(\w+)</Code>", answer.text)
    return answer.status_code, found[1] if found else None


def _query(**values):
    """Change, add or (None) drop a parameter of the query; names with ``_`` for ``-``."""

    def change(url):
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        for name, value in values.items():
            parameter = name.replace("_", "-")
            if value is None:
                query.pop(parameter)
            else:
                query[parameter] = value(query[parameter]) if callable(value) else value
        return urlunsplit(parts._replace(query=urlencode(query, quote_via=quote)))

    return change


def _scope(place, value):
    """Change one part of the credential's scope: key, date, region, service, ending."""

    def change(credential):
        parts = credential.split("/")
        parts[place] = value
        return "/".join(parts)

    return _query(X_Amz_Credential=change)


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
    "a longer life": (_query(X_Amz_Expires="604800"), MISMATCH),
    "a shorter life": (_query(X_Amz_Expires="59"), MISMATCH),
    "a life beyond a week": (_query(X_Amz_Expires="604801"), BAD_QUERY),
    "no life": (_query(X_Amz_Expires=None), BAD_QUERY),
    "another date": (_query(X_Amz_Date="20200101T000000Z"), BAD_QUERY),
    "a date that is none": (_query(X_Amz_Date="today"), BAD_QUERY),
    "no date": (_query(X_Amz_Date=None), BAD_QUERY),
    "another signature": (_query(X_Amz_Signature="0" * 64), MISMATCH),
    "half a signature": (_query(X_Amz_Signature=lambda s: s[:32]), MISMATCH),
    "a signature in capitals": (_query(X_Amz_Signature=str.upper), MISMATCH),
    "no signature": (_query(X_Amz_Signature=None), BAD_QUERY),
    "another key id": (_scope(0, "AKIAUNKNOWN"), (403, "InvalidAccessKeyId")),
    "another day": (_scope(1, "20200101"), BAD_QUERY),
    "another region": (_scope(2, "eu-west-1"), BAD_QUERY),
    "another service": (_scope(3, "ec2"), BAD_QUERY),
    "another ending": (_scope(4, "aws3_request"), BAD_QUERY),
    "no credential": (_query(X_Amz_Credential=None), BAD_QUERY),
    "another algorithm": (_query(X_Amz_Algorithm="AWS4-HMAC-SHA1"), BAD_QUERY),
    "no signed headers": (_query(X_Amz_SignedHeaders=None), BAD_QUERY),
    "the host not signed": (_query(X_Amz_SignedHeaders="date"), DENIED),
    "one more parameter": (_query(versionId="null"), MISMATCH),
    "an ACL": (_query(x_amz_acl="public-read"), MISMATCH),
    "a body's digest": (_query(X_Amz_Content_Sha256="0" * 64), MISMATCH),
    "a session's token": (_query(X_Amz_Security_Token="x"), (400, "InvalidToken")),
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
            assert _code(answer) == expected, name
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
    assert _code(httpx.put(url, content=b"x", headers=sent)) == expected


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
    assert _code(answer) == BAD_QUERY
    assert "the region 'eu-west-1' is wrong; expecting 'us-east-1'" in answer.text
    assert "<Region>us-east-1</Region>" in answer.text
    post = server.client(region_name="eu-west-1").generate_presigned_post(BUCKET, "new")
    sent = httpx.post(post["url"], data=post["fields"], files={"file": b"x"})
    assert _code(sent) == BAD_QUERY
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
    assert _code(httpx.get(_query(**{token: "other"})(url))) == (400, "InvalidToken")
    assert _code(httpx.get(_query(**{token: None})(url))) == (403, "InvalidAccessKeyId")
    server.clock.advance(601)
    assert _code(httpx.get(url)) == (400, "ExpiredToken")
    sent = httpx.post(post["url"], data=post["fields"], files={"file": b"x"})
    assert _code(sent) == (400, "ExpiredToken")


# Forms.


def _form(s3):
    """What Get Upload URL signs: an exact key and type, a range of sizes."""
    return s3.generate_presigned_post(
        BUCKET,
        "runs/1/content",
        Fields={"Content-Type": "image/png"},
        Conditions=[{"Content-Type": "image/png"}, ["content-length-range", 1, 100]],
        ExpiresIn=60,
    )


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
    post = _form(s3)
    fields = dict(post["fields"])
    changes, expected = FORMS[changed]
    for name, value in changes.items():
        if value is None:
            del fields[name]
        else:
            fields[name] = value(fields[name]) if callable(value) else value
    assert _code(_send(post, fields)) == expected
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
    post = _form(s3)
    assert _code(_send(post, post["fields"], b"x" * size)) == expected


@pytest.mark.fidelity(
    area="S3", feature="A form is for one bucket, and ends on time", source=POST_FORMS
)
def test_a_form_is_for_one_bucket_and_ends_on_time(server, s3):
    post = _form(s3)
    elsewhere = post["url"].replace(BUCKET, "elsewhere")
    assert _code(_send(post, post["fields"], url=elsewhere)) == DENIED
    server.clock.advance(40)
    assert _send(post, post["fields"]).status_code == 204
    server.clock.advance(21)
    answer = _send(post, post["fields"])
    assert _code(answer) == DENIED
    assert "Policy expired" in answer.text


@pytest.mark.fidelity(
    area="S3",
    feature="Two fields of one name, or fields after the file, do not get past the policy",
    source=POST_FORMS,
    note="fields behind the file are not read, as AWS documents",
)
def test_doubled_and_late_fields_do_not_get_past_the_policy(server, s3):
    post = _form(s3)
    pairs = [(name, (None, value)) for name, value in post["fields"].items()]
    file = ("file", ("a.png", b"picture"))
    doubled = httpx.post(post["url"], files=[*pairs, ("key", (None, "runs/2/content")), file])
    assert doubled.status_code in {400, 403}
    late = httpx.post(post["url"], files=[*pairs, file, ("key", (None, "runs/2/content"))])
    assert late.status_code in {204, 400}
    keys = {found["Key"] for found in s3.list_objects_v2(Bucket=BUCKET)["Contents"]}
    assert keys <= {"k", "runs/1/content"}


def test_a_policy_signed_with_another_secret_is_refused(server, s3):
    post = _form(s3)
    date = post["fields"]["x-amz-date"][:8]
    key = signing_key("guess", date, "us-east-1", "s3")
    forged = hmac.digest(key, post["fields"]["policy"].encode(), "sha256").hex()
    assert _code(_send(post, {**post["fields"], "x-amz-signature": forged})) == MISMATCH


# Origins.

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
    post = _form(s3)
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


# Strangers.


@pytest.mark.fidelity(
    area="S3",
    feature="An unsigned request is refused, whatever is there, and is not told what is there",
    source=ERRORS,
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_strangers_are_refused_everywhere(server, s3, method):
    for path in ("/pictures", "/pictures/k", "/pictures/none", "/elsewhere"):
        answer = httpx.request(method, server.url + path)
        assert answer.status_code == 403, path
    assert httpx.request(method, server.url).status_code == (403 if method == "GET" else 405)
    assert s3.get_object(**NAMED)["Body"].read() == b"secret"


@pytest.mark.fidelity(
    area="S3",
    feature="Sub-resources are refused to strangers like the resource itself",
    source=ERRORS,
)
def test_strangers_neither_read_nor_write_configuration(server, s3):
    for query in ("acl", "policy", "cors", "lifecycle", "versions", "uploads", "location"):
        assert httpx.get(f"{server.url}/{BUCKET}?{query}").status_code == 403, query
    rule = "<AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>"
    cors = f"<CORSConfiguration><CORSRule>{rule}</CORSRule></CORSConfiguration>"
    policy = json.dumps({"Version": "2012-10-17", "Statement": [_allow_all("s3:GetObject")]})
    for query, document in (("cors", cors), ("policy", policy)):
        answer = httpx.put(f"{server.url}/{BUCKET}?{query}", content=document)
        assert _code(answer) == DENIED, query
        assert httpx.delete(f"{server.url}/{BUCKET}?{query}").status_code == 403, query


def _allow_all(action):
    resource = f"arn:aws:s3:::{BUCKET}/*"
    return {"Effect": "Allow", "Principal": "*", "Action": action, "Resource": resource}


@pytest.mark.fidelity(
    area="S3",
    feature="Public access block: a public policy is not taken, and one that is there not followed",
    source=BLOCK,
)
@pytest.mark.parametrize(
    ("block", "outcome"),
    [
        ({}, "followed"),
        ({"BlockPublicPolicy": True}, "not taken"),
        ({"RestrictPublicBuckets": True}, "not followed"),
        ({"BlockPublicAcls": True, "IgnorePublicAcls": True}, "followed"),
    ],
)
def test_the_public_access_block(server, s3, refusal, block, outcome):
    s3.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration=block)
    policy = {"Version": "2012-10-17", "Statement": [_allow_all("s3:GetObject")]}
    text = json.dumps(policy)
    if outcome == "not taken":
        assert refusal(s3.put_bucket_policy, Bucket=BUCKET, Policy=text) == ("AccessDenied", 403)
    else:
        s3.put_bucket_policy(Bucket=BUCKET, Policy=text)
    assert httpx.get(f"{server.url}/{BUCKET}/k").status_code == (
        200 if outcome == "followed" else 403
    )
