"""Versions and delete markers."""

import pytest

BUCKET = "pictures"


@pytest.fixture
def versioned(s3):
    s3.put_object(Bucket=BUCKET, Key="old", Body=b"before")
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    return s3


def _put(s3, body, key="k"):
    return s3.put_object(Bucket=BUCKET, Key=key, Body=body)["VersionId"]


def _get(s3, version=None, key="k"):
    named = {"VersionId": version} if version else {}
    return s3.get_object(Bucket=BUCKET, Key=key, **named)["Body"].read()


def test_every_write_is_kept(versioned):
    assert versioned.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"
    first, second = _put(versioned, b"1"), _put(versioned, b"2")
    assert (_get(versioned), _get(versioned, first), _get(versioned, second)) == (
        b"2",
        b"1",
        b"2",
    )
    assert versioned.head_object(Bucket=BUCKET, Key="k")["VersionId"] == second
    assert versioned.head_object(Bucket=BUCKET, Key="old")["VersionId"] == "null"
    copied = versioned.copy_object(
        Bucket=BUCKET,
        Key="back",
        CopySource={"Bucket": BUCKET, "Key": "k", "VersionId": first},
    )
    assert copied["CopySourceVersionId"] == first
    assert _get(versioned, key="back") == b"1"


def test_deleting_hides_and_can_be_undone(versioned, refusal):
    first = _put(versioned, b"1")
    gone = versioned.delete_object(Bucket=BUCKET, Key="k")
    assert gone["DeleteMarker"] is True
    marker = gone["VersionId"]
    assert refusal(versioned.get_object, Bucket=BUCKET, Key="k") == ("NoSuchKey", 404)
    assert _get(versioned, first) == b"1"
    named = {"Bucket": BUCKET, "Key": "k", "VersionId": marker}
    assert refusal(versioned.get_object, **named) == ("MethodNotAllowed", 405)
    assert "k" not in [row["Key"] for row in versioned.list_objects_v2(Bucket=BUCKET)["Contents"]]
    undone = versioned.delete_object(**named)
    assert undone["DeleteMarker"] is True
    assert _get(versioned) == b"1"


def test_deleting_a_version_is_for_good(versioned, refusal):
    first, second = _put(versioned, b"1"), _put(versioned, b"2")
    versioned.delete_object(Bucket=BUCKET, Key="k", VersionId=second)
    assert _get(versioned) == b"1"
    named = {"Bucket": BUCKET, "Key": "k", "VersionId": second}
    assert refusal(versioned.get_object, **named) == ("NoSuchVersion", 404)
    versioned.delete_object(Bucket=BUCKET, Key="k", VersionId=first)
    assert refusal(versioned.get_object, Bucket=BUCKET, Key="k") == ("NoSuchKey", 404)


def test_suspended_writes_replace_the_null_version(versioned):
    first = _put(versioned, b"1")
    versioned.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"})
    for body in (b"2", b"3"):
        assert "VersionId" not in versioned.put_object(Bucket=BUCKET, Key="k", Body=body)
    assert (_get(versioned), _get(versioned, first), _get(versioned, "null")) == (
        b"3",
        b"1",
        b"3",
    )
    assert versioned.delete_object(Bucket=BUCKET, Key="k")["VersionId"] == "null"
    listed = versioned.list_object_versions(Bucket=BUCKET, Prefix="k")
    assert [row["VersionId"] for row in listed["Versions"]] == [first]
    assert [row["VersionId"] for row in listed["DeleteMarkers"]] == ["null"]


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_listing_versions_in_pages(versioned, size):
    written = [("a", _put(versioned, b"1", "a")), ("b", _put(versioned, b"1", "b"))]
    written += [("a", _put(versioned, b"2", "a"))]
    marker = versioned.delete_object(Bucket=BUCKET, Key="b")["VersionId"]
    pages = versioned.get_paginator("list_object_versions").paginate(
        Bucket=BUCKET, PaginationConfig={"PageSize": size}
    )
    versions, markers = [], []
    for page in pages:
        versions += page.get("Versions", [])
        markers += page.get("DeleteMarkers", [])
    assert [(row["Key"], row["VersionId"], row["IsLatest"]) for row in versions] == [
        (*written[2], True),
        (*written[0], False),
        (*written[1], False),
        ("old", "null", True),
    ]
    assert [(row["Key"], row["VersionId"], row["IsLatest"]) for row in markers] == [
        ("b", marker, True)
    ]


def test_grouped_versions_and_wrong_markers(versioned, refusal):
    _put(versioned, b"", "d/1")
    _put(versioned, b"", "d/2")
    listed = versioned.list_object_versions(Bucket=BUCKET, Delimiter="/")
    assert listed["CommonPrefixes"] == [{"Prefix": "d/"}]
    answer = refusal(versioned.list_object_versions, Bucket=BUCKET, VersionIdMarker="x")
    assert answer == ("InvalidArgument", 400)


def test_compare_and_swap_looks_at_the_current_version(versioned, refusal):
    versioned.put_object(Bucket=BUCKET, Key="k", Body=b"1", IfNoneMatch="*")
    etag = versioned.head_object(Bucket=BUCKET, Key="k")["ETag"]
    put = {"Bucket": BUCKET, "Key": "k", "Body": b"2"}
    assert refusal(versioned.put_object, **put, IfNoneMatch="*")[1] == 412
    versioned.put_object(**put, IfMatch=etag)
    assert refusal(versioned.put_object, **put, IfMatch=etag)[1] == 412
    versioned.delete_object(Bucket=BUCKET, Key="k")
    assert refusal(versioned.put_object, **put, IfMatch=etag) == ("NoSuchKey", 404)
    versioned.put_object(**put, IfNoneMatch="*")


def test_a_bucket_with_versions_is_not_empty(versioned, refusal):
    versioned.delete_object(Bucket=BUCKET, Key="old")
    assert refusal(versioned.delete_bucket, Bucket=BUCKET) == ("BucketNotEmpty", 409)
    listed = versioned.list_object_versions(Bucket=BUCKET)
    rows = [*listed["Versions"], *listed["DeleteMarkers"]]
    objects = [{"Key": row["Key"], "VersionId": row["VersionId"]} for row in rows]
    answer = versioned.delete_objects(Bucket=BUCKET, Delete={"Objects": objects})
    assert len(answer["Deleted"]) == 2
    versioned.delete_bucket(Bucket=BUCKET)


def test_mfa_delete_is_refused(s3, refusal):
    answer = refusal(
        s3.put_bucket_versioning,
        Bucket=BUCKET,
        VersioningConfiguration={"Status": "Enabled", "MFADelete": "Enabled"},
        MFA="x 1",
    )
    assert answer == ("NotSupportedByEmulator", 400)
