"""What targets get."""

import json

import pytest

from emulator.core.errors import AwsError
from emulator.events.inputs import Origin, check_input, input_of

EVENT = {
    "id": "1",
    "detail-type": "T",
    "detail": {"name": 'r "one"', "n": 7, "list": [{"a": 1}, {"a": 2}], "sub": {"k": "v"}},
}
ORIGIN = Origin("arn:aws:events:us-east-1:000000000000:rule/r", "r", 0.0)


def transform(template, **paths):
    return {"InputTransformer": {"InputPathsMap": paths, "InputTemplate": template}}


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({}, EVENT),
        ({"Input": '{"a": 1}'}, {"a": 1}),
        ({"InputPath": "$.detail.sub"}, {"k": "v"}),
        ({"InputPath": "$.detail.list[1].a"}, 2),
        ({"InputPath": "$.detail.list[*].a"}, [1, 2]),
        ({"InputPath": "$['detail-type']"}, "T"),
        ({"InputPath": "$.detail.absent"}, None),
        (transform('{"run_id": <run>}', run="$.detail.name"), {"run_id": 'r "one"'}),
        (transform('{"x": "is <run>!"}', run="$.detail.name"), {"x": 'is r "one"!'}),
        (transform('{"n": <n>, "s": <s>}', n="$.detail.n", s="$.detail.sub"),
         {"n": 7, "s": {"k": "v"}}),
        (transform('{"n": "<n>", "o": <o>}', n="$.detail.no", o="$.detail.no"),
         {"n": "", "o": None}),
        (transform('"<n> of <id>"', n="$.detail.n", id="$.id"), "7 of 1"),
        (transform("<n> of <id>", n="$.detail.n", id="$.id"), "7 of 1"),
        (transform('{"r": <aws.events.rule-name>, "at": <aws.events.event.ingestion-time>}'),
         {"r": "r", "at": "1970-01-01T00:00:00.000Z"}),
        (transform('{"e": <aws.events.event.json>}'), {"e": EVENT}),
        (transform('{"e": <aws.events.event>}'), {"e": {"id": "1", "detail-type": "T"}}),
    ],
)  # fmt: skip
def test_a_target_gets_its_input(target, expected):
    check_input(target)
    assert json.loads(input_of(target, EVENT, ORIGIN)) == expected


@pytest.mark.parametrize(
    "target",
    [
        {"Input": "{}", "InputPath": "$.a"},
        {"InputPath": "detail"},
        {"InputPath": "$.a[?(@.b)]"},
        transform('{"a": <nobody>}'),
        transform('{"a": <x>}', x="no path"),
        transform(""),
        transform("x" * 9000),
        transform('{"a": <aws.mine>}', **{"aws.mine": "$.a"}),
    ],
)
def test_an_input_that_cannot_be_made_is_refused(target):
    with pytest.raises(AwsError) as refused:
        check_input(target)
    assert refused.value.code == "ValidationException"


def test_an_input_that_is_not_json_is_refused():
    with pytest.raises(AwsError, match="is not JSON"):
        input_of({"Input": "no"}, EVENT, ORIGIN)
