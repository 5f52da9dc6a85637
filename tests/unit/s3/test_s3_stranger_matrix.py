"""Strangers: who does not sign reads, writes and learns nothing."""

import json

import httpx
import pytest

from tests.unit.s3.access_matrix import BLOCK, BUCKET, DENIED, ERRORS, NAMED, code


@pytest.fixture(autouse=True)
def _object(s3):
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"secret")
    s3.create_bucket(Bucket="elsewhere")


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
        assert code(answer) == DENIED, query
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


@pytest.mark.fidelity(
    area="S3",
    feature="A form without a signature is refused",
    source="https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-UsingHTTPPOST.html",
)
def test_a_strangers_form_is_refused(server, s3):
    answer = httpx.post(f"{server.url}/{BUCKET}", data={"key": "new"}, files={"file": b"x"})
    assert code(answer) == DENIED
    assert s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 1
