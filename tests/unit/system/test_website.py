"""What a deployment uploads of the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from system import website


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for name in ("index.html", "favicon.svg", "assets/index-a1.js", "assets/index-a1.js.map",
                 "assets/sans-b2.woff2", "samples/cat.jpg", ".sources"):  # fmt: skip
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def page(site: Path) -> dict[str, website.Upload]:
    return {
        item.key: item
        for item in website.uploads(site)
        if item.bucket == "website" and not item.key.startswith("gallery/")
    }


def test_source_maps_and_marks_of_the_build_stay_out_of_the_bucket(site: Path) -> None:
    assert set(page(site)) == {
        "index.html", "favicon.svg", "samples/cat.jpg", "assets/index-a1.js",
        "assets/sans-b2.woff2",
    }  # fmt: skip


def test_each_file_has_its_type_and_is_cached_for_as_long_as_it_stays_the_same(site: Path) -> None:
    found = {key: (item.content_type, item.cache_control) for key, item in page(site).items()}
    assert found["index.html"] == ("text/html", "no-cache")
    forever = "public, max-age=31536000, immutable"
    assert found["assets/index-a1.js"] == ("text/javascript", forever)
    assert found["assets/sans-b2.woff2"] == ("font/woff2", forever)
    assert found["favicon.svg"] == ("image/svg+xml", "public, max-age=300")


def test_the_house_styles_go_to_the_page_and_to_the_worker() -> None:
    keys = {(item.bucket, item.key) for item in website.uploads()}
    for style in website.GALLERY.glob("*.jpg"):
        assert {("website", f"gallery/{style.name}"), ("storage", f"gallery/{style.name}")} <= keys


def test_a_checkout_without_a_build_has_a_page_that_says_how_to_make_one(tmp_path: Path) -> None:
    assert not website.built(tmp_path)
    [said] = page(tmp_path).values()
    assert said.key == "index.html"
    assert "make page" in said.path.read_text()
    assert "make page" in website.HOW_TO_BUILD
