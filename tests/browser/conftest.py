"""Fixtures of the browser tests: Chromium, a page that complains, and the real system behind it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from system import website
from tests.browser.browser import MISSING, chromium, launched
from tests.system.running import Running, started

WAIT_MS = 20_000

NewPage = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium; without one, tests fail on CI and skip elsewhere."""
    if chromium() is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(MISSING)
    assert website.built(), website.HOW_TO_BUILD
    expect.set_options(timeout=WAIT_MS)
    with launched() as running:
        yield running


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The system of the whole session, with plenty of money."""
    with started(tmp_path_factory.mktemp("browser-stack"), "--budget", "100") as running:
        yield running


@pytest.fixture
def faults(stack: Running) -> Iterator[Callable[..., None]]:
    """Sets faults by rule in the shared system, and takes them back."""
    url = f"{stack.aws_url}/_nst/faults"

    def add(effect: str, **members: object) -> None:
        httpx.post(url, json={"effect": effect, **members}).raise_for_status()

    yield add
    httpx.delete(url).raise_for_status()


@pytest.fixture
def new_page(browser: Browser, stack: Running) -> Iterator[NewPage]:
    """Opens pages, each of a visitor of their own.

    The test fails when a page throws, breaks its own security policy, or asks anyone but the
    page's origin and the bucket.
    """
    contexts: list[BrowserContext] = []
    wrong: list[str] = []
    bucket = urlsplit(stack.aws_url).port

    def asked(url: str, allowed: set[str]) -> None:
        parts = urlsplit(url)
        if parts.scheme in {"http", "https", "ws", "wss"} and parts.netloc not in allowed:
            wrong.append(f"asked a third party: {url}")

    def make(system: Running | None = None, **options: object) -> Page:
        here = system or stack
        allowed = {
            urlsplit(here.web_url).netloc,
            f"nst-storage.s3.us-east-1.localhost.localstack.cloud:{bucket}",
        }
        ports = {bucket, urlsplit(here.aws_url).port}
        given = {"viewport": {"width": 1200, "height": 900}, **options}
        context = browser.new_context(**given)  # type: ignore[arg-type]
        contexts.append(context)
        tab = context.new_page()
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.on(
            "console",
            lambda message: (
                wrong.append(message.text) if "Content Security Policy" in message.text else None
            ),
        )
        tab.on(
            "request",
            lambda request: (
                None if urlsplit(request.url).port in ports else asked(request.url, allowed)
            ),
        )
        return tab

    yield make
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture
def page(new_page: NewPage) -> Page:
    """A visitor's page."""
    return new_page()
