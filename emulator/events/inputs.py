"""What a rule's target gets: the event, a constant, a part of the event, or a template of parts.

Source: AWS's page "Amazon EventBridge input transformation".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from emulator.core.clock import iso
from emulator.core.errors import AwsError

VARIABLES_MAX = 100
TEMPLATE_CHARS_MAX = 8192
_STEP = re.compile(
    r"\.(?P<key>[A-Za-z0-9_/-]+)|\[(?P<index>\d+)\]|\['(?P<quoted>[^']+)'\]|(?P<any>\.\*|\[\*\])"
)
_PLACEHOLDER = re.compile(r"<([A-Za-z0-9_.-]+)>")
_NOTHING = object()


@dataclass(frozen=True)
class Origin:
    """Where an event comes from: the rule that took it, and when."""

    rule_arn: str
    rule_name: str
    at: float


def check_input(target: Mapping[str, Any]) -> None:
    """Refuse a target whose input cannot be made; raises ValidationException."""
    given = [n for n in ("Input", "InputPath", "InputTransformer") if target.get(n) is not None]
    if len(given) > 1:
        raise _invalid(f"Only one of {', '.join(given)} must be provided for a target")
    if "InputPath" in given:
        _steps(target["InputPath"])
    if "InputTransformer" in given:
        transformer = target["InputTransformer"]
        paths = transformer.get("InputPathsMap") or {}
        if len(paths) > VARIABLES_MAX:
            raise _invalid(f"InputPathsMap has more than {VARIABLES_MAX} entries")
        for name, path in paths.items():
            if name.startswith(("AWS", "aws.")):
                raise _invalid(f"{name} is a reserved name")
            _steps(path)
        template = transformer.get("InputTemplate") or ""
        if not 1 <= len(template) <= TEMPLATE_CHARS_MAX:
            raise _invalid(f"InputTemplate must have 1 to {TEMPLATE_CHARS_MAX} characters")
        for name in _PLACEHOLDER.findall(template):
            if name not in paths and name not in _PREDEFINED:
                raise _invalid(f"InputTemplate for target contains invalid placeholder {name}")


def input_of(target: Mapping[str, Any], event: Mapping[str, Any], origin: Origin) -> str:
    """The JSON text that a target gets; raises ValidationException when it is none."""
    if target.get("Input") is not None:
        text = str(target["Input"])
    elif target.get("InputPath") is not None:
        part = find(event, target["InputPath"])
        text = json.dumps(None if part is _NOTHING else part)
    elif target.get("InputTransformer") is not None:
        text = _transform(target["InputTransformer"], event, origin)
    else:
        return json.dumps(event)
    try:
        json.loads(text)
    except ValueError as error:
        raise _invalid(f"the input of a target is not JSON: {text[:200]}") from error
    return text


def find(event: Any, path: str) -> Any:
    """The part of an event at a JSON path; a marker object when there is none."""
    found = [event]
    many = False
    for kind, value in _steps(path):
        if kind == "any":
            many = True
            found = [v for f in found for v in _children(f)]
        elif kind == "index":
            found = [f[value] for f in found if isinstance(f, list) and value < len(f)]
        else:
            found = [f[value] for f in found if isinstance(f, dict) and value in f]
    if many:
        return found
    return found[0] if found else _NOTHING


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _steps(path: str) -> list[tuple[str, Any]]:
    if not path.startswith("$"):
        raise _invalid(f"Invalid JSON path {path!r}")
    steps: list[tuple[str, Any]] = []
    at = 1
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            raise _invalid(f"Invalid JSON path {path!r}")
        at = step.end()
        if step["any"]:
            steps.append(("any", None))
        elif step["index"]:
            steps.append(("index", int(step["index"])))
        else:
            steps.append(("key", step["key"] or step["quoted"]))
    return steps


def _transform(transformer: Mapping[str, Any], event: Mapping[str, Any], origin: Origin) -> str:
    """Fill a template; a text that is neither object nor string becomes a JSON string."""
    paths = transformer.get("InputPathsMap") or {}
    values = {name: find(event, path) for name, path in paths.items()}
    values |= {name: make(event, origin) for name, make in _PREDEFINED.items()}
    template = str(transformer["InputTemplate"]).strip()
    if not template.startswith(("{", "[", '"')):
        return json.dumps(_fill(template, values, quoted=True, escape=False))
    pieces = re.split(r'("(?:[^"\\]|\\.)*")', template)
    return "".join(
        _fill(piece, values, quoted=piece.startswith('"'), escape=True) for piece in pieces
    )


def _fill(text: str, values: Mapping[str, Any], *, quoted: bool, escape: bool) -> str:
    """Put values in: inside quotes as bare text, outside as JSON.

    A variable whose path found nothing is empty inside quotes and null outside.
    """

    def put(match: re.Match[str]) -> str:
        if match[1] not in values:
            return match[0]
        value = values[match[1]]
        if not quoted:
            return json.dumps(None if value is _NOTHING else value)
        if value is _NOTHING:
            return ""
        bare = value if isinstance(value, str) else json.dumps(value)
        return json.dumps(bare)[1:-1] if escape else bare

    return _PLACEHOLDER.sub(put, text)


_PREDEFINED: Mapping[str, Callable[[Mapping[str, Any], Origin], Any]] = {
    "aws.events.rule-arn": lambda _, origin: origin.rule_arn,
    "aws.events.rule-name": lambda _, origin: origin.rule_name,
    "aws.events.event.ingestion-time": lambda _, origin: iso(origin.at),
    "aws.events.event": lambda event, _: {k: v for k, v in event.items() if k != "detail"},
    "aws.events.event.json": lambda event, _: dict(event),
}


def _invalid(why: str) -> AwsError:
    return AwsError("ValidationException", why)
