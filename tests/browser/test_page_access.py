"""The page for everybody: axe on each screen, the keyboard alone, reduced motion."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage
from tests.browser.pictures import file, hills, plain
from tests.browser.visit import RUN_MS, choose, enter, long, paint, painted, painting_begun, small
from tests.system.running import Running

AXE = Path(__file__).resolve().parents[2] / "web/node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

Check = Callable[[Page], None]


@pytest.fixture(scope="session")
def axe() -> Check:
    """Fails on any violation on the page as it is, in light and in dark."""
    source = AXE.read_text(encoding="utf-8")

    def check(page: Page) -> None:
        page.evaluate(source)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            found: list[dict[str, Any]] = page.evaluate(
                """(tags) => axe.run(document, { runOnly: { type: "tag", values: tags } })
                    .then((result) => result.violations)""",
                RULES,
            )
            said = [
                f"{item['id']}: {node['target']}: {node['failureSummary']}"
                for item in found
                for node in item["nodes"]
            ]
            assert said == [], f"in {scheme}: " + "\n".join(said)

    return check


@pytest.fixture
def bare(new_page: NewPage) -> Page:
    """A page into which axe may be put: the policy is lifted in this context alone."""
    return new_page(bypass_csp=True)


def test_the_empty_studio_and_a_refusal(bare: Page, stack: Running, axe: Check) -> None:
    enter(bare, stack)
    expect(bare.locator(".purse-text")).to_be_visible()
    axe(bare)
    bare.locator("#photo").set_input_files(file("x.svg", b"<svg/>"))
    expect(bare.get_by_role("alert")).to_contain_text("SVG")
    axe(bare)


def test_the_filled_studio_and_its_mix(bare: Page, stack: Running, axe: Check) -> None:
    enter(bare, stack)
    choose(bare)
    bare.locator("#style").set_input_files(plain("gold"))
    expect(bare.locator(".mix-row")).to_have_count(2)
    bare.get_by_text("Variation", exact=True).click()
    axe(bare)


def test_the_studio_on_a_phone_in_greek(new_page: NewPage, stack: Running, axe: Check) -> None:
    page = new_page(
        bypass_csp=True, viewport={"width": 390, "height": 844}, has_touch=True, locale="el"
    )
    enter(page, stack)
    axe(page)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390, "nothing is cut off at the side"
    overflowing = page.locator(".choice span").evaluate_all(
        "words => words.filter((word) => { const box = word.parentElement;"
        " return word.getBoundingClientRect().right > box.getBoundingClientRect().right + 1"
        " || word.scrollWidth > word.clientWidth + 1; }).map((word) => word.textContent)"
    )
    assert overflowing == [], "a choice's word is within its box"


def test_a_run_its_end_and_the_shelf(bare: Page, stack: Running, axe: Check) -> None:
    enter(bare, stack)
    choose(bare)
    long(bare)
    paint(bare)
    painting_begun(bare)
    axe(bare)
    bare.get_by_role("button", name="Stop").click()
    expect(bare.get_by_role("heading", name="Stopped")).to_be_visible(timeout=RUN_MS)
    axe(bare)
    bare.get_by_role("link", name="nst-art, to the studio").click()
    expect(bare.get_by_role("region", name="Your paintings")).to_be_visible()
    axe(bare)


def test_a_painting_and_a_link_to_nothing(bare: Page, stack: Running, axe: Check) -> None:
    enter(bare, stack)
    choose(bare)
    small(bare)
    paint(bare)
    painted(bare)
    axe(bare)
    bare.get_by_role("button", name="Closer").click()
    axe(bare)
    bare.goto(f"{stack.web_url}/#/r/{'0' * 32}")
    expect(bare.locator(".ended.expired")).to_be_visible()
    axe(bare)


def test_a_studio_without_a_connection(bare: Page, stack: Running, axe: Check) -> None:
    enter(bare, stack)
    bare.context.set_offline(True)
    expect(bare.locator(".notice.offline")).to_be_visible(timeout=60_000)
    axe(bare)


def press_until(page: Page, key: str, label: str, most: int = 80) -> None:
    """Press a key until something of that name has the focus."""
    seen = []
    for _ in range(most):
        page.keyboard.press(key)
        name = page.evaluate(
            """() => {
              const e = document.activeElement;
              return (e.getAttribute("aria-label") || e.closest("label")?.innerText
                || e.labels?.[0]?.innerText || e.innerText || "").trim();
            }"""
        )
        seen.append(name)
        if name.startswith(label):
            return
    raise AssertionError(f"{label!r} was never reached: {seen}")


def test_the_whole_flow_by_the_keyboard_alone(page: Page, stack: Running) -> None:
    # From the start: keys take another way into the page than the wish to be asked for the file,
    # and on a busy machine Space came before it.
    page.on("filechooser", lambda _: None)
    enter(page, stack)
    press_until(page, "Tab", "To the content")
    page.keyboard.press("Enter")
    press_until(page, "Tab", "Choose a photo")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files(hills())
    expect(page.get_by_alt_text("Your photo, hills.jpg")).to_be_visible()
    press_until(page, "Tab", "Ink wash")
    page.keyboard.press("Space")
    press_until(page, "Tab", "Good")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_label("Best")).to_be_checked()
    press_until(page, "Tab", "512")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_label("256")).to_be_checked()
    press_until(page, "Tab", "Paint it")
    page.keyboard.press("Enter")
    page.wait_for_url("**/#/r/*")
    # the new screen has the focus, so that the next Tab begins at its top
    expect(page.locator("main")).to_be_focused()
    painted(page)
    press_until(page, "Tab", "Show more of the photo")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".slide")).to_have_value("50.5")
    press_until(page, "Tab", "Download PNG")
    with page.expect_download():
        page.keyboard.press("Enter")
    press_until(page, "Tab", "Change something")
    page.keyboard.press("Enter")
    expect(page.get_by_alt_text("Your photo, hills.jpg")).to_be_visible()


def test_nothing_moves_for_whoever_asked_for_calm(new_page: NewPage, stack: Running) -> None:
    page = new_page(reduced_motion="reduce")
    enter(page, stack)
    assert page.evaluate("document.getAnimations().length") == 0


def test_every_control_of_the_first_screen_has_a_name_and_room_for_a_finger(
    new_page: NewPage, stack: Running
) -> None:
    page = new_page(viewport={"width": 390, "height": 844}, has_touch=True)
    enter(page, stack)
    small_ones = page.evaluate(
        """() => [...document.querySelectorAll("button, a[href], label.pick, label.choice, select")]
            .filter((e) => e.checkVisibility() && !e.matches(".skip"))
            .map((e) => [e.textContent || e.getAttribute("aria-label"), e.getBoundingClientRect()])
            .filter(([, box]) => box.height < 30 || box.width < 30)
            .map(([name]) => name)"""
    )
    assert small_ones == []
