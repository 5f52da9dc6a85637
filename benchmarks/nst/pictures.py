"""What the engine is measured on: real photographs, and styles that the project made itself.

The photographs come with scikit-image and scikit-learn (public domain or CC0 but for the two of
scikit-learn, which are CC-BY, see their README); they are read from the packages, not shipped.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from skimage import data
from sklearn.datasets import load_sample_image

from benchmarks.nst.art import ART
from worker.engine import Picture, decode

GALLERY = Path(__file__).resolve().parent.parent.parent / "web" / "gallery"
SIZE = 512

CONTENTS: dict[str, Callable[[], Any]] = {
    "astronaut": data.astronaut,
    "cat": data.chelsea,
    "coffee": data.coffee,
    "rocket": data.rocket,
    "china": lambda: load_sample_image("china.jpg"),
    "flower": lambda: load_sample_image("flower.jpg"),
}
#: Where the faces are, by eye: left, top, right, bottom, as parts of the width and the height.
#: All that there are: the other four photographs have nobody in them.
FACES: dict[str, tuple[float, float, float, float]] = {
    "astronaut": (0.336, 0.172, 0.531, 0.360),
    "cat": (0.166, 0.200, 0.800, 0.950),
}
STYLES = (*ART, "oil-swirls", "tidal-waves", "stained-glass", "ink-wash")


@dataclass(frozen=True, slots=True)
class Pair:
    """A photograph and a style, by name."""

    content: str
    style: str

    @property
    def name(self) -> str:
        """``content-style``, good for file names."""
        return f"{self.content}-{self.style}"


#: Every photograph once, every kind of style; faces first, because they show faults first.
PAIRS = (
    Pair("astronaut", "night"),
    Pair("china", "oil-swirls"),
    Pair("cat", "harvest"),
    Pair("flower", "tidal-waves"),
    Pair("coffee", "glass"),
    Pair("rocket", "ink-wash"),
)


#: The styles of PAIRS, and every photograph in each of them.
GRID_STYLES = tuple(pair.style for pair in PAIRS)
GRID = tuple(Pair(name, style) for name in CONTENTS for style in GRID_STYLES)


def content(name: str, size: int = SIZE) -> Picture:
    """Read a photograph, at most ``size`` px on its longest side."""
    return _decoded(Image.fromarray(CONTENTS[name]()), size)


def style(name: str, size: int = SIZE) -> Picture:
    """Read or draw a style picture, at most ``size`` px on its longest side."""
    if name in ART:
        return _decoded(ART[name](), size)
    return decode((GALLERY / f"{name}.jpg").read_bytes(), side=size)


def fingerprint(picture: Picture) -> str:
    """Give the SHA-256 of the pixels as 8-bit values."""
    pixels = (picture * 255).round().astype(np.uint8)
    return hashlib.sha256(f"{pixels.shape}".encode() + pixels.tobytes()).hexdigest()


def _decoded(image: Image.Image, size: int) -> Picture:
    """Pass a picture through the engine's own reader, as a user's would go."""
    file = io.BytesIO()
    image.convert("RGB").save(file, "PNG")
    return decode(file.getvalue(), side=size)
