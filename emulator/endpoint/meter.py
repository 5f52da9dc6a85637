"""How many requests the endpoint has answered, and how long that took: for who deploys on it."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Meter:
    """Counts; seconds are the machine's, since they say what the emulator costs."""

    def __init__(self) -> None:
        self._requests: Counter[str] = Counter()
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._open = 0
        self._busy_since = 0.0
        self._busy_s = 0.0

    @contextmanager
    def answering(self, service: str) -> Iterator[None]:
        """A request of ``service`` is being answered while the block runs."""
        began = time.monotonic()
        if self._open == 0:
            self._busy_since = began
        self._open += 1
        try:
            yield
        finally:
            now = time.monotonic()
            self._open -= 1
            if self._open == 0:
                self._busy_s += now - self._busy_since
            self._requests[service] += 1
            self._seconds[service] += now - began

    def read(self) -> dict[str, Any]:
        """So far: ``busy_s`` is how long at least one request waited for its answer."""
        return {
            "requests": self._requests.total(),
            "seconds": round(sum(self._seconds.values()), 4),
            "busy_s": round(self._busy_s, 4),
            "services": {
                name: {"requests": count, "seconds": round(self._seconds[name], 4)}
                for name, count in sorted(self._requests.items())
            },
        }
