"""What a visitor sees when something is not as it should be, against the fake."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from system import problems
from tests.browser.fake_api import Fake
from tests.browser.pictures import hills


def choose(page: Page) -> None:
    page.locator("#content").set_input_files(hills())
    page.get_by_role("button", name="Stained glass", exact=True).click()


@pytest.mark.parametrize(
    ("reason", "title", "says"),
    [
        ("budget-exhausted", "The budget is spent", "It renews on December 1, 2026"),
        ("daily-limit-reached", "Enough for today", "Come back tomorrow"),
        ("too-many-runs", "All easels are taken", "gets free in a minute"),
    ],
)
def test_closed_doors_are_a_friendly_notice(
    page: Page, fake: Fake, reason: str, title: str, says: str
) -> None:
    fake.reason = reason
    page.goto(fake.api_url)
    notice = page.locator(".notice.closed")
    expect(notice).to_contain_text(title)
    expect(notice).to_contain_text(says)
    choose(page)
    expect(page.locator("#run")).to_be_disabled()


def test_a_budget_that_ends_before_the_click_is_the_same_notice(page: Page, fake: Fake) -> None:
    page.goto(fake.api_url)
    choose(page)
    expect(page.locator("#run")).to_be_enabled()
    fake.reason = "budget-exhausted"
    page.locator("#run").click()
    expect(page.locator(".notice.closed")).to_contain_text("The budget is spent")
    # Nothing that was chosen is lost.
    expect(page.locator(".chosen li")).to_have_count(1)
    expect(page.locator(".contentplace img")).to_be_visible()


def test_a_painting_that_is_too_dear_is_said_before(page: Page, fake: Fake) -> None:
    fake.spent_microusd = fake.limit_microusd - 30_000
    page.goto(fake.api_url)
    choose(page)
    expect(page.locator("#run")).to_be_enabled()
    page.get_by_label("Best").check()
    expect(page.locator("#run")).to_be_disabled()
    expect(page.locator("#runhint")).to_contain_text("more than what is left")


def test_a_failed_run_says_why(page: Page, fake: Fake) -> None:
    fake.ends = "failed"
    fake.problem = problems.document("PictureRefused", "The content picture is <b>cut off</b>.")
    page.goto(fake.api_url)
    choose(page)
    page.locator("#run").click()
    expect(page.get_by_role("heading", name="A picture cannot be used")).to_be_visible()
    # As text: what a server says is never markup.
    expect(page.locator(".ended")).to_contain_text("The content picture is <b>cut off</b>.")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#run")).to_be_enabled()


def test_a_run_that_nobody_knows(page: Page, fake: Fake) -> None:
    page.goto(f"{fake.api_url}/#run={'0' * 32}")
    expect(page.get_by_role("heading", name="There is no such painting")).to_be_visible()
    page.get_by_role("button", name="New painting").click()
    expect(page.get_by_role("heading", name="Turn a photo")).to_be_visible()


def test_without_a_connection_the_page_says_so_and_recovers(page: Page, fake: Fake) -> None:
    def drop(route: Route) -> None:
        route.abort()

    page.route("**/api/budget", drop)
    page.goto(fake.api_url)
    expect(page.locator(".notice.offline")).to_contain_text("No connection")
    expect(page.locator("#run")).to_be_disabled()
    page.unroute("**/api/budget", drop)
    page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(page.locator(".notice.offline")).to_have_count(0)
    expect(page.locator("#purse")).to_contain_text("left")


def test_a_connection_that_breaks_while_painting_does_not_lose_the_run(
    page: Page, fake: Fake
) -> None:
    fake.hold = 6
    page.goto(fake.api_url)
    choose(page)
    page.locator("#run").click()
    expect(page.locator(".forming")).to_be_visible()
    page.context.set_offline(True)
    expect(page.locator(".stage")).to_contain_text("The connection is gone")
    fake.hold = None
    page.context.set_offline(False)
    expect(page.get_by_role("heading", name="Painted", exact=True)).to_be_visible()
    assert len(fake.runs) == 1


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_sticks_out_sideways(page: Page, fake: Fake, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(fake.api_url)
    choose(page)
    expect(page.locator(".chosen li")).to_have_count(1)
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) == 0
    page.locator("#run").click()
    expect(page.get_by_role("heading", name="Painted", exact=True)).to_be_visible()
    assert page.evaluate(wide) == 0


def test_every_control_has_a_name(page: Page, fake: Fake) -> None:
    page.goto(fake.api_url)
    choose(page)
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, a")]
          .filter((e) => !(e.getAttribute("aria-label") || e.textContent.trim()
            || [...(e.labels ?? [])].some((l) => l.textContent.trim())))
          .map((e) => e.outerHTML)"""
    )
    assert nameless == []
