"""The JSONPath of ``$input.path`` and ``$input.json``: members, indexes and wildcards.

Filters, slices and deep scans are refused by name: no template of a deployed API uses them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from emulator.apigateway.errors import TemplateError

MISSING: Any = object()
"""What a path gives that leads nowhere (JSON's null is a value, this is none)."""

_STEP = re.compile(
    r"\.(?P<member>[A-Za-z_][\w-]*)|\[(?P<index>-?\d+)\]|\[(?P<quote>['\"])(?P<quoted>[^'\"]*)(?P=quote)\]"
    r"|(?P<wild>\.\*|\[\*\])"
)
_WILD = object()


def select(document: Any, path: str) -> Any:
    """The value at ``path``; MISSING when it leads nowhere; TemplateError for other syntax."""
    return _walk(document, _compile(path))


@lru_cache(maxsize=1024)
def _compile(path: str) -> tuple[Any, ...]:
    text = path.strip()
    if not text.startswith("$"):
        raise TemplateError(f"the JSONPath {path!r} does not start with $")
    at, steps = 1, []
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None:
            raise TemplateError(f"the JSONPath {path!r} is not supported at {text[at:]!r}")
        if found["member"] is not None:
            steps.append(found["member"])
        elif found["index"] is not None:
            steps.append(int(found["index"]))
        elif found["wild"] is not None:
            steps.append(_WILD)
        else:
            steps.append(found["quoted"])
        at = found.end()
    return tuple(steps)


def _walk(value: Any, steps: tuple[Any, ...]) -> Any:
    for number, step in enumerate(steps):
        if step is _WILD:
            children = value.values() if isinstance(value, dict) else value
            if not isinstance(value, dict | list):
                return MISSING
            found = [_walk(child, steps[number + 1 :]) for child in children]
            return [child for child in found if child is not MISSING]
        if isinstance(step, int):
            if not isinstance(value, list) or not -len(value) <= step < len(value):
                return MISSING
            value = value[step]
        else:
            if not isinstance(value, dict) or step not in value:
                return MISSING
            value = value[step]
    return value
