"""Compiles ``Retry`` and ``Catch``.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulator.states.documents import is_number
from emulator.states.faults import ALL, RESERVED
from emulator.states.fields import RETRIER_FIELDS, catcher_fields
from emulator.states.machine import Catcher, Retrier
from emulator.states.paths import parse_reference

if TYPE_CHECKING:
    from emulator.states.compile_fields import FieldCompiler

ATTEMPTS_MAX = 99_999_999
INTERVAL_MAX_S = 99_999_999
DELAY_MAX_S = 31_622_400
"""MaxDelaySeconds must be below this (a leap year)."""


def compile_retry(value: Any) -> tuple[Retrier, ...]:
    """The retriers; raises ValueError."""
    items = _items(value)
    return tuple(_retrier(item, last=i == len(items) - 1) for i, item in enumerate(items))


def compile_catch(value: Any, fields: FieldCompiler) -> tuple[Catcher, ...]:
    """The catchers; ``fields`` compiles their templates. Raises ValueError."""
    items = _items(value)
    return tuple(
        _catcher(item, f"Catch[{i}]", fields, last=i == len(items) - 1)
        for i, item in enumerate(items)
    )


def _retrier(item: dict[str, Any], *, last: bool) -> Retrier:
    _known(item, RETRIER_FIELDS)
    interval = _whole(item, "IntervalSeconds", 1, 1, INTERVAL_MAX_S)
    backoff = item.get("BackoffRate", 2.0)
    if not is_number(backoff) or backoff < 1:
        raise ValueError("'BackoffRate' must be a number of 1 or more")
    delay_max: int | None = None
    if "MaxDelaySeconds" in item:
        delay_max = _whole(item, "MaxDelaySeconds", 0, 1, DELAY_MAX_S - 1)
        if delay_max <= interval:
            raise ValueError("'MaxDelaySeconds' must be greater than 'IntervalSeconds'")
    jitter = item.get("JitterStrategy", "NONE")
    if jitter not in {"FULL", "NONE"}:
        raise ValueError("'JitterStrategy' must be one of [FULL, NONE]")
    return Retrier(
        errors=_errors(item, last=last),
        interval_s=interval,
        attempts_max=_whole(item, "MaxAttempts", 3, 0, ATTEMPTS_MAX),
        backoff_rate=float(backoff),
        delay_max_s=delay_max,
        full_jitter=jitter == "FULL",
    )


def _catcher(item: dict[str, Any], where: str, fields: FieldCompiler, *, last: bool) -> Catcher:
    _known(item, catcher_fields(jsonata=fields.jsonata))
    if not isinstance(item.get("Next"), str):
        raise ValueError("a catcher needs 'Next'")  # noqa: TRY004 (a diagnostic)
    path = item.get("ResultPath", "$")
    return Catcher(
        errors=_errors(item, last=last),
        next=item["Next"],
        assign=fields.template_in(item, "Assign", where),
        output=fields.template_in(item, "Output", where),
        result_path=None if path is None else parse_reference(path),
        discard=path is None,
    )


def _items(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ValueError("must be an array of objects")
    return value


def _errors(item: dict[str, Any], *, last: bool) -> tuple[str, ...]:
    names = item.get("ErrorEquals")
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
        raise ValueError("'ErrorEquals' must be a non-empty array of strings")
    for name in names:
        if name.startswith("States.") and name not in RESERVED:
            raise ValueError(f"'{name}' is not an error name of the language")
    if ALL in names and (len(names) > 1 or not last):
        raise ValueError("'States.ALL' must stand alone, in the last element")
    return tuple(names)


def _known(item: dict[str, Any], allowed: frozenset[str]) -> None:
    unknown = set(item) - allowed
    if unknown:
        raise ValueError(f"Field '{min(unknown)}' is not supported")


def _whole(item: dict[str, Any], name: str, default: int, least: int, most: int) -> int:
    value = item.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"'{name}' must be an integer from {least} to {most}")
    return value
