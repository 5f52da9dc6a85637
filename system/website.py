"""The files that a deployment uploads: the website's, and the house styles.

Both the emulator's own deployment and ``nst deploy`` upload exactly these.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SITE, GALLERY = ROOT / "web" / "src", ROOT / "web" / "gallery"


@dataclass(frozen=True)
class Upload:
    """A file: the bucket's key in the declaration (``website``), its object key and headers."""

    bucket: str
    key: str
    path: Path
    content_type: str
    cache_control: str


def uploads() -> Iterator[Upload]:
    """Every file, in a fixed order."""
    for path in sorted(p for p in SITE.rglob("*") if p.is_file()):
        cache = "no-cache" if path.suffix == ".html" else "public, max-age=300"
        yield _upload("website", path.relative_to(SITE).as_posix(), path, cache)
    for path in sorted(GALLERY.rglob("*.jpg")):
        yield _upload("website", f"gallery/{path.name}", path, "public, max-age=86400")
    for path in sorted(GALLERY.glob("*.jpg")):
        yield _upload("storage", f"gallery/{path.name}", path, "max-age=86400")


def _upload(bucket: str, key: str, path: Path, cache: str) -> Upload:
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return Upload(bucket, key, path, "text/javascript" if path.suffix == ".js" else kind, cache)
