"""The files that a deployment uploads: the website's, and the house styles.

Both the emulator's own deployment and ``nst deploy`` upload exactly these. The page is built from
``web/`` by ``make page``; a checkout without a build has a page that says so instead.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SITE, UNBUILT, GALLERY = ROOT / "web" / "dist", ROOT / "web" / "unbuilt", ROOT / "web" / "gallery"
HOW_TO_BUILD = "The page is not built. Build it with: make page"

_KINDS = {".js": "text/javascript", ".woff2": "font/woff2"}
_YEAR, _DAY, _MINUTES = "public, max-age=31536000, immutable", "public, max-age=86400", 300


@dataclass(frozen=True)
class Upload:
    """A file: the bucket's key in the declaration (``website``), its object key and headers."""

    bucket: str
    key: str
    path: Path
    content_type: str
    cache_control: str


def built(site: Path = SITE) -> bool:
    """Whether there is a page to serve."""
    return (site / "index.html").is_file()


def uploads(site: Path = SITE) -> Iterator[Upload]:
    """Every file, in a fixed order; no source maps."""
    yield from _page(site if built(site) else UNBUILT)
    for path in sorted(GALLERY.rglob("*.jpg")):
        yield _upload("website", f"gallery/{path.name}", path, _DAY)
    for path in sorted(GALLERY.glob("*.jpg")):
        yield _upload("storage", f"gallery/{path.name}", path, "max-age=86400")


def _page(folder: Path) -> Iterator[Upload]:
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        key = path.relative_to(folder).as_posix()
        if path.suffix == ".map" or path.name.startswith("."):
            continue
        if path.suffix == ".html":
            cache = "no-cache"  # a new page counts at once
        elif key.startswith("assets/"):
            cache = _YEAR  # its name changes with its content
        else:
            cache = f"public, max-age={_MINUTES}"
        yield _upload("website", key, path, cache)


def _upload(bucket: str, key: str, path: Path, cache: str) -> Upload:
    guessed = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return Upload(bucket, key, path, _KINDS.get(path.suffix, guessed), cache)
