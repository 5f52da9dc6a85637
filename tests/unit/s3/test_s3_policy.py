"""Bucket policies: who gets in, who is kept out, and policies that are refused."""

import json

import httpx
import pytest

from emulator.core.bus import Caller
from emulator.core.errors import AwsError
from emulator.core.policy.principals import Principal
from emulator.core.policy.rulings import Ruling
from emulator.s3.policy import parse

BUCKET = "pictures"
ARN = f"arn:aws:s3:::{BUCKET}"
DENIED = ("AccessDenied", 403)
ROLE = "arn:aws:iam::000000000000:role/nst-task"

UNCONDITIONAL = [
    {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"{ARN}/*",
        "Condition": {"Null": {"s3:if-match": "true", "s3:if-none-match": "true"}},
    },
    {
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["s3:DeleteObject", "s3:DeleteObjectVersion"],
        "Resource": f"{ARN}/*",
        "Condition": {"Null": {"s3:if-match": "true"}},
    },
]


def _put(s3, *statements):
    policy = {"Version": "2012-10-17", "Statement": list(statements)}
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))


def _statement(effect="Allow", action="s3:GetObject", principal="*", resource="/*", **more):
    return {
        "Effect": effect,
        "Principal": principal,
        "Action": action,
        "Resource": ARN + resource,
        **more,
    }


@pytest.mark.fidelity(
    area="S3",
    feature="Bucket policies with s3:if-match and s3:if-none-match",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html",
)
def test_unconditional_writes_and_deletes_are_denied(server, s3, refusal):
    _put(s3, *UNCONDITIONAL)
    named = {"Bucket": BUCKET, "Key": "ledger.json"}
    assert refusal(s3.put_object, **named, Body=b"1") == DENIED
    etag = s3.put_object(**named, Body=b"1", IfNoneMatch="*")["ETag"]
    etag = s3.put_object(**named, Body=b"2", IfMatch=etag)["ETag"]
    assert refusal(s3.put_object, **named, Body=b"3") == DENIED
    assert refusal(s3.copy_object, **named, CopySource=f"{BUCKET}/ledger.json",
                   MetadataDirective="REPLACE") == DENIED  # fmt: skip
    assert refusal(s3.create_multipart_upload, **named) == DENIED
    assert refusal(s3.delete_object, **named) == DENIED
    answer = s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": "ledger.json"}]})
    assert answer["Errors"][0]["Code"] == "AccessDenied"
    url = s3.generate_presigned_url("put_object", Params=named)
    assert httpx.put(url, content=b"4").status_code == 403
    post = s3.generate_presigned_post(BUCKET, "ledger.json")
    answer = httpx.post(post["url"], data=post["fields"], files={"file": b"5"})
    assert answer.status_code == 403
    with pytest.raises(AwsError) as caught:
        server.call("PutObject", **named, Body=b"6")
    assert caught.value.code == "AccessDenied"
    assert s3.get_object(**named)["Body"].read() == b"2"
    s3.delete_object(**named, IfMatch=etag)


def test_completions_can_be_told_from_parts(s3, refusal):
    only_objects = {
        **UNCONDITIONAL[0],
        "Condition": {
            "Null": {"s3:if-match": "true", "s3:if-none-match": "true"},
            "Bool": {"s3:ObjectCreationOperation": "true"},
        },
    }
    _put(s3, only_objects)
    named = {"Bucket": BUCKET, "Key": "m"}
    upload = s3.create_multipart_upload(**named)["UploadId"]
    part = s3.upload_part(**named, UploadId=upload, PartNumber=1, Body=b"x")
    done = {"UploadId": upload, "MultipartUpload": {
        "Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}}  # fmt: skip
    assert refusal(s3.complete_multipart_upload, **named, **done) == DENIED
    s3.complete_multipart_upload(**named, **done, IfNoneMatch="*")


def test_the_owner_can_always_mend_the_policy(s3, refusal):
    _put(s3, _statement("Deny", "s3:*", resource=""), _statement("Deny", "s3:*"))
    assert refusal(s3.list_objects_v2, Bucket=BUCKET) == DENIED
    assert s3.get_bucket_policy(Bucket=BUCKET)["Policy"]
    s3.delete_bucket_policy(Bucket=BUCKET)
    assert s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0


@pytest.mark.fidelity(
    area="S3",
    feature="Anonymous reads by policy, and RestrictPublicBuckets",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html",
)
def test_anonymous_readers(server, s3, refusal):
    s3.put_object(Bucket=BUCKET, Key="public/a", Body=b"a")
    s3.put_object(Bucket=BUCKET, Key="private/a", Body=b"a")
    open_to_all = _statement(resource="/public/*")
    policy = {"Version": "2012-10-17", "Statement": [open_to_all]}
    blocked = refusal(s3.put_bucket_policy, Bucket=BUCKET, Policy=json.dumps(policy))
    assert blocked == DENIED
    s3.delete_public_access_block(Bucket=BUCKET)
    _put(s3, open_to_all)
    assert s3.get_bucket_policy_status(Bucket=BUCKET)["PolicyStatus"]["IsPublic"] is True
    assert httpx.get(f"{server.url}/{BUCKET}/public/a").content == b"a"
    assert httpx.get(f"{server.url}/{BUCKET}/private/a").status_code == 403
    # Who may not list is not told what is there.
    assert httpx.get(f"{server.url}/{BUCKET}/public/none").status_code == 403
    assert httpx.put(f"{server.url}/{BUCKET}/public/a", content=b"").status_code == 403
    _put(s3, open_to_all, _statement(action="s3:ListBucket", resource=""))
    assert httpx.get(f"{server.url}/{BUCKET}/public/none").status_code == 404
    override = f"{server.url}/{BUCKET}/public/a?response-content-type=text/html"
    assert httpx.get(override).status_code == 400
    s3.put_public_access_block(
        Bucket=BUCKET, PublicAccessBlockConfiguration={"RestrictPublicBuckets": True}
    )
    assert httpx.get(f"{server.url}/{BUCKET}/public/a").status_code == 403


@pytest.mark.fidelity(
    area="S3",
    feature="Across accounts both sides must allow",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-s3-evaluates-access-control.html",
)
def test_another_account(server, s3, refusal):
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"a")
    other = server.client(aws_access_key_id="111111111111")
    assert refusal(other.get_object, Bucket=BUCKET, Key="k") == DENIED
    _put(s3, _statement(principal={"AWS": "arn:aws:iam::111111111111:root"}))
    assert other.get_object(Bucket=BUCKET, Key="k")["Body"].read() == b"a"
    assert refusal(other.put_object, Bucket=BUCKET, Key="k", Body=b"") == DENIED


def test_roles_are_known_by_their_sessions(server, s3, refusal):
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"a")
    session = server.credentials.issue_session(ROLE, "run", 600)
    client = server.client(
        aws_access_key_id=session.access_key,
        aws_secret_access_key=session.secret,
        aws_session_token=session.token,
    )
    _put(s3, _statement("Deny", principal={"AWS": ROLE}))
    assert refusal(client.get_object, Bucket=BUCKET, Key="k") == DENIED
    assert s3.get_object(Bucket=BUCKET, Key="k")["Body"].read() == b"a"
    _put(s3, {**_statement("Deny"), "Principal": "*", "Condition": {
        "ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/nst-t*"}}})  # fmt: skip
    assert refusal(client.get_object, Bucket=BUCKET, Key="k") == DENIED


def test_a_service_reads_with_its_source(server, s3):
    s3.put_object(Bucket=BUCKET, Key="index.html", Body=b"<html>")
    read, name = server.service.read_entry, "cloudfront.amazonaws.com"
    mine = "arn:aws:cloudfront::000000000000:distribution/E1"
    with pytest.raises(AwsError):
        server.run(read(BUCKET, "index.html", service=name, source_arn=mine))
    _put(s3, _statement(principal={"Service": name}, Condition={
        "StringEquals": {"AWS:SourceArn": mine}}))  # fmt: skip
    entry = server.run(read(BUCKET, "index.html", service=name, source_arn=mine))
    assert entry.body.open().read() == b"<html>"
    other = mine.replace("E1", "E2")
    with pytest.raises(AwsError):
        server.run(read(BUCKET, "index.html", service=name, source_arn=other))
    assert server.run(read(BUCKET, "nope")) is None
    assert server.run(read("nope", "nope")) is None


def test_tls_only_policies_let_this_machine_in(server, s3):
    insecure = {"Bool": {"aws:SecureTransport": "false"}}
    _put(s3, _statement("Deny", "s3:*", Condition=insecure))
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"")
    s3.head_object(Bucket=BUCKET, Key="k")


def test_conditions_on_tags_prefixes_and_encryption(s3, refusal):
    s3.put_object(Bucket=BUCKET, Key="t", Body=b"", Tagging="class=secret")
    _put(
        s3,
        _statement("Deny", Condition={
            "StringEquals": {"s3:ExistingObjectTag/class": "secret"}}),
        _statement("Deny", "s3:ListBucket", resource="", Condition={
            "StringNotLike": {"s3:prefix": "runs/*"}}),
        _statement("Deny", "s3:PutObject", Condition={
            "StringNotEqualsIfExists": {"s3:x-amz-server-side-encryption": "AES256"},
            "NumericLessThan": {"aws:EpochTime": "1"}}),
    )  # fmt: skip
    assert refusal(s3.get_object, Bucket=BUCKET, Key="t") == DENIED
    assert refusal(s3.list_objects_v2, Bucket=BUCKET) == DENIED
    assert s3.list_objects_v2(Bucket=BUCKET, Prefix="runs/1")["KeyCount"] == 0
    s3.put_object(Bucket=BUCKET, Key="u", Body=b"")


@pytest.mark.parametrize(
    "document",
    [
        "not json",
        "[]",
        "{}",
        json.dumps({"Statement": []}),
        json.dumps({"Statement": [{**_statement(), "Effect": "Maybe"}]}),
        json.dumps({"Statement": [{**_statement(), "Action": "ec2:Run"}]}),
        json.dumps({"Statement": [{**_statement(), "Resource": "arn:aws:s3:::other/*"}]}),
        json.dumps({"Statement": [{k: v for k, v in _statement().items() if k != "Principal"}]}),
        json.dumps({"Statement": [_statement(Condition={"StringIs": {"s3:prefix": "a"}})]}),
        json.dumps({"Statement": [_statement(Condition={"Bool": {"aws:SecureTransport": "x"}})]}),
        json.dumps({"Statement": [_statement(Conditions={})]}),
        json.dumps({"Statement": [_statement()], "x": "y" * 21_000}),
    ],
)
def test_malformed_policies(s3, refusal, document):
    answer = refusal(s3.put_bucket_policy, Bucket=BUCKET, Policy=document)
    assert answer == ("MalformedPolicy", 400)


@pytest.mark.parametrize(
    "statement",
    [
        _statement(Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}}),
        _statement(Condition={"StringEquals": {"s3:prefix": "${aws:username}"}}),
        _statement(resource="/${aws:username}/*"),
        _statement(principal={"Federated": "x"}),
    ],
)
def test_what_is_not_evaluated_is_refused_by_name(s3, refusal, statement):
    document = json.dumps({"Statement": [statement]})
    answer = refusal(s3.put_bucket_policy, Bucket=BUCKET, Policy=document)
    assert answer == ("NotSupportedByEmulator", 400)


@pytest.mark.parametrize(
    ("condition", "context", "holds"),
    [
        ({"StringLike": {"s3:prefix": "a?c*"}}, {"s3:prefix": "abcd"}, True),
        ({"StringEqualsIgnoreCase": {"s3:prefix": "ABC"}}, {"s3:prefix": "abc"}, True),
        ({"StringNotEquals": {"s3:prefix": ["a", "b"]}}, {"s3:prefix": "b"}, False),
        ({"StringNotEquals": {"s3:prefix": "a"}}, {}, True),
        ({"StringEquals": {"s3:prefix": "a"}}, {}, False),
        ({"StringEqualsIfExists": {"s3:prefix": "a"}}, {}, True),
        ({"Null": {"s3:prefix": "false"}}, {"s3:prefix": ""}, True),
        ({"NumericLessThanEquals": {"s3:max-keys": "10"}}, {"s3:max-keys": "10"}, True),
        ({"NumericGreaterThan": {"s3:max-keys": 10}}, {"s3:max-keys": "9"}, False),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, {"aws:sourceip": "10.1.2.3"}, True),
        ({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, {"aws:sourceip": "10.1.2.3"}, False),
        (
            {"DateGreaterThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}},
            {"aws:currenttime": "2026-06-01T00:00:00Z"},
            True,
        ),
        (
            {"ForAllValues:StringEquals": {"s3:RequestObjectTagKeys": ["a", "b"]}},
            {"s3:requestobjecttagkeys": ["a", "c"]},
            False,
        ),
        (
            {"ForAnyValue:StringEquals": {"s3:RequestObjectTagKeys": ["a", "b"]}},
            {"s3:requestobjecttagkeys": ["a", "c"]},
            True,
        ),
    ],
)
def test_operators(condition, context, holds):
    policy = parse(json.dumps({"Statement": _statement(Condition=condition)}), BUCKET)
    decision = policy.decide(Principal(), "s3:GetObject", f"{ARN}/k", context)
    assert decision == ("allow" if holds else "neutral")


@pytest.mark.parametrize(
    ("statement", "public"),
    [
        (_statement(), True),
        (_statement("Deny"), False),
        (_statement(principal={"AWS": "111111111111"}), False),
        (_statement(Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}), False),
        (_statement(Condition={"IpAddress": {"aws:SourceIp": "0.0.0.0/1"}}), True),
        (_statement(Condition={"StringEquals": {"s3:prefix": "a"}}), True),
        (_statement(Condition={"StringEquals": {"aws:PrincipalAccount": "111111111111"}}), False),
    ],
)
def test_what_is_public(statement, public):
    assert parse(json.dumps({"Statement": statement}), BUCKET).public is public


def test_the_accounts_own_policies(serve, refusal):
    """What the authorizer says counts: allow on one side is enough, deny is final."""
    asked = []

    def authorizer(caller: Caller, action, resource, context):
        asked.append((action, resource, dict(context)))
        if caller.principal.endswith(":root"):
            return Ruling("allow")
        own = {"s3:PutObject": "allow", "s3:DeleteObject": "deny"}
        return Ruling(own.get(action, "neutral"), "because it is so")

    server = serve(authorizer=authorizer)
    root = server.client()
    root.create_bucket(Bucket=BUCKET)
    session = server.credentials.issue_session(ROLE, "run", 600)
    role = server.client(
        aws_access_key_id=session.access_key,
        aws_secret_access_key=session.secret,
        aws_session_token=session.token,
    )
    named = {"Bucket": BUCKET, "Key": "k"}
    role.put_object(**named, Body=b"1", IfNoneMatch="*")
    assert asked[-1][:2] == ("s3:PutObject", f"{ARN}/k")
    assert asked[-1][2]["s3:if-none-match"] == "*"
    assert refusal(role.get_object, **named) == DENIED
    assert refusal(role.get_object, Bucket=BUCKET, Key="none") == DENIED
    _put(root, _statement(principal={"AWS": ROLE}, action=["s3:GetObject", "s3:DeleteObject"]))
    assert role.get_object(**named)["Body"].read() == b"1"
    assert refusal(role.delete_object, **named) == DENIED
    assert refusal(role.create_bucket, Bucket="mine") == DENIED
