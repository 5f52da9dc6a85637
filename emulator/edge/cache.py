"""What the edge keeps: entries by path and encoding, with a bound on memory.

Times to live: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Expiration.html
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass, replace

from emulator.edge.distribution import ERROR_TTL_S, CachePolicy, Distribution

OVERHEAD_BYTES = 512
INVALIDATION_PATHS_MAX = 3_000
ERRORS_ALWAYS = frozenset({404, 414, 500, 501, 502, 503, 504})
ERRORS_ON_HEADER = frozenset({400, 403, 405, 412, 415})
"""Errors that are kept at all, and those kept only when the origin says for how long."""

_AGE = re.compile(r"(?:^|,)\s*(s-maxage|max-age)\s*=\s*\"?(\d{1,10})\"?", re.IGNORECASE)
_NEVER = re.compile(r"(?:^|,)\s*(?:no-cache|no-store|private)\b", re.IGNORECASE)
_OK, _ERROR = 200, 400


@dataclass(frozen=True)
class Stored:
    """An origin's answer. ``fetched_at`` and ``expires_at`` are clock times."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    fetched_at: float
    expires_at: float = 0.0

    def header(self, name: str) -> str:
        """A header's value, or an empty string."""
        return next((v for n, v in self.headers if n.lower() == name), "")

    def fresh_until(self, expires_at: float, fetched_at: float) -> Stored:
        """The same answer, found unchanged at ``fetched_at``."""
        return replace(self, expires_at=expires_at, fetched_at=fetched_at)


Key = tuple[str, str, str, str]
"""Distribution, path, query string (where it counts), encoding."""


class EdgeCache:
    """The least recently used entries go first."""

    def __init__(self, bytes_max: int, entry_bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._entry_bytes_max = entry_bytes_max
        self._entries: OrderedDict[Key, Stored] = OrderedDict()
        self._bytes = 0

    @property
    def size_bytes(self) -> int:
        """What the entries take up."""
        return self._bytes

    def get(self, key: Key) -> Stored | None:
        """The entry, fresh or not; it counts as used."""
        found = self._entries.get(key)
        if found is not None:
            self._entries.move_to_end(key)
        return found

    def put(self, key: Key, stored: Stored) -> None:
        """Keep an answer, if it is not too large for that."""
        self.drop(key)
        size = _size(stored)
        if size > min(self._entry_bytes_max, self._bytes_max):
            return
        self._entries[key] = stored
        self._bytes += size
        while self._bytes > self._bytes_max:
            _, oldest = self._entries.popitem(last=False)
            self._bytes -= _size(oldest)

    def drop(self, key: Key) -> None:
        """Forget an entry."""
        found = self._entries.pop(key, None)
        if found is not None:
            self._bytes -= _size(found)

    def invalidate(self, distribution_id: str, paths: list[str]) -> int:
        """Forget what the paths name (``*`` at the end is any rest); how many entries that was."""
        exact = {path for path in paths if not path.endswith("*")}
        prefixes = tuple(path[:-1] for path in paths if path.endswith("*"))
        hit = [
            key
            for key in self._entries
            if key[0] == distribution_id
            and (key[1] in exact or (prefixes and key[1].startswith(prefixes)))
        ]
        for key in hit:
            self.drop(key)
        return len(hit)


def ttl_s(
    status: int, cache_control: str, policy: CachePolicy, distribution: Distribution
) -> float:
    """For how many seconds an answer is kept; zero: not at all."""
    ages = {name.lower(): float(age) for name, age in _AGE.findall(cache_control)}
    asked = ages.get("s-maxage", ages.get("max-age"))
    never = _NEVER.search(cache_control) is not None
    if status >= _ERROR:
        floor = distribution.error_ttl_s.get(status, ERROR_TTL_S)
        if status in ERRORS_ALWAYS:
            return max(floor, asked or 0.0) if not never else floor
        return max(floor, asked) if status in ERRORS_ON_HEADER and asked and not never else 0.0
    if status != _OK or policy.max_ttl_s <= 0:
        return 0.0
    if never:
        return policy.min_ttl_s
    if asked is not None:
        return min(max(asked, policy.min_ttl_s), policy.max_ttl_s)
    return min(max(policy.default_ttl_s, policy.min_ttl_s), policy.max_ttl_s)


def _size(stored: Stored) -> int:
    return len(stored.body) + OVERHEAD_BYTES
