"""What is measured inside of the browser."""

from __future__ import annotations

import io
import json
import time
from dataclasses import dataclass
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, CDPSession, Page, expect

from tests.browser import visit
from tests.browser.pictures import photo
from tests.system.running import Running
from tests.system.visitor import Visitor

WAIT_MS = 120_000
EARLY = 10

WATCH_SHIFTS = """
  window.shift = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
"""
COUNT_URLS = """
  window.urls = new Set();
  const { createObjectURL, revokeObjectURL } = URL;
  URL.createObjectURL = (blob) => {
    const url = createObjectURL.call(URL, blob);
    window.urls.add(url);
    return url;
  };
  URL.revokeObjectURL = (url) => {
    window.urls.delete(url);
    revokeObjectURL.call(URL, url);
  };
"""
FIRST_PAINT = """() => new Promise((done) => {
  new PerformanceObserver((list) => {
    for (const { name, startTime } of list.getEntries())
      if (name === "first-contentful-paint") done(startTime);
  }).observe({ type: "paint", buffered: true });
})"""


def first_paint_ms(browser: Browser, url: str, slower: float) -> float:
    """Milliseconds from the navigation to the first paint with content, with an empty cache."""
    context = browser.new_context(viewport={"width": 390, "height": 844})
    try:
        page = context.new_page()
        context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": slower})
        page.goto(url)
        return float(page.evaluate(FIRST_PAINT))
    finally:
        context.close()


def layout_shift(browser: Browser, stack: Running) -> float:
    """The sum of all layout shifts that no click explains, over one real painting."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    try:
        page = context.new_page()
        page.add_init_script(WATCH_SHIFTS)
        visit.enter(page, stack)
        visit.choose(page)
        visit.small(page)
        visit.paint(page)
        expect(page.locator(".forming")).to_be_visible(timeout=WAIT_MS)
        expect(page.locator(".painting")).to_be_visible(timeout=WAIT_MS)
        return float(page.evaluate("window.shift"))
    finally:
        context.close()


@dataclass(frozen=True)
class Growth:
    """Early and late in a row of previews: bytes of heap, elements; pictures held at the end."""

    early: int
    heap_early: int
    heap_late: int
    nodes_early: int
    nodes_late: int
    urls_held: int


def previews(browser: Browser, stack: Running, count: int) -> Growth:
    """A run whose log grows by one preview after the other, each a picture of its own."""
    log = Log(stack)
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    try:
        page = context.new_page()
        page.add_init_script(COUNT_URLS)
        session = context.new_cdp_session(page)
        page.goto(f"{stack.web_url}/#/r/{log.run_id}")
        measured: dict[int, tuple[int, int]] = {}
        for number in range(1, count + 1):
            log.preview(number, count)
            shown(page, number, count)
            if number in {EARLY, count}:
                measured[number] = weight(session)
        time.sleep(3)  # a picture is let go of a moment after its successor is shown
        held = int(page.evaluate("window.urls.size"))
    finally:
        context.close()
    (heap_early, nodes_early), (heap_late, nodes_late) = measured[EARLY], measured[count]
    return Growth(EARLY, heap_early, heap_late, nodes_early, nodes_late, held)


def shown(page: Page, number: int, count: int) -> None:
    """Wait until the page has the step and its preview: each has a width of its own."""
    expect(page.locator(".stage-said")).to_have_text(f"Step {number} of {count}", timeout=WAIT_MS)
    width = "(element, wanted) => element.naturalWidth === wanted"
    forming = page.locator(".forming")
    deadline = time.monotonic() + WAIT_MS / 1000
    while not (forming.count() and forming.evaluate(width, Log.width(number))):
        if time.monotonic() > deadline:
            raise TimeoutError(f"preview {number} was never shown")
        time.sleep(0.05)


def weight(session: CDPSession) -> tuple[int, int]:
    """Bytes of live heap, and elements and other nodes, after the garbage is collected."""
    session.send("HeapProfiler.enable")
    session.send("HeapProfiler.collectGarbage")
    session.send("Performance.enable")
    found = session.send("Performance.getMetrics")["metrics"]
    metrics = {metric["name"]: metric["value"] for metric in found}
    return int(metrics["JSHeapUsedSize"]), int(metrics["Nodes"])


class Log:
    """The event log of a run that no worker runs, written as a worker writes it."""

    def __init__(self, stack: Running) -> None:
        visitor = Visitor(stack)
        admission = visitor.admit("image/jpeg", "image/jpeg")
        visitor.upload(admission["uploads"]["content"], photo(600, 400))
        self.run_id = str(admission["run_id"])
        self._s3: Any = stack.client("s3")
        self._lines: list[str] = []
        self._tell("state", state="starting")
        self._tell("state", state="running", steps=0, dtype="float32")
        self._put("events.jsonl", "".join(self._lines).encode())

    @staticmethod
    def width(number: int) -> int:
        """Pixels of a preview; no two that follow each other are as wide."""
        return 480 + number % 7

    def preview(self, number: int, count: int) -> None:
        """One more step and its preview."""
        out = io.BytesIO()
        size = (self.width(number), 320)
        Image.effect_noise(size, 20 + number).convert("RGB").save(out, "JPEG")
        self._put("preview.jpg", out.getvalue())
        self._tell(
            "progress", step=number, steps=count, size=512, loss=1 / number, style_loss=0.5,
            content_loss=0.5, elapsed_s=number, eta_s=count - number,
        )  # fmt: skip
        self._tell("preview", key=f"runs/{self.run_id}/preview.jpg", version=number)
        self._put("events.jsonl", "".join(self._lines).encode())

    def _tell(self, kind: str, **fields: Any) -> None:
        number = len(self._lines) + 1
        event = {"id": number, "at": "2026-01-01T00:00:00.000Z", "type": kind, **fields}
        self._lines.append(json.dumps(event) + "\n")

    def _put(self, name: str, body: bytes) -> None:
        self._s3.put_object(Bucket="nst-storage", Key=f"runs/{self.run_id}/{name}", Body=body)
