"""The page from the first click to the painting, against the fake."""

from __future__ import annotations

import io
import re
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.fake_api import Fake
from tests.browser.pictures import file, hills, plain


def choose(page: Page, style: str = "Tidal waves") -> None:
    page.locator("#content").set_input_files(hills())
    page.get_by_role("button", name=style, exact=True).click()


def paint(page: Page, fake: Fake) -> None:
    page.goto(fake.api_url)
    choose(page)
    page.locator("#run").click()


def test_a_photo_and_a_house_style_become_a_painting(page: Page, fake: Fake) -> None:
    page.goto(fake.api_url)
    expect(page.locator("#purse")).to_have_text("$8.75 of $10.00 left")
    run = page.locator("#run")
    expect(run).to_be_disabled()
    expect(page.locator("#runhint")).to_have_text("Choose a photo first.")
    choose(page)
    expect(page.locator(".price")).to_have_text("at most $0.021")
    fake.hold = 7
    run.click()
    expect(page.locator(".stage")).to_have_text("Painting at 128 px: step 4 of 12")
    expect(page.locator(".forming")).to_be_visible()
    with page.expect_response(lambda answer: answer.status == 304):
        pass  # the log is asked for by its ETag while there is nothing new
    fake.hold = None
    expect(page.get_by_role("heading", name="Painted", exact=True)).to_be_visible()
    expect(page.locator(".cost")).to_have_text("It cost $0.0094. $8.74 are left of $10.00.")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download").click()
    assert waiting.value.suggested_filename == "painting.png"
    with Image.open(waiting.value.path()) as painting:
        assert painting.format == "PNG"
    [started] = fake.started
    assert started["styles"] == [{"gallery": "tidal-waves", "weight": 1}]


def test_parameters_and_several_styles_are_sent_as_chosen(page: Page, fake: Fake) -> None:
    page.goto(fake.api_url)
    page.locator("#content").set_input_files(plain("teal", "WEBP"))
    page.locator("#style").set_input_files([plain("red"), plain("gold", "JPEG")])
    page.get_by_role("button", name="Ink wash", exact=True).click()
    expect(page.locator(".chosen li")).to_have_count(3)
    page.get_by_label("How much of red.png").fill("0.5")
    page.get_by_label("Best").check()
    page.get_by_label("Size").select_option("768")
    page.get_by_label("Boldness").fill("1.4")
    page.get_by_label("Keep the colours").check()
    page.get_by_text("More").click()
    page.get_by_label("Variation").fill("77")
    page.get_by_label("Variation").blur()
    expect(page.locator(".price")).to_have_text("at most $0.072")
    page.locator("#run").click()
    expect(page.get_by_role("heading", name="Painted", exact=True)).to_be_visible()
    [started] = fake.started
    assert started["styles"] == [
        {"weight": 0.5},
        {"weight": 1},
        {"gallery": "ink-wash", "weight": 1},
    ]
    assert started["params"] == {
        "algorithm": "painted", "size": 768, "quality": "best", "strength": 1.4,
        "keep_colours": True, "seed": 77,
    }  # fmt: skip
    [run] = fake.runs.values()
    kinds = {slot: Image.open(io.BytesIO(body)).format for slot, body in run.uploads.items()}
    assert kinds == {"content": "WEBP", "style-0": "PNG", "style-1": "JPEG"}


def test_the_slider_moves_between_photo_and_painting(page: Page, fake: Fake) -> None:
    paint(page, fake)
    slider = page.get_by_label("Show more of the photo")
    expect(slider).to_be_visible()
    slider.focus()
    slider.press("Home")
    cut = "getComputedStyle(document.querySelector('.easel')).getPropertyValue('--cut')"
    assert page.evaluate(cut) == "0%"
    slider.press("End")
    assert page.evaluate(cut) == "100%"


def test_a_reload_in_the_middle_comes_back_to_the_run(page: Page, fake: Fake) -> None:
    fake.hold = 7
    paint(page, fake)
    expect(page.locator(".stage")).to_contain_text("step 4 of 12")
    expect(page).to_have_url(re.compile(r"#run=[0-9a-f]{32}$"))
    page.reload()
    expect(page.locator(".stage")).to_contain_text("step 4 of 12")
    assert "links" in fake.seen
    fake.hold = None
    expect(page.get_by_role("heading", name="Painted", exact=True)).to_be_visible()
    # The photo is not in memory any more, but the slider has it.
    expect(page.locator(".easel .photo")).to_be_visible()
    assert len(fake.runs) == 1


def test_links_that_expire_are_renewed(page: Page, fake: Fake) -> None:
    fake.hold = 6
    paint(page, fake)
    expect(page.locator(".stage")).to_contain_text("step")
    fake.expire_links = True
    for run in fake.runs.values():
        run.token = "another"
    fake.hold = None
    expect(page.get_by_role("heading", name="Painted", exact=True)).to_be_visible()
    assert "links" in fake.seen


def test_stop_stops_the_run_on_the_server(page: Page, fake: Fake) -> None:
    fake.hold = 6
    paint(page, fake)
    expect(page.locator(".forming")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("heading", name="Stopped")).to_be_visible()
    assert "stop" in fake.seen
    # What was chosen is still there.
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#run")).to_be_enabled()
    expect(page.locator(".chosen li")).to_have_count(1)


def test_paint_again_keeps_what_was_chosen_and_new_painting_does_not(
    page: Page, fake: Fake
) -> None:
    paint(page, fake)
    page.get_by_role("button", name="Paint again").click()
    expect(page.locator("#run")).to_be_enabled()
    page.locator("#run").click()
    page.get_by_role("button", name="New painting").click()
    expect(page.locator("#runhint")).to_have_text("Choose a photo first.")
    assert len(fake.started) == 2


def test_the_keyboard_is_enough(page: Page, fake: Fake) -> None:
    page.goto(fake.api_url)
    page.locator("#content").set_input_files(hills())
    page.get_by_role("button", name="Oil swirls").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Oil swirls", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    run = page.locator("#run")
    expect(run).to_be_enabled()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "run":
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Painted", exact=True)).to_be_visible()


def test_a_picture_can_be_dropped(page: Page, fake: Fake) -> None:
    page.goto(fake.api_url)
    expect(page.locator(".contentplace .drop")).to_be_visible()
    page.evaluate(
        """async (bytes) => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(bytes)], "dropped.png"));
          document.querySelector(".contentplace .drop").dispatchEvent(
            new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
        }""",
        list(plain()["buffer"]),
    )
    expect(page.locator(".contentplace .drop.filled img")).to_be_visible()


def test_what_is_no_picture_is_refused_at_once(page: Page, fake: Fake) -> None:
    page.goto(fake.api_url)
    page.locator("#content").set_input_files(file("holiday.jpg", b"just text"))
    expect(page.get_by_role("alert")).to_contain_text("holiday.jpg is no picture")
    expect(page.locator("#run")).to_be_disabled()


def test_everything_comes_from_this_system(page: Page, fake: Fake) -> None:
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    paint(page, fake)
    expect(page.get_by_role("heading", name="Painted", exact=True)).to_be_visible()
    assert hosts <= {urlsplit(fake.api_url).netloc, urlsplit(fake.bucket_url).netloc, ""}
