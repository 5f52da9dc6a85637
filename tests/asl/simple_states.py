"""Pass, Succeed, Fail and Wait."""

from __future__ import annotations

from tests.asl.cases import (
    Case,
    at,
    entered,
    exited,
    failed,
    guide,
    line,
    one,
    passing,
    recorded,
    spec,
    started,
    succeeded,
)

PASS = f"{guide('state-pass')} {spec('pass-state')}"
SUCCEED = f"{guide('state-succeed')} {spec('succeed-state')}"
FAIL = f"{guide('state-fail')} {spec('fail-state')}"
WAIT = f"{guide('state-wait')} {spec('wait-state')}"
WAIT_RECORDED = f"{guide('state-wait')} {recorded('scenarios/test_base_scenarios')}"
NOT_A_TIME = (
    "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time "
    "format string"
)
NO_TIMESTAMP = (
    "The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string: "
    "2016-13-05T21:29:29Z"
)
AT = {"at": "2026-01-01T00:00:03Z", "s": 3}


def waiting(
    name: str, feature: str, fields: dict[str, object], seconds: float, **more: str
) -> Case:
    return Case(
        name,
        feature,
        WAIT,
        one({"Type": "Wait", **fields}, more.get("language")),
        AT,
        output=AT,
        history=(started(AT), entered("Wait", AT), exited("Wait", AT), succeeded(AT, 3)),
        lasts=seconds,
    )


def unable(
    name: str, feature: str, cite: str, fields: dict[str, str], data: object, cause: str
) -> Case:
    said = at("S", 2, cause)
    return Case(
        name,
        feature,
        cite,
        one({"Type": "Wait", **fields}),
        data,
        status="FAILED",
        error="States.Runtime",
        cause=said,
        history=(started(data), entered("Wait", data), failed(2, "States.Runtime", said)),
        lasts=0,
    )


def failing(
    name: str,
    feature: str,
    fields: dict[str, object],
    error: str | None,
    cause: str | None,
    language: str | None = None,
) -> Case:
    data = {"e": "Mine", "why": "because"}
    return Case(
        name,
        feature,
        FAIL,
        one({"Type": "Fail", **fields}, language),
        data,
        status="FAILED",
        error=error,
        cause=cause,
        history=(started(data), entered("Fail", data), failed(2, error, cause)),
    )


CASES = [
    passing(
        "pass-copies-its-input", "Pass: input to output", PASS, {}, {"a": [1]}, given={"a": [1]}
    ),
    passing("pass-result", "Pass: Result", PASS, {"Result": {"x": 1.5}}, {"x": 1.5}, given=[1]),
    passing("pass-result-null", "Pass: Result null", PASS, {"Result": None}, None),
    passing(
        "pass-result-is-literal",
        "Pass: Result is not a payload template",
        PASS,
        {"Result": {"literal.$": "$.a"}},
        {"literal.$": "$.a"},
        given={"a": 1},
    ),
    passing(
        "pass-result-and-result-path",
        "Pass: Result placed by ResultPath",
        PASS,
        {"Result": {"x": 0.381018, "y": 622.2269926397355}, "ResultPath": "$.coords"},
        {"georefOf": "Home", "coords": {"x": 0.381018, "y": 622.2269926397355}},
        given={"georefOf": "Home"},
    ),
    passing("pass-comment", "Comment is ignored", spec(), {"Comment": "c"}, {}),
    passing(
        "pass-keeps-unicode",
        "JSON texts in any script",
        spec(),
        {"Parameters": {"text.$": "$.text"}},
        {"text": "Grüße, 世界 🌍"},
        given={"text": "Grüße, 世界 🌍"},
    ),
    Case(
        "next-leads-on",
        "Next leads to the next state",
        spec(),
        {
            "StartAt": "First",
            "States": {
                "Second": {"Type": "Succeed"},
                "First": {"Type": "Pass", "Result": 1, "Next": "Second"},
            },
        },
        output=1,
        history=(
            started({}),
            entered("Pass", {}, "First"),
            exited("Pass", 1, "First"),
            entered("Succeed", 1, "Second", 3),
            exited("Succeed", 1, "Second", 4),
            succeeded(1, 5),
        ),
    ),
    Case(
        "succeed-ends-the-execution",
        "Succeed",
        SUCCEED,
        one({"Type": "Succeed"}),
        {"a": 1},
        output={"a": 1},
        history=(
            started({"a": 1}),
            entered("Succeed", {"a": 1}),
            exited("Succeed", {"a": 1}),
            succeeded({"a": 1}, 3),
        ),
    ),
    Case(
        "succeed-paths",
        "Succeed: InputPath and OutputPath",
        SUCCEED,
        one({"Type": "Succeed", "InputPath": "$.a", "OutputPath": "$.b"}),
        {"a": {"b": 2}},
        output=2,
        history=line(
            "ExecutionStarted", "SucceedStateEntered", "SucceedStateExited", "ExecutionSucceeded"
        ),
    ),
    Case(
        "succeed-output-jsonata",
        "Succeed: Output (JSONata)",
        SUCCEED,
        one({"Type": "Succeed", "Output": {"twice": "{% $states.input.n * 2 %}"}}, "JSONata"),
        {"n": 4},
        output={"twice": 8},
        history=line(
            "ExecutionStarted", "SucceedStateEntered", "SucceedStateExited", "ExecutionSucceeded"
        ),
    ),
    failing("fail-error-and-cause", "Fail", {"Error": "E", "Cause": "C"}, "E", "C"),
    failing("fail-without-either", "Fail without Error and Cause", {}, None, None),
    failing(
        "fail-paths",
        "Fail: ErrorPath and CausePath",
        {"ErrorPath": "$.e", "CausePath": "$.why"},
        "Mine",
        "because",
    ),
    failing(
        "fail-path-intrinsic",
        "Fail: intrinsic functions in ErrorPath and CausePath",
        {"Error": "E", "CausePath": "States.Format('it was {}', $.why)"},
        "E",
        "it was because",
    ),
    failing(
        "fail-jsonata",
        "Fail: Error and Cause (JSONata)",
        {"Error": "{% $states.input.e %}", "Cause": "{% 'so ' & $states.input.why %}"},
        "Mine",
        "so because",
        "JSONata",
    ),
    Case(
        "fail-error-and-error-path",
        "Fail: Error and ErrorPath exclude each other",
        FAIL,
        one({"Type": "Fail", "Error": "E", "ErrorPath": "$.e"}),
        refused="/States/S",
    ),
    waiting("wait-seconds", "Wait: Seconds", {"Seconds": 3}, 3),
    waiting("wait-no-seconds", "Wait: zero Seconds", {"Seconds": 0}, 0),
    waiting("wait-seconds-path", "Wait: SecondsPath", {"SecondsPath": "$.s"}, 3),
    waiting("wait-timestamp", "Wait: Timestamp", {"Timestamp": "2026-01-01T00:00:04Z"}, 4),
    waiting(
        "wait-timestamp-offset",
        "Wait: Timestamp with an offset",
        {"Timestamp": "2026-01-01T02:00:04+02:00"},
        4,
    ),
    waiting(
        "wait-timestamp-past",
        "Wait: a Timestamp that is over",
        {"Timestamp": "2020-01-01T00:00:00Z"},
        0,
    ),
    waiting("wait-timestamp-path", "Wait: TimestampPath", {"TimestampPath": "$.at"}, 3),
    waiting(
        "wait-seconds-jsonata",
        "Wait: Seconds (JSONata)",
        {"Seconds": "{% $states.input.s * 2 %}"},
        6,
        language="JSONata",
    ),
    waiting(
        "wait-timestamp-jsonata",
        "Wait: Timestamp (JSONata)",
        {"Timestamp": "{% $states.input.at %}"},
        3,
        language="JSONata",
    ),
    Case(
        "wait-two-fields",
        "Wait has exactly one of its four fields",
        WAIT,
        one({"Type": "Wait", "Seconds": 1, "SecondsPath": "$.s"}),
        refused="/States/S",
    ),
    Case(
        "wait-timestamp-lower-case",
        "Wait: a Timestamp has an upper-case T and Z",
        spec(),
        one({"Type": "Wait", "Timestamp": "2026-01-01t00:00:04z"}),
        refused="/States/S/Timestamp",
    ),
    Case(
        "wait-timestamp-jsonata-is-none",
        "Wait: what Timestamp (JSONata) refuses",
        WAIT_RECORDED,
        one({"Type": "Wait", "Timestamp": "{% '2016-13-05T21:29:29Z' %}"}, "JSONata"),
        {},
        status="FAILED",
        error="States.QueryEvaluationError",
        cause=at("S", 2, NO_TIMESTAMP),
        history=(
            started({}),
            entered("Wait", {}),
            (
                2,
                "EvaluationFailed",
                {
                    "error": "States.QueryEvaluationError",
                    "cause": at("S", 2, NO_TIMESTAMP),
                    "location": "Timestamp",
                    "state": "S",
                },
            ),
            failed(3, "States.QueryEvaluationError", at("S", 2, NO_TIMESTAMP)),
        ),
    ),
    unable(
        "wait-timestamp-path-too-far",
        "Wait: how far off a timestamp may be",
        f"{guide('state-wait')} {recorded('base/test_wait')}",
        {"TimestampPath": "$.t"},
        {"t": "2094-01-20T00:00:00Z"},
        "Wait state delay is too long.",
    ),
    unable(
        "wait-timestamp-path-no-t",
        "Wait: what TimestampPath refuses",
        WAIT_RECORDED,
        {"TimestampPath": "$.t"},
        {"t": "2016-12-05 21:29:29Z"},
        f"{NOT_A_TIME}: $.t == 2016-12-05 21:29:29Z",
    ),
    unable(
        "wait-timestamp-path-no-zone",
        "Wait: what TimestampPath refuses",
        WAIT_RECORDED,
        {"TimestampPath": "$.t"},
        {"t": "2016-12-05T21:29:29"},
        f"{NOT_A_TIME}: $.t == 2016-12-05T21:29:29",
    ),
    unable(
        "wait-seconds-path-negative",
        "Wait: what SecondsPath refuses",
        f"{guide('state-wait')} {recorded('base/test_wait')}",
        {"SecondsPath": "$.s"},
        {"s": -1},
        "The SecondsPath parameter references a negative value: $.s == -1",
    ),
]
