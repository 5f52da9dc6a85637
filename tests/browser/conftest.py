"""Fixtures of the browser tests: Chromium, a page that complains, a fake, and the real stack."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.browser import MISSING, chromium, launched
from tests.browser.fake_api import Fake, serving
from tests.system.running import started

WAIT_MS = 20_000


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium; without one, tests fail on CI and skip elsewhere."""
    if chromium() is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(MISSING)
    expect.set_options(timeout=WAIT_MS)
    with launched() as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in a context of its own; the test fails when it throws or breaks its own policy."""
    context = browser.new_context(viewport={"width": 1100, "height": 900})
    wrong: list[str] = []
    tab = context.new_page()
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.on(
        "console",
        lambda message: (
            wrong.append(message.text) if "Content Security Policy" in message.text else None
        ),
    )
    yield tab
    context.close()
    assert wrong == []


@pytest.fixture
def fake() -> Iterator[Fake]:
    """The API and the bucket, faked."""
    with serving(Fake(step_s=0.05)) as served:
        yield served


@pytest.fixture(scope="session")
def stack_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running system: NST_STACK_URL, or an emulator of our own."""
    given = os.environ.get("NST_STACK_URL")
    if given:
        yield given
        return
    where: Path = tmp_path_factory.mktemp("browser-stack")
    with started(where, "--budget", "100") as running:
        yield running.web_url
