"""The page where live events are on: a stream instead of looks at the log."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import NewPage
from tests.browser.visit import RUN_MS, choose, enter, long, paint, painting_begun
from tests.system.running import started, wait_until


def test_the_picture_forms_from_the_stream_of_events(new_page: NewPage, tmp_path: Path) -> None:
    with started(tmp_path, "--live-events", "--budget", "10") as live:
        page = new_page(live)
        streams: list[str] = []
        page.on("request", lambda r: streams.append(r.url) if r.url.endswith("/events") else None)
        enter(page, live)
        choose(page)
        long(page)
        run_id = paint(page)
        painting_begun(page)
        wait_until("the stream to be asked for", lambda: page.title() and streams, RUN_MS / 1000)
        assert streams[0] == f"{live.web_url}/api/runs/{run_id}/events"
        step = page.locator(".stage-said").inner_text()
        expect(page.locator(".stage-said")).not_to_have_text(step, timeout=RUN_MS)
        expect(page.locator(".forming")).to_be_visible(timeout=RUN_MS)
        page.get_by_role("button", name="Stop").click()
        expect(page.get_by_role("heading", name="Stopped")).to_be_visible(timeout=RUN_MS)
        page.context.close()
