"""The page from the first click to the painting."""

from __future__ import annotations

import io
import json
import re

from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage
from tests.browser.pictures import encoded, file, hills, photo, plain
from tests.browser.visit import (
    RUN_MS,
    choose,
    enter,
    long,
    paint,
    painted,
    painting_begun,
    pick,
    small,
)
from tests.system.running import Running, wait_until


def test_a_photo_and_a_house_style_become_a_painting(page: Page, stack: Running) -> None:
    enter(page, stack)
    expect(page.locator(".purse")).to_contain_text("of $100.00 left")
    expect(page.locator("#run")).to_be_disabled()
    expect(page.locator("#run-hint")).to_have_text("Choose a photo first.")
    choose(page)
    expect(page.locator(".price")).to_contain_text("at most $")
    small(page)
    run_id = paint(page)
    painted(page)
    with page.expect_download() as png:
        page.get_by_role("link", name="Download PNG").click()
    assert png.value.suggested_filename == f"nst-art-{run_id[:8]}.png"
    with Image.open(png.value.path()) as painting:
        assert painting.format == "PNG"
        assert max(painting.size) == 256
    with page.expect_download() as jpeg:
        page.get_by_role("button", name="JPEG").click()
    with Image.open(jpeg.value.path()) as painting:
        assert painting.format == "JPEG"
        assert max(painting.size) == 256
        assert not painting.getexif()


def test_the_picture_forms_in_the_page_and_stops_when_asked(page: Page, stack: Running) -> None:
    enter(page, stack)
    choose(page)
    long(page)
    paint(page)
    painting_begun(page)
    expect(page.get_by_alt_text("The painting as it forms")).to_be_visible(timeout=RUN_MS)
    expect(page.get_by_text("left", exact=False).last).to_be_visible()
    page.get_by_text("For the curious").click(timeout=RUN_MS)
    expect(page.get_by_role("img", name="How far the picture is")).to_be_visible()
    expect(page.locator("polyline")).to_have_attribute("points", re.compile(r"\d"), timeout=RUN_MS)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("heading", name="Stopped")).to_be_visible(timeout=RUN_MS)
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#run")).to_be_enabled()


def test_an_instant_painting_has_no_choices_that_would_have_no_effect(
    page: Page, stack: Running
) -> None:
    enter(page, stack)
    choose(page)
    small(page)
    expect(page.get_by_role("group", name="Quality", exact=True)).to_be_visible()
    pick(page, "Way of painting", "Instant")
    expect(page.get_by_role("group", name="Quality", exact=True)).to_have_count(0)
    expect(page.locator("#seed")).to_have_count(0)
    expect(page.get_by_text("play no part in an instant painting")).to_be_visible()
    with page.expect_request("**/api/run-nst") as started:
        paint(page)
    assert json.loads(started.value.post_data or "{}")["params"]["algorithm"] == "instant"
    painted(page)
    expect(page.get_by_text("Instant, 256 px")).to_be_visible()


def test_what_is_sent_is_upright_scaled_and_without_metadata(page: Page, stack: Running) -> None:
    wide = Image.open(io.BytesIO(photo(3000, 2000)))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif[0x010F] = "<script>alert(1)</script>"
    enter(page, stack)
    choose(page, file("wide.jpg", encoded(wide, "JPEG", exif=exif)))
    small(page)
    run_id = paint(page)
    s3 = stack.client("s3")

    def uploaded() -> bytes | None:
        found = s3.list_objects_v2(Bucket="nst-storage", Prefix=f"runs/{run_id}/content")
        if not found["KeyCount"]:
            return None
        return s3.get_object(Bucket="nst-storage", Key=f"runs/{run_id}/content")["Body"].read()

    body = wait_until("the photo to be in the bucket", uploaded)
    with Image.open(io.BytesIO(body)) as sent:
        assert sent.size == (1365, 2048)
        assert not sent.getexif()
    assert b"script" not in body
    page.get_by_role("button", name="Stop").click()


def test_parameters_and_a_mix_of_styles_are_sent_as_chosen(page: Page, stack: Running) -> None:
    enter(page, stack)
    choose(page, plain("teal", "WEBP", (128, 96)), "Ink wash")
    page.locator("#style").set_input_files(plain("gold", size=(80, 80)))
    expect(page.locator(".mix-row")).to_have_count(2)
    page.get_by_label("How much of gold.png").fill("0.25")
    expect(page.locator(".mix-part")).to_have_text(["80 %", "20 %"])
    small(page)
    page.locator("#strength").fill("1.6")
    page.locator("#scale").fill("4")
    expect(page.locator("output[for=scale]")).to_have_text("largest")
    pick(page, "Colours", "Palette")
    page.get_by_text("Variation", exact=True).click()
    page.locator("#seed").fill("42")
    with page.expect_request("**/api/run-nst") as started:
        paint(page)
    sent = json.loads(started.value.post_data or "{}")
    assert sent["styles"] == [{"gallery": "ink-wash", "weight": 1}, {"weight": 0.25}]
    assert sent["params"] == {
        "algorithm": "painted", "size": 256, "quality": "good", "strength": 1.6,
        "colours": "palette", "style_scale": 2, "masks": False, "seed": 42,
    }  # fmt: skip
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("heading", name="Stopped")).to_be_visible(timeout=RUN_MS)


def test_change_something_brings_everything_back(page: Page, stack: Running) -> None:
    enter(page, stack)
    choose(page)
    small(page)
    paint(page)
    painted(page)
    page.get_by_role("button", name="Change something").click()
    expect(page.locator(".easel .photo")).to_be_visible()
    expect(page.get_by_role("button", name="Tidal waves", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    expect(page.get_by_label("256")).to_be_checked()
    # the first painting is on the shelf, with its picture
    shelf = page.get_by_role("region", name="Your paintings")
    expect(shelf.get_by_role("link")).to_have_count(1)
    expect(shelf.locator("img")).to_be_visible()
    shelf.get_by_role("link").click()
    painted(page)


def test_a_shared_link_shows_the_painting_to_somebody_else(
    new_page: NewPage, stack: Running
) -> None:
    page = new_page(permissions=["clipboard-read", "clipboard-write"])
    enter(page, stack)
    choose(page)
    small(page)
    run_id = paint(page)
    painted(page)
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Link copied")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == f"{stack.web_url}/#/r/{run_id}"
    other = new_page()
    other.goto(link)
    painted(other)
    expect(other.locator(".slide")).to_have_count(0)  # the photo is not theirs to see


def test_before_and_after_and_closer(page: Page, stack: Running) -> None:
    enter(page, stack)
    choose(page)
    small(page)
    paint(page)
    painted(page)
    slide = page.get_by_label("Show more of the photo or of the painting")
    slide.fill("20")
    over = page.locator(".photo-over")
    assert over.evaluate("e => getComputedStyle(e).clipPath") == "inset(0px 80% 0px 0px)"
    box = page.locator(".compare")
    width = page.locator(".compare-inner").evaluate("e => e.clientWidth")
    page.get_by_role("button", name="Closer").click()
    page.get_by_role("button", name="Closer").click()
    assert page.locator(".compare-inner").evaluate("e => e.clientWidth") == 2 * width
    assert box.evaluate("e => e.scrollWidth > e.clientWidth")
    page.get_by_role("button", name="Back").click()
    page.get_by_role("button", name="Back").click()
    expect(page.get_by_role("button", name="Back")).to_be_disabled()


def test_two_visitors_at_once_each_get_their_own(new_page: NewPage, stack: Running) -> None:
    pages = [new_page(), new_page()]
    runs = []
    for page, colour in zip(pages, ("teal", "maroon"), strict=True):
        enter(page, stack)
        choose(page, plain(colour, size=(160, 120)))
        small(page)
        pick(page, "Colours", "Photo")
        runs.append(paint(page))
    assert len(set(runs)) == 2
    for page, run_id in zip(pages, runs, strict=True):
        painted(page)
        assert run_id in page.url
        expect(page.get_by_role("region", name="Your paintings")).to_have_count(0)


def test_two_paintings_of_one_visitor_side_by_side(page: Page, stack: Running) -> None:
    enter(page, stack)
    choose(page)
    small(page)
    first = paint(page)
    page.get_by_role("link", name="Start another").click()
    # what was chosen is still there, to be changed
    pick(page, "Quality", "Best")
    second = paint(page)
    assert first != second
    shelf = page.get_by_role("region", name="Your paintings")
    expect(shelf.get_by_role("link")).to_have_count(1)
    painted(page)
    expect(shelf.get_by_text("Painted", exact=True)).to_be_visible(timeout=RUN_MS)


def test_a_pasted_picture_is_the_photo(page: Page, stack: Running) -> None:
    enter(page, stack)
    page.evaluate(
        """async () => {
          const canvas = new OffscreenCanvas(80, 60);
          canvas.getContext("2d").fillRect(0, 0, 80, 60);
          const data = new DataTransfer();
          data.items.add(new File([await canvas.convertToBlob()], "pasted.png"));
          document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data }));
        }"""
    )
    expect(page.get_by_alt_text("Your photo, pasted.png")).to_be_visible()


def test_dropped_pictures_go_where_they_are_dropped(page: Page, stack: Running) -> None:
    enter(page, stack)
    drop = """async (selector) => {
      const canvas = new OffscreenCanvas(80, 60);
      canvas.getContext("2d").fillRect(0, 0, 80, 60);
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([await canvas.convertToBlob()], "dropped.png"));
      const target = document.querySelector(selector);
      for (const type of ["dragenter", "dragover", "drop"])
        target.dispatchEvent(
          new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
    }"""
    page.evaluate(drop, "[data-drop=style]")
    expect(page.get_by_role("button", name="Remove dropped.png")).to_have_count(1)
    expect(page.get_by_alt_text("Your photo, dropped.png")).to_have_count(0)
    page.evaluate(drop, ".stage")
    expect(page.get_by_alt_text("Your photo, dropped.png")).to_be_visible()


def test_a_sample_is_one_click_away(page: Page, stack: Running) -> None:
    enter(page, stack)
    page.get_by_role("button", name="Try the cat").click()
    expect(page.get_by_alt_text("Your photo, cat.jpg")).to_be_visible()


def test_greek_is_chosen_and_remembered(page: Page, stack: Running) -> None:
    enter(page, stack)
    page.get_by_label("Language").select_option("el")
    expect(page.get_by_role("heading", level=1)).to_have_text("Κάντε μια φωτογραφία πίνακα")
    expect(page.locator("html")).to_have_attribute("lang", "el")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Κάντε μια φωτογραφία πίνακα")


def test_the_browsers_language_is_spoken_where_we_have_it(
    new_page: NewPage, stack: Running
) -> None:
    page = new_page(locale="el-GR")
    enter(page, stack)
    expect(page.locator("html")).to_have_attribute("lang", "el")


def test_dark_is_chosen_and_remembered(page: Page, stack: Running) -> None:
    enter(page, stack)
    colour = "() => getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(colour)
    theme = page.get_by_role("button", name="Light or dark")
    theme.click()
    theme.click()
    assert page.evaluate(colour) != light
    page.reload()
    expect(theme).to_be_visible()
    assert page.evaluate(colour) != light


def test_a_photo_that_is_chosen_survives_a_reload(page: Page, stack: Running) -> None:
    enter(page, stack)
    choose(page, hills())
    small(page)

    def kept() -> bool:
        return bool(
            page.evaluate(
                """() => new Promise((done) => {
                  const asking = indexedDB.open("nst-art");
                  asking.onsuccess = () => {
                    const all = asking.result.transaction("draft").objectStore("draft").getAll();
                    all.onsuccess = () => {
                      asking.result.close();
                      done(all.result[0]?.params.size === 256);
                    };
                  };
                })"""
            )
        )

    wait_until("the draft to be kept", kept)
    page.reload()
    expect(page.get_by_alt_text("Your photo, hills.jpg")).to_be_visible()
    expect(page.locator("#run")).to_be_enabled()
