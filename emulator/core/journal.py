"""What survives a kill of the emulator, outside S3: an append-only journal of JSON lines.

Records are grouped by kind and key; the newest record of a key wins. Without a data directory
nothing is kept, and the journal is a no-op.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO, Any


class Journal:
    """Append-only file of ``{"kind", "key", "value"}`` lines; None as a value deletes."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: IO[str] | None = None
        self._state: dict[str, dict[str, Any]] = {}
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                self._load(path)
            self._compact(path)

    def load(self, kind: str) -> dict[str, Any]:
        """The newest value of every key of ``kind`` as of the start."""
        return dict(self._state.get(kind, {}))

    def put(self, kind: str, key: str, value: Any) -> None:
        """Remember ``value``; it is with the operating system when this returns.

        A kill of the process loses nothing, a power cut may.
        """
        if self._file is None:
            return
        line = json.dumps({"kind": kind, "key": key, "value": value}, separators=(",", ":"))
        self._file.write(line + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _load(self, path: Path) -> None:
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                # A kill can tear the last line; what it would have said was never acknowledged.
                continue
            bucket = self._state.setdefault(record["kind"], {})
            if record["value"] is None:
                bucket.pop(record["key"], None)
            else:
                bucket[record["key"]] = record["value"]

    def _compact(self, path: Path) -> None:
        fresh = path.with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as out:
            for kind, values in self._state.items():
                for key, value in values.items():
                    record = {"kind": kind, "key": key, "value": value}
                    out.write(json.dumps(record, separators=(",", ":")) + "\n")
        fresh.replace(path)
        self._file = path.open("a", encoding="utf-8")
