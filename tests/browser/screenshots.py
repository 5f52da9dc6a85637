"""Take pictures of every screen of the page, phone and desktop, light and dark.

``python -m tests.browser.screenshots --url URL --out DIR`` runs one real painting through the page
at URL; without ``--url`` it serves a fake and also shows the screens that a healthy system never
shows.
"""

from __future__ import annotations

import argparse
import contextlib
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from system import problems
from tests.browser.browser import launched
from tests.browser.fake_api import Fake, serving

VIEWS = {"desktop": (1280, 860), "phone": (390, 844)}
WAIT_MS = 180_000


def photo(width: int = 900, height: int = 640) -> bytes:
    """A landscape that is not there, as a JPEG."""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    u, v = x / width, y / height
    sky = np.stack([0.45 + 0.5 * v, 0.62 + 0.25 * v, 0.9 - 0.15 * v], -1)
    hills = 0.55 + 0.08 * np.sin(5 * u + 1) + 0.04 * np.sin(13 * u)
    near = 0.75 + 0.06 * np.sin(7 * u + 2)
    picture = np.where((v > hills)[..., None], [0.25, 0.42, 0.45], sky)
    picture = np.where((v > near)[..., None], [0.23, 0.5, 0.25], picture)
    sun = np.exp(-(((u - 0.7) ** 2 + ((v - 0.25) * 0.7) ** 2) / 0.004))
    picture = picture + sun[..., None] * [0.5, 0.35, 0.05]
    noise = np.random.default_rng(1).normal(0, 0.02, picture.shape)
    out = io.BytesIO()
    Image.fromarray((np.clip(picture + noise, 0, 1) * 255).astype(np.uint8)).save(out, "JPEG")
    return out.getvalue()


def choose(page: Page) -> None:
    """A photo and a house style, as a visitor picks them."""
    page.locator("#content").set_input_files(
        {"name": "hills.jpg", "mimeType": "image/jpeg", "buffer": photo()}
    )
    page.get_by_role("button", name="Tidal waves").click()


@contextlib.contextmanager
def opened(browser: Browser, url: str, view: str, *, dark: bool = False) -> Iterator[Page]:
    """The page in one size."""
    width, height = VIEWS[view]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        device_scale_factor=1,
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(url)
    try:
        yield page
    finally:
        context.close()


def one_run(browser: Browser, url: str, out: Path, view: str, *, dark: bool) -> None:
    """Every screen of a run that goes well."""
    name = f"{view}{'-dark' if dark else ''}"
    with opened(browser, url, view, dark=dark) as page:
        expect(page.locator(".tile")).to_have_count(4)
        page.wait_for_load_state("networkidle")
        page.screenshot(path=out / f"{name}-1-empty.png", full_page=True)
        choose(page)
        expect(page.locator(".drop.filled")).to_be_visible()
        page.screenshot(path=out / f"{name}-2-chosen.png", full_page=True)
        page.locator("#run").click()
        expect(page.locator(".forming")).to_be_visible(timeout=WAIT_MS)
        page.screenshot(path=out / f"{name}-3-forming.png", full_page=True)
        expect(page.locator(".painting")).to_be_visible(timeout=WAIT_MS)
        expect(page.locator(".cost")).to_contain_text("left", timeout=WAIT_MS)
        page.screenshot(path=out / f"{name}-4-painted.png", full_page=True)


def rare(browser: Browser, fake: Fake, out: Path, view: str) -> None:
    """What a visitor sees when something is wrong."""
    fake.reason = "budget-exhausted"
    with opened(browser, fake.api_url, view) as page:
        expect(page.locator(".notice.closed")).to_be_visible()
        page.screenshot(path=out / f"{view}-5-no-budget.png")
    fake.reason, fake.ends = None, "failed"
    fake.problem = problems.document("PictureRefused", "The content picture is cut off.")
    with opened(browser, fake.api_url, view) as page:
        choose(page)
        page.locator("#run").click()
        expect(page.locator(".ended")).to_be_visible(timeout=WAIT_MS)
        page.screenshot(path=out / f"{view}-6-failed.png")
    fake.ends, fake.problem, fake.hold = "succeeded", None, 8
    with opened(browser, fake.api_url, view) as page:
        choose(page)
        page.locator("#run").click()
        expect(page.locator(".forming")).to_be_visible(timeout=WAIT_MS)
        page.get_by_role("button", name="Stop").click()
        expect(page.locator(".ended")).to_be_visible(timeout=WAIT_MS)
        page.screenshot(path=out / f"{view}-7-stopped.png")
    fake.hold = None
    with opened(browser, fake.api_url, view) as page:
        page.wait_for_load_state("networkidle")
        page.context.set_offline(True)
        page.evaluate("window.dispatchEvent(new Event('online'))")
        expect(page.locator(".notice.offline")).to_be_visible(timeout=WAIT_MS)
        page.screenshot(path=out / f"{view}-8-offline.png")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="address of a running system; without it, a fake is served")
    parser.add_argument("--out", required=True, type=Path)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        browser = stack.enter_context(launched())
        fake = None if arguments.url else stack.enter_context(serving(Fake(step_s=0.15)))
        url = arguments.url or (fake.api_url if fake else "")
        for view in VIEWS:
            for dark in (False, True):
                one_run(browser, url, arguments.out, view, dark=dark)
            if fake:
                rare(browser, fake, arguments.out, view)


if __name__ == "__main__":
    main()
