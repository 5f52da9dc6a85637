"""Listings: order, grouping and paging, against a plain model of the same thing."""

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.s3.listing import walk
from emulator.s3.xmltext import document

BUCKET = "pictures"

KEYS = st.sets(st.text(alphabet="ab/é", min_size=1, max_size=5), max_size=25)


def _model(keys, prefix, delimiter):
    """All items of a listing, by its definition."""
    items = []
    for key in sorted(keys):
        if not key.startswith(prefix):
            continue
        end = key.find(delimiter, len(prefix)) if delimiter else -1
        item = (key, False) if end < 0 else (key[: end + len(delimiter)], True)
        if item not in items:
            items.append(item)
    return items


@settings(max_examples=200, deadline=None)
@given(
    KEYS,
    st.text(alphabet="ab/", max_size=2),
    st.sampled_from([None, "/", "a", "b/"]),
    st.integers(1, 5),
)
def test_pages_together_are_the_whole(keys, prefix, delimiter, most):
    found, after = [], ""
    ordered = sorted(keys)
    while True:
        page = walk(ordered, prefix, delimiter, after, most)
        assert len(page.items) <= most
        found += page.items
        if not page.truncated:
            break
        after = page.items[-1][0]
    assert found == _model(keys, prefix, delimiter)


@settings(max_examples=100, deadline=None)
@given(KEYS, st.text(alphabet="ab/", min_size=1, max_size=4))
def test_start_after_is_a_plain_comparison_without_a_delimiter(keys, after):
    page = walk(sorted(keys), "", None, after, 1000)
    assert [name for name, _ in page.items] == sorted(key for key in keys if key > after)


@pytest.fixture
def filled(s3):
    for key in ("a", "b/1", "b/2", "b/c/3", "d", "é +&<>", "z"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=key.encode())
    return s3


@pytest.mark.fidelity(
    area="S3",
    feature="ListObjectsV2 with delimiter, owner and encoding-type",
    source="https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html",
)
def test_v2(filled):
    listed = filled.list_objects_v2(Bucket=BUCKET, Delimiter="/")
    assert [row["Key"] for row in listed["Contents"]] == ["a", "d", "z", "é +&<>"]
    assert listed["CommonPrefixes"] == [{"Prefix": "b/"}]
    assert (listed["KeyCount"], listed["IsTruncated"]) == (5, False)
    row = listed["Contents"][0]
    assert (row["Size"], row["StorageClass"]) == (1, "STANDARD")
    assert "Owner" not in row
    inside = filled.list_objects_v2(Bucket=BUCKET, Prefix="b/", Delimiter="/")
    assert [row["Key"] for row in inside["Contents"]] == ["b/1", "b/2"]
    assert inside["CommonPrefixes"] == [{"Prefix": "b/c/"}]
    after = filled.list_objects_v2(Bucket=BUCKET, StartAfter="b/2", FetchOwner=True)
    assert [row["Key"] for row in after["Contents"]] == ["b/c/3", "d", "z", "é +&<>"]
    assert after["Contents"][0]["Owner"]["ID"]
    none = filled.list_objects_v2(Bucket=BUCKET, MaxKeys=0)
    assert (none["KeyCount"], none["IsTruncated"]) == (0, False)


@pytest.mark.parametrize("delimiter", ["/", ""])
@pytest.mark.parametrize("operation", ["list_objects_v2", "list_objects"])
def test_paginators_see_everything_once(filled, operation, delimiter):
    pages = filled.get_paginator(operation).paginate(
        Bucket=BUCKET, Delimiter=delimiter, PaginationConfig={"PageSize": 2}
    )
    keys, prefixes = [], []
    for page in pages:
        keys += [row["Key"] for row in page.get("Contents", [])]
        prefixes += [row["Prefix"] for row in page.get("CommonPrefixes", [])]
    if delimiter:
        assert (keys, prefixes) == (["a", "d", "z", "é +&<>"], ["b/"])
    else:
        assert keys == ["a", "b/1", "b/2", "b/c/3", "d", "z", "é +&<>"]


def test_v1_markers(filled):
    page = filled.list_objects(Bucket=BUCKET, Delimiter="/", MaxKeys=2)
    assert (page["IsTruncated"], page["NextMarker"]) == (True, "b/")
    rest = filled.list_objects(Bucket=BUCKET, Delimiter="/", Marker="b/")
    assert [row["Key"] for row in rest["Contents"]] == ["d", "z", "é +&<>"]
    assert "CommonPrefixes" not in rest


def test_keys_as_they_are_and_url_encoded(server, filled):
    # boto3 asks for the encoding by itself, and decodes it again.
    url = filled.generate_presigned_url("list_objects_v2", Params={"Bucket": BUCKET})
    assert "<Key>%C3%A9+%2B%26%3C%3E</Key>" in httpx.get(url).text
    plain = server.call("ListObjectsV2", Bucket=BUCKET)
    assert plain["Contents"][-1]["Key"] == "é +&<>"
    assert document("R", {"Key": "é +&<>"}).endswith("<Key>é +&amp;&lt;&gt;</Key></R>".encode())


def test_wrong_arguments(filled, refusal):
    listing = filled.list_objects_v2
    wrong = ("InvalidArgument", 400)
    assert refusal(listing, Bucket=BUCKET, ContinuationToken="rubbish") == wrong
    assert refusal(listing, Bucket=BUCKET, MaxKeys=-1) == wrong
    assert refusal(listing, Bucket=BUCKET, EncodingType="utf-7") == wrong
    assert refusal(listing, Bucket="nope") == ("NoSuchBucket", 404)


def test_a_control_character_in_a_key(filled):
    filled.put_object(Bucket=BUCKET, Key="x\x01\r\ny", Body=b"")
    assert "x\x01\r\ny" in [row["Key"] for row in filled.list_objects_v2(Bucket=BUCKET)["Contents"]]
