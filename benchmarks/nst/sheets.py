"""Contact sheets: what the table cannot say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from worker.engine import Picture, encode

_MARGIN, _TITLE, _PAPER, _INK = 8, 18, (255, 255, 255), (40, 40, 40)


def sheet(
    rows: Sequence[Sequence[Path | None]], titles: Sequence[str], side: int = 512
) -> Image.Image:
    """Lay pictures out in rows under column titles, each within ``side`` px; None is left blank."""
    cell = side + _MARGIN
    wide, high = len(titles) * cell + _MARGIN, 0
    shown: list[list[Image.Image | None]] = []
    for row in rows:
        shown.append([None if path is None else _fitted(path, side) for path in row])
        high += max(each.height for each in shown[-1] if each is not None) + _MARGIN
    page = Image.new("RGB", (wide, high + _TITLE + _MARGIN), _PAPER)
    pen = ImageDraw.Draw(page)
    for place, title in enumerate(titles):
        pen.text((_MARGIN + place * cell, _MARGIN // 2), title, fill=_INK)
    top = _TITLE + _MARGIN
    for pictures in shown:
        for place, picture in enumerate(pictures):
            if picture is not None:
                page.paste(picture, (_MARGIN + place * cell, top))
        top += max(each.height for each in pictures if each is not None) + _MARGIN
    return page


def saved(folder: Path, picture: Picture) -> Path:
    """Write a picture into ``folder`` as its next one, for `sheet`; give its path."""
    path = folder / f"{len(list(folder.iterdir()))}.png"
    path.write_bytes(encode(picture))
    return path


def _fitted(path: Path, side: int) -> Image.Image:
    with Image.open(path) as picture:
        fitted = picture.convert("RGB")
    fitted.thumbnail((side, side), Image.Resampling.LANCZOS)
    return fitted
