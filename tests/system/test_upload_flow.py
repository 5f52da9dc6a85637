"""The seed's "Upload Image" flow by itself, and every way in which an upload is refused."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from tests.system.running import Running
from tests.system.visitor import Visitor, picture


def ask(visitor: Visitor, **body: Any) -> dict[str, Any]:
    answer = visitor.http.post(
        "/api/upload-urls", json={"slot": "content", "content_type": "image/png", **body}
    )
    assert answer.status_code == 200, answer.text
    given: dict[str, Any] = answer.json()
    return given


def test_a_picture_goes_straight_to_the_bucket(visitor: Visitor, stack: Running) -> None:
    post = ask(visitor)
    body = picture()
    answer = visitor.upload(post, body)
    assert answer.status_code in {200, 201, 204}
    assert answer.headers["access-control-allow-origin"] == stack.web_url
    assert re.fullmatch(r"runs/[0-9a-f]{32}/content", post["key"])
    stored = stack.client("s3").get_object(Bucket=stack.named("storage"), Key=post["key"])
    assert stored["Body"].read() == body
    assert stored["ContentType"] == "image/png"


def test_a_run_id_that_was_given_is_kept(visitor: Visitor) -> None:
    run_id = "0123456789abcdef" * 2
    assert ask(visitor, run_id=run_id, slot="style-3")["key"] == f"runs/{run_id}/style-3"


def test_the_key_the_type_and_the_signature_cannot_be_changed(visitor: Visitor) -> None:
    post = ask(visitor)
    for field, value in (
        ("key", "runs/other/content"),
        ("Content-Type", "text/html"),
        ("policy", "e30="),
        ("x-amz-signature", "0" * 64),
        ("x-amz-credential", post["fields"]["x-amz-credential"].replace("ASIA", "AKIA")),
    ):
        assert post["fields"].get(field) != value
        assert field in {*post["fields"]}, f"{field} is not among {sorted(post['fields'])}"
        changed = {**post, "fields": {**post["fields"], field: value}}
        assert visitor.upload(changed, picture()).status_code == 403, field


def test_an_extra_field_is_refused(visitor: Visitor) -> None:
    post = ask(visitor)
    changed = {**post, "fields": {**post["fields"], "x-amz-meta-note": "hello"}}
    assert visitor.upload(changed, picture()).status_code == 403


def test_over_the_size_limit_is_refused_and_nothing_is_stored(
    visitor: Visitor, stack: Running
) -> None:
    post = ask(visitor)
    answer = visitor.upload(post, b"\0" * (post["max_upload_bytes"] + 1))
    assert answer.status_code == 400
    assert "EntityTooLarge" in answer.text
    s3 = stack.client("s3")
    with pytest.raises(s3.exceptions.ClientError, match="404"):
        s3.head_object(Bucket=stack.named("storage"), Key=post["key"])


def test_an_empty_file_is_refused(visitor: Visitor) -> None:
    answer = visitor.upload(ask(visitor), b"")
    assert answer.status_code == 400
    assert "EntityTooSmall" in answer.text


def test_an_upload_from_a_foreign_page_gets_no_cors_headers(visitor: Visitor) -> None:
    post = ask(visitor)
    foreign = httpx.options(
        post["url"],
        headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"},
    )
    assert foreign.status_code == 403
    assert "access-control-allow-origin" not in foreign.headers
    own = httpx.options(
        post["url"],
        headers={
            "Origin": visitor.stack.web_url,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        },
    )
    assert own.status_code == 200
    assert own.headers["access-control-allow-origin"] == visitor.stack.web_url


@pytest.mark.parametrize(
    "body",
    [
        {"slot": "content"},
        {"slot": "content", "content_type": "text/html"},
        {"slot": "style-4", "content_type": "image/png"},
        {"slot": "../../ledger.json", "content_type": "image/png"},
        {"slot": "content", "content_type": "image/png", "run_id": "../../x"},
        {"slot": "content", "content_type": "image/png", "run_id": 'a"b' + "0" * 29},
        {"slot": "content", "content_type": "image/png", "url": "http://169.254.169.254/"},
    ],
)
def test_bad_requests_get_a_problem_document(visitor: Visitor, body: dict[str, Any]) -> None:
    answer = visitor.http.post("/api/upload-urls", json=body)
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["status"] == 400


def test_a_text_body_is_not_let_past_the_validation(visitor: Visitor) -> None:
    for path in ("/api/upload-urls", "/api/runs", "/api/run-nst"):
        answer = visitor.http.post(
            path, content=b'{"surprise": 1}', headers={"Content-Type": "text/plain"}
        )
        assert answer.status_code in {400, 415}, (path, answer.text)
        assert answer.headers["content-type"].startswith("application/problem+json")


def test_anonymous_reads_of_the_buckets_are_denied(visitor: Visitor, stack: Running) -> None:
    post = ask(visitor)
    visitor.upload(post, picture())
    for place in (("storage", post["key"]), ("budget", "ledger.json"), ("storage", "")):
        assert httpx.get(stack.object_url(*place)).status_code == 403
