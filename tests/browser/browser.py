"""Chromium for the browser tests: the system's, started the same way everywhere."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator

from playwright.sync_api import Browser, sync_playwright

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
MISSING = "Chromium is missing: scripts/system_packages installs it, or set CHROMIUM to its path"


def chromium() -> str | None:
    """The path of Chromium, or None."""
    return shutil.which(os.environ.get("CHROMIUM") or "/usr/bin/chromium")


@contextlib.contextmanager
def launched() -> Iterator[Browser]:
    """A browser; raises FileNotFoundError when there is none."""
    path = chromium()
    if path is None:
        raise FileNotFoundError(MISSING)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS])
        try:
            yield browser
        finally:
            browser.close()
