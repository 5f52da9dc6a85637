"""Choice: each operator says no and yes, then how rules combine and what ends in an error."""

from __future__ import annotations

from typing import Any

from tests.asl.cases import (
    Case,
    at,
    entered,
    exited,
    failed,
    guide,
    line,
    recorded,
    spec,
    started,
    succeeded,
)

CHOICE = f"{guide('state-choice')} {spec('choice-state')}"
DATA = {
    "s": "abc",
    "same": "abc",
    "after": "abd",
    "before": "abb",
    "n": 10,
    "more": 11,
    "less": 9.5,
    "yes": True,
    "no": False,
    "nil": None,
    "at": "2024-08-18T17:33:00Z",
    "elsewhere": "2024-08-18T19:33:00+02:00",
    "later": "2024-08-18T17:33:01.5Z",
    "earlier": "2024-08-18T17:32:59Z",
    "list": [1],
    "object": {"a": 1},
}
CHOSEN = (
    started(DATA),
    entered("Choice", DATA, "C"),
    exited("Choice", DATA, "C"),
    entered("Pass", DATA, "Yes", 3),
    exited("Pass", "yes", "Yes", 4),
    succeeded("yes", 5),
)


def machine(rules: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Each rule leads to its Next; ``Yes`` and ``No`` say so."""
    return {
        "StartAt": "C",
        "States": {
            "C": {"Type": "Choice", "Choices": rules, "Default": "No", **more},
            "Yes": {"Type": "Pass", "Result": "yes", "End": True},
            "No": {"Type": "Pass", "Result": "no", "End": True},
        },
    }


def decides(
    name: str, feature: str, no: list[dict[str, Any]], yes: dict[str, Any], cite: str = CHOICE
) -> Case:
    """None of ``no`` matches, then ``yes`` does."""
    rules = [{**rule, "Next": "No"} for rule in no] + [{**yes, "Next": "Yes"}]
    return Case(name, feature, cite, machine(rules), DATA, output="yes", history=CHOSEN)


def operator(name: str, no: list[tuple[str, Any]], yes: tuple[str, Any]) -> Case:
    """``name`` is false of each pair of variable and operand in ``no``, and true of ``yes``."""
    rules = [{"Variable": f"$.{variable}", name: operand} for variable, operand in no]
    right = {"Variable": f"$.{yes[0]}", name: yes[1]}
    return decides(f"choice-{name}", f"Choice: {name}", rules, right)


YES = {"Variable": "$.yes", "BooleanEquals": True}
NO = {"Variable": "$.yes", "BooleanEquals": False}
GONE = {"Variable": "$.gone", "StringEquals": "x"}
NOON, LATER = "2024-08-18T17:33:00Z", "2024-08-18T17:34:00Z"

OPERATORS = [
    operator("StringEquals", [("s", "abd"), ("s", "ABC"), ("n", "10")], ("s", "abc")),
    operator("StringEqualsPath", [("s", "$.after"), ("s", "$.n")], ("s", "$.same")),
    operator("StringLessThan", [("s", "abc"), ("s", "abb"), ("n", "z")], ("s", "abd")),
    operator("StringLessThanPath", [("s", "$.same")], ("s", "$.after")),
    operator("StringGreaterThan", [("s", "abc"), ("s", "abd")], ("s", "abb")),
    operator("StringGreaterThanPath", [("s", "$.same")], ("s", "$.before")),
    operator("StringLessThanEquals", [("s", "abb")], ("s", "abc")),
    operator("StringLessThanEqualsPath", [("s", "$.before")], ("s", "$.same")),
    operator("StringGreaterThanEquals", [("s", "abd")], ("s", "abc")),
    operator("StringGreaterThanEqualsPath", [("s", "$.after")], ("s", "$.same")),
    operator("StringMatches", [("s", "a"), ("s", "*d"), ("s", "a\\*"), ("n", "*")], ("s", "a*c")),
    operator("NumericEquals", [("n", 11), ("s", 10), ("yes", 1)], ("n", 10.0)),
    operator("NumericEqualsPath", [("n", "$.more"), ("n", "$.s")], ("n", "$.n")),
    operator("NumericLessThan", [("n", 10), ("n", 9.5), ("s", 11)], ("n", 10.5)),
    operator("NumericLessThanPath", [("n", "$.less")], ("n", "$.more")),
    operator("NumericGreaterThan", [("n", 10), ("n", 11)], ("n", 9.5)),
    operator("NumericGreaterThanPath", [("n", "$.more")], ("n", "$.less")),
    operator("NumericLessThanEquals", [("n", 9)], ("n", 10)),
    operator("NumericLessThanEqualsPath", [("n", "$.less")], ("n", "$.n")),
    operator("NumericGreaterThanEquals", [("n", 11)], ("n", 10)),
    operator("NumericGreaterThanEqualsPath", [("n", "$.more")], ("n", "$.n")),
    operator("BooleanEquals", [("yes", False), ("no", True), ("s", True)], ("no", False)),
    operator("BooleanEqualsPath", [("yes", "$.no"), ("yes", "$.s")], ("yes", "$.yes")),
    operator("TimestampEquals", [("at", LATER), ("s", NOON)], ("elsewhere", NOON)),
    operator("TimestampEqualsPath", [("at", "$.later"), ("at", "$.s")], ("at", "$.elsewhere")),
    operator("TimestampLessThan", [("at", NOON), ("later", NOON)], ("at", LATER)),
    operator("TimestampLessThanPath", [("at", "$.elsewhere")], ("at", "$.later")),
    operator("TimestampGreaterThan", [("at", NOON), ("at", LATER)], ("later", NOON)),
    operator("TimestampGreaterThanPath", [("at", "$.later")], ("at", "$.earlier")),
    operator("TimestampLessThanEquals", [("later", NOON)], ("at", NOON)),
    operator("TimestampLessThanEqualsPath", [("at", "$.earlier")], ("at", "$.elsewhere")),
    operator("TimestampGreaterThanEquals", [("at", LATER)], ("at", NOON)),
    operator("TimestampGreaterThanEqualsPath", [("at", "$.later")], ("at", "$.elsewhere")),
    operator("IsNull", [("s", True), ("nil", False), ("no", True)], ("nil", True)),
    operator("IsPresent", [("gone", True), ("nil", False)], ("nil", True)),
    operator("IsNumeric", [("s", True), ("yes", True), ("n", False)], ("less", True)),
    operator("IsString", [("n", True), ("nil", True), ("s", False)], ("s", True)),
    operator("IsBoolean", [("n", True), ("s", True), ("no", False)], ("no", True)),
    operator("IsTimestamp", [("s", True), ("n", True), ("at", False)], ("elsewhere", True)),
]

COMBINED = [
    decides(
        "choice-and", "Choice: And", [{"And": [YES, NO]}, {"And": [NO, YES]}], {"And": [YES, YES]}
    ),
    decides("choice-or", "Choice: Or", [{"Or": [NO, NO]}], {"Or": [NO, YES]}),
    decides("choice-not", "Choice: Not", [{"Not": YES}], {"Not": NO}),
    decides(
        "choice-nested",
        "Choice: And, Or and Not inside of each other",
        [{"And": [YES, {"Not": {"Or": [NO, YES]}}]}],
        {"Not": {"And": [YES, {"Or": [NO, {"Not": YES}]}]}},
    ),
    decides(
        "choice-and-stops-early",
        "Choice: IsPresent guards what follows it in And",
        [{"And": [{"Variable": "$.gone", "IsPresent": True}, GONE]}],
        {"Or": [YES, GONE]},
    ),
    decides(
        "choice-comments",
        "Choice: Comment in rules, also inside of And, Or and Not",
        [{"And": [{**NO, "Comment": "inside"}], "Comment": "outside"}],
        {"Not": {**NO, "Comment": "inside"}, "Comment": "outside"},
        cite=f"{CHOICE} {recorded('comments/test_comments')}",
    ),
    decides("choice-first-match", "Choice: the first rule that matches decides", [NO], YES),
    decides(
        "choice-context",
        "Choice: the context object in Variable and Path operands",
        [{"Variable": "$$.State.Name", "StringEquals": "X"}],
        {"Variable": "$$.State.Name", "StringEqualsPath": "$$.State.Name"},
    ),
]

DEFAULTED = Case(
    "choice-default",
    "Choice: Default",
    CHOICE,
    machine([{**NO, "Next": "Yes"}]),
    DATA,
    output="no",
    history=line(
        "ExecutionStarted",
        "ChoiceStateEntered",
        "ChoiceStateExited",
        "PassStateEntered",
        "PassStateExited",
        "ExecutionSucceeded",
    ),
)
ENDED = [
    Case(
        "choice-no-match",
        "States.NoChoiceMatched",
        f"{CHOICE} {guide('concepts-error-handling')}",
        {
            "StartAt": "C",
            "States": {
                "C": {"Type": "Choice", "Choices": [{**NO, "Next": "E"}]},
                "E": {"Type": "Succeed"},
            },
        },
        DATA,
        status="FAILED",
        error="States.NoChoiceMatched",
        history=(started(DATA), entered("Choice", DATA, "C"), (2, "ExecutionFailed")),
    ),
    Case(
        "choice-variable-is-not-there",
        "Choice: a Variable that finds nothing is States.Runtime",
        f"{CHOICE} {guide('concepts-error-handling')}",
        machine([{"Variable": "$.gone", "StringEquals": "x", "Next": "Yes"}]),
        DATA,
        status="FAILED",
        error="States.Runtime",
        cause=at(
            "C",
            2,
            "Invalid path '$.gone': The choice state's condition path references an invalid value.",
        ),
        history=(started(DATA), entered("Choice", DATA, "C"), (2, "ExecutionFailed")),
    ),
    Case(
        "choice-two-operators",
        "Choice: one comparison for each rule",
        CHOICE,
        machine([{**YES, "IsNull": True, "Next": "Yes"}]),
        refused="/States/C/Choices[0]",
    ),
    Case(
        "choice-unknown-operator",
        "Choice: operators are checked at creation",
        CHOICE,
        machine([{"Variable": "$.s", "StringNearly": "a", "Next": "Yes"}]),
        refused="/States/C/Choices[0]",
    ),
    Case(
        "choice-operand-of-another-type",
        "Choice: operands are checked at creation",
        CHOICE,
        machine([{"Variable": "$.s", "NumericEquals": "1", "Next": "Yes"}]),
        refused="/States/C/Choices[0]",
    ),
    Case(
        "choice-needs-rules",
        "Choice: Choices is a non-empty array",
        CHOICE,
        machine([]),
        refused="/States/C/Choices",
    ),
    Case(
        "choice-next-inside-of-and",
        "Choice: Next stands at the top of a rule only",
        CHOICE,
        machine([{"And": [{**YES, "Next": "Yes"}, YES], "Next": "Yes"}]),
        refused="/States/C/Choices[0]",
    ),
    Case(
        "choice-is-not-terminal",
        "Choice: End is not a field of Choice",
        CHOICE,
        machine([{**YES, "Next": "Yes"}], End=True),
        refused="/States/C/End",
    ),
]


def conditional(
    name: str, feature: str, condition: Any, output: Any, cite: str = CHOICE, **more: Any
) -> Case:
    """A JSONata Choice of one rule and a default."""
    states = machine([{"Condition": condition, "Next": "Yes", **more.pop("rule", {})}], **more)
    states["States"] |= {
        name: {"Type": "Pass", "Output": [name, "{% $states.input %}"], "End": True}
        for name in ("Yes", "No")
    }
    return Case(
        name,
        feature,
        cite,
        {"QueryLanguage": "JSONata", **states},
        {"n": 4},
        output=output,
        history=DEFAULTED.history,
    )


WRONG = at(
    "C",
    2,
    "The JSONata expression '$states.input.n' specified for the field 'Choices[0]/Condition' "
    "returned an unexpected result type. Expected 'boolean', but was 'number' for value: 4",
)
JSONATA = [
    conditional(
        "choice-condition",
        "Choice: Condition (JSONata)",
        "{% $states.input.n > 3 %}",
        ["Yes", {"n": 4}],
    ),
    conditional(
        "choice-condition-false",
        "Choice: Condition (JSONata)",
        "{% $states.input.n > 4 %}",
        ["No", {"n": 4}],
    ),
    conditional(
        "choice-condition-constant",
        "Choice: a constant Condition",
        True,
        ["Yes", {"n": 4}],
        f"{CHOICE} {recorded('scenarios/test_base_scenarios')}",
    ),
    conditional(
        "choice-rule-output",
        "Choice: Output of a rule (JSONata)",
        "{% true %}",
        ["Yes", {"m": 5}],
        rule={"Output": {"m": "{% $states.input.n + 1 %}"}},
    ),
    conditional(
        "choice-default-output",
        "Choice: Output of the state is the default's (JSONata)",
        "{% false %}",
        ["No", "d"],
        rule={"Output": "r"},
        Output="d",
    ),
    Case(
        "choice-condition-not-boolean",
        "Choice: a Condition that is not boolean is States.QueryEvaluationError",
        f"{CHOICE} {guide('transforming-data')}",
        {
            "QueryLanguage": "JSONata",
            **machine([{"Condition": "{% $states.input.n %}", "Next": "Yes"}]),
        }
        | {
            "States": {
                "C": {
                    "Type": "Choice",
                    "Choices": [{"Condition": "{% $states.input.n %}", "Next": "Yes"}],
                },
                "Yes": {"Type": "Succeed"},
            }
        },
        {"n": 4},
        status="FAILED",
        error="States.QueryEvaluationError",
        cause=WRONG,
        history=(
            started({"n": 4}),
            entered("Choice", {"n": 4}, "C"),
            (0, "EvaluationFailed"),
            failed(3, "States.QueryEvaluationError", WRONG),
        ),
    ),
]

CASES = [*OPERATORS, *COMBINED, DEFAULTED, *ENDED, *JSONATA]
