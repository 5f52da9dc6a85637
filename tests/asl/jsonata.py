"""JSONata: what expressions see and give, the functions that Step Functions adds."""

from __future__ import annotations

from typing import Any

from tests.asl.cases import (
    INVOKE,
    Case,
    Holds,
    at,
    chain,
    entered,
    exited,
    failed,
    guide,
    line,
    one,
    passing,
    recorded,
    started,
)

PAGE = guide("transforming-data")
LANGUAGE = "https://docs.jsonata.org/overview.html"
MIXED = f"{PAGE} {recorded('query_language/test_mixed_query_language')}"
DATA = {"n": 3, "items": [1, None, {"b": None}], "nil": None, "text": "a,b", "price": 10.5}
PASSED = line("ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded")


def gives(
    name: str, feature: str, expression: str, output: Any, cite: str = PAGE, note: str = ""
) -> Case:
    """A Pass state whose Output is the expression."""
    state = {"Output": f"{{% {expression} %}}"}
    return passing(name, feature, cite, state, output, given=DATA, language="JSONata", note=note)


def holds(name: str, feature: str, expression: str, test: Any) -> Case:
    """An output that is not known beforehand."""
    state = {"Type": "Pass", "Output": f"{{% {expression} %}}"}
    return Case(name, feature, PAGE, one(state, "JSONata"), output=Holds(test), history=PASSED)


EXPRESSIONS = [
    gives("jsonata-input", "$states.input", "$states.input.n + 1", 4),
    gives("jsonata-input-whole", "$states.input is the whole input", "$states.input", DATA),
    gives("jsonata-context", "$states.context", "$states.context.State.Name", "S"),
    gives(
        "jsonata-context-execution",
        "$states.context: the context object",
        "$states.context.Execution.Input.text & $states.context.StateMachine.Name",
        "a,bm",
    ),
    gives(
        "jsonata-null",
        "JSONata: null is a value",
        "{'nil': $states.input.nil, 'same': $states.input.nil = null}",
        {"nil": None, "same": True},
        LANGUAGE,
    ),
    gives(
        "jsonata-undefined-members",
        "JSONata: undefined members of an object are left out",
        "{'a': 1, 'b': $states.input.nowhere}",
        {"a": 1},
        LANGUAGE,
    ),
    gives(
        "jsonata-numbers",
        "JSONata: numbers without a fraction stay so",
        "[$states.input.price * 2, $states.input.price / 3, 7 / 2]",
        [21, 3.5, 3.5],
        LANGUAGE,
    ),
    gives("jsonata-empty-array", "JSONata: an empty array is a value", "[]", [], LANGUAGE),
    gives(
        "jsonata-singleton",
        "JSONata: a sequence of one is its element",
        "$states.input.items[$ = 1]",
        1,
        LANGUAGE,
    ),
    gives(
        "jsonata-keep-array",
        "JSONata: [] keeps a sequence of one an array",
        "$states.input.items[$ = 1][]",
        [1],
        LANGUAGE,
    ),
    gives(
        "jsonata-functions",
        "JSONata: its own functions",
        "$merge([{'a': $uppercase('x')}, {'b': $count($states.input.items)}])",
        {"a": "X", "b": 3},
        LANGUAGE,
    ),
    gives(
        "jsonata-lambda",
        "JSONata: blocks, local variables and functions",
        "($x := 2; $f := function($y) { $y * $x }; $map([1, 2], $f))",
        [2, 4],
        LANGUAGE,
    ),
    gives(
        "jsonata-regex",
        "JSONata: regular expressions",
        "$replace($states.input.text, /[ab]/, '-')",
        "-,-",
        f"{LANGUAGE} {recorded('evaluate_jsonata/test_base_evaluate_expressions')}",
    ),
    gives(
        "jsonata-transform",
        "JSONata: transforms do not change the input",
        "[$states.input ~> |$|{'n': 4}|, $states.input.n]",
        [{**DATA, "n": 4}, 3],
        LANGUAGE,
    ),
]
FUNCTIONS = [
    gives("jsonata-partition", "$partition", "$partition([1,2,3,4], 2)", [[1, 2], [3, 4]]),
    gives(
        "jsonata-partition-rest",
        "$partition: the last chunk may be shorter",
        "$partition([1,2,3,4,5], 4)",
        [[1, 2, 3, 4], [5]],
    ),
    gives("jsonata-range", "$range", "$range(0, 10, 2)", [0, 2, 4, 6, 8, 10]),
    gives(
        "jsonata-range-of-one",
        "$range: one element comes without its array",
        "$range(1, 9, 9)",
        1,
        f"{PAGE} {recorded('intrinsic_functions/test_array_jsonata')}",
    ),
    gives(
        "jsonata-hash",
        "$hash",
        "$hash('input data', 'SHA-1')",
        "aaff4a450a104cd177d28d18d74485e8cae074b7",
    ),
    gives(
        "jsonata-hash-algorithms",
        "$hash: MD5, SHA-256, SHA-384 and SHA-512",
        "$map(['MD5', 'SHA-256', 'SHA-384', 'SHA-512'], function($a) { $length($hash('x', $a)) })",
        [32, 64, 96, 128],
    ),
    holds("jsonata-random", "$random", "$random()", lambda number: 0 <= number < 1),
    gives(
        "jsonata-random-seed", "$random with a seed repeats itself", "$random(7) = $random(7)", True
    ),
    holds(
        "jsonata-uuid",
        "$uuid",
        "$uuid()",
        lambda text: (
            [len(part) for part in text.split("-")] == [8, 4, 4, 4, 12] and text[14] == "4"
        ),
    ),
    gives("jsonata-parse", "$parse", "$parse('{\"a\":[1,null]}').a", [1, None]),
    gives(
        "jsonata-parse-values",
        "$parse of any JSON value",
        "[$parse('1.1'), $parse('true'), $parse('\"x\"'), $parse('-0')]",
        [1.1, True, "x", 0],
        f"{PAGE} {recorded('intrinsic_functions/test_json_manipulation_jsonata')}",
    ),
    holds(
        "jsonata-now",
        "$now and $millis",
        "[$now(), $fromMillis($millis())]",
        lambda pair: all(text.startswith("2026-01-01T00:00:0") for text in pair),
    ),
]
FIELDS = [
    passing(
        "output-literal",
        "Output: literals and expressions, nested",
        f"{PAGE} {recorded('outputdecl/test_output')}",
        {"Output": {"a": [1, "{% $states.input.n %}", None], "b": "n %", "c": "$states.input"}},
        {"a": [1, 3, None], "b": "n %", "c": "$states.input"},
        given=DATA,
        language="JSONata",
    ),
    passing(
        "output-default",
        "Output: without it the input is the output",
        PAGE,
        {},
        DATA,
        given=DATA,
        language="JSONata",
    ),
    Case(
        "task-result-default",
        "Output: without it a task's result is the output",
        PAGE,
        one({"Type": "Task", "Resource": INVOKE, "Arguments": {"FunctionName": "f"}}, "JSONata"),
        functions={"f": 1},
        output=Holds(lambda result: result["Payload"] == 1),
        history=line(
            "ExecutionStarted",
            "TaskStateEntered",
            "TaskScheduled",
            "TaskStarted",
            "TaskSucceeded",
            "TaskStateExited",
            "ExecutionSucceeded",
        ),
    ),
    Case(
        "evaluation-failed-event",
        "The event EvaluationFailed",
        f"{PAGE} {recorded('states_variables/test_error_output')}",
        chain(
            {"Type": "Pass"},
            {"Type": "Pass", "Output": {"a": {"b": "{% $gone %}"}}},
            language="JSONata",
        ),
        status="FAILED",
        error="States.QueryEvaluationError",
        history=(
            started({}),
            entered("Pass", {}, "A"),
            exited("Pass", {}, "A"),
            entered("Pass", {}, "B", 3),
            (
                3,
                "EvaluationFailed",
                {
                    "error": "States.QueryEvaluationError",
                    "cause": at(
                        "B",
                        4,
                        "The JSONata expression '$gone' specified for the field 'Output/a/b' "
                        "returned nothing (undefined).",
                    ),
                    "location": "Output/a/b",
                    "state": "B",
                },
            ),
            failed(
                5,
                "States.QueryEvaluationError",
                at(
                    "B",
                    4,
                    "The JSONata expression '$gone' specified for the field 'Output/a/b' returned "
                    "nothing (undefined).",
                ),
            ),
        ),
    ),
    Case(
        "query-language-of-a-state",
        "QueryLanguage of a state in a JSONPath machine",
        MIXED,
        chain(
            {
                "Type": "Pass",
                "QueryLanguage": "JSONata",
                "Output": {"w": "{% $states.input.v + 1 %}"},
            },
            {"Type": "Pass", "Parameters": {"w.$": "$.w"}},
        ),
        {"v": 20},
        output={"w": 21},
        history=line(
            "ExecutionStarted",
            "PassStateEntered",
            "PassStateExited",
            "PassStateEntered",
            "PassStateExited",
            "ExecutionSucceeded",
        ),
    ),
    Case(
        "query-language-of-a-branch",
        "QueryLanguage: states of a branch follow the machine, not the state around them",
        PAGE,
        one(
            {
                "Type": "Parallel",
                "QueryLanguage": "JSONata",
                "Branches": [
                    {
                        "StartAt": "X",
                        "States": {"X": {"Type": "Pass", "InputPath": "$.a", "End": True}},
                    }
                ],
                "Output": "{% $states.result[0] %}",
            }
        ),
        {"a": 5},
        output=5,
        history=(
            (0, "ExecutionStarted"),
            (0, "ParallelStateEntered"),
            (2, "ParallelStateStarted"),
            (3, "PassStateEntered"),
            (4, "PassStateExited"),
            (5, "ParallelStateSucceeded"),
            (5, "ParallelStateExited"),
            (7, "ExecutionSucceeded"),
        ),
    ),
]

CASES = [*EXPRESSIONS, *FUNCTIONS, *FIELDS]
