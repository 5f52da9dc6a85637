from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from system.client import errors
from system.client.follow import Links
from system.client.uploads import Post
from tests.unit.client.scripted import (
    BUCKET,
    LINKS,
    NOT_YET,
    RUN,
    Script,
    admission,
    answer,
    problem,
)


def test_admit_asks_for_what_is_uploaded_and_what_is_in_the_gallery() -> None:
    script = Script().on("POST /api/runs", admission(styles=2))
    styles = [{"content_type": "image/png"}, {"gallery": "ink-wash"}]
    found = script.client().admit("image/jpeg", styles)
    assert script.bodies("POST /api/runs") == [
        {"content": {"content_type": "image/jpeg"}, "styles": styles}
    ]
    assert found.run_id == RUN
    assert found.ceiling_microusd == 13_000
    assert found.links.events == LINKS["events"]
    assert len(found.styles) == 2


def test_admit_is_not_asked_twice_after_a_lost_answer() -> None:
    script = Script().on("POST /api/runs", httpx.ReadError("gone"), admission())
    with pytest.raises(errors.UnreachableError):
        script.client().admit("image/png", [{"gallery": "ink-wash"}])
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    "broken",
    [
        {"run_id": "../budget"},
        {"uploads": None},
        {"uploads": {"content": {"url": "file:///etc/passwd", "fields": {}}, "styles": []}},
        {"max_upload_bytes": "many"},
        {"links": {"events": "javascript:alert(1)"}},
        {"ceiling_microusd": None},
    ],
)
def test_an_admission_that_breaks_its_promise_is_refused(broken: dict[str, object]) -> None:
    whole = admission().json()
    script = Script().on("POST /api/runs", answer(201, **{**whole, **broken}))
    with pytest.raises(errors.BadAnswerError):
        script.client().admit("image/png", [{"content_type": "image/png"}])


def test_a_mask_is_asked_for_at_its_place() -> None:
    post = {"url": f"{BUCKET}/upload", "fields": {"key": f"runs/{RUN}/mask-1"}}
    script = Script().on("POST /api/upload-urls", answer(200, run_id=RUN, **post))
    assert script.client().mask_post(RUN, 1).fields == post["fields"]
    (asked,) = script.bodies("POST /api/upload-urls")
    assert asked == {"run_id": RUN, "slot": "mask-1", "content_type": "image/png"}


def test_start_is_repeated_since_the_same_run_is_found() -> None:
    lost = httpx.ReadTimeout("late")
    done = answer(202, run_id=RUN, state="starting", ceiling_microusd=21_000)
    script = Script().on("POST /api/run-nst", lost, done)
    assert script.client().start(RUN, [{}], {"size": 64}) == 21_000
    first, second = script.bodies("POST /api/run-nst")
    assert first == second == {"run_id": RUN, "styles": [{}], "params": {"size": 64}}


def test_state_takes_a_404_for_starting() -> None:
    script = Script().on(f"GET /api/runs/{RUN}", problem("RunNotFound"))
    assert script.client().state(RUN).state == "starting"
    assert not script.client().state(RUN).final
    cause = problem("PictureRefused").json()
    script.on(f"GET /api/runs/{RUN}", answer(run_id=RUN, state="failed", cause=cause))
    found = script.client().state(RUN)
    assert found.final
    assert found.cause == cause


def test_settled_waits_for_the_final_state_but_not_for_ever() -> None:
    running, done = answer(state="running", cause=None), answer(state="succeeded", cause=None)
    script = Script().on(f"GET /api/runs/{RUN}", running, running, done)
    assert script.client().settled(RUN, 30).state == "succeeded"
    script.on(f"GET /api/runs/{RUN}", running)
    assert script.client().settled(RUN, 30).state == "running"
    assert script.now < 40


def test_stop_and_links_name_the_run() -> None:
    script = Script().on(f"POST /api/runs/{RUN}/stop", answer(202, run_id=RUN, state="stopping"))
    script.on(f"POST /api/runs/{RUN}/links", answer(run_id=RUN, links=LINKS))
    script.client().stop(RUN)
    assert script.client().links(RUN) == Links.parse(LINKS)


@pytest.mark.parametrize("run_id", ["", "x", "../budget", RUN.upper()])
def test_what_is_no_run_id_never_gets_into_a_path(run_id: str) -> None:
    script = Script()
    for call in (script.client().stop, script.client().state, script.client().links):
        with pytest.raises(ValueError, match="run id"):
            call(run_id)
    assert script.requests == []


def test_an_upload_streams_fields_first_and_the_file_last(tmp_path: Path) -> None:
    picture = tmp_path / "p.png"
    picture.write_bytes(b"\x89PNG" + b"x" * 200_000)
    script = Script().on("POST /upload", httpx.Response(204))
    seen: list[int] = []
    post = Post(f"{BUCKET}/upload", {"key": "runs/x/content", "policy": "p"})
    script.client().upload(post, picture, seen.append)
    [request] = script.requests
    body = request.content
    assert body.index(b'name="key"') < body.index(b'name="policy"') < body.index(b'name="file"')
    assert picture.read_bytes() in body
    assert request.headers["content-length"] == str(len(body))
    assert len(seen) > 2, "the whole file was read at once"
    assert max(seen) == picture.stat().st_size


def test_an_upload_is_repeated_whole(tmp_path: Path) -> None:
    picture = tmp_path / "p.png"
    picture.write_bytes(b"x" * 1_000)
    script = Script().on("POST /upload", httpx.WriteError("gone"), httpx.Response(204))
    script.client().upload(Post(f"{BUCKET}/upload", {"key": "k"}), picture)
    assert all(b"x" * 1_000 in request.content for request in script.requests)
    assert len(script.requests) == 2


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("EntityTooLarge", "larger than this system allows"),
        ("AccessDenied", "expired or does not fit"),
        ("Mystery", "400 Mystery"),
    ],
)
def test_a_bucket_that_refuses_says_why(tmp_path: Path, code: str, says: str) -> None:
    picture = tmp_path / "p.png"
    picture.write_bytes(b"x")
    refusal = httpx.Response(400, content=f"<Error><Code>{code}</Code></Error>".encode())
    script = Script().on("POST /upload", refusal)
    with pytest.raises(errors.UploadFailedError, match=says) as caught:
        script.client().upload(Post(f"{BUCKET}/upload", {}), picture)
    assert caught.value.code == code
    assert "p.png" in str(caught.value)


def test_a_download_is_whole_or_not_there(tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    script = Script().on("GET /result", httpx.Response(200, content=b"painting"))
    assert script.client().download(RUN, out, Links.parse(LINKS)) == 8
    assert out.read_bytes() == b"painting"
    assert out.stat().st_mode & 0o777 == 0o644
    out.unlink()
    script.on("GET /result", httpx.ReadError("gone"))
    with pytest.raises(errors.UnreachableError):
        script.client().download(RUN, out, Links.parse(LINKS))
    assert list(tmp_path.iterdir()) == []


def test_a_download_renews_links_once(tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    fresh = answer(run_id=RUN, links=LINKS)
    script = Script().on(f"POST /api/runs/{RUN}/links", fresh)
    script.on("GET /result", NOT_YET, httpx.Response(200, content=b"painting"))
    assert script.client().download(RUN, out, Links.parse(LINKS)) == 8
    script.on("GET /result", NOT_YET)
    with pytest.raises(errors.RunFailedError, match="no painting"):
        script.client().download(RUN, out, Links.parse(LINKS))
