"""Take pictures of every screen of the page, phone and desktop, light and dark.

``python -m tests.browser.screenshots --out DIR`` starts a system of its own, paints through its
page and makes the rare screens happen by faults; ``--only`` takes some.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page, expect

from tests.browser import visit
from tests.browser.browser import launched
from tests.system.running import Running, started

VIEWS = {"desktop": (1360, 900), "phone": (390, 844)}
WAIT_MS = 180_000


@dataclass
class Studio:
    """Where pictures are taken, of what, and where they go."""

    browser: Browser
    stack: Running
    out: Path
    name: str

    @contextlib.contextmanager
    def page(self, *, stack: Running | None = None, locale: str = "en") -> Iterator[Page]:
        """The page in the size and colours of the name."""
        view, _, colours = self.name.partition("-")
        width, height = VIEWS[view]
        context = self.browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if colours == "dark" else "light",
            device_scale_factor=1,
            has_touch=view == "phone",
            is_mobile=view == "phone",
            reduced_motion="reduce",
            locale=locale,
        )
        page = context.new_page()
        page.goto((stack or self.stack).web_url)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        try:
            yield page
        finally:
            context.close()

    def take(self, page: Page, what: str, *, whole: bool = False) -> None:
        page.wait_for_load_state("load")
        page.evaluate("document.fonts.ready.then(() => scrollTo(0, 0))")
        page.screenshot(path=self.out / f"{what}-{self.name}.png", full_page=whole)

    def fault(self, effect: str, **members: object) -> None:
        url = f"{self.stack.aws_url}/_nst/faults"
        httpx.post(url, json={"effect": effect, **members}).raise_for_status()

    def healed(self) -> None:
        httpx.delete(f"{self.stack.aws_url}/_nst/faults").raise_for_status()


def one_painting(studio: Studio) -> None:
    """Every screen of a run that goes well."""
    with studio.page() as page:
        studio.take(page, "1-empty")
        page.get_by_role("button", name="Try the coffee").click()
        expect(page.locator(".chip")).to_have_count(0)
        page.get_by_role("button", name="Stained glass", exact=True).click()
        page.get_by_role("button", name="Tidal waves", exact=True).click()
        expect(page.locator(".easel .photo")).to_be_visible()
        studio.take(page, "2-chosen")
        page.get_by_role("button", name="Tidal waves", exact=True).click()
        visit.pick(page, "Quality", "Draft")
        visit.paint(page)
        studio.take(page, "3-starting")
        expect(page.locator(".forming")).to_be_visible(timeout=WAIT_MS)
        page.wait_for_function(
            """() => document.querySelector("progress")?.value > 0.3
                 || document.querySelector(".painting")""",
            timeout=WAIT_MS,
        )
        studio.take(page, "4-forming")
        expect(page.locator(".painting")).to_be_visible(timeout=WAIT_MS)
        studio.take(page, "5-painted")
        page.get_by_role("button", name="Change something").click()
        expect(page.locator(".easel .photo")).to_be_visible()
        studio.take(page, "6-again", whole=True)


def greek(studio: Studio) -> None:
    """The second language."""
    with studio.page(locale="el") as page:
        studio.take(page, "7-greek")


def refused(studio: Studio) -> None:
    """A file that is no picture."""
    with studio.page() as page:
        page.locator("#photo").set_input_files(
            {"name": "drawing.svg", "mimeType": "image/svg+xml", "buffer": b"<svg/>"}
        )
        expect(page.get_by_role("alert")).to_contain_text("SVG")
        studio.take(page, "8-refused")


def failed(studio: Studio) -> None:
    """A painter that could not be started."""
    studio.fault("error", service="ecs", operation="RunTask", code="ClientException", status=400)
    with studio.page() as page:
        visit.choose(page)
        visit.paint(page)
        expect(page.locator(".ended.failed")).to_be_visible(timeout=WAIT_MS)
        studio.take(page, "9-failed")


def stopped(studio: Studio) -> None:
    """A run that its visitor stopped."""
    with studio.page() as page:
        visit.choose(page)
        visit.paint(page)
        expect(page.locator(".forming")).to_be_visible(timeout=WAIT_MS)
        page.get_by_role("button", name="Stop").click()
        expect(page.locator(".ended.cancelled")).to_be_visible(timeout=WAIT_MS)
        studio.take(page, "10-stopped")


def gone(studio: Studio) -> None:
    """A link to nothing."""
    with studio.page() as page:
        page.goto(f"{studio.stack.web_url}/#/r/{'0' * 32}")
        expect(page.locator(".ended.expired")).to_be_visible(timeout=WAIT_MS)
        studio.take(page, "11-gone")


def offline(studio: Studio) -> None:
    """Nobody answers."""
    with studio.page() as page:
        visit.choose(page)
        expect(page.locator(".purse-text")).to_be_visible()
        page.context.set_offline(True)
        expect(page.locator(".notice.offline")).to_be_visible(timeout=WAIT_MS)
        studio.take(page, "12-offline")


def trouble(studio: Studio) -> None:
    """The system answers, but not as it should."""
    studio.fault("error", service="lambda", operation="Invoke", status=500)
    with studio.page() as page:
        expect(page.locator(".notice.trouble")).to_be_visible(timeout=WAIT_MS)
        studio.take(page, "13-trouble")


def spent(studio: Studio) -> None:
    """No money left."""
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as poor:
        poor.change_budget("set_limit", limit_microusd=100)
        with studio.page(stack=poor) as page:
            expect(page.locator(".notice.closed")).to_be_visible(timeout=WAIT_MS)
            studio.take(page, "14-spent")


SCREENS: dict[str, Callable[[Studio], None]] = {
    screen.__name__: screen
    for screen in (
        one_painting, greek, refused, failed, stopped, gone, offline, trouble, spent,
    )
}  # fmt: skip


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--only", nargs="*", choices=SCREENS, default=list(SCREENS))
    parser.add_argument("--name", nargs="*", help="of desktop, desktop-dark, phone, phone-dark")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    names = arguments.name or [f"{view}{dark}" for view in VIEWS for dark in ("", "-dark")]
    with (
        launched() as browser,
        tempfile.TemporaryDirectory() as folder,
        started(Path(folder), "--budget", "100") as stack,
    ):
        for name in names:
            studio = Studio(browser, stack, arguments.out, name)
            for screen in arguments.only:
                try:
                    SCREENS[screen](studio)
                finally:
                    studio.healed()
                print(f"{name}: {screen}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
