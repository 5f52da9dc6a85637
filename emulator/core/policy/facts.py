"""The facts of a request, which conditions and variables ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from emulator.core.clock import iso

TIMES: Mapping[str, Callable[[float], str]] = {
    "aws:currenttime": iso,
    "aws:epochtime": lambda now: str(int(now)),
}


class Facts(dict[str, Any]):
    """Condition keys in lower case and their values, besides those of the time.

    The time (``TIMES``) is written out only when it is asked for, by ``get``: hardly a policy
    does, and every call is checked.
    """

    __slots__ = ("now",)

    def __init__(self, known: Mapping[str, Any], now: float) -> None:
        super().__init__(known)
        self.now = now

    def get(self, key: str, default: Any = None) -> Any:
        """The fact of a key; ``default`` where the request has none."""
        written = TIMES.get(key)
        return super().get(key, default) if written is None else written(self.now)
