"""Files as Playwright's file chooser takes them."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from tests.browser.screenshots import photo


def file(name: str, body: bytes) -> Any:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": body}


def hills() -> Any:
    return file("hills.jpg", photo(300, 200))


def plain(colour: str = "teal", kind: str = "PNG", size: tuple[int, int] = (64, 48)) -> Any:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, kind)
    return file(f"{colour}.{kind.lower()}", out.getvalue())
