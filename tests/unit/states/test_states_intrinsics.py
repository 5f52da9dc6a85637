"""Intrinsic functions: the examples and limits of the guide.

https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.states.world import execute, one

DATA = {
    "inputArray": [1, 2, 3, 4, 5, 6, 7, 8, 9],
    "lookingFor": 5,
    "dup": [1, 2, 3, 3, 3, 3, 3, 3, 4],
    "escaped": '{"foo": "bar"}',
    "unescaped": {"foo": "bar", "n": [1, None]},
    "text": "Data to encode",
    "json1": {"a": {"a1": 1, "a2": 2}, "b": 2},
    "json2": {"a": {"a3": 1, "a4": 2}, "c": 3},
    "name": "Arnav",
    "Id": 123456,
}


def call(text: str) -> Any:
    return execute(one({"Type": "Pass", "Parameters": {"r.$": text}}), DATA)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("States.Array($.Id)", [123456]),
        ("States.Array()", []),
        ("States.Array('a', 1.5, true, null)", ["a", 1.5, True, None]),
        ("States.ArrayPartition($.inputArray, 4)", [[1, 2, 3, 4], [5, 6, 7, 8], [9]]),
        ("States.ArrayContains($.inputArray, $.lookingFor)", True),
        ("States.ArrayContains($.inputArray, '5')", False),
        ("States.ArrayRange(1, 9, 2)", [1, 3, 5, 7, 9]),
        ("States.ArrayRange(3, 1, -1)", [3, 2, 1]),
        ("States.ArrayGetItem($.inputArray, 5)", 6),
        ("States.ArrayLength($.inputArray)", 9),
        ("States.ArrayUnique($.dup)", [1, 2, 3, 4]),
        ("States.Base64Encode($.text)", "RGF0YSB0byBlbmNvZGU="),
        ("States.Base64Decode('RGVjb2RlZCBkYXRh')", "Decoded data"),
        ("States.Hash('input data', 'SHA-1')", "aaff4a450a104cd177d28d18d74485e8cae074b7"),
        (
            "States.JsonMerge($.json1, $.json2, false)",
            {"a": {"a3": 1, "a4": 2}, "b": 2, "c": 3},
        ),
        ("States.StringToJson($.escaped)", {"foo": "bar"}),
        ("States.JsonToString($.unescaped)", '{"foo":"bar","n":[1,null]}'),
        ("States.MathAdd(111, -1)", 110),
        ("States.StringSplit('1,2,3,4,5', ',')", ["1", "2", "3", "4", "5"]),
        (
            "States.StringSplit('This.is+a,test=string', '.+,=')",
            ["This", "is", "a", "test", "string"],
        ),
        (
            "States.Format('Hello, my name is {}.', $.name)",
            "Hello, my name is Arnav.",
        ),
        ("States.Format('{} and \\{\\} of \\'{}\\'', 1, null)", "1 and {} of 'null'"),
        ("States.Format('{}', States.ArrayGetItem(States.Array('x', 'y'), 1))", "y"),
        ("States.Format('{}', $$.State.Name)", "S"),
    ],
)
def test_examples(text: str, expected: Any) -> None:
    assert call(text).output == {"r": expected}


def test_random_numbers_and_uuids() -> None:
    seeded = "States.MathRandom(1, 999, 7)"
    assert call(seeded).output == call(seeded).output
    assert 1 <= call("States.MathRandom(1, 3)").output["r"] < 3
    assert len(call("States.UUID()").output["r"]) == 36


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("States.ArrayGetItem($.inputArray, 9)", "out of range"),
        ("States.ArrayRange(1, 1001, 1)", "at most 1000"),
        ("States.ArrayPartition($.inputArray, 0)", "positive"),
        ("States.StringToJson('nope')", "Expecting value"),
        ("States.JsonMerge($.json1, $.json2, true)", "shallow"),
        ("States.Format('{} {}', 1)", "for 1 arguments"),
        ("States.Hash('x', 'CRC')", "algorithm"),
        ("States.MathAdd($.name, 1)", "expected a number"),
        ("States.ArrayLength($.name)", "expected an array"),
        ("States.Base64Decode('%')", ""),
    ],
)
def test_failures_are_intrinsic_failures(text: str, message: str) -> None:
    ended = call(text)
    assert ended.error == "States.IntrinsicFailure"
    assert message in ended.cause
