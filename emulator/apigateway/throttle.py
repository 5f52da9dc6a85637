"""Throttling: one token bucket for each method of a stage.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulator.core.clock import Clock
from emulator.core.errors import NotSupported

RATE_MAX, BURST_MAX = 10_000.0, 5_000


@dataclass(frozen=True)
class Throttle:
    """``rate_per_s`` requests a second on average, ``burst`` at once."""

    rate_per_s: float = RATE_MAX
    burst: int = BURST_MAX


def throttles(settings: Mapping[str, Mapping[str, Any]]) -> dict[str, Throttle]:
    """Throttles by method from a stage's settings.

    Keys are ``default`` or ``POST /api/runs`` with ``rate_per_s`` and ``burst``, or API Gateway's
    own method settings: ``*/*`` or ``~1api~1runs/POST`` with ``throttlingRateLimit`` and
    ``throttlingBurstLimit``. Raises NotSupported for other keys.
    """
    found = {}
    for key, setting in settings.items():
        rate = setting.get("rate_per_s", setting.get("throttlingRateLimit", RATE_MAX))
        burst = setting.get("burst", setting.get("throttlingBurstLimit", BURST_MAX))
        found[_method_key(key)] = Throttle(float(rate), int(burst))
    return found


def _method_key(key: str) -> str:
    if key in {"default", "*/*"}:
        return "default"
    if " /" in key:
        return key
    path, slash, verb = key.rpartition("/")
    if not slash or not verb.isupper():
        raise NotSupported(f"the method setting {key!r}")
    plain = path.replace("~1", "/").replace("~0", "~")
    return f"{verb} /{plain.lstrip('/')}"


class Bucket:
    """Tokens that come back with time; it starts full."""

    def __init__(self, clock: Clock, throttle: Throttle) -> None:
        self._clock = clock
        self._throttle = throttle
        self._tokens = float(throttle.burst)
        self._at = clock.now()

    def take(self) -> bool:
        """Take one token; False when there is none."""
        now = self._clock.now()
        gained = max(0.0, now - self._at) * self._throttle.rate_per_s
        self._tokens = min(float(self._throttle.burst), self._tokens + gained)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
