"""Failure thresholds of a Map, as an inline one takes them."""

from __future__ import annotations

from typing import Any

from tests.asl.cases import (
    Case,
    at,
    entered,
    failed,
    group,
    guide,
    numbered,
    recorded,
    started,
)
from tests.asl.maps import FAIL, PASS, SCENARIOS, mapping, three, two

TOLERANCE = guide("state-map-distributed maprun-fail-threshold")


def intolerable(name: str, feature: str, fields: dict[str, str], value: Any, message: str) -> Case:
    """A Map whose failure threshold cannot be one."""
    data = {"v": [1], "t": value}
    return Case(
        name,
        feature,
        f"{TOLERANCE} {SCENARIOS}",
        mapping(group(PASS), ItemsPath="$.v", **fields),
        data,
        status="FAILED",
        error="States.Runtime",
        cause=at("S", 2, message),
        history=(
            started(data),
            entered("Map", data),
            (2, "MapStateStarted"),
            failed(3, "States.Runtime", at("S", 2, message)),
        ),
        note="recorded with a distributed Map",
    )


CASES = [
    two(
        "map-tolerated-count",
        "Map: ToleratedFailureCount of an inline Map is taken",
        three(PASS, ToleratedFailureCount=1),
        ["a", "b"],
        ["a", "b"],
        cite=f"{TOLERANCE} {recorded('evaluate_jsonata/test_base_evaluate_expressions')}",
    ),
    two(
        "map-tolerated-percentage",
        "Map: ToleratedFailurePercentage of an inline Map is taken",
        {
            "QueryLanguage": "JSONata",
            **three(PASS, Items=["a", "b"], ToleratedFailurePercentage="{% 2.5 * 4 %}"),
        },
        {},
        ["a", "b"],
        cite=f"{TOLERANCE} {recorded('evaluate_jsonata/test_base_evaluate_expressions')}",
    ),
    intolerable(
        "map-tolerated-count-path-is-no-number",
        "Map: what ToleratedFailureCountPath refuses",
        {"ToleratedFailureCountPath": "$.t"},
        "NoNumber",
        'The ToleratedFailureCountPath field refers to value "NoNumber" which is not a valid '
        "integer: $.t",
    ),
    intolerable(
        "map-tolerated-count-path-is-negative",
        "Map: what ToleratedFailureCountPath refuses",
        {"ToleratedFailureCountPath": "$.t"},
        -1,
        "ToleratedFailureCount cannot be negative.",
    ),
    intolerable(
        "map-tolerated-percentage-path-is-no-number",
        "Map: what ToleratedFailurePercentagePath refuses",
        {"ToleratedFailurePercentagePath": "$.t"},
        {},
        'The ToleratedFailurePercentagePath field refers to value "{}" which is not a valid float: '
        "$.t",
    ),
    intolerable(
        "map-tolerated-percentage-path-is-too-large",
        "Map: what ToleratedFailurePercentagePath refuses",
        {"ToleratedFailurePercentagePath": "$.t"},
        100.1,
        "ToleratedFailurePercentage must be between 0 and 100.",
    ),
    Case(
        "map-inline-tolerates-no-failure",
        "Map: failure thresholds of an inline Map have no effect",
        TOLERANCE,
        mapping(group(FAIL), ToleratedFailureCount=5, ToleratedFailurePercentage=100),
        [1],
        status="FAILED",
        error="Mine",
        history=numbered(
            (0, "ExecutionStarted"),
            (0, "MapStateEntered"),
            (2, "MapStateStarted"),
            (3, "MapIterationStarted"),
            (4, "FailStateEntered"),
            (5, "MapIterationFailed"),
            (5, "MapStateFailed"),
            (7, "ExecutionFailed"),
        ),
        note="thresholds are documented for the distributed Map only",
    ),
    Case(
        "map-tolerated-percentage-is-checked",
        "Map: ToleratedFailurePercentage is checked at creation",
        TOLERANCE,
        mapping(group(PASS), ToleratedFailurePercentage=101),
        refused="/States/S/ToleratedFailurePercentage",
    ),
]
