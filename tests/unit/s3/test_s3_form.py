"""Browser uploads: the policy is the law, to the byte."""

import base64
import hmac
import json
import re
import socket

import httpx
import pytest

from emulator.core.sigv4 import signing_key

BUCKET = "pictures"
ROLE = "arn:aws:iam::000000000000:role/nst-get-upload-url"


def _code(answer):
    found = re.search(r"<Code>(\w+)</Code>", answer.text)
    return answer.status_code, found[1] if found else None


def _message(answer):
    return re.search(r"<Message>(.*?)</Message>", answer.text)[1].replace("&quot;", '"')


def _post(s3, key="up", fields=None, conditions=None, expires=60):
    return s3.generate_presigned_post(
        BUCKET, key, Fields=fields, Conditions=conditions, ExpiresIn=expires
    )


def _send(post, body=b"picture", *, extra=None, drop=(), filename="a.png", url=None):
    fields = {k: v for k, v in post["fields"].items() if k not in drop}
    return httpx.post(
        url or post["url"], data={**fields, **(extra or {})}, files={"file": (filename, body)}
    )


def _with_policy(s3, change):
    """A post whose policy was changed and signed again."""
    post = _post(s3)
    policy = json.loads(base64.b64decode(post["fields"]["policy"]))
    change(policy)
    encoded = base64.b64encode(json.dumps(policy).encode()).decode()
    date = post["fields"]["x-amz-date"][:8]
    key = signing_key("test", date, "us-east-1", "s3")
    post["fields"]["policy"] = encoded
    post["fields"]["x-amz-signature"] = hmac.digest(key, encoded.encode(), "sha256").hex()
    return post


def test_an_upload(s3):
    post = _post(
        s3,
        fields={"Content-Type": "image/png", "x-amz-meta-run": "7", "Cache-Control": "no-store"},
        conditions=[
            {"Content-Type": "image/png"},
            ["starts-with", "$x-amz-meta-run", ""],
            {"cache-control": "no-store"},
            ["content-length-range", 1, 100],
        ],
    )
    answer = _send(post)
    assert (answer.status_code, answer.content) == (204, b"")
    got = s3.get_object(Bucket=BUCKET, Key="up")
    assert (got["Body"].read(), got["ContentType"]) == (b"picture", "image/png")
    assert (got["Metadata"], got["CacheControl"]) == ({"run": "7"}, "no-store")
    assert answer.headers["etag"] == got["ETag"]


@pytest.mark.parametrize(("size", "code"), [(4, "EntityTooSmall"), (11, "EntityTooLarge")])
def test_sizes_outside_of_the_range(s3, refusal, size, code):
    post = _post(s3, conditions=[["content-length-range", 5, 10]])
    answer = _send(post, b"x" * size)
    assert _code(answer) == (400, code)
    assert f"<ProposedSize>{size}</ProposedSize>" in answer.text
    assert refusal(s3.head_object, Bucket=BUCKET, Key="up")[1] == 404
    for fine in (5, 10):
        assert _send(post, b"x" * fine).status_code == 204


def test_a_body_without_end_is_not_read_to_its_end(server, s3):
    """The upload is refused long before the client has sent what it announced."""
    post = _post(s3, conditions=[["content-length-range", 0, 1000]])
    boundary = "b0undary"
    head = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'
        for k, v in post["fields"].items()
    )
    head += f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
    request = (
        f"POST /{BUCKET} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        f"Content-Type: multipart/form-data; boundary={boundary}\r\n"
        f"Content-Length: {10**12}\r\n\r\n{head}"
    )
    sent = 0
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as client:
        client.sendall(request.encode())
        client.settimeout(0)
        received = b""
        while b"HTTP/1.1 400" not in received and sent < 500_000_000:
            try:
                sent += client.send(b"x" * 65536)
            except BlockingIOError:
                pass
            except ConnectionError:
                break
            try:
                received += client.recv(65536)
            except BlockingIOError:
                pass
            except ConnectionError:
                break
    assert sent < 200_000_000
    assert s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0


def test_a_body_that_is_much_too_large_hears_why(s3):
    post = _post(s3, conditions=[["content-length-range", 0, 1000]])
    answer = _send(post, b"x" * 5_000_000)
    assert _code(answer) == (400, "EntityTooLarge")
    assert "<MaxSizeAllowed>1000</MaxSizeAllowed>" in answer.text


def test_an_expired_policy(server, s3):
    post = _post(s3, expires=60)
    server.clock.advance(61)
    answer = _send(post)
    assert _code(answer) == (403, "AccessDenied")
    assert _message(answer) == "Invalid according to Policy: Policy expired."


def test_tampering_in_each_part(s3, refusal):
    post = _post(s3, fields={"acl": "private"}, conditions=[{"acl": "private"}])
    fields = post["fields"]
    policy = json.loads(base64.b64decode(fields["policy"]))
    policy["expiration"] = "2099-01-01T00:00:00Z"
    longer = base64.b64encode(json.dumps(policy).encode()).decode()
    cases = {
        "policy": (longer, (403, "SignatureDoesNotMatch")),
        "x-amz-signature": ("0" * 64, (403, "SignatureDoesNotMatch")),
        "x-amz-credential": (
            fields["x-amz-credential"].replace("test/", "AKIANO/"),
            (403, "InvalidAccessKeyId"),
        ),
        "x-amz-date": ("20200101T000000Z", (400, "AuthorizationQueryParametersError")),
        "x-amz-algorithm": ("AWS4-HMAC-SHA1", (400, "InvalidArgument")),
        "key": ("other", (403, "AccessDenied")),
        "acl": ("public-read", (403, "AccessDenied")),
    }
    for name, (value, expected) in cases.items():
        assert _code(_send(post, extra={name: value})) == expected, name
    elsewhere = post["url"].replace(BUCKET, "elsewhere")
    s3.create_bucket(Bucket="elsewhere")
    assert _code(_send(post, url=elsewhere)) == (403, "AccessDenied")
    assert refusal(s3.head_object, Bucket=BUCKET, Key="up")[1] == 404
    assert _send(post).status_code == 204


@pytest.mark.parametrize(
    ("drop", "name"),
    [
        (["x-amz-signature"], "X-Amz-Signature"),
        (["x-amz-algorithm"], "X-Amz-Algorithm"),
        (["x-amz-credential"], "X-Amz-Credential"),
        (["x-amz-date"], "X-Amz-Date"),
        (["policy"], "policy"),
        (["key"], "key"),
    ],
)
def test_fields_that_must_be_there(s3, drop, name):
    answer = _send(_post(s3), drop=drop)
    assert _code(answer) == (400, "InvalidArgument")
    assert f"Bucket POST must contain a field named '{name}'." in answer.text


def test_an_unsigned_form_is_refused(s3):
    names = ["x-amz-signature", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "policy"]
    assert _code(_send(_post(s3), drop=names)) == (403, "AccessDenied")


def test_conditions(s3):
    fields = {"Content-Type": "image/png", "x-amz-meta-a": "1"}
    good = [["starts-with", "$Content-Type", "image/"], ["eq", "$X-AMZ-META-A", "1"]]
    assert _send(_post(s3, fields=fields, conditions=good)).status_code == 204
    for bad in (
        [["starts-with", "$Content-Type", "text/"], {"x-amz-meta-a": "1"}],
        [["eq", "$Content-Type", "IMAGE/PNG"], {"x-amz-meta-a": "1"}],
        [["eq", "Content-Type", "image/png"], {"x-amz-meta-a": "1"}],
        [["starts-with", "$Content-Type", ""], {"x-amz-meta-a": "1"}, {"x-amz-meta-b": "2"}],
    ):
        answer = _send(_post(s3, fields=fields, conditions=bad))
        assert _code(answer) == (403, "AccessDenied")
        assert "Policy Condition failed: " in _message(answer)
    several = [["starts-with", "$Content-Type", "image/"], {"x-amz-meta-a": "1"}]
    answer = _send(
        _post(s3, fields={**fields, "Content-Type": "image/png,text/x"}, conditions=several)
    )
    assert _code(answer) == (403, "AccessDenied")


def test_extra_fields(s3):
    answer = _send(_post(s3), extra={"x-amz-meta-note": "hi"})
    assert _code(answer) == (403, "AccessDenied")
    expected = "Invalid according to Policy: Extra input fields: x-amz-meta-note"
    assert _message(answer) == expected
    assert _send(_post(s3), extra={"x-ignore-me": "hi"}).status_code == 204


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p.pop("expiration"), "Policy missing expiration."),
        (lambda p: p.pop("conditions"), "Policy missing conditions."),
        (lambda p: p.update(expiration="tomorrow"), "Invalid 'expiration' value"),
        (lambda p: p["conditions"].append({"a": "b", "c": "d"}), "Invalid Simple-Condition"),
        (lambda p: p["conditions"].append(["like", "$key", "x"]), "unknown operation"),
        (lambda p: p["conditions"].append("key"), "Invalid Condition"),
    ],
)
def test_policies_that_make_no_sense(s3, change, message):
    answer = _send(_with_policy(s3, change))
    assert _code(answer) == (400, "InvalidPolicyDocument")
    assert message in _message(answer)


@pytest.mark.parametrize("bounds", [["x", 10], [5], [10, 5], [-1, 5]])
def test_ranges_that_make_no_sense(s3, bounds):
    def change(policy):
        policy["conditions"].append(["content-length-range", *bounds])

    assert _code(_send(_with_policy(s3, change))) == (403, "AccessDenied")


def test_filename_in_the_key(s3):
    assert _send(_post(s3, "up/${filename}"), filename="C:\\pics\\a b.png").status_code == 204
    assert s3.get_object(Bucket=BUCKET, Key="up/a b.png")["Body"].read() == b"picture"


def test_answers(s3):
    def post(**fields):
        conditions = [{name: value} for name, value in fields.items()]
        return _post(s3, fields=fields, conditions=conditions)

    created = _send(post(success_action_status="201"))
    assert created.status_code == 201
    assert f"<Bucket>{BUCKET}</Bucket><Key>up</Key>" in created.text
    assert created.headers["location"].endswith(f"/{BUCKET}/up")
    assert _send(post(success_action_status="200")).status_code == 200
    assert _send(post(success_action_status="418")).status_code == 204
    answer = _send(post(success_action_redirect="http://web.example/done?a=1"))
    assert answer.status_code == 303
    etag = s3.head_object(Bucket=BUCKET, Key="up")["ETag"].strip('"')
    assert answer.headers["location"] == (
        f"http://web.example/done?a=1&bucket={BUCKET}&key=up&etag=%22{etag}%22"
    )


def test_the_file_comes_last(s3):
    post = _post(s3)
    parts = [("file", ("a", b"first")), *((k, (None, v)) for k, v in post["fields"].items())]
    answer = httpx.post(post["url"], files=parts)
    assert _code(answer) == (400, "InvalidArgument")
    # What follows the file is ignored.
    parts = [
        *((k, (None, v)) for k, v in post["fields"].items()),
        ("file", ("a", b"one")),
        ("file", ("b", b"two")),
        ("key", (None, "other")),
    ]
    assert httpx.post(post["url"], files=parts).status_code == 204
    assert s3.get_object(Bucket=BUCKET, Key="up")["Body"].read() == b"one"


def test_forms_that_are_none(server, s3):
    url = f"{server.url}/{BUCKET}"
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    assert _code(httpx.post(url, json={})) == (412, "PreconditionFailed")
    assert _code(httpx.post(url, content=b"rubbish", headers=kind)) == (400, "MalformedPOSTRequest")
    half = b'--x\r\nContent-Disposition: form-data; name="key"\r\n\r\nk'
    assert httpx.post(url, content=half, headers=kind).status_code == 400
    no_name = b"--x\r\nContent-Disposition: attachment\r\n\r\nk\r\n--x--\r\n"
    answer = httpx.post(url, content=no_name, headers=kind)
    assert _code(answer) == (400, "MalformedPOSTRequest")
    post = _post(s3)
    long = {"x-ignore-a": "y" * 30_000}
    assert _code(_send(post, extra=long)) == (400, "MaxPostPreDataLengthExceeded")
    without = httpx.post(post["url"], files={k: (None, v) for k, v in post["fields"].items()})
    assert _code(without) == (400, "InvalidArgument")
    assert "exactly one file upload" in without.text


def test_a_cut_off_file_is_not_stored(server, s3, refusal):
    post = _post(s3)
    head = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'
        for k, v in post["fields"].items()
    )
    head += '--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\nhalf of it'
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = httpx.post(post["url"], content=head.encode(), headers=kind)
    assert _code(answer) == (400, "MalformedPOSTRequest")
    assert refusal(s3.head_object, Bucket=BUCKET, Key="up")[1] == 404


def test_a_post_dies_with_its_session(server, s3):
    session = server.credentials.issue_session(ROLE, "run", 30)
    client = server.client(
        aws_access_key_id=session.access_key,
        aws_secret_access_key=session.secret,
        aws_session_token=session.token,
    )
    post = _post(client, expires=3600)
    assert _send(post).status_code == 204
    assert _code(_send(post, drop=["x-amz-security-token"])) == (403, "InvalidAccessKeyId")
    server.clock.advance(31)
    assert _code(_send(post)) == (400, "ExpiredToken")


def test_large_files_and_tags(s3):
    tagging = "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>"
    post = _post(s3, fields={"tagging": tagging}, conditions=[{"tagging": tagging}])
    body = bytes(range(256)) * 8192
    assert _send(post, body).status_code == 204
    assert s3.get_object(Bucket=BUCKET, Key="up")["Body"].read() == body
    assert s3.get_object_tagging(Bucket=BUCKET, Key="up")["TagSet"] == [{"Key": "a", "Value": "1"}]


def test_a_line_break_in_a_field_does_not_become_a_header(s3):
    """What a form says of its file comes back in headers of whoever reads it."""
    fields = {"Content-Type": "image/png", "x-amz-meta-a": "1"}
    conditions = [["starts-with", "$Content-Type", "image/"], ["starts-with", "$x-amz-meta-a", ""]]
    post = _post(s3, fields=fields, conditions=conditions)
    evil = "image/png\r\nSet-Cookie: a=b\r\n\r\n<script>"
    answer = _send(post, extra={"Content-Type": evil, "x-amz-meta-a": f"1\r\n{evil}"})
    assert answer.status_code == 204
    url = s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "up"})
    got = httpx.get(url)
    assert got.content == b"picture"
    assert "set-cookie" not in got.headers
    assert got.headers["content-type"].startswith("=?UTF-8?B?")
