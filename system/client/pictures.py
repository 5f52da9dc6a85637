"""Which type a picture has, by its first bytes: names lie.

The check is there to save a visitor an upload; what really decides is the worker's own look.
"""

from __future__ import annotations

HEAD_BYTES = 16
UNKNOWN = "image/png"
"""What a file is called that is sent although nobody knows what it is."""


def content_type(head: bytes) -> str | None:
    """Give the media type of a picture from its first bytes (16 are enough).

    None for kinds that the system does not take.

    Signatures: https://www.iana.org/assignments/media-types/media-types.xhtml#image and the
    formats' own specifications.
    """
    starts = (
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
    )
    for start, kind in starts:
        if head.startswith(start):
            return kind
    # A RIFF container: its length stands between the two marks.
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    return None
