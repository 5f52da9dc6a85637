"""Timestamps of the language: RFC 3339 with an upper-case ``T`` and ``Z`` or an offset."""

from __future__ import annotations

import re
from datetime import datetime

_SHAPE = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$", re.ASCII
)


def parse_timestamp(text: str) -> float | None:
    """Epoch seconds, or None for text that is no timestamp."""
    found = _SHAPE.match(text)
    if found is None:
        return None
    moment, fraction, zone = found.groups()
    try:
        at = datetime.fromisoformat(moment + ("+00:00" if zone == "Z" else zone)).timestamp()
    except ValueError:
        return None
    return at + (float(f"0.{fraction}") if fraction else 0.0)
