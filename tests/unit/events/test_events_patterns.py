"""Event patterns: what EventBridge documents of its comparison operators."""

import json

import pytest

from emulator.core.errors import AwsError
from emulator.events.patterns import compile_pattern
from system import stack

EVENT = {
    "source": "aws.ec2",
    "detail": {
        "state": "RUNNING",
        "count": 5,
        "ratio": 1.5,
        "flag": True,
        "nothing": None,
        "empty": "",
        "address": "10.0.0.7",
        "path": "dir/file.PNG",
        "tags": ["a", "b"],
        "none": [],
        "inner": {"x": 1},
        "items": [{"name": "one", "n": 1}, {"name": "two", "n": 2}],
    },
}

MATCHES = [
    ({"source": ["aws.ec2", "aws.s3"]}, True),
    ({"source": ["aws.s3"]}, False),
    ({"detail": {"count": [5]}}, True),
    ({"detail": {"count": [5.0]}}, False),
    ({"detail": {"count": ["5"]}}, False),
    ({"detail": {"flag": [True]}}, True),
    ({"detail": {"count": [True]}}, False),
    ({"detail": {"nothing": [None]}}, True),
    ({"detail": {"absent": [None]}}, False),
    ({"detail": {"empty": [""]}}, True),
    ({"detail": {"tags": ["b"]}}, True),
    ({"detail": {"tags": ["c"]}}, False),
    ({"detail": {"inner": [{"exists": True}]}}, False),
    ({"detail": {"inner": {"x": [{"exists": True}]}}}, True),
    ({"detail": {"absent": [{"exists": False}]}}, True),
    ({"detail": {"absent": {"deep": [{"exists": False}]}}}, True),
    ({"detail": {"none": [{"exists": True}]}}, False),
    ({"detail": {"state": [{"exists": False}, "RUNNING"]}}, True),
    ({"source": [{"prefix": "aws."}]}, True),
    ({"source": [{"prefix": "AWS."}]}, False),
    ({"source": [{"prefix": {"equals-ignore-case": "AWS."}}]}, True),
    ({"detail": {"path": [{"suffix": ".PNG"}]}}, True),
    ({"detail": {"path": [{"suffix": ".png"}]}}, False),
    ({"detail": {"path": [{"suffix": {"equals-ignore-case": ".png"}}]}}, True),
    ({"detail": {"state": [{"equals-ignore-case": "running"}]}}, True),
    ({"detail": {"path": [{"wildcard": "dir/*.PNG"}]}}, True),
    ({"detail": {"path": [{"wildcard": "dir/*.gif"}]}}, False),
    ({"detail": {"path": [{"wildcard": "dir/\\*"}]}}, False),
    ({"detail": {"count": [{"numeric": [">", 0, "<=", 5]}]}}, True),
    ({"detail": {"count": [{"numeric": [">", 0, "<", 5]}]}}, False),
    ({"detail": {"count": [{"numeric": ["=", 5.0]}]}}, True),
    ({"detail": {"state": [{"numeric": [">", 0]}]}}, False),
    ({"detail": {"flag": [{"numeric": [">", 0]}]}}, False),
    ({"detail": {"address": [{"cidr": "10.0.0.0/24"}]}}, True),
    ({"detail": {"address": [{"cidr": "10.0.1.0/24"}]}}, False),
    ({"detail": {"state": [{"cidr": "10.0.1.0/24"}]}}, False),
    ({"detail": {"state": [{"anything-but": "STOPPED"}]}}, True),
    ({"detail": {"state": [{"anything-but": ["STOPPED", "RUNNING"]}]}}, False),
    ({"detail": {"count": [{"anything-but": [5, 6]}]}}, False),
    ({"detail": {"absent": [{"anything-but": "x"}]}}, False),
    ({"detail": {"state": [{"anything-but": {"prefix": "RUN"}}]}}, False),
    ({"detail": {"state": [{"anything-but": {"suffix": ["x", "y"]}}]}}, True),
    ({"detail": {"state": [{"anything-but": {"equals-ignore-case": ["running"]}}]}}, False),
    ({"detail": {"path": [{"anything-but": {"wildcard": "*.PNG"}}]}}, False),
    ({"detail": {"$or": [{"state": ["x"]}, {"count": [5]}]}}, True),
    ({"detail": {"$or": [{"state": ["x"]}, {"count": [6]}], "flag": [True]}}, False),
    ({"detail": {"$or": [{"state": ["x"]}, {"count": [5]}], "flag": [False]}}, False),
    ({"detail": {"items": {"name": ["two"], "n": [2]}}}, True),
    ({"detail": {"items": {"name": ["one"], "n": [2]}}}, False),
]


@pytest.mark.parametrize(("pattern", "expected"), MATCHES, ids=[json.dumps(p) for p, _ in MATCHES])
def test_an_operator_matches_what_eventbridge_says(pattern, expected):
    assert compile_pattern(json.dumps(pattern))(EVENT) is expected


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[]",
        "{}",
        '{"a": "b"}',
        '{"a": []}',
        '{"a": {}}',
        '{"a": [["b"]]}',
        '{"a": [{"prefix": 3}]}',
        '{"a": [{"prefix": ""}]}',
        '{"a": [{"prefix": "x", "suffix": "y"}]}',
        '{"a": [{"sounds-like": "b"}]}',
        '{"a": [{"exists": "yes"}]}',
        '{"a": [{"numeric": [">"]}]}',
        '{"a": [{"numeric": ["~", 3]}]}',
        '{"a": [{"numeric": [">", 3, ">", 4]}]}',
        '{"a": [{"numeric": ["=", true]}]}',
        '{"a": [{"wildcard": "x**y"}]}',
        '{"a": [{"cidr": "10.0.0.0/99"}]}',
        '{"a": [{"anything-but": []}]}',
        '{"a": [{"anything-but": [true]}]}',
        '{"a": [{"anything-but": {"numeric": ["=", 1]}}]}',
        '{"$or": [{"a": ["b"]}]}',
        json.dumps({"a": ["x" * 5000]}),
    ],
)
def test_what_is_no_pattern_is_refused(text):
    with pytest.raises(AwsError) as refused:
        compile_pattern(text)
    assert refused.value.code == "InvalidEventPatternException"


def test_the_systems_rule_about_tasks_is_for_runs_and_passes_over_services():
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html: a task's
    group is its family's, or the service's that started it."""
    values = {"cluster_arn": "arn:cluster", "task_family": "nst-worker"}
    pattern = stack.declaration()["rules"]["task_stopped"]["pattern"]
    fits = compile_pattern(json.dumps(stack.fill(pattern, values)))

    def event(group):
        detail = {"clusterArn": "arn:cluster", "lastStatus": "STOPPED", "group": group}
        return {"source": "aws.ecs", "detail-type": "ECS Task State Change", "detail": detail}

    assert fits(event("family:nst-worker"))
    assert not fits(event("service:nst-live"))
    assert not fits(event("family:nst-live"))
