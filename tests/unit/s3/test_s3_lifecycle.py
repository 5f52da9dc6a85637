"""Lifecycle rules on the emulator's clock, and the events of what happens to objects."""

from datetime import UTC, datetime

import pytest

BUCKET = "pictures"
DAY = 86_400


def _rules(s3, *rules):
    s3.put_bucket_lifecycle_configuration(
        Bucket=BUCKET, LifecycleConfiguration={"Rules": list(rules)}
    )


def _rule(**action):
    return {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": "runs/"}, **action}


def _keys(server):
    return [row["Key"] for row in server.call("ListObjectsV2", Bucket=BUCKET).get("Contents", [])]


def _advance(server, seconds):
    async def move():
        server.clock.advance(seconds)

    server.run(move())


@pytest.mark.fidelity(
    area="S3",
    feature="Expiration by days, at midnight UTC",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html",
)
def test_objects_expire_at_the_midnight_after_their_days(server, s3):
    _rules(s3, _rule(Expiration={"Days": 7}))
    for key in ("runs/1", "gallery/1"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"")
    now = server.clock.now()
    _advance(server, 7 * DAY - 1)
    assert _keys(server) == ["gallery/1", "runs/1"]
    head = server.call("HeadObject", Bucket=BUCKET, Key="runs/1")
    midnight = -(-(now + 7 * DAY) // DAY) * DAY
    date = datetime.fromtimestamp(midnight, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert head["Expiration"] == f'expiry-date="{date}", rule-id="r"'
    _advance(server, midnight - server.clock.now() + 3600)
    assert _keys(server) == ["gallery/1"]


def test_the_sweep_comes_again_by_itself(server, s3):
    _rules(s3, _rule(Expiration={"Days": 1}))
    for _ in range(3):
        server.call("PutObject", Bucket=BUCKET, Key="runs/1", Body=b"")
        _advance(server, 3 * DAY)
        assert _keys(server) == []


def test_rules_by_tag_size_and_date(server, s3):
    every = {"And": {"Prefix": "", "Tags": [{"Key": "t", "Value": "1"}],
                     "ObjectSizeGreaterThan": 1}}  # fmt: skip
    _rules(
        s3,
        {"ID": "a", "Status": "Enabled", "Filter": every, "Expiration": {"Days": 1}},
        {"ID": "b", "Status": "Disabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}},
        {
            "ID": "c",
            "Status": "Enabled",
            "Filter": {"Prefix": "dated"},
            "Expiration": {"Date": datetime(2020, 1, 1, tzinfo=UTC)},
        },
    )
    s3.put_object(Bucket=BUCKET, Key="both", Body=b"12", Tagging="t=1")
    s3.put_object(Bucket=BUCKET, Key="small", Body=b"1", Tagging="t=1")
    s3.put_object(Bucket=BUCKET, Key="untagged", Body=b"12")
    s3.put_object(Bucket=BUCKET, Key="dated", Body=b"12")
    _advance(server, 3 * DAY)
    assert _keys(server) == ["small", "untagged"]


@pytest.mark.fidelity(
    area="S3",
    feature="AbortIncompleteMultipartUpload",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpu-abort-incomplete-mpu-lifecycle-config.html",
)
def test_abandoned_uploads_end(server, s3):
    _rules(s3, _rule(AbortIncompleteMultipartUpload={"DaysAfterInitiation": 2}))
    for key in ("runs/1", "other"):
        s3.create_multipart_upload(Bucket=BUCKET, Key=key)
    _advance(server, 4 * DAY)
    listed = server.call("ListMultipartUploads", Bucket=BUCKET)
    assert [row["Key"] for row in listed["Uploads"]] == ["other"]


def test_versions_expire_to_markers_and_noncurrent_ones_go(server, s3):
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    _rules(
        s3,
        _rule(
            Expiration={"Days": 5},
            NoncurrentVersionExpiration={"NoncurrentDays": 2, "NewerNoncurrentVersions": 1},
        ),
    )
    for body in (b"1", b"2", b"3"):
        s3.put_object(Bucket=BUCKET, Key="runs/1", Body=body)
    _advance(server, 4 * DAY)
    listed = server.call("ListObjectVersions", Bucket=BUCKET)
    assert [row["Size"] for row in listed["Versions"]] == [1, 1]
    assert _keys(server) == ["runs/1"]
    _advance(server, 3 * DAY)
    assert _keys(server) == []
    listed = server.call("ListObjectVersions", Bucket=BUCKET)
    assert len(listed["DeleteMarkers"]) == 1


def test_rules_come_back_as_put_with_awss_default(s3, refusal):
    rule = _rule(Expiration={"Days": 7})
    _rules(s3, rule)
    answer = s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)
    assert answer["Rules"] == [rule]
    assert answer["TransitionDefaultMinimumObjectSize"] == "all_storage_classes_128K"
    s3.delete_bucket_lifecycle(Bucket=BUCKET)
    missing = refusal(s3.get_bucket_lifecycle_configuration, Bucket=BUCKET)
    assert missing == ("NoSuchLifecycleConfiguration", 404)


def test_rules_that_are_refused(s3, refusal):
    def refused(*rules):
        return refusal(
            s3.put_bucket_lifecycle_configuration,
            Bucket=BUCKET,
            LifecycleConfiguration={"Rules": list(rules)},
        )

    move = _rule(Transitions=[{"Days": 30, "StorageClass": "GLACIER"}])
    assert refused(move) == ("NotSupportedByEmulator", 400)
    assert refused(_rule(Expiration={"Days": 0})) == ("InvalidArgument", 400)
    assert refused(_rule()) == ("InvalidRequest", 400)
    twice = _rule(Expiration={"Days": 1})
    assert refused(twice, twice) == ("InvalidArgument", 400)
    assert refused(_rule(Expiration={"Days": 1}, Prefix="x")) == ("MalformedXML", 400)


@pytest.mark.fidelity(
    area="S3",
    feature="Events to EventBridge",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html",
)
def test_events_where_eventbridge_is_on(server, s3):
    s3.put_object(Bucket=BUCKET, Key="silent", Body=b"")
    s3.put_bucket_notification_configuration(
        Bucket=BUCKET, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    put = s3.put_object(Bucket=BUCKET, Key="k", Body=b"1234")
    s3.copy_object(Bucket=BUCKET, Key="c", CopySource=f"{BUCKET}/k")
    s3.delete_object(Bucket=BUCKET, Key="k")
    s3.delete_object(Bucket=BUCKET, Key="k")
    server.run(_settled())
    seen = [(e["detail-type"], e["detail"]["reason"], e["detail"]["object"]["key"])
            for e in server.events]  # fmt: skip
    assert seen == [
        ("Object Created", "PutObject", "k"),
        ("Object Created", "CopyObject", "c"),
        ("Object Deleted", "DeleteObject", "k"),
    ]
    created, _, deleted = server.events
    assert created["source"] == "aws.s3"
    assert created["resources"] == [f"arn:aws:s3:::{BUCKET}"]
    assert created["detail"]["bucket"] == {"name": BUCKET}
    assert created["detail"]["object"]["size"] == 4
    assert created["detail"]["object"]["etag"] == put["ETag"].strip('"')
    assert created["detail"]["requester"] == "000000000000"
    assert deleted["detail"]["deletion-type"] == "Permanently Deleted"
    assert created["detail"]["object"]["sequencer"] < deleted["detail"]["object"]["sequencer"]


async def _settled():
    """Events are delivered by tasks that were made before this one."""
