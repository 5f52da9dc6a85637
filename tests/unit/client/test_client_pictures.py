from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from PIL import Image

from system import runs
from system.client import pictures

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_known_by_its_first_bytes(kind: str) -> None:
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, kind)
    found = pictures.content_type(out.getvalue()[: pictures.HEAD_BYTES])
    assert found == f"image/{kind.lower()}"
    assert found in runs.CONTENT_TYPES


@pytest.mark.parametrize("head", [b"", b"text", b"\xff\xd8", b"RIFF\0\0\0\0WAVE", b"GIF89a", b"BM"])
def test_anything_else_is_not(head: bytes) -> None:
    assert pictures.content_type(head) is None


def test_the_page_takes_the_kinds_that_the_system_takes() -> None:
    code = (ROOT / "web/src/js/upload.js").read_text()
    assert set(re.findall(r'"(image/[a-z]+)"', code)) - {"image/jpeg"} == set(
        runs.CONTENT_TYPES
    ) - {"image/jpeg"}
    accept = re.search(r'ACCEPT = "([^"]+)"', (ROOT / "web/src/js/picker.js").read_text())
    assert accept
    assert tuple(accept[1].split(",")) == runs.CONTENT_TYPES
