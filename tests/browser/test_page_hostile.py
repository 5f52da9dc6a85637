"""Files and origins that mean harm: refused or handled, never run, never frozen."""

from __future__ import annotations

import contextlib
import io
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, PngImagePlugin
from playwright.sync_api import Browser, Page, expect

from tests.browser.pictures import encoded, file, photo, plain
from tests.browser.visit import choose, enter
from tests.system.running import Running

SCRIPT = "<script>window.harmed = true</script><img src=x onerror='window.harmed = true'>"
SVG = f'<svg xmlns="http://www.w3.org/2000/svg" onload="window.harmed = true">{SCRIPT}</svg>'


def unharmed(page: Page) -> None:
    assert page.evaluate("window.harmed") is None


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        ("drawing.svg", SVG.encode(), "This is an SVG drawing"),
        ("drawing.png", SVG.encode(), "This is an SVG drawing"),
        ("page.jpg", f"<!doctype html><html>{SCRIPT}".encode(), "This is a web page"),
        ("dot.png", encoded(Image.new("RGB", (1, 1))), "This picture is too small"),
        ("line.png", encoded(Image.new("RGB", (20_000, 40))), "too long and narrow"),
        ("empty.jpg", b"", "This file is empty"),
        ("cut.jpg", photo(300, 200)[:40], "This picture is damaged"),
        ("animated.gif", encoded(Image.new("RGB", (64, 64)), "GIF"), "GIFs are not taken"),
        ("notes.txt", b"hello", "This is no picture that we can read"),
    ],
)
def test_what_is_no_picture_for_us_is_refused_in_words(
    page: Page, stack: Running, name: str, body: bytes, words: str
) -> None:
    enter(page, stack)
    page.locator("#photo").set_input_files(file(name, body))
    expect(page.get_by_role("alert")).to_contain_text(f"{name}: ")
    expect(page.get_by_role("alert")).to_contain_text(words)
    expect(page.get_by_role("heading", name="Turn a photo into a painting")).to_be_visible()
    unharmed(page)
    page.get_by_role("button", name="All right").click()
    expect(page.get_by_role("alert").get_by_text(words)).to_have_count(0)


def test_a_bomb_is_refused_by_its_header_alone(page: Page, stack: Running) -> None:
    body = bytearray(encoded(Image.new("RGB", (8, 8))))
    body[16:24] = (30_000).to_bytes(4, "big") * 2
    enter(page, stack)
    page.locator("#photo").set_input_files(file("bomb.png", bytes(body)))
    expect(page.get_by_role("alert")).to_contain_text("more than 100 million pixels")


def test_a_file_of_200_mb_is_refused_at_once(page: Page, stack: Running, tmp_path: Path) -> None:
    huge = tmp_path / "huge.jpg"
    huge.write_bytes(photo(300, 200))
    with huge.open("r+b") as out:
        out.truncate(200 * 2**20)
    enter(page, stack)
    page.locator("#photo").set_input_files(huge)
    expect(page.get_by_role("alert")).to_contain_text("larger than 60 MB", timeout=3_000)


def test_a_panorama_is_scaled_beside_the_page_which_stays_alive(
    page: Page, stack: Running, tmp_path: Path
) -> None:
    wide = tmp_path / "wide.jpg"
    Image.open(io.BytesIO(photo(2_000, 250))).resize((20_000, 2_500)).save(wide)
    enter(page, stack)
    page.evaluate(
        """() => {
          window.longest = 0;
          let last = performance.now();
          const tick = () => {
            const now = performance.now();
            window.longest = Math.max(window.longest, now - last);
            last = now;
            window.ticking = requestAnimationFrame(tick);
          };
          tick();
        }"""
    )
    page.locator("#photo").set_input_files(wide)
    expect(page.get_by_alt_text("Your photo, wide.jpg")).to_be_visible(timeout=60_000)
    expect(page.locator(".chip")).to_have_count(0, timeout=60_000)
    # not frozen: a decode in the page itself would hold it for seconds
    assert page.evaluate("window.longest") < 3_000


def named_png() -> Any:
    texts = PngImagePlugin.PngInfo()
    for key in ("Comment", "Description", "XML:com.adobe.xmp"):
        texts.add_text(key, SCRIPT)
    body = encoded(Image.new("RGB", (96, 64), "teal"), pnginfo=texts)
    return file(f"{SCRIPT}.png", body)


def test_a_script_in_the_metadata_and_markup_in_the_name_stay_text(
    page: Page, stack: Running
) -> None:
    picture = named_png()
    enter(page, stack)
    choose(page, picture)
    page.locator("#style").set_input_files(picture)
    expect(page.locator(".mix-name").get_by_text(picture["name"])).to_be_visible()
    unharmed(page)
    # nor after it was kept and read again
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_be_attached()
    unharmed(page)


class Empty(BaseHTTPRequestHandler):
    """An empty page at every address."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def elsewhere() -> Iterator[str]:
    """The address of an empty page of another origin."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Empty) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            serving.join()


def test_an_upload_from_a_foreign_origin_is_refused_by_the_browser(
    browser: Browser, page: Page, stack: Running
) -> None:
    enter(page, stack)
    admission = page.evaluate(
        """() => fetch("/api/runs", {
          method: "POST", headers: { "Content-Type": "application/json" },
          body: JSON.stringify({
            content: { content_type: "image/png" }, styles: [{ gallery: "ink-wash" }] }),
        }).then((answer) => answer.json())"""
    )
    send = """async ({ url, fields }) => {
      const form = new FormData();
      for (const [name, value] of Object.entries(fields)) form.append(name, value);
      form.append("file", new Blob(["x"]));
      return fetch(url, { method: "POST", body: form }).then((r) => r.status, () => "refused");
    }"""
    post = admission["uploads"]["content"]
    assert page.evaluate(send, post) == 204
    with elsewhere() as address:
        foreign = browser.new_page()
        try:
            foreign.goto(address)
            assert foreign.evaluate(send, post) == "refused"
        finally:
            foreign.close()


def test_the_page_cannot_be_framed_and_runs_no_inline_script(page: Page, stack: Running) -> None:
    answer = page.goto(stack.web_url)
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-inline" not in policy
    assert "unsafe-eval" not in policy
    assert page.locator("script:not([src])").count() == 0
    assert page.locator("style").count() == 0


def test_a_broken_style_is_refused_and_the_photo_stays(page: Page, stack: Running) -> None:
    enter(page, stack)
    choose(page, plain("teal", size=(96, 64)))
    page.locator("#style").set_input_files([file("bad.png", b"nothing"), plain("gold")])
    expect(page.locator(".mix-row")).to_have_count(2)
    expect(page.get_by_alt_text("Your photo, teal.png")).to_be_visible()
