"""Variables: Assign in both languages, their scopes and limits."""

from __future__ import annotations

from typing import Any

from tests.asl.cases import (
    INVOKE,
    Case,
    Fails,
    chain,
    entered,
    exited,
    guide,
    line,
    one,
    passing,
    recorded,
    spec,
    started,
    succeeded,
)

PAGE = f"{guide('workflow-variables')} {spec()}"
RECORDED = f"{guide('workflow-variables')} {recorded('assign/test_assign_base')}"
MIXED = f"{guide('workflow-variables')} {recorded('query_language/test_mixed_query_language')}"
TWO = line(
    "ExecutionStarted",
    "PassStateEntered",
    "PassStateExited",
    "PassStateEntered",
    "PassStateExited",
    "ExecutionSucceeded",
)
THREE = line(
    "ExecutionStarted",
    *["PassStateEntered", "PassStateExited"] * 3,
    "ExecutionSucceeded",
)


def scoped(name: str, feature: str, inner: dict[str, Any], output: Any) -> Case:
    """An assignment, a Map of one item that runs ``inner``, and a look at the variables."""
    state = {
        "Type": "Map",
        "ItemProcessor": {"StartAt": "I", "States": {"I": {"Type": "Pass", "End": True, **inner}}},
    }
    return Case(
        name,
        feature,
        RECORDED,
        chain(
            {"Type": "Pass", "Assign": {"x": 42}},
            state,
            {"Type": "Pass", "Parameters": {"x.$": "$x", "in.$": "$"}},
        ),
        [1],
        output=output,
        history=(
            started([1]),
            (0, "PassStateEntered"),
            exited("Pass", [1], "A", assigned={"x": 42}),
            (3, "MapStateEntered"),
            (4, "MapStateStarted"),
            (5, "MapIterationStarted"),
            (6, "PassStateEntered"),
            (7, "PassStateExited"),
            (8, "MapIterationSucceeded"),
            (9, "MapStateSucceeded"),
            (9, "MapStateExited"),
            (11, "PassStateEntered"),
            (12, "PassStateExited"),
            (13, "ExecutionSucceeded"),
        ),
    )


def refused(
    name: str, feature: str, definition: dict[str, Any], where: str, cite: str = PAGE
) -> Case:
    """A definition that is not accepted."""
    return Case(name, feature, cite, definition, refused=where)


CASES = [
    passing(
        "assign-literals",
        "Assign: literals, and the event that tells them",
        RECORDED,
        {"Assign": {"n": 1, "text": "t", "list": [1, None], "nothing": None}},
        {},
        assigned={"n": 1, "text": "t", "list": [1, None], "nothing": None},
    ),
    passing(
        "assign-paths",
        "Assign: paths and intrinsic functions (JSONPath)",
        RECORDED,
        {"Assign": {"a.$": "$.v", "b.$": "States.MathAdd($.v, 1)", "c.$": "$$.State.Name"}},
        {"v": 1},
        given={"v": 1},
        assigned={"a": 1, "b": 2, "c": "S"},
    ),
    passing(
        "assign-jsonata",
        "Assign: expressions (JSONata)",
        PAGE,
        {"Assign": {"a": "{% $states.input.v * 2 %}", "b": {"c": ["{% $states.input.v %}"]}}},
        {"v": 4},
        given={"v": 4},
        language="JSONata",
        assigned={"a": 8, "b": {"c": [4]}},
    ),
    Case(
        "variables-are-read-later",
        "Variables: later states read them (JSONPath)",
        PAGE,
        chain(
            {"Type": "Pass", "Assign": {"v": {"deep": [7]}}},
            {"Type": "Pass", "Parameters": {"all.$": "$v", "one.$": "$v.deep[0]"}},
        ),
        output={"all": {"deep": [7]}, "one": 7},
        history=TWO,
    ),
    Case(
        "variables-are-read-later-jsonata",
        "Variables: later states read them (JSONata)",
        PAGE,
        chain(
            {"Type": "Pass", "Assign": {"v": {"deep": [7]}}},
            {"Type": "Pass", "Output": "{% [$v, $v.deep[0] + 1] %}"},
            language="JSONata",
        ),
        output=[{"deep": [7]}, 8],
        history=TWO,
    ),
    Case(
        "variables-keep-their-old-values-in-the-state",
        "Variables: a state sees the values from before its Assign",
        PAGE,
        chain(
            {"Type": "Pass", "Assign": {"x": 1, "y": 2}},
            {"Type": "Pass", "Assign": {"x.$": "$y", "y.$": "$x"}, "Parameters": {"x.$": "$x"}},
            {"Type": "Pass", "Parameters": {"in.$": "$", "x.$": "$x", "y.$": "$y"}},
        ),
        output={"in": {"x": 1}, "x": 2, "y": 1},
        history=THREE,
    ),
    Case(
        "variables-across-languages",
        "Variables: both languages share them",
        MIXED,
        chain(
            {"Type": "Pass", "QueryLanguage": "JSONata", "Assign": {"a": "{% 1 + 1 %}"}},
            {"Type": "Pass", "Assign": {"b.$": "States.MathAdd($a, 1)"}},
            {"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% [$a, $b] %}"},
        ),
        output=[2, 3],
        history=THREE,
    ),
    Case(
        "assign-from-a-result",
        "Assign sees a task's result (JSONPath: after ResultSelector)",
        PAGE,
        chain(
            {
                "Type": "Task",
                "Resource": INVOKE,
                "Parameters": {"FunctionName": "f"},
                "ResultSelector": {"p.$": "$.Payload"},
                "Assign": {"v.$": "$.p"},
                "ResultPath": None,
            },
            {"Type": "Pass", "Parameters": {"v.$": "$v", "in.$": "$.k"}},
        ),
        {"k": 1},
        {"f": [5]},
        output={"v": 5, "in": 1},
        history=line(
            "ExecutionStarted",
            "TaskStateEntered",
            "TaskScheduled",
            "TaskStarted",
            "TaskSucceeded",
            "TaskStateExited",
            "PassStateEntered",
            "PassStateExited",
            "ExecutionSucceeded",
        ),
    ),
    Case(
        "assign-in-catch",
        "Assign of a catcher sees the error output; the state's own is not made",
        f"{PAGE} {recorded('states_variables/test_error_output')}",
        {
            "QueryLanguage": "JSONata",
            "StartAt": "T",
            "States": {
                "T": {
                    "Type": "Task",
                    "Resource": INVOKE,
                    "Arguments": {"FunctionName": "f"},
                    "Assign": {"why": "fine"},
                    "Catch": [
                        {
                            "ErrorEquals": ["States.ALL"],
                            "Assign": {"why": "{% $states.errorOutput.Error %}"},
                            "Next": "H",
                        }
                    ],
                    "End": True,
                },
                "H": {"Type": "Pass", "Output": "{% $why %}", "End": True},
            },
        },
        functions={"f": Fails("Boom")},
        output="Boom",
        history=line(
            "ExecutionStarted",
            "TaskStateEntered",
            "TaskScheduled",
            "TaskStarted",
            "TaskFailed",
            "TaskStateExited",
            "PassStateEntered",
            "PassStateExited",
            "ExecutionSucceeded",
        ),
    ),
    *(
        Case(
            f"assign-in-choice-{chosen}",
            "Assign of the rule that matched, or of the state for the default",
            RECORDED,
            {
                "StartAt": "C",
                "States": {
                    "C": {
                        "Type": "Choice",
                        "Choices": [
                            {
                                "Variable": "$.c",
                                "BooleanEquals": True,
                                "Assign": {"by": "rule"},
                                "Next": "E",
                            }
                        ],
                        "Assign": {"by": "default"},
                        "Default": "E",
                    },
                    "E": {"Type": "Pass", "Parameters": {"by.$": "$by"}, "End": True},
                },
            },
            {"c": chosen == "rule"},
            output={"by": chosen},
            history=(
                started({"c": chosen == "rule"}),
                entered("Choice", {"c": chosen == "rule"}, "C"),
                exited("Choice", {"c": chosen == "rule"}, "C", assigned={"by": chosen}),
                (3, "PassStateEntered"),
                (4, "PassStateExited"),
                succeeded({"by": chosen}, 5),
            ),
        )
        for chosen in ("rule", "default")
    ),
    scoped(
        "variables-inside-see-outer-ones",
        "Variables: a Map's iteration sees those around it",
        {"Parameters": {"seen.$": "$x"}},
        {"x": 42, "in": [{"seen": 42}]},
    ),
    scoped(
        "variables-inside-stay-inside",
        "Variables: what a Map's iteration assigns stays inside of it",
        {"Assign": {"own.$": "$x"}},
        {"x": 42, "in": [1]},
    ),
    refused(
        "variables-outer-are-not-assigned-inside",
        "Variables: those of an outer scope cannot be assigned inside",
        {
            "StartAt": "A",
            "States": {
                "A": {"Type": "Pass", "Assign": {"x": 1}, "Next": "P"},
                "P": {
                    "Type": "Parallel",
                    "Branches": [
                        {
                            "StartAt": "I",
                            "States": {"I": {"Type": "Pass", "Assign": {"x": 2}, "End": True}},
                        }
                    ],
                    "End": True,
                },
            },
        },
        "/States/P/Branches[0]/States/I/Assign",
    ),
    refused(
        "variables-states-is-reserved",
        "Variables: states is a reserved name",
        one({"Type": "Pass", "Assign": {"states": 1}}),
        "/States/S/Assign",
    ),
    refused(
        "variables-names",
        "Variables: names have letters, digits and underscores",
        one({"Type": "Pass", "Assign": {"1st": 1}}),
        "/States/S/Assign",
    ),
    refused(
        "variables-name-length",
        "Variables: names have 80 characters at most",
        one({"Type": "Pass", "Assign": {"v" * 81: 1}}),
        "/States/S/Assign",
    ),
    refused(
        "assign-not-in-succeed",
        "Assign belongs to all states but Succeed and Fail",
        one({"Type": "Succeed", "Assign": {"x": 1}}),
        "/States/S/Assign",
    ),
    Case(
        "variables-size-limit",
        "Variables: one Assign has 256 KiB at most",
        PAGE,
        one({"Type": "Pass", "Assign": {"v": "{% $pad('', 262145, 'x') %}"}}, "JSONata"),
        status="FAILED",
        error="States.Runtime",
        history=line("ExecutionStarted", "PassStateEntered", "ExecutionFailed"),
        note="the error's name is not documented",
    ),
    Case(
        "variables-undefined",
        "Variables: one that is not assigned is States.Runtime (JSONPath)",
        PAGE,
        one({"Type": "Pass", "Parameters": {"v.$": "$gone"}}),
        status="FAILED",
        error="States.Runtime",
        history=line("ExecutionStarted", "PassStateEntered", "ExecutionFailed"),
        note="the error's name is not documented",
    ),
]
