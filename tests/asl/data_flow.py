"""How JSONPath states shape their data, and the paths themselves."""

from __future__ import annotations

from typing import Any

from tests.asl.cases import (
    INVOKE,
    Case,
    at,
    entered,
    failed,
    failing_pass,
    guide,
    line,
    one,
    passing,
    recorded,
    spec,
    started,
)

FILTERING = f"{guide('concepts-input-output-filtering')} {spec()}"
INPUT_PATH = guide("input-output-inputpath-params")
RESULT_PATH = f"{guide('input-output-resultpath')} {spec()}"
OUTPUT_PATH = guide("input-output-example")
TEMPLATE = f"{guide('input-output-inputpath-params')} {spec()}"
PATHS = f"{guide('amazon-states-language-paths')} {spec()}"

DATA = {
    "title": "Numbers to add",
    "numbers": {"val1": 3, "val2": 4},
    "list": [1, 2, 3],
    "books": [
        {"name": "a", "price": 5, "tags": ["x"]},
        {"name": "b", "price": 15},
        {"name": "c", "price": 25, "isbn": None},
    ],
}


def shaped(name: str, feature: str, cite: str, state: dict[str, Any], output: Any) -> Case:
    return passing(name, feature, cite, state, output, given=DATA)


def path(name: str, feature: str, text: str, output: Any) -> Case:
    return shaped(name, feature, PATHS, {"Parameters": {"v.$": text}}, {"v": output})


def adding(name: str, feature: str, cite: str, fields: dict[str, Any], output: Any) -> Case:
    """A task whose function adds two numbers."""
    state = {
        "Type": "Task",
        "Resource": INVOKE,
        "InputPath": "$.numbers",
        "Parameters": {"FunctionName": "add", "Payload": {"a.$": "$.val1", "b.$": "$.val2"}},
        **fields,
    }
    return Case(
        name,
        feature,
        cite,
        one(state),
        DATA,
        {"add": lambda event: event["a"] + event["b"]},
        output=output,
        history=line(
            "ExecutionStarted",
            "TaskStateEntered",
            "TaskScheduled",
            "TaskStarted",
            "TaskSucceeded",
            "TaskStateExited",
            "ExecutionSucceeded",
        ),
    )


CASES = [
    shaped(
        "input-path", "InputPath", INPUT_PATH, {"InputPath": "$.numbers"}, {"val1": 3, "val2": 4}
    ),
    shaped("input-path-null", "InputPath null gives {}", INPUT_PATH, {"InputPath": None}, {}),
    shaped("output-path", "OutputPath", OUTPUT_PATH, {"OutputPath": "$.numbers.val1"}, 3),
    shaped("output-path-null", "OutputPath null gives {}", FILTERING, {"OutputPath": None}, {}),
    shaped(
        "parameters",
        "Parameters: literals and .$ members, nested",
        TEMPLATE,
        {"Parameters": {"flagged": True, "parts": {"first.$": "$.numbers.val1", "no": "$.title"}}},
        {"flagged": True, "parts": {"first": 3, "no": "$.title"}},
    ),
    shaped(
        "parameters-in-arrays",
        "Parameters: templates inside of arrays",
        TEMPLATE,
        {"Parameters": {"a": [{"t.$": "$.title"}, 2]}},
        {"a": [{"t": "Numbers to add"}, 2]},
    ),
    shaped(
        "parameters-see-the-input-path",
        "Parameters sees what InputPath chose",
        FILTERING,
        {"InputPath": "$.numbers", "Parameters": {"sum.$": "States.MathAdd($.val1, $.val2)"}},
        {"sum": 7},
    ),
    shaped(
        "result-path-adds",
        "ResultPath adds to the raw input",
        RESULT_PATH,
        {"InputPath": "$.numbers", "ResultPath": "$.copy"},
        {**DATA, "copy": DATA["numbers"]},
    ),
    shaped(
        "result-path-replaces",
        "ResultPath replaces a member",
        RESULT_PATH,
        {"Result": 7, "ResultPath": "$.numbers.val1"},
        {**DATA, "numbers": {"val1": 7, "val2": 4}},
    ),
    shaped(
        "result-path-makes-members",
        "ResultPath makes the members on its way",
        RESULT_PATH,
        {"Result": 7, "ResultPath": "$.new.deep"},
        {**DATA, "new": {"deep": 7}},
    ),
    shaped(
        "result-path-array-element",
        "ResultPath into an array",
        RESULT_PATH,
        {"Result": 7, "ResultPath": "$.list[1]"},
        {**DATA, "list": [1, 7, 3]},
    ),
    shaped(
        "result-path-null",
        "ResultPath null discards the result",
        RESULT_PATH,
        {"Result": 7, "ResultPath": None},
        DATA,
    ),
    adding(
        "result-selector",
        "ResultSelector",
        f"{guide('input-output-inputpath-params')} {spec()}",
        {"ResultSelector": {"sum.$": "$.Payload", "of": 2}},
        {"sum": 7, "of": 2},
    ),
    adding(
        "the-whole-filter",
        "InputPath, Parameters, ResultSelector, ResultPath and OutputPath in order",
        FILTERING,
        {
            "ResultSelector": {"sum.$": "$.Payload"},
            "ResultPath": "$.answer",
            "OutputPath": "$.answer.sum",
        },
        7,
    ),
    adding(
        "result-path-joins-the-raw-input",
        "ResultPath joins the input before InputPath",
        RESULT_PATH,
        {"ResultSelector": {"sum.$": "$.Payload"}, "ResultPath": "$.answer"},
        {**DATA, "answer": {"sum": 7}},
    ),
    failing_pass(
        "input-path-finds-nothing",
        "InputPath that finds nothing: States.Runtime",
        f"{INPUT_PATH} {recorded('base/test_base')}",
        {"InputPath": "$.no.such"},
        "States.Runtime",
        "Invalid path '$.no.such' : Missing property in path $['no']",
        given=DATA,
    ),
    failing_pass(
        "output-path-finds-nothing",
        "OutputPath that finds nothing: States.Runtime",
        f"{OUTPUT_PATH} {recorded('base/test_base')}",
        {"OutputPath": "$.gone"},
        "States.Runtime",
        "Invalid path '$.gone' : No results for path: $['gone']",
        given=DATA,
    ),
    failing_pass(
        "parameters-find-nothing",
        "Parameters of a Pass state that find nothing: States.Runtime",
        f"{TEMPLATE} {recorded('base/test_base')}",
        {"Parameters": {"v.$": "$.gone"}},
        "States.Runtime",
        "The JSONPath '$.gone' specified for the field 'v.$' could not be found in the input "
        "'{\"a\":0}'",
        given={"a": 0},
    ),
    failing_pass(
        "result-path-does-not-fit",
        "States.ResultPathMatchFailure",
        f"{guide('concepts-error-handling')} {spec('appendix-a')}",
        {"Result": 1, "ResultPath": "$.a.b"},
        "States.ResultPathMatchFailure",
        given={"a": 3},
    ),
    Case(
        "result-path-must-be-a-reference-path",
        "ResultPath must be a reference path",
        RESULT_PATH,
        one({"Type": "Pass", "ResultPath": "$.list[*]"}),
        refused="/States/S/ResultPath",
    ),
    Case(
        "path-syntax-is-checked",
        "Paths are checked at creation",
        PATHS,
        one({"Type": "Pass", "InputPath": "title"}),
        refused="/States/S/InputPath",
    ),
    path("path-root", "JSONPath: $", "$", DATA),
    path("path-brackets", "JSONPath: bracketed names", "$['numbers']['val2']", 4),
    path("path-index", "JSONPath: indices", "$.list[0]", 1),
    path("path-index-from-the-end", "JSONPath: negative indices", "$.list[-1]", 3),
    path("path-slice", "JSONPath: slices", "$.list[0:2]", [1, 2]),
    path("path-slice-open", "JSONPath: open slices", "$.list[1:]", [2, 3]),
    path("path-union", "JSONPath: unions", "$.list[0,2]", [1, 3]),
    path("path-wildcard", "JSONPath: wildcards", "$.books[*].name", ["a", "b", "c"]),
    path("path-member-wildcard", "JSONPath: member wildcards", "$.numbers.*", [3, 4]),
    path("path-deep-scan", "JSONPath: deep scan", "$..price", [5, 15, 25]),
    path("path-filter", "JSONPath: filters", "$.books[?(@.price < 20)].name", ["a", "b"]),
    path(
        "path-filter-and",
        "JSONPath: filters with && and ==",
        "$.books[?(@.price > 5 && @.name == 'b')].price",
        [15],
    ),
    path("path-filter-exists", "JSONPath: filters by presence", "$.books[?(@.tags)].name", ["a"]),
    passing(
        "path-quoted-name",
        "JSONPath: quotes and backslashes in bracketed names",
        f"{PATHS} {recorded('scenarios/test_base_scenarios')}",
        {"Parameters": {"v.$": '$[\'Test\\""Name"\']'}},
        {"v": 1},
        given={'Test\\""Name"': 1},
    ),
    path("path-finds-no-nodes", "JSONPath: an indefinite path may find none", "$.gone[*]", []),
    Case(
        "parameter-path-failure",
        "States.ParameterPathFailure can be caught",
        f"{guide('concepts-error-handling')} {spec('appendix-a')}",
        {
            "StartAt": "T",
            "States": {
                "T": {
                    "Type": "Task",
                    "Resource": INVOKE,
                    "Parameters": {"FunctionName.$": "$.gone"},
                    "Catch": [{"ErrorEquals": ["States.ParameterPathFailure"], "Next": "H"}],
                    "End": True,
                },
                "H": {"Type": "Pass", "InputPath": "$.Error", "End": True},
            },
        },
        output="States.ParameterPathFailure",
        history=line(
            "ExecutionStarted",
            "TaskStateEntered",
            "TaskStateExited",
            "PassStateEntered",
            "PassStateExited",
            "ExecutionSucceeded",
        ),
    ),
    Case(
        "output-path-of-a-task-finds-nothing",
        "States.Runtime is not caught by States.ALL",
        f"{guide('concepts-error-handling')} {recorded('scenarios/test_base_scenarios')}",
        {
            "StartAt": "T",
            "States": {
                "T": {
                    "Type": "Task",
                    "Resource": INVOKE,
                    "Parameters": {"FunctionName": "f"},
                    "OutputPath": "$.no.such.result.path",
                    "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "H"}],
                    "End": True,
                },
                "H": {"Type": "Pass", "End": True},
            },
        },
        functions={"f": {}},
        status="FAILED",
        error="States.Runtime",
        cause=at(
            "T",
            2,
            "Invalid path '$.no.such.result.path' : Missing property in path $['no']",
        ),
        history=(
            started({}),
            entered("Task", {}, "T"),
            (2, "TaskScheduled"),
            (3, "TaskStarted"),
            (4, "TaskSucceeded"),
            failed(
                5,
                "States.Runtime",
                at(
                    "T",
                    2,
                    "Invalid path '$.no.such.result.path' : Missing property in path $['no']",
                ),
            ),
        ),
    ),
]
