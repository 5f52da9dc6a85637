"""The declaration of the system's resources: one file, read by Terraform and by the emulator.

``stack.json`` holds placeholders of the form ``${word}``; whoever deploys fills them. This module
reads the file, fills placeholders and refuses one that nobody filled.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from importlib import resources
from typing import Any

from system import problems

_PLACEHOLDER = re.compile(r"\$\{([a-z_]+)\}")
_WHEN = "x-nst-when"

LIVE_EVENTS = "live_events"
"""The option that adds the stream of a run's events to the API."""


class UnfilledPlaceholderError(KeyError):
    """A template names a value that the deployment did not give."""


def declaration() -> dict[str, Any]:
    """The whole declaration with its placeholders unfilled."""
    loaded: dict[str, Any] = json.loads(_read("stack.json"))
    return loaded


def policy(name: str) -> dict[str, Any]:
    """The policy document ``policies/<name>.json`` with its placeholders unfilled."""
    loaded: dict[str, Any] = json.loads(_read(f"policies/{name}.json"))
    return loaded


def bucket_policy(names: list[str]) -> dict[str, Any]:
    """The policy of a bucket: the statements of several documents in one, unfilled.

    ``${bucket_arn}`` stands for the bucket that it is for.
    """
    statements = [s for name in names for s in policy(name)["Statement"]]
    return {"Version": "2012-10-17", "Statement": statements}


def workflow(file: str, values: Mapping[str, str]) -> str:
    """A workflow's definition (JSON text), its placeholders filled.

    Besides ``values`` a workflow may name ``${problems}``, the table of problem documents, and
    ``${throttle}``, the throttles of the API (``values`` may have those of a choice).
    """
    tables = {
        "problems": json.dumps(problems.table()),
        "throttle": json.dumps(throttles()),
    }
    return fill_text(_read(f"workflows/{file}"), {**tables, **values})


def throttles(*, live_events: bool = False) -> dict[str, Any]:
    """The throttles of the API by "METHOD /path"; ``default`` is for every other method."""
    declared = declaration()
    throttle: dict[str, Any] = declared["api"]["throttle"]
    return throttle | declared["live_events"]["throttle"] if live_events else throttle


def contract(values: Mapping[str, str]) -> str:
    """The API contract (YAML text), its placeholders filled; ``chosen`` leaves out options."""
    return fill_text(_read("contract/openapi.yaml"), values)


def chosen(contract: Mapping[str, Any], options: Collection[str]) -> dict[str, Any]:
    """The contract (a document) without the paths of options that are not among ``options``.

    A path with ``x-nst-when`` is part of the API in deployments with that option alone.
    """
    paths = {
        path: {key: value for key, value in item.items() if key != _WHEN}
        for path, item in contract["paths"].items()
        if _WHEN not in item or item[_WHEN] in options
    }
    return {**contract, "paths": paths}


def first_budget(limit_microusd: int | None = None) -> dict[str, Any]:
    """The payload for update_budget that makes the first ledger; None: the declared limit."""
    budget = declaration()["budget"]
    return {
        "action": "initialise",
        "limit_microusd": limit_microusd or budget["limit_microusd"],
        "runs_in_flight_max": budget["runs_in_flight_max"],
        "spend_per_day_max_microusd": budget["spend_per_day_max_microusd"],
    }


def text(path: str) -> str:
    """A file that the declaration names (the CDN function's code), as it stands."""
    return _read(path)


def fill_text(text: str, values: Mapping[str, str]) -> str:
    """Replace every ``${word}``; raises UnfilledPlaceholderError for an unknown word."""

    def value(found: re.Match[str]) -> str:
        try:
            return values[found[1]]
        except KeyError:
            raise UnfilledPlaceholderError(found[1]) from None

    return _PLACEHOLDER.sub(value, text)


def fill(document: Any, values: Mapping[str, str]) -> Any:
    """The same document with the placeholders in all its strings filled."""
    if isinstance(document, str):
        return fill_text(document, values)
    if isinstance(document, list):
        return [fill(item, values) for item in document]
    if isinstance(document, dict):
        return {key: fill(item, values) for key, item in document.items()}
    return document


def _read(path: str) -> str:
    return resources.files("system").joinpath(path).read_text(encoding="utf-8")
