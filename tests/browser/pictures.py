"""Files as Playwright's file chooser takes them."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image


def file(name: str, body: bytes) -> Any:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": body}


def photo(width: int = 900, height: int = 640) -> bytes:
    """A landscape that is not there, as a JPEG."""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    u, v = x / width, y / height
    sky = np.stack([0.45 + 0.5 * v, 0.62 + 0.25 * v, 0.9 - 0.15 * v], -1)
    hills = 0.55 + 0.08 * np.sin(5 * u + 1) + 0.04 * np.sin(13 * u)
    near = 0.75 + 0.06 * np.sin(7 * u + 2)
    picture = np.where((v > hills)[..., None], [0.25, 0.42, 0.45], sky)
    picture = np.where((v > near)[..., None], [0.23, 0.5, 0.25], picture)
    sun = np.exp(-(((u - 0.7) ** 2 + ((v - 0.25) * 0.7) ** 2) / 0.004))
    picture = picture + sun[..., None] * [0.5, 0.35, 0.05]
    noise = np.random.default_rng(1).normal(0, 0.02, picture.shape)
    out = io.BytesIO()
    Image.fromarray((np.clip(picture + noise, 0, 1) * 255).astype(np.uint8)).save(out, "JPEG")
    return out.getvalue()


def hills() -> Any:
    return file("hills.jpg", photo(300, 200))


def plain(colour: str = "teal", kind: str = "PNG", size: tuple[int, int] = (64, 48)) -> Any:
    return file(f"{colour}.{kind.lower()}", encoded(Image.new("RGB", size, colour), kind))


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()
