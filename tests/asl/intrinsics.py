"""The intrinsic functions of JSONPath states, with the guide's examples and limits."""

from __future__ import annotations

from typing import Any

from tests.asl.cases import (
    Case,
    Holds,
    failing_pass,
    guide,
    line,
    one,
    passing,
    recorded,
    spec,
)

PAGE = f"{guide('intrinsic-functions')} {spec()}"
DATA = {
    "Id": 123456,
    "inputArray": [1, 2, 3, 4, 5, 6, 7, 8, 9],
    "lookingFor": 5,
    "dup": [1, 2, 3, 3, 3, 3, 3, 3, 4],
    "escapedJsonString": '{"foo": "bar"}',
    "unescapedJson": {"foo": "bar"},
    "input": "Data to encode",
    "base64": "RGVjb2RlZCBkYXRh",
    "json1": {"a": {"a1": 1, "a2": 2}, "b": 2},
    "json2": {"a": {"a3": 1, "a4": 2}, "c": 3},
    "csv": "1,2,3,4,5",
    "mixed": "This.is+a,test=string",
    "splitter": ",",
    "name": "Arnav",
    "value1": 111,
    "step": -1,
    "half": 1.5,
    "long": "x" * 10_000,
    "too_long": "x" * 10_001,
}


def call(name: str, feature: str, text: str, output: Any, note: str = "") -> Case:
    return passing(
        name,
        f"Intrinsic: {feature}",
        PAGE,
        {"Parameters": {"r.$": text}},
        {"r": output},
        given=DATA,
        note=note,
    )


def holds(name: str, feature: str, text: str, test: Any) -> Case:
    return Case(
        name,
        f"Intrinsic: {feature}",
        PAGE,
        one({"Type": "Pass", "Parameters": {"r.$": text}, "OutputPath": "$.r"}),
        DATA,
        output=Holds(test),
        history=line(
            "ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"
        ),
    )


def fails(name: str, feature: str, text: str) -> Case:
    return failing_pass(
        name,
        f"Intrinsic: {feature}",
        f"{PAGE} {guide('concepts-error-handling')}",
        {"Parameters": {"r.$": text}},
        "States.IntrinsicFailure",
        given=DATA,
    )


def refused(name: str, feature: str, text: str) -> Case:
    return Case(
        name,
        f"Intrinsic: {feature}",
        PAGE,
        one({"Type": "Pass", "Parameters": {"r.$": text}}),
        refused="/States/S/Parameters",
    )


def nested(levels: int) -> str:
    text = "$.Id"
    for _ in range(levels):
        text = f"States.Array({text})"
    return text


TEN: Any = 123456
for _ in range(10):
    TEN = [TEN]

CASES = [
    call("intrinsic-array", "States.Array", "States.Array($.Id)", [123456]),
    call(
        "intrinsic-array-literals",
        "States.Array of literals",
        "States.Array('a', 1, 1.5, true, null)",
        ["a", 1, 1.5, True, None],
    ),
    call(
        "intrinsic-array-partition",
        "States.ArrayPartition",
        "States.ArrayPartition($.inputArray, 4)",
        [[1, 2, 3, 4], [5, 6, 7, 8], [9]],
    ),
    call(
        "intrinsic-array-partition-rounds",
        "States.ArrayPartition rounds the size",
        "States.ArrayPartition(States.Array(1, 2, 3), $.half)",
        [[1, 2], [3]],
    ),
    call(
        "intrinsic-array-contains",
        "States.ArrayContains",
        "States.ArrayContains($.inputArray, $.lookingFor)",
        True,
    ),
    call(
        "intrinsic-array-contains-not",
        "States.ArrayContains compares types too",
        "States.ArrayContains($.inputArray, '5')",
        False,
    ),
    call(
        "intrinsic-array-range", "States.ArrayRange", "States.ArrayRange(1, 9, 2)", [1, 3, 5, 7, 9]
    ),
    call(
        "intrinsic-array-range-most",
        "States.ArrayRange makes 1,000 elements at most",
        "States.ArrayLength(States.ArrayRange(1, 1000, 1))",
        1000,
    ),
    call(
        "intrinsic-array-get-item", "States.ArrayGetItem", "States.ArrayGetItem($.inputArray, 5)", 6
    ),
    call("intrinsic-array-length", "States.ArrayLength", "States.ArrayLength($.inputArray)", 9),
    call("intrinsic-array-unique", "States.ArrayUnique", "States.ArrayUnique($.dup)", [1, 2, 3, 4]),
    call(
        "intrinsic-base64-encode",
        "States.Base64Encode",
        "States.Base64Encode($.input)",
        "RGF0YSB0byBlbmNvZGU=",
    ),
    call(
        "intrinsic-base64-decode",
        "States.Base64Decode",
        "States.Base64Decode($.base64)",
        "Decoded data",
    ),
    call(
        "intrinsic-hash",
        "States.Hash SHA-1",
        "States.Hash('input data', 'SHA-1')",
        "aaff4a450a104cd177d28d18d74485e8cae074b7",
    ),
    call(
        "intrinsic-hash-md5",
        "States.Hash MD5",
        "States.Hash('abc', 'MD5')",
        "900150983cd24fb0d6963f7d28e17f72",
    ),
    call(
        "intrinsic-hash-sha256",
        "States.Hash SHA-256",
        "States.Hash('abc', 'SHA-256')",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    ),
    holds(
        "intrinsic-hash-sha384",
        "States.Hash SHA-384",
        "States.Hash('abc', 'SHA-384')",
        lambda text: text.startswith("cb00753f45a35e8bb5a03d699ac65007") and len(text) == 96,
    ),
    holds(
        "intrinsic-hash-sha512",
        "States.Hash SHA-512",
        "States.Hash('abc', 'SHA-512')",
        lambda text: text.startswith("ddaf35a193617abacc417349ae204131") and len(text) == 128,
    ),
    call(
        "intrinsic-json-merge",
        "States.JsonMerge (shallow)",
        "States.JsonMerge($.json1, $.json2, false)",
        {"a": {"a3": 1, "a4": 2}, "b": 2, "c": 3},
    ),
    call(
        "intrinsic-string-to-json",
        "States.StringToJson",
        "States.StringToJson($.escapedJsonString)",
        {"foo": "bar"},
    ),
    call(
        "intrinsic-json-to-string",
        "States.JsonToString",
        "States.JsonToString($.unescapedJson)",
        '{"foo":"bar"}',
    ),
    holds(
        "intrinsic-math-random",
        "States.MathRandom",
        "States.MathRandom(1, 999)",
        lambda number: isinstance(number, int) and 1 <= number < 999,
    ),
    holds(
        "intrinsic-math-random-excludes-its-end",
        "States.MathRandom: the end is exclusive",
        "States.MathRandom(7, 8)",
        lambda number: number == 7,
    ),
    holds(
        "intrinsic-math-random-seed",
        "States.MathRandom with a seed repeats itself",
        "States.Array(States.MathRandom(1, 999, 3), States.MathRandom(1, 999, 3))",
        lambda pair: pair[0] == pair[1],
    ),
    call("intrinsic-math-add", "States.MathAdd", "States.MathAdd($.value1, $.step)", 110),
    call(
        "intrinsic-math-add-rounds",
        "States.MathAdd rounds its arguments",
        "States.MathAdd(1.4, 1.6)",
        3,
    ),
    call(
        "intrinsic-string-split",
        "States.StringSplit",
        "States.StringSplit($.csv, $.splitter)",
        ["1", "2", "3", "4", "5"],
    ),
    call(
        "intrinsic-string-split-many",
        "States.StringSplit at any of several characters",
        "States.StringSplit($.mixed, '.+,=')",
        ["This", "is", "a", "test", "string"],
    ),
    holds(
        "intrinsic-uuid",
        "States.UUID",
        "States.UUID()",
        lambda text: (
            [len(part) for part in text.split("-")] == [8, 4, 4, 4, 12] and text[14] == "4"
        ),
    ),
    call(
        "intrinsic-format",
        "States.Format",
        "States.Format('Hello, my name is {}.', $.name)",
        "Hello, my name is Arnav.",
    ),
    call(
        "intrinsic-format-template-from-data",
        "States.Format of several values",
        "States.Format('{}/{}/{}', $.Id, true, null)",
        "123456/true/null",
    ),
    passing(
        "intrinsic-format-object",
        "Intrinsic: States.Format of objects and arrays, which is not JSON",
        f"{PAGE} {recorded('intrinsic_functions/test_generic')}",
        {"Parameters": {"r.$": "States.Format('fst={} and snd={}.', $.v, $.v.Arg2)"}},
        {"r": "fst={Arg1=1, Arg2=[]} and snd=[]."},
        given={"v": {"Arg1": 1, "Arg2": []}},
    ),
    passing(
        "intrinsic-string-to-json-blank",
        "Intrinsic: States.StringToJson of a blank text is null",
        f"{PAGE} {recorded('intrinsic_functions/test_json_manipulation')}",
        {"Parameters": {"r.$": "States.Array(States.StringToJson(''), States.StringToJson(' '))"}},
        {"r": [None, None]},
    ),
    call(
        "intrinsic-escapes",
        "escapes of quotes, braces and backslashes",
        r"States.Format('\'{}\' \{\} \\', 1)",
        "'1' {} \\",
    ),
    call(
        "intrinsic-nested",
        "functions as arguments",
        "States.Format('{}', States.ArrayGetItem(States.StringSplit($.csv, ','), 0))",
        "1",
    ),
    call("intrinsic-nested-ten", "10 functions inside of each other", nested(10), TEN),
    call(
        "intrinsic-context",
        "the context object as an argument",
        "States.Format('{}', $$.State.Name)",
        "S",
    ),
    call(
        "intrinsic-base64-most",
        "States.Base64Encode of 10,000 characters",
        "States.ArrayLength(States.Array(States.Base64Encode($.long)))",
        1,
    ),
    fails(
        "intrinsic-base64-encode-limit",
        "States.Base64Encode: 10,000 characters",
        "States.Base64Encode($.too_long)",
    ),
    fails(
        "intrinsic-base64-decode-limit",
        "States.Base64Decode: 10,000 characters",
        "States.Base64Decode($.too_long)",
    ),
    fails(
        "intrinsic-hash-limit", "States.Hash: 10,000 characters", "States.Hash($.too_long, 'MD5')"
    ),
    fails("intrinsic-hash-algorithm", "States.Hash: unknown algorithms", "States.Hash('x', 'CRC')"),
    fails(
        "intrinsic-array-range-limit",
        "States.ArrayRange: 1,000 elements",
        "States.ArrayRange(1, 1001, 1)",
    ),
    fails(
        "intrinsic-array-range-step", "States.ArrayRange: a step of 0", "States.ArrayRange(1, 9, 0)"
    ),
    fails(
        "intrinsic-array-get-item-range",
        "States.ArrayGetItem: an index out of range",
        "States.ArrayGetItem($.inputArray, 9)",
    ),
    fails(
        "intrinsic-array-partition-size",
        "States.ArrayPartition: a size of 0",
        "States.ArrayPartition($.inputArray, 0)",
    ),
    fails(
        "intrinsic-array-length-type",
        "States.ArrayLength of no array",
        "States.ArrayLength($.name)",
    ),
    fails(
        "intrinsic-string-to-json-text",
        "States.StringToJson of no JSON",
        "States.StringToJson('{')",
    ),
    fails("intrinsic-math-add-type", "States.MathAdd of no number", "States.MathAdd($.name, 1)"),
    fails(
        "intrinsic-math-add-range",
        "States.MathAdd: 32 bit integers",
        "States.MathAdd(2147483647, 1)",
    ),
    fails(
        "intrinsic-json-merge-deep",
        "States.JsonMerge: the deep merge is not supported",
        "States.JsonMerge($.json1, $.json2, true)",
    ),
    fails("intrinsic-format-count", "States.Format: too few values", "States.Format('{} {}', 1)"),
    refused("intrinsic-nested-limit", "11 functions inside of each other", nested(11)),
    refused("intrinsic-unknown", "functions are checked at creation", "States.Nothing($.a)"),
    refused(
        "intrinsic-arguments", "the number of arguments is checked at creation", "States.MathAdd(1)"
    ),
    refused("intrinsic-unclosed", "the syntax is checked at creation", "States.Array(1"),
]
