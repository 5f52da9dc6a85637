"""The embedded metric format: metrics in lines of a log.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

METRICS_MAX = 100
VALUES_MAX = 100
DIMENSIONS_MAX = 30


class Embedded(NamedTuple):
    """A metric of a line; ``at`` is in epoch seconds."""

    namespace: str
    name: str
    unit: str
    dimensions: tuple[tuple[str, str], ...]
    values: tuple[float, ...]
    at: float


def embedded(line: str) -> list[Embedded]:
    """The metrics of a line; none when it is no embedded metric document.

    As in AWS a document that breaks a rule of the format gives no metric and no error.
    """
    if '"_aws"' not in line or not line.startswith("{"):
        return []
    try:
        root = json.loads(line)
        return list(_metrics(root))
    except (ValueError, KeyError, TypeError):
        return []


def _metrics(root: Mapping[str, Any]) -> Iterator[Embedded]:
    metadata = root["_aws"]
    at = metadata["Timestamp"] / 1000
    for directive in metadata["CloudWatchMetrics"]:
        definitions = directive["Metrics"]
        if len(definitions) > METRICS_MAX:
            raise ValueError("a directive has at most 100 metrics")
        for definition in definitions:
            values = _values(root[definition["Name"]])
            for names in directive["Dimensions"]:
                yield Embedded(
                    _text(directive["Namespace"]),
                    _text(definition["Name"]),
                    definition.get("Unit", "None"),
                    _dimensions(root, names),
                    values,
                    at,
                )


def _values(target: Any) -> tuple[float, ...]:
    values = target if isinstance(target, list) else [target]
    if not 0 < len(values) <= VALUES_MAX:
        raise ValueError("a metric has 1 to 100 values")
    if any(isinstance(v, bool) or not isinstance(v, int | float) for v in values):
        raise ValueError("a metric's value is a number")
    if not all(map(math.isfinite, values)):
        raise ValueError("a metric's value is finite")
    return tuple(map(float, values))


def _dimensions(root: Mapping[str, Any], names: list[str]) -> tuple[tuple[str, str], ...]:
    if len(names) > DIMENSIONS_MAX:
        raise ValueError("a dimension set has at most 30 members")
    return tuple(sorted((_text(name), _text(root[name])) for name in names))


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("names and dimensions are texts")
    return value
