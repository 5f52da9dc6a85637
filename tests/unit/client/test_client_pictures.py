from __future__ import annotations

import io

import pytest
from PIL import Image

from system import runs
from system.client import pictures


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
