"""Get Upload URL: what is signed is exactly what may be uploaded, and nothing starts without it."""

from __future__ import annotations

import base64
import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from handlers import errors
from handlers.get_upload_url import function as get_upload_url
from system import prices, runs
from tests.unit.handlers.fakes import RUN, Context, World, proxy_event

STYLES: list[dict[str, Any]] = [{"content_type": "image/jpeg"}, {"gallery": "ink-wash"}]


@pytest.fixture
def world() -> World:
    return World()


def act(world: World, action: str, **payload: Any) -> Any:
    return get_upload_url({"action": action, **payload}, Context(), world.parts)


def post(world: World, resource: str, body: Any, **path: str) -> tuple[int, Any]:
    event = proxy_event("POST", resource, body, **path)
    response = get_upload_url(event, Context(), world.parts)
    return response["statusCode"], json.loads(response["body"])


def policy(upload: dict[str, Any]) -> list[Any]:
    conditions: list[Any] = json.loads(base64.b64decode(upload["fields"]["policy"]))["conditions"]
    return conditions


def test_an_admission_names_where_everything_goes(world: World) -> None:
    admission = act(world, "admit", content={"content_type": "image/png"}, styles=STYLES)
    run_id = admission["run_id"]
    assert runs.is_run_id(run_id)
    content, (style, house) = admission["uploads"]["content"], admission["uploads"]["styles"]
    assert content["fields"]["key"] == f"runs/{run_id}/content"
    assert style["fields"]["key"] == f"runs/{run_id}/style-0"
    assert house is None
    assert admission["max_upload_bytes"] == 1_000
    assert admission["uploads_expire_at"] == "2026-10-26T07:48:20Z"
    assert admission["links"]["expires_at"] == "2026-10-26T08:33:20Z"
    rate = world.parts.environment.rates()
    assert admission["ceiling_microusd"] == prices.run_ceiling_microusd(rate, 30)
    assert set(admission["links"]) == {"events", "preview", "result", "expires_at"}
    again = act(world, "admit", content={"content_type": "image/png"}, styles=STYLES)
    assert again["run_id"] != run_id


def test_where_there_are_live_events_the_links_say_so() -> None:
    world = World()
    world.variables["LIVE_EVENTS"] = "true"
    asked = {"content": {"content_type": "image/png"}, "styles": STYLES}
    admission = act(world, "admit", **asked)
    assert admission["links"]["events_live"] == f"/api/runs/{admission['run_id']}/events"
    world.variables["LIVE_EVENTS"] = "false"
    assert "events_live" not in act(world, "admit", **asked)["links"]


def test_the_policy_pins_key_type_and_size(world: World) -> None:
    admission = act(world, "admit", content={"content_type": "image/png"}, styles=STYLES)
    upload = admission["uploads"]["content"]
    assert upload["url"] == "https://nst-storage.s3.us-east-1.amazonaws.com/"
    conditions = policy(upload)
    assert ["content-length-range", 1, 1_000] in conditions
    assert {"Content-Type": "image/png"} in conditions
    assert {"key": f"runs/{admission['run_id']}/content"} in conditions
    assert {"bucket": "nst-storage"} in conditions
    assert not [c for c in conditions if isinstance(c, list) and c[0] == "starts-with"]
    assert upload["fields"]["x-amz-algorithm"] == "AWS4-HMAC-SHA256"


def test_links_are_signed_for_an_hour_and_shown_inline(world: World) -> None:
    links = act(world, "admit", content={"content_type": "image/png"}, styles=STYLES)["links"]
    result = urlsplit(links["result"])
    assert result.hostname == "nst-storage.s3.us-east-1.amazonaws.com"
    assert result.path.endswith("/result.png")
    query = parse_qs(result.query)
    assert query["X-Amz-Expires"] == ["3600"]
    assert re.fullmatch(
        r'inline; filename="nst-art-[0-9a-f]{8}\.png"', query["response-content-disposition"][0]
    )
    assert urlsplit(links["events"]).path.endswith("/events.jsonl")


@pytest.mark.parametrize(
    "payload",
    [
        {"content": {"content_type": "text/html"}, "styles": STYLES},
        {"content": {"gallery": "ink-wash"}, "styles": STYLES},
        {"content": {"content_type": "image/png", "url": "x"}, "styles": STYLES},
        {"content": {"content_type": "image/png"}, "styles": []},
        {"content": {"content_type": "image/png"}, "styles": STYLES * 3},
        {"content": {"content_type": "image/png"}, "styles": [{"gallery": "../x"}]},
        {"content": {"content_type": "image/png"}, "styles": [{}]},
        {"content": {"content_type": "image/png"}, "styles": "image/png"},
        {"content": None, "styles": STYLES},
        {},
    ],
)
def test_admissions_that_make_no_sense_are_refused(world: World, payload: dict[str, Any]) -> None:
    with pytest.raises(errors.InvalidRequest):
        act(world, "admit", **payload)


def test_a_checked_run_has_its_input(world: World) -> None:
    world.put(f"runs/{RUN}/content", b"picture")
    world.put(f"runs/{RUN}/style-0", b"x" * 1_000)
    made = act(
        world,
        "check",
        run_id=RUN,
        styles=[{"weight": 0.5}, {"gallery": "ink-wash"}],
        params={"size": 724, "quality": "good"},
    )
    assert made["style_keys"] == [f"runs/{RUN}/style-0", "gallery/ink-wash.jpg"]
    assert made["style_weights"] == [0.5, 1.0]
    assert made["deadline_s"] == 180
    assert made["ceiling_microusd"] == prices.run_ceiling_microusd(
        world.parts.environment.rates(), 180
    )
    assert made["digest"] == runs.digest(made)
    assert "correlation_id" not in made


def test_pictures_that_are_missing_or_out_of_size_are_named(world: World) -> None:
    def check(styles: list[Any]) -> Any:
        return act(world, "check", run_id=RUN, styles=styles, params={})

    with pytest.raises(errors.UploadMissing, match="content"):
        check([{}])
    world.put(f"runs/{RUN}/content", b"picture")
    with pytest.raises(errors.UploadMissing, match="Style picture 2"):
        check([{"gallery": "ink-wash"}, {}])
    world.put(f"runs/{RUN}/style-0", b"")
    with pytest.raises(errors.UploadRefused, match="empty"):
        check([{}])
    world.put(f"runs/{RUN}/style-0", b"x" * 1_001)
    with pytest.raises(errors.UploadRefused, match="1001 bytes"):
        check([{}])
    with pytest.raises(errors.InvalidRequest):
        act(world, "check", run_id="../x", styles=[{}], params={})


def test_one_upload_by_itself(world: World) -> None:
    status, given = post(
        world, "/api/upload-urls", {"slot": "style-3", "content_type": "image/png", "run_id": RUN}
    )
    assert status == 200
    assert given["key"] == given["fields"]["key"] == f"runs/{RUN}/style-3"
    assert given["fields"]["Content-Type"] == "image/png"
    status, given = post(
        world, "/api/upload-urls", {"slot": "content", "content_type": "image/png"}
    )
    assert runs.is_run_id(given["run_id"])


def test_a_mask_is_a_png_at_its_style_s_place(world: World) -> None:
    asked = {"slot": "mask-1", "content_type": "image/png", "run_id": RUN}
    status, given = post(world, "/api/upload-urls", asked)
    assert (status, given["key"]) == (200, f"runs/{RUN}/mask-1")
    assert ["content-length-range", 1, 1_000] in policy(given)
    status, problem = post(world, "/api/upload-urls", {**asked, "content_type": "image/jpeg"})
    assert (status, problem["code"]) == (400, "invalid-request")
    assert "image/png" in problem["detail"]


def test_a_mask_may_be_as_large_as_its_price_says_and_no_larger() -> None:
    world = World()
    world.variables["MAX_UPLOAD_BYTES"] = str(20 * 1024 * 1024)
    for slot, most in (("mask-0", runs.MASK_BYTES_MAX), ("style-0", 20 * 1024 * 1024)):
        asked = {"slot": slot, "content_type": "image/png", "run_id": RUN}
        _, given = post(world, "/api/upload-urls", asked)
        assert given["max_upload_bytes"] == most
        assert ["content-length-range", 1, most] in policy(given)
    pictures = (1 + runs.STYLES_MAX) * 20 * 1024 * 1024
    assert pictures + runs.STYLES_MAX * runs.MASK_BYTES_MAX <= prices.STORED_BYTES
    assert prices.S3_PUTS >= 1 + 2 * runs.STYLES_MAX


def test_a_run_with_masks_needs_one_for_each_style(world: World) -> None:
    def check() -> Any:
        styles = [{}, {"gallery": "ink-wash"}]
        return act(world, "check", run_id=RUN, styles=styles, params={"masks": True})

    for name in ("content", "style-0", "mask-0"):
        world.put(f"runs/{RUN}/{name}", b"picture")
    with pytest.raises(errors.UploadMissing, match="Mask 2"):
        check()
    world.put(f"runs/{RUN}/mask-1", b"x" * 1_001)
    with pytest.raises(errors.UploadRefused, match="Mask 2"):
        check()
    world.put(f"runs/{RUN}/mask-1", b"mask")
    assert check()["mask_keys"] == [f"runs/{RUN}/mask-0", f"runs/{RUN}/mask-1"]


@pytest.mark.parametrize(
    "body",
    [
        {"slot": "content"},
        {"slot": "style-4", "content_type": "image/png"},
        {"slot": "../../ledger.json", "content_type": "image/png"},
        {"slot": None, "content_type": "image/png"},
        {"slot": "mask-4", "content_type": "image/png"},
        {"slot": "content", "content_type": "image/png", "run_id": "../../x"},
        {"slot": "content", "content_type": "image/png", "run_id": None},
        {"slot": "content", "content_type": "image/png", "url": "http://169.254.169.254/"},
        "not json",
        "[]",
        "",
        "[" * 5_000,
        '{"a": "' + "x" * 200_000 + '"}',
    ],
)
def test_wrong_bodies_get_a_problem(world: World, body: Any) -> None:
    status, problem = post(world, "/api/upload-urls", body)
    assert (status, problem["code"]) == (400, "invalid-request")
    assert len(problem["detail"]) < 300


def test_a_base64_body_is_read(world: World) -> None:
    raw = json.dumps({"slot": "content", "content_type": "image/png"}).encode()
    event = proxy_event("POST", "/api/upload-urls", base64.b64encode(raw).decode())
    event["isBase64Encoded"] = True
    assert get_upload_url(event, Context(), world.parts)["statusCode"] == 200
    event["body"] = "%%%"
    assert get_upload_url(event, Context(), world.parts)["statusCode"] == 400


def test_fresh_links_only_for_runs_that_are_there(world: World) -> None:
    resource = "/api/runs/{run_id}/links"
    status, problem = post(world, resource, {}, run_id=RUN)
    assert (status, problem["code"], problem["run_id"]) == (404, "run-not-found", RUN)
    world.put(f"runs/{RUN}/content", b"picture")
    status, given = post(world, resource, None, run_id=RUN)
    assert (status, given["run_id"]) == (200, RUN)
    assert f"runs/{RUN}/result.png" in given["links"]["result"]
    assert post(world, resource, {}, run_id="x")[0] == 400


def test_answers_carry_the_correlation_id_and_are_not_cached(world: World) -> None:
    for body in ({"slot": "content", "content_type": "image/png"}, {}):
        event = proxy_event("POST", "/api/upload-urls", body)
        headers = get_upload_url(event, Context(), world.parts)["headers"]
        assert headers["X-Correlation-Id"] == "correlation-1"
        assert headers["Cache-Control"] == "no-store"


def test_a_route_that_is_not_ours_is_refused(world: World) -> None:
    assert post(world, "/api/other", {})[0] == 400
