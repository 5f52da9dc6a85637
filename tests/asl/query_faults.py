"""Expressions that fail, and definitions that mix the query languages up."""

from __future__ import annotations

from tests.asl.cases import (
    Case,
    guide,
    one,
    recorded,
    spec,
    unevaluated,
)

PAGE = guide("transforming-data")


CASES = [
    unevaluated(
        "jsonata-undefined",
        "States.QueryEvaluationError: an expression without a value",
        f"{PAGE} {recorded('states_variables/test_error_output')}",
        "$doesNotExist",
        "returned nothing (undefined).",
    ),
    unevaluated(
        "jsonata-eval",
        "$eval is not there",
        PAGE,
        "$eval('1')",
        "threw an error during evaluation. T1006: Attempted to invoke a non-function",
    ),
    unevaluated(
        "jsonata-unknown-function",
        "States.QueryEvaluationError: an unknown function",
        f"{PAGE} {recorded('intrinsic_functions/test_math_operations_jsonata')}",
        "$randomSeeded(1)",
        "threw an error during evaluation. T1006: Attempted to invoke a non-function",
    ),
    unevaluated(
        "jsonata-type-error",
        "States.QueryEvaluationError: operands of wrong types",
        PAGE,
        "'a' + 1",
    ),
    unevaluated(
        "jsonata-function-result",
        "States.QueryEvaluationError: a function is no result",
        PAGE,
        "function($x) { $x }",
        "returned an unsupported result type.",
    ),
    unevaluated("jsonata-hash-algorithm", "$hash: unknown algorithms", PAGE, "$hash('x', 'CRC')"),
    unevaluated("jsonata-parse-text", "$parse of no JSON", PAGE, "$parse('{')"),
    unevaluated(
        "jsonata-runaway",
        "JSONata: endless recursion ends",
        PAGE,
        "($f := function($x) { 1 + $f($x) }; $f(1))",
    ),
    Case(
        "jsonata-syntax",
        "JSONata: expressions are parsed at creation",
        PAGE,
        one({"Type": "Pass", "Output": "{% 1 + %}"}, "JSONata"),
        refused="/States/S/Output",
    ),
    Case(
        "jsonata-unclosed",
        "JSONata: an expression is opened and closed",
        PAGE,
        one({"Type": "Pass", "Output": {"a": ["{% 1 "]}}, "JSONata"),
        refused="/States/S/Output",
    ),
    Case(
        "jsonata-unopened",
        "JSONata: an expression is opened and closed",
        PAGE,
        one({"Type": "Fail", "Cause": " {% 1 %}"}, "JSONata"),
        refused="/States/S/Cause",
    ),
    Case(
        "jsonata-no-jsonpath-fields",
        "JSONata states have no fields of JSONPath",
        f"{PAGE} {spec()}",
        one({"Type": "Pass", "InputPath": "$.a"}, "JSONata"),
        refused="/States/S/InputPath",
    ),
    Case(
        "jsonpath-no-jsonata-fields",
        "JSONPath states have no fields of JSONata",
        f"{PAGE} {spec()}",
        one({"Type": "Pass", "Output": 1}),
        refused="/States/S/Output",
    ),
    Case(
        "jsonata-machine-has-no-jsonpath-state",
        "QueryLanguage: a JSONata machine has no JSONPath states",
        PAGE,
        one({"Type": "Pass", "QueryLanguage": "JSONPath"}, "JSONata"),
        refused="/States/S",
    ),
    Case(
        "query-language-unknown",
        "QueryLanguage is JSONPath or JSONata",
        PAGE,
        one({"Type": "Pass"}, "JMESPath"),
        refused="/QueryLanguage",
    ),
]
