"""The page at the pace of AWS, where a machine takes most of a minute to start."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NewPage
from tests.browser.visit import RUN_MS, choose, enter, paint, painted, small
from tests.system.running import started

START_MS = 240_000
"""Until a machine has started and has said so: AWS's waits, on a busy machine."""


@pytest.mark.timeout(600)
def test_a_slow_start_is_said_kindly_and_ends_in_a_painting(
    new_page: NewPage, tmp_path: Path
) -> None:
    with started(tmp_path, "--aws-timing", "--budget", "1") as slow:
        page = new_page(slow)
        enter(page, slow)
        choose(page)
        small(page)
        paint(page)
        said = page.locator(".stage-more")
        expect(said).to_contain_text("It can take up to a minute", timeout=RUN_MS)
        expect(page.get_by_role("listitem").filter(has_text="Start a machine")).to_have_attribute(
            "aria-current", "step"
        )
        # the page may be closed and opened again meanwhile
        page.reload()
        expect(said).to_contain_text("It can take up to a minute")
        expect(page.locator(".forming, .painting").first).to_be_visible(timeout=START_MS)
        painted(page)
        page.context.close()
