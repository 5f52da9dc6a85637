"""The page against the running system: the same clicks, and everything behind them real."""

from __future__ import annotations

from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.pictures import file, hills

RUN_MS = 120_000


def draft(page: Page, stack_url: str) -> None:
    page.goto(stack_url)
    page.locator("#content").set_input_files(hills())
    page.get_by_role("button", name="Tidal waves", exact=True).click()
    page.get_by_label("Draft").check()
    page.get_by_label("Size").select_option("256")


def test_a_visitor_gets_a_painting(page: Page, stack_url: str) -> None:
    draft(page, stack_url)
    expect(page.locator(".price")).to_contain_text("at most $")
    page.locator("#run").click()
    expect(page.locator(".stage")).to_contain_text("step", timeout=RUN_MS)
    expect(page.get_by_role("heading", name="Painted", exact=True)).to_be_visible(timeout=RUN_MS)
    expect(page.locator(".cost")).to_contain_text("It cost $", timeout=RUN_MS)
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download").click()
    with Image.open(waiting.value.path()) as painting:
        assert max(painting.size) == 256


def test_a_visitor_stops_and_the_system_stops(page: Page, stack_url: str) -> None:
    draft(page, stack_url)
    page.get_by_label("Best").check()
    page.get_by_label("Size").select_option("512")
    page.locator("#run").click()
    expect(page.locator(".stage")).to_contain_text("step", timeout=RUN_MS)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("heading", name="Stopped")).to_be_visible(timeout=RUN_MS)


def test_a_broken_picture_is_refused_with_a_reason(page: Page, stack_url: str) -> None:
    draft(page, stack_url)
    whole = hills()["buffer"]
    page.locator("#content").set_input_files(file("broken.jpg", whole[:20]))
    page.locator("#run").click()
    expect(page.locator(".ended.failed")).to_be_visible(timeout=RUN_MS)
    expect(page.locator(".ended")).to_contain_text("picture")


def test_a_reload_comes_back_to_the_run(page: Page, stack_url: str) -> None:
    draft(page, stack_url)
    page.locator("#run").click()
    expect(page.locator(".stage")).to_contain_text("step", timeout=RUN_MS)
    page.reload()
    expect(page.get_by_role("heading", name="Painted", exact=True)).to_be_visible(timeout=RUN_MS)
    expect(page.locator(".easel .photo")).to_be_visible()
