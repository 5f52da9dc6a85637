"""Structured logs: one JSON object a line on standard output, as CloudWatch Logs likes them."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

ROOT = "nst"
LINE_CHARS_MAX = 32_000
"""Less than the 256 KiB of a CloudWatch event, and than what a terminal bears."""


class JsonFormatter(logging.Formatter):
    """Writes a record as JSON with the fields that hold for the whole process.

    ``fields`` may change while the process runs (the correlation id comes with the start order). A
    record's own fields are given as ``extra={"fields": {...}}``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of JSON."""
        at = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, Any] = {
            "at": f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **self.fields,
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)[-LINE_CHARS_MAX:]
        return json.dumps(line, ensure_ascii=False, default=str)


def configure(stream: TextIO | None = None) -> JsonFormatter:
    """Send all logs as JSON lines to ``stream`` (standard output); returns the formatter."""
    formatter = JsonFormatter()
    handler = logging.StreamHandler(stream if stream is not None else sys.stdout)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(ROOT).setLevel(logging.INFO)
    return formatter
