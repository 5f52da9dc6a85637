"""What a visitor does on the page, click by click."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser.pictures import hills
from tests.system.running import Running

RUN_MS = 120_000
"""For a run on a busy machine."""


def enter(page: Page, stack: Running) -> None:
    page.goto(stack.web_url)
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def choose(page: Page, picture: Any = None, style: str = "Tidal waves") -> None:
    page.locator("#photo").set_input_files(picture or hills())
    expect(page.locator(".easel .photo")).to_be_visible()
    expect(page.locator(".chip")).to_have_count(0)
    page.get_by_role("button", name=style, exact=True).click()


def pick(page: Page, group: str, option: str) -> None:
    """One of a few, by its words."""
    page.get_by_role("group", name=group, exact=True).get_by_text(option, exact=True).click()


def small(page: Page) -> None:
    """A small painting, with time enough for a busy machine."""
    pick(page, "Quality", "Good")
    pick(page, "Size", "256")


def long(page: Page) -> None:
    """A painting that is not over before a test has looked at it."""
    pick(page, "Quality", "Best")
    pick(page, "Size", "768")


def paint(page: Page) -> str:
    """Press the button; gives the run's id."""
    run = page.locator("#run")
    expect(run).to_be_enabled()
    run.click()
    page.wait_for_url("**/#/r/*")
    return page.url.rsplit("/", 1)[1]


def painted(page: Page) -> Locator:
    """Wait for the painting."""
    expect(page.get_by_role("heading", name="Painted", exact=True)).to_be_visible(timeout=RUN_MS)
    painting = page.locator(".painting")
    expect(painting).to_be_visible(timeout=RUN_MS)
    return painting


def painting_begun(page: Page) -> None:
    """Wait until it is being painted."""
    expect(page.locator(".stage-said")).to_contain_text("Step", timeout=RUN_MS)
