"""Comparison operators of the Choice state.

Expected values: https://docs.aws.amazon.com/step-functions/latest/dg/state-choice.html and
https://states-language.net/spec.html#choice-state
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.states.world import execute

DATA = {
    "s": "abc",
    "n": 10,
    "f": 1.5,
    "t": True,
    "null": None,
    "at": "2024-08-18T17:33:00Z",
    "file": "log-2024.txt",
    "star": "a*b",
    "same_s": "abc",
    "other_n": 11,
    "later": "2024-08-18T17:33:01.5+00:00",
    "list": [],
}


def chosen(rule: dict[str, Any]) -> bool:
    machine = {
        "StartAt": "C",
        "States": {
            "C": {"Type": "Choice", "Choices": [{**rule, "Next": "Yes"}], "Default": "No"},
            "Yes": {"Type": "Pass", "Result": True, "End": True},
            "No": {"Type": "Pass", "Result": False, "End": True},
        },
    }
    output = execute(machine, DATA).output
    assert isinstance(output, bool)
    return output


CASES = [
    ("s", "StringEquals", "abc", True),
    ("s", "StringEquals", "abd", False),
    ("n", "StringEquals", "10", False),
    ("s", "StringLessThan", "abd", True),
    ("s", "StringGreaterThan", "abb", True),
    ("s", "StringLessThanEquals", "abc", True),
    ("s", "StringGreaterThanEquals", "abd", False),
    ("s", "StringEqualsPath", "$.same_s", True),
    ("s", "StringLessThanPath", "$.same_s", False),
    ("s", "StringGreaterThanPath", "$.same_s", False),
    ("s", "StringLessThanEqualsPath", "$.same_s", True),
    ("s", "StringGreaterThanEqualsPath", "$.same_s", True),
    ("file", "StringMatches", "log-*.txt", True),
    ("file", "StringMatches", "log-*.md", False),
    ("star", "StringMatches", "a\\*b", True),
    ("file", "StringMatches", "log\\*", False),
    ("n", "NumericEquals", 10, True),
    ("n", "NumericEquals", 10.0, True),
    ("t", "NumericEquals", 1, False),
    ("f", "NumericLessThan", 2, True),
    ("n", "NumericGreaterThan", 10, False),
    ("n", "NumericLessThanEquals", 10, True),
    ("n", "NumericGreaterThanEquals", 11, False),
    ("n", "NumericEqualsPath", "$.other_n", False),
    ("n", "NumericLessThanPath", "$.other_n", True),
    ("n", "NumericGreaterThanPath", "$.other_n", False),
    ("n", "NumericLessThanEqualsPath", "$.other_n", True),
    ("n", "NumericGreaterThanEqualsPath", "$.other_n", False),
    ("t", "BooleanEquals", True, True),
    ("s", "BooleanEquals", True, False),
    ("t", "BooleanEqualsPath", "$.t", True),
    ("at", "TimestampEquals", "2024-08-18T17:33:00Z", True),
    ("at", "TimestampEquals", "2024-08-18T19:33:00+02:00", True),
    ("at", "TimestampLessThan", "2024-08-18T17:33:01Z", True),
    ("at", "TimestampGreaterThan", "2024-08-18T17:33:00Z", False),
    ("at", "TimestampLessThanEquals", "2024-08-18T17:33:00Z", True),
    ("at", "TimestampGreaterThanEquals", "2025-01-01T00:00:00Z", False),
    ("at", "TimestampLessThanPath", "$.later", True),
    ("at", "TimestampEqualsPath", "$.later", False),
    ("at", "TimestampGreaterThanPath", "$.later", False),
    ("at", "TimestampLessThanEqualsPath", "$.later", True),
    ("at", "TimestampGreaterThanEqualsPath", "$.later", False),
    ("s", "TimestampEquals", "2024-08-18T17:33:00Z", False),
    ("null", "IsNull", True, True),
    ("s", "IsNull", False, True),
    ("s", "IsString", True, True),
    ("n", "IsString", True, False),
    ("n", "IsNumeric", True, True),
    ("t", "IsNumeric", True, False),
    ("t", "IsBoolean", True, True),
    ("n", "IsBoolean", False, True),
    ("at", "IsTimestamp", True, True),
    ("s", "IsTimestamp", True, False),
    ("s", "IsPresent", True, True),
    ("null", "IsPresent", True, True),
    ("gone", "IsPresent", True, False),
    ("gone", "IsPresent", False, True),
]


@pytest.mark.parametrize(("variable", "operator", "operand", "expected"), CASES)
def test_operators(variable: str, operator: str, operand: Any, expected: bool) -> None:
    assert chosen({"Variable": f"$.{variable}", operator: operand}) is expected


YES = {"Variable": "$.t", "BooleanEquals": True}
NO = {"Variable": "$.t", "BooleanEquals": False}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"And": [YES, YES]}, True),
        ({"And": [YES, NO]}, False),
        ({"Or": [NO, YES]}, True),
        ({"Or": [NO, NO]}, False),
        ({"Not": NO}, True),
        ({"Not": {"And": [YES, {"Or": [NO, {"Not": YES}]}]}}, True),
        (
            {"And": [{"Variable": "$.gone", "IsPresent": True}, {"Variable": "$.gone", **NO}]},
            False,
        ),
    ],
)
def test_boolean_operators(rule: dict[str, Any], expected: bool) -> None:
    assert chosen(rule) is expected


def test_a_variable_that_is_not_there_ends_the_execution() -> None:
    machine = {
        "StartAt": "C",
        "States": {
            "C": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.gone", "IsNull": True, "Next": "E"}],
            },
            "E": {"Type": "Succeed"},
        },
    }
    ended = execute(machine, {})
    assert ended.error == "States.Runtime"
    assert "Invalid path '$.gone'" in ended.cause


def test_no_match_and_no_default() -> None:
    machine = {
        "StartAt": "C",
        "States": {
            "C": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.a", "NumericEquals": 1, "Next": "E"}],
            },
            "E": {"Type": "Succeed"},
        },
    }
    assert execute(machine, {"a": 2}).error == "States.NoChoiceMatched"


def test_variables_and_context_in_rules() -> None:
    machine = {
        "StartAt": "A",
        "States": {
            "A": {"Type": "Pass", "Assign": {"limit": 5}, "Next": "C"},
            "C": {
                "Type": "Choice",
                "Choices": [
                    {
                        "And": [
                            {"Variable": "$limit", "NumericLessThanPath": "$.n"},
                            {"Variable": "$$.State.Name", "StringEquals": "C"},
                        ],
                        "Next": "E",
                    }
                ],
            },
            "E": {"Type": "Succeed"},
        },
    }
    assert execute(machine, {"n": 6}).status == "SUCCEEDED"
    assert execute(machine, {"n": 5}).status == "FAILED"
