"""Buckets and their configuration, as boto3 and Terraform read them."""

import json
import re

import pytest

from emulator.core.bus import Caller
from emulator.core.errors import AwsError

BUCKET = "pictures"
STRANGER = Caller("111111111111", "us-east-1", "arn:aws:iam::111111111111:root")


def test_create_head_list_delete(s3, refusal):
    assert s3.head_bucket(Bucket=BUCKET)["BucketRegion"] == "us-east-1"
    assert s3.get_bucket_location(Bucket=BUCKET)["LocationConstraint"] is None
    s3.create_bucket(
        Bucket="europe", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    assert s3.get_bucket_location(Bucket="europe")["LocationConstraint"] == "eu-central-1"
    assert [row["Name"] for row in s3.list_buckets()["Buckets"]] == ["europe", BUCKET]
    pages = s3.get_paginator("list_buckets").paginate(PaginationConfig={"PageSize": 1})
    assert [row["Name"] for page in pages for row in page["Buckets"]] == ["europe", BUCKET]
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"")
    assert refusal(s3.delete_bucket, Bucket=BUCKET) == ("BucketNotEmpty", 409)
    s3.delete_object(Bucket=BUCKET, Key="k")
    s3.delete_bucket(Bucket=BUCKET)
    assert refusal(s3.head_bucket, Bucket=BUCKET) == ("404", 404)
    assert refusal(s3.delete_bucket, Bucket=BUCKET) == ("NoSuchBucket", 404)


def test_creating_again(server, s3, refusal):
    s3.create_bucket(Bucket=BUCKET)
    europe = {"CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}
    s3.create_bucket(Bucket="europe", **europe)
    owned = refusal(s3.create_bucket, Bucket="europe", **europe)
    assert owned == ("BucketAlreadyOwnedByYou", 409)
    other = server.client(aws_access_key_id="111111111111")
    assert refusal(other.create_bucket, Bucket=BUCKET) == ("BucketAlreadyExists", 409)
    assert other.list_buckets()["Buckets"] == []
    assert refusal(other.list_objects_v2, Bucket=BUCKET) == ("AccessDenied", 403)
    assert refusal(other.put_object, Bucket=BUCKET, Key="k", Body=b"") == ("AccessDenied", 403)


@pytest.mark.parametrize(
    "name", ["ab", "Ab-c", "a..b", "1.2.3.4", "-ab", "a_b", "xn--abc", "abc-s3alias", "x" * 64]
)
def test_names_that_are_none(server, name):
    with pytest.raises(AwsError) as caught:
        server.call("CreateBucket", Bucket=name)
    assert caught.value.code == "InvalidBucketName"


def test_regions(server, s3, refusal):
    west = server.client(region_name="eu-west-1")
    illegal = ("IllegalLocationConstraintException", 400)
    assert refusal(west.create_bucket, Bucket="abc") == illegal
    north = {"CreateBucketConfiguration": {"LocationConstraint": "eu-north-1"}}
    assert refusal(west.create_bucket, Bucket="abc", **north) == illegal
    home = {"CreateBucketConfiguration": {"LocationConstraint": "us-east-1"}}
    assert refusal(s3.create_bucket, Bucket="abc", **home) == ("InvalidLocationConstraint", 400)


def test_what_a_new_bucket_has(s3, refusal):
    (rule,) = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    blocks = s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"]
    assert set(blocks.values()) == {True}
    (owned,) = s3.get_bucket_ownership_controls(Bucket=BUCKET)["OwnershipControls"]["Rules"]
    assert owned == {"ObjectOwnership": "BucketOwnerEnforced"}
    for call in (
        s3.get_bucket_versioning,
        s3.get_bucket_logging,
        s3.get_bucket_accelerate_configuration,
        s3.get_bucket_notification_configuration,
    ):
        answer = call(Bucket=BUCKET)
        assert set(answer) == {"ResponseMetadata"}
    assert s3.get_bucket_request_payment(Bucket=BUCKET)["Payer"] == "BucketOwner"
    for call, code in (
        (s3.get_bucket_cors, "NoSuchCORSConfiguration"),
        (s3.get_bucket_lifecycle_configuration, "NoSuchLifecycleConfiguration"),
        (s3.get_bucket_policy, "NoSuchBucketPolicy"),
        (s3.get_bucket_policy_status, "NoSuchBucketPolicy"),
        (s3.get_bucket_tagging, "NoSuchTagSet"),
        (s3.get_bucket_website, "NoSuchWebsiteConfiguration"),
        (s3.get_bucket_replication, "ReplicationConfigurationNotFoundError"),
        (s3.get_object_lock_configuration, "ObjectLockConfigurationNotFoundError"),
    ):
        assert refusal(call, Bucket=BUCKET) == (code, 404)
    for call in (
        s3.list_bucket_inventory_configurations,
        s3.list_bucket_metrics_configurations,
        s3.list_bucket_analytics_configurations,
        s3.list_bucket_intelligent_tiering_configurations,
    ):
        assert call(Bucket=BUCKET)["IsTruncated"] is False
    answer = refusal(s3.get_bucket_metrics_configuration, Bucket=BUCKET, Id="x")
    assert answer == ("NoSuchConfiguration", 404)


def test_configuration_comes_back_as_it_was_put(s3, refusal):
    tags = {"TagSet": [{"Key": "a", "Value": "1 + ü"}]}
    s3.put_bucket_tagging(Bucket=BUCKET, Tagging=tags)
    assert s3.get_bucket_tagging(Bucket=BUCKET)["TagSet"] == tags["TagSet"]
    s3.delete_bucket_tagging(Bucket=BUCKET)
    assert refusal(s3.get_bucket_tagging, Bucket=BUCKET)[0] == "NoSuchTagSet"
    s3.put_public_access_block(
        Bucket=BUCKET, PublicAccessBlockConfiguration={"BlockPublicAcls": True}
    )
    blocks = s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"]
    assert blocks == {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": False,
        "BlockPublicPolicy": False,
        "RestrictPublicBuckets": False,
    }
    s3.delete_public_access_block(Bucket=BUCKET)
    missing = refusal(s3.get_public_access_block, Bucket=BUCKET)
    assert missing == ("NoSuchPublicAccessBlockConfiguration", 404)
    owned = {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
    s3.put_bucket_ownership_controls(Bucket=BUCKET, OwnershipControls=owned)
    assert s3.get_bucket_ownership_controls(Bucket=BUCKET)["OwnershipControls"] == owned
    s3.delete_bucket_ownership_controls(Bucket=BUCKET)
    missing = refusal(s3.get_bucket_ownership_controls, Bucket=BUCKET)
    assert missing == ("OwnershipControlsNotFoundError", 404)
    rules = {
        "Rules": [
            {
                "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
                "BucketKeyEnabled": True,
            }
        ]
    }
    s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration=rules)
    stored = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]
    assert stored == rules
    s3.put_bucket_notification_configuration(
        Bucket=BUCKET, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    answer = s3.get_bucket_notification_configuration(Bucket=BUCKET)
    assert answer["EventBridgeConfiguration"] == {}


def test_configuration_the_emulator_does_not_follow_is_refused_by_name(s3, refusal):
    refused = ("NotSupportedByEmulator", 400)
    key = {"SSEAlgorithm": "aws:kms"}
    rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": key}]}
    assert (
        refusal(s3.put_bucket_encryption, Bucket=BUCKET, ServerSideEncryptionConfiguration=rules)
        == refused
    )
    queue = {
        "QueueConfigurations": [
            {"QueueArn": "arn:aws:sqs:us-east-1:0:q", "Events": ["s3:ObjectCreated:*"]}
        ]
    }
    assert (
        refusal(
            s3.put_bucket_notification_configuration,
            Bucket=BUCKET,
            NotificationConfiguration=queue,
        )
        == refused
    )
    site = {"IndexDocument": {"Suffix": "index.html"}}
    assert refusal(s3.put_bucket_website, Bucket=BUCKET, WebsiteConfiguration=site) == refused
    logging = {"LoggingEnabled": {"TargetBucket": BUCKET, "TargetPrefix": ""}}
    assert refusal(s3.put_bucket_logging, Bucket=BUCKET, BucketLoggingStatus=logging) == refused
    fast = {"Status": "Enabled"}
    assert (
        refusal(s3.put_bucket_accelerate_configuration, Bucket=BUCKET, AccelerateConfiguration=fast)
        == refused
    )
    assert refusal(s3.create_bucket, Bucket="locked", ObjectLockEnabledForBucket=True) == refused


def test_documents_that_do_not_fit_the_schema(server, s3):
    cases = {
        b"": "MalformedXML",
        b"<VersioningConfiguration><Status>On</Status></VersioningConfiguration>": "MalformedXML",
        b"<VersioningConfiguration><Nope/></VersioningConfiguration>": "MalformedXML",
        b"<Other/>": "MalformedXML",
        b"<VersioningConfiguration>": "MalformedXML",
        b'<!DOCTYPE a [<!ENTITY b "c">]><VersioningConfiguration>&b;</VersioningConfiguration>': (
            "MalformedXML"
        ),
    }
    for body, code in cases.items():
        answer = server.send("PUT", f"/{BUCKET}?versioning", body)
        assert (answer.status_code, re.search("<Code>(.*)</Code>", answer.text)[1]) == (400, code)
    assert "Status" not in s3.get_bucket_versioning(Bucket=BUCKET)


def test_expected_owner(s3, refusal):
    mine, other = "000000000000", "111111111111"
    s3.head_bucket(Bucket=BUCKET, ExpectedBucketOwner=mine)
    answer = refusal(s3.list_objects_v2, Bucket=BUCKET, ExpectedBucketOwner=other)
    assert answer == ("AccessDenied", 403)
    put = {"Bucket": BUCKET, "Key": "k", "Body": b"", "ExpectedBucketOwner": other}
    assert refusal(s3.put_object, **put) == ("AccessDenied", 403)


def test_in_process_configuration(server, s3):
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "MaxAgeSeconds": 3}
    server.call("PutBucketCors", Bucket=BUCKET, CORSConfiguration={"CORSRules": [rule]})
    assert server.call("GetBucketCors", Bucket=BUCKET) == {"CORSRules": [rule]}
    assert s3.get_bucket_cors(Bucket=BUCKET)["CORSRules"] == [rule]
    for params in (
        {"CORSConfiguration": {"CORSRules": [{**rule, "Nope": 1}]}},
        {"CORSConfiguration": {"CORSRules": "x"}},
        {"CORSConfiguration": {}},
    ):
        with pytest.raises(AwsError) as caught:
            server.call("PutBucketCors", Bucket=BUCKET, **params)
        assert caught.value.code == "MalformedXML"
    with pytest.raises(AwsError) as caught:
        server.call("DeleteBucket", caller=STRANGER, Bucket=BUCKET)
    assert caught.value.code == "AccessDenied"
    policy = {"Version": "2012-10-17", "Statement": [_allow("s3:GetObject")]}
    server.call("DeletePublicAccessBlock", Bucket=BUCKET)
    server.call("PutBucketPolicy", Bucket=BUCKET, Policy=json.dumps(policy))
    assert json.loads(server.call("GetBucketPolicy", Bucket=BUCKET)["Policy"]) == policy


def _allow(action):
    return {
        "Effect": "Allow",
        "Principal": "*",
        "Action": action,
        "Resource": f"arn:aws:s3:::{BUCKET}/*",
    }
