"""The functions that Step Functions adds to JSONata, and those that it changes.

Added: ``$partition``, ``$range``, ``$hash``, ``$random`` (with a seed), ``$uuid``, ``$parse``.
Taken away: ``$eval``. Time and randomness come from `QuerySources`, also for JSONata's own
``$now``, ``$millis`` and ``$shuffle``. Source:
https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html#jsonata-functions-provided-by-step-functions
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jsonata.functions import Functions
from jsonata.jexception import JException
from jsonata.jsonata import Jsonata
from jsonata.utils import Utils

from emulator.states.documents import dumps, is_number, loads

RANGE_MAX = 100_000
"""Most elements that ``$range`` makes; more cannot fit into a payload anyway."""
_DIGESTS: dict[str, Callable[[bytes], Any]] = {
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False),
    "SHA-1": lambda data: hashlib.sha1(data, usedforsecurity=False),
    "SHA-256": hashlib.sha256,
    "SHA-384": hashlib.sha384,
    "SHA-512": hashlib.sha512,
}


@dataclass(frozen=True)
class QuerySources:
    """Where expressions get time (epoch seconds), random numbers and UUIDs from."""

    now: Callable[[], float]
    rng: random.Random
    uuid: Callable[[], str]


def functions(sources: QuerySources) -> dict[str, Any]:
    """All of them by name, in the library's wrapper; None hides a function of JSONata."""

    def seeded_random(seed: Any = None) -> Any:
        if seed is None:
            return sources.rng.random()
        return random.Random(_number("random", 1, seed)).random()  # noqa: S311 (workflow data)

    def now(picture: Any = None, timezone: Any = None) -> Any:
        return Functions.datetime_from_millis(_millis(sources), picture, timezone)

    def shuffle(items: Any = None) -> Any:
        if items is None:
            return None
        shuffled = list(items) if isinstance(items, list) else [items]
        sources.rng.shuffle(shuffled)
        return shuffled

    found: dict[str, Callable[..., Any]] = {
        "partition": _partition,
        "range": _range,
        "hash": _hash,
        "random": seeded_random,
        "uuid": sources.uuid,
        "parse": _parse,
        "now": now,
        "millis": lambda: _millis(sources),
        "shuffle": shuffle,
    }
    wrapped: dict[str, Any] = {name: Jsonata.JLambda(found[name]) for name in found}
    wrapped["eval"] = None
    return wrapped


def digest(algorithm: str, text: str) -> str:
    """Hexadecimal hash of ``text``; raises ValueError for an unknown algorithm."""
    if algorithm not in _DIGESTS:
        raise ValueError(f"the hash algorithm must be one of {', '.join(_DIGESTS)}")
    return str(_DIGESTS[algorithm](text.encode()).hexdigest())


def partition(items: list[Any], size: int) -> list[list[Any]]:
    """``items`` in chunks of ``size`` (1 or more); the last one may be shorter."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def _millis(sources: QuerySources) -> int:
    return math.floor(sources.now() * 1000)


def _partition(items: Any = None, size: Any = None) -> Any:
    if items is None:
        return None
    if not isinstance(items, list):
        items = [items]
    count = math.floor(_number("partition", 2, size))
    if count < 1:
        raise JException("T0410", -1, 2, "partition")
    return partition(list(items), count)


def _range(start: Any = None, end: Any = None, step: Any = 1) -> Any:
    first, last, delta = (_number("range", i, n) for i, n in enumerate((start, end, step), 1))
    if delta == 0:
        raise JException("T0410", -1, 3, "range")
    count = max(0, math.floor((last - first) / delta + 1e-9) + 1)
    if count > RANGE_MAX:
        raise JException("D2014", -1, count)
    made = [Utils.convert_number(first + delta * index) for index in range(count)]
    # As recorded on AWS: a single element comes without its array, like any JSONata sequence.
    return made[0] if count == 1 else made


def _hash(data: Any = None, algorithm: Any = None) -> Any:
    if data is None:
        return None
    if not isinstance(algorithm, str) or algorithm not in _DIGESTS:
        raise JException("T0410", -1, 2, "hash")
    return digest(algorithm, data if isinstance(data, str) else _text(data))


def _text(data: Any) -> str:
    return str(Functions.string(data, None)) if not isinstance(data, dict) else dumps(data)


def _parse(text: Any = None) -> Any:
    if text is None:
        return None
    if not isinstance(text, str):
        raise JException("T0410", -1, 1, "parse")
    try:
        return _mark_nulls(loads(text))
    except ValueError as error:
        raise JException("D3120", -1, str(error)) from error


def _mark_nulls(document: Any) -> Any:
    if document is None:
        return Utils.NULL_VALUE
    if isinstance(document, dict):
        return {key: _mark_nulls(value) for key, value in document.items()}
    if isinstance(document, list):
        return [_mark_nulls(value) for value in document]
    return document


def _number(function: str, position: int, value: Any) -> Any:
    if not is_number(value):
        raise JException("T0410", -1, position, function)
    return value
