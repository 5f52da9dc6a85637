"""The website through the edge: cache, page fallback, headers, conditions, ranges, compression."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from emulator.core.errors import AwsError
from emulator.edge import content
from emulator.edge.cache import ERRORS_ALWAYS, EdgeCache, Stored, ttl_s
from emulator.edge.distribution import CachePolicy, Distribution
from emulator.edge.functions import Asked, ViewerRequest
from tests.unit.edge.edge_fakes import CODE, Edge

MISS, HIT = "Miss from cloudfront", "Hit from cloudfront"
PLAIN = {"headers": {"Accept-Encoding": "identity"}}


@pytest.fixture
def edge() -> Edge:
    return Edge()


def test_a_miss_then_hits_until_the_origins_max_age(edge: Edge) -> None:
    first = edge.send("/app.js")
    assert first.headers["x-cache"] == MISS
    assert "age" not in first.headers
    edge.clock.advance(299)
    hit = edge.send("/app.js")
    assert (hit.headers["x-cache"], hit.headers["age"]) == (HIT, "299")
    assert hit.content == first.content
    assert edge.bucket.reads == [("nst-website", "app.js")]
    edge.clock.advance(2)
    assert edge.outcome("/app.js") == "RefreshHit from cloudfront"
    assert edge.outcome("/app.js") == HIT
    edge.bucket.put("app.js", b"new", ContentType="text/javascript")
    edge.clock.advance(301)
    assert edge.send("/app.js").content == b"new"


def test_no_cache_is_kept_for_the_policys_minimum(edge: Edge) -> None:
    assert edge.outcome("/") == MISS
    assert edge.outcome("/") == HIT
    edge.clock.advance(1.1)
    assert edge.outcome("/") == "RefreshHit from cloudfront"


def test_without_cache_control_the_default_is_a_day(edge: Edge) -> None:
    edge.send("/small.txt")
    edge.clock.advance(86_399)
    assert edge.outcome("/small.txt") == HIT
    edge.clock.advance(2)
    assert edge.outcome("/small.txt") != HIT


@pytest.mark.parametrize(
    ("paths", "js", "txt"),
    [
        (["/*"], MISS, MISS),
        (["/app.js"], MISS, HIT),
        (["/app*"], MISS, HIT),
        (["/small.txt", "/app.js"], MISS, MISS),
        (["/app"], HIT, HIT),
    ],
)
def test_an_invalidation_makes_misses(edge: Edge, paths: list[str], js: str, txt: str) -> None:
    edge.send("/app.js")
    edge.send("/small.txt")
    edge.service.invalidate("E2", ["/*"])
    edge.service.invalidate("E1", paths)
    assert (edge.outcome("/app.js"), edge.outcome("/small.txt")) == (js, txt)


@pytest.mark.parametrize("path", ["app.js", "/a*b"])
def test_an_invalidation_path_that_is_none_is_refused(edge: Edge, path: str) -> None:
    with pytest.raises(AwsError, match="InvalidArgument"):
        edge.service.invalidate("E1", [path])


@pytest.mark.parametrize(
    ("uri", "target"),
    [
        ("/", "/index.html"),
        ("/studio", "/index.html"),
        ("/a.b/c", "/index.html"),
        ("/nope.js", "/nope.js"),
        ("/a/b.css", "/a/b.css"),
    ],
)
def test_the_fallback_function(uri: str, target: str) -> None:
    assert ViewerRequest(next(iter(CODE.values())))(Asked("GET", uri)) == target


def test_an_unknown_page_is_the_page_and_a_missing_file_is_an_error(edge: Edge) -> None:
    page = edge.send("/")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html"
    other = edge.send("/studio/42?x=1")
    assert (other.content, other.headers["x-cache"]) == (page.content, HIT)
    missing = edge.send("/nope.js")
    assert (missing.status_code, missing.headers["x-cache"]) == (403, "Error from cloudfront")
    assert "AccessDenied" in missing.text


def test_percent_encoded_names_are_keys(edge: Edge) -> None:
    edge.bucket.put("ä b.txt", b"umlaut")
    answer = edge.send("/%C3%A4%20b.txt")
    assert answer.text == "umlaut"
    assert answer.headers["content-type"] == "binary/octet-stream"


def test_an_error_of_the_bucket_is_passed_on(edge: Edge) -> None:
    async def read(bucket: str, key: str, arn: str) -> Any:
        raise AwsError("SlowDown", "a < b", 503)

    edge.service._read = read
    answer = edge.send("/app.js")
    assert answer.status_code == 503
    assert "a &lt; b" in answer.text


def test_an_expensive_error_is_kept_and_a_repaired_one_is_seen() -> None:
    plain = Distribution("E1", (), "")
    policy = CachePolicy(1, 100, 1000, gzip=True)
    for status in ERRORS_ALWAYS:
        assert ttl_s(status, "no-store", policy, plain) == 10
        assert ttl_s(status, "max-age=60", policy, plain) == 60
        assert ttl_s(status, "", policy, Distribution("E1", (), "", {status: 0.0})) == 0
    assert ttl_s(403, "", policy, plain) == 0
    assert ttl_s(403, "max-age=60", policy, plain) == 60
    assert ttl_s(402, "max-age=60", policy, plain) == 0
    assert ttl_s(429, "max-age=60", policy, plain) == 0


@pytest.mark.parametrize(
    ("control", "ttl"),
    [
        ("", 100),
        ("max-age=50", 50),
        ("max-age=50, s-maxage=70", 70),
        ("public, max-age=0", 1),
        ("max-age=99999", 1000),
        ("no-store", 1),
        ("private, max-age=50", 1),
        ("no-cache-please", 1),
        ("x-max-age=5", 100),
    ],
)
def test_time_to_live(control: str, ttl: float) -> None:
    policy = CachePolicy(1, 100, 1000, gzip=True)
    assert ttl_s(200, control, policy, Distribution("E1", (), "")) == ttl
    assert ttl_s(200, control, CachePolicy(0, 0, 0, gzip=False), Distribution("E1", (), "")) == 0


def test_security_headers(edge: Edge) -> None:
    for path in ("/", "/app.js", "/nope.js"):
        headers = edge.send(path).headers
        policy = dict(
            part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";")
        )
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == "'self'"
        assert policy["connect-src"] == "'self' http://127.0.0.1:4566"
        assert policy["img-src"] == "'self' blob: data: http://127.0.0.1:4566"
        assert policy["frame-ancestors"] == "'none'"
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["strict-transport-security"].startswith("max-age=31536000")
        assert headers["referrer-policy"] == "strict-origin-when-cross-origin"


def test_cloudfronts_own_headers(edge: Edge) -> None:
    one, two = edge.send("/"), edge.send("/")
    assert one.headers["via"].endswith(".cloudfront.net (CloudFront)")
    assert one.headers["x-amz-cf-pop"]
    assert one.headers["x-amz-cf-id"] != two.headers["x-amz-cf-id"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_only_get_and_head_reach_the_website(edge: Edge, method: str) -> None:
    answer = edge.send("/", method)
    assert (answer.status_code, answer.headers["x-cache"]) == (403, "Error from cloudfront")
    assert answer.headers["content-type"].startswith("text/html")
    assert edge.bucket.reads == []


def test_head_has_the_headers_of_get(edge: Edge) -> None:
    get, head = edge.send("/small.txt"), edge.send("/small.txt", "HEAD")
    assert head.content == b""
    assert head.headers["content-length"] == get.headers["content-length"] == "10"
    assert head.headers["x-cache"] == HIT


@pytest.mark.parametrize(
    ("base", "status"),
    [
        ("http://localhost", 200),
        ("http://127.0.0.1:8080", 200),
        ("http://nst-art.localhost:8080", 200),
        ("http://e1.cloudfront.net", 200),
        ("http://evil.example", 403),
        ("http://e2.cloudfront.net", 403),
    ],
)
def test_host_names(edge: Edge, base: str, status: int) -> None:
    assert edge.send("/", base_url=base).status_code == status


def test_a_removed_distribution_serves_nothing(edge: Edge) -> None:
    edge.service.remove_distribution("E1")
    assert edge.send("/").status_code == 403


def test_a_long_url_is_414(edge: Edge) -> None:
    assert edge.send("/" + "a" * 8_192).status_code == 414


def test_conditions(edge: Edge) -> None:
    first = edge.send("/app.js", **PLAIN)
    etag, modified = first.headers["etag"], first.headers["last-modified"]
    assert etag == f'"{etag[1:-1]}"'

    def status(**headers: str) -> int:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = edge.send("/app.js", headers={"Accept-Encoding": "identity", **named})
        if answer.status_code == 304:
            assert (answer.content, answer.headers["etag"]) == (b"", etag)
            assert answer.headers["cache-control"] == "public, max-age=300"
        return answer.status_code

    assert status(if_none_match=etag) == 304
    assert status(if_none_match=f'"other", W/{etag}') == 304
    assert status(if_none_match="*") == 304
    assert status(if_none_match='"other"') == 200
    assert status(if_modified_since=modified) == 304
    assert status(if_modified_since="Mon, 01 Jan 2024 00:00:00 GMT") == 200
    assert status(if_modified_since="nonsense") == 200
    assert status(if_none_match='"other"', if_modified_since=modified) == 200


@pytest.mark.parametrize(
    ("asked", "status", "body", "span"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=8-", 206, b"89", "bytes 8-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=5-99", 206, b"56789", "bytes 5-9/10"),
        ("bytes=10-", 416, b"", "bytes */10"),
        ("bytes=-0", 416, b"", "bytes */10"),
        ("bytes=0-1,3-4", 200, b"0123456789", None),
        ("bytes=5-2", 200, b"0123456789", None),
        ("lines=1-2", 200, b"0123456789", None),
    ],
)
def test_ranges(edge: Edge, asked: str, status: int, body: bytes, span: str | None) -> None:
    answer = edge.send("/small.txt", headers={"Range": asked})
    assert (answer.status_code, answer.content) == (status, body)
    assert answer.headers.get("content-range") == span


def test_a_range_of_another_version_gets_the_whole(edge: Edge) -> None:
    etag = edge.send("/small.txt").headers["etag"]
    for if_range, status in ((etag, 206), ('"old"', 200)):
        headers = {"Range": "bytes=0-1", "If-Range": if_range}
        assert edge.send("/small.txt", headers=headers).status_code == status


def test_compression_and_its_own_cache_entry(edge: Edge) -> None:
    zipped = {"headers": {"Accept-Encoding": "br, gzip"}}
    plain = edge.send("/app.js", **PLAIN)
    answer = edge.send("/app.js", **zipped)
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["etag"] == "W/" + plain.headers["etag"]
    assert int(answer.headers["content-length"]) < len(plain.content)
    assert answer.content == plain.content
    assert "content-encoding" not in plain.headers
    assert answer.headers["x-cache"] == MISS
    assert edge.outcome("/app.js", **zipped) == HIT
    weak = {"Accept-Encoding": "gzip", "If-None-Match": answer.headers["etag"]}
    assert edge.send("/app.js", headers=weak).status_code == 304
    edge.clock.advance(301)
    assert edge.outcome("/app.js", **zipped) == "RefreshHit from cloudfront"


@pytest.mark.parametrize("path", ["/small.txt", "/photo.jpg"])
def test_what_is_small_or_compressed_already_stays_as_it_is(edge: Edge, path: str) -> None:
    answer = edge.send(path, headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in answer.headers


def test_what_the_origin_compressed_is_not_compressed_again(edge: Edge) -> None:
    body = gzip.compress(b"x" * 5000 + bytes(range(256)) * 20, compresslevel=0)
    edge.bucket.put("z.css", body, ContentType="text/css", ContentEncoding="gzip")
    answer = edge.send("/z.css", headers={"Accept-Encoding": "gzip"})
    assert int(answer.headers["content-length"]) == len(body)


@pytest.mark.parametrize(
    ("header", "takes"),
    [
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip;q=0.0", False),
        ("br", False),
        ("", False),
    ],
)
def test_accept_encoding(header: str, takes: bool) -> None:
    assert content.accepts_gzip(header) is takes


def test_the_cache_is_bounded_and_forgets_the_least_used() -> None:
    cache = EdgeCache(bytes_max=5_000, entry_bytes_max=2_000)
    keys = [("E1", f"/{n}", "", "") for n in range(4)]
    stored = Stored(200, (), b"x" * 1_000, 0.0)
    for key in keys[:3]:
        cache.put(key, stored)
    cache.get(keys[0])
    cache.put(keys[3], stored)
    assert cache.get(keys[1]) is None
    assert all(cache.get(key) for key in (keys[0], keys[2], keys[3]))
    assert cache.size_bytes <= 5_000
    cache.put(keys[0], Stored(200, (), b"x" * 3_000, 0.0))
    assert cache.get(keys[0]) is None
    assert cache.invalidate("E1", ["/*"]) == 2
    assert cache.size_bytes == 0


def test_readers_are_closed(edge: Edge) -> None:
    edge.send("/small.txt")
    assert edge.bucket.files[("nst-website", "small.txt")].body.open_readers == 0
