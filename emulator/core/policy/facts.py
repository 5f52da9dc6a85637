"""The facts of a request, which conditions and variables ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from emulator.core.clock import iso

TIMES: Mapping[str, Callable[[float], str]] = {
    "aws:currenttime": iso,
    "aws:epochtime": lambda now: str(int(now)),
}


class Facts(Mapping[str, Any]):
    """Condition keys in lower case and their values: ``more``, which counts first, and ``known``.

    Nothing is copied, and the time (``TIMES``) is written out only when it is asked for, by
    ``get``: a policy asks for hardly anything, and every call is checked.
    """

    __slots__ = ("_known", "_more", "now")

    def __init__(
        self, known: Mapping[str, Any], now: float, more: Mapping[str, Any] | None = None
    ) -> None:
        self._known = known
        self._more = more or {}
        self.now = now

    def get(self, key: str, default: Any = None) -> Any:
        """The fact of a key; ``default`` where the request has none."""
        written = TIMES.get(key)
        if written is not None:
            return written(self.now)
        found = self._more.get(key)
        return self._known.get(key, default) if found is None else found

    def __getitem__(self, key: str) -> Any:
        found = self.get(key)
        if found is None:
            raise KeyError(key)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter({**self._known, **self._more})

    def __len__(self) -> int:
        return len({**self._known, **self._more})
