"""The house styles that a visitor may pick instead of uploading a picture."""

from __future__ import annotations

import functools
import json
import re
from importlib import resources

HOUSE_STYLES = ("tidal-waves", "stained-glass", "oil-swirls", "ink-wash")
"""The ids that stand when ``gallery.json`` is not part of the installation."""

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_IDS_MAX = 100


@functools.cache
def ids() -> frozenset[str]:
    """The allowed gallery ids.

    ``system/gallery.json`` names them, as ``{"styles": [{"id": ...}, ...]}`` or as a list of ids;
    raises ValueError when it is there and says something else.
    """
    file = resources.files("system").joinpath("gallery.json")
    if not file.is_file():
        return frozenset(HOUSE_STYLES)
    return parse(file.read_text(encoding="utf-8"))


def parse(text: str) -> frozenset[str]:
    """The ids in a gallery file's text; raises ValueError."""
    document = json.loads(text)
    styles = document.get("styles") if isinstance(document, dict) else document
    if not isinstance(styles, list) or not 0 < len(styles) <= _IDS_MAX:
        raise ValueError(f"gallery.json must list 1 to {_IDS_MAX} styles")
    found = [style.get("id") if isinstance(style, dict) else style for style in styles]
    wrong = [i for i in found if not isinstance(i, str) or not _ID.fullmatch(i)]
    if wrong or len(set(found)) != len(found):
        raise ValueError("gallery.json must give every style an id of its own, in kebab case")
    return frozenset(str(i) for i in found)
