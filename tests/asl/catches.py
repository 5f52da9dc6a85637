"""Catch."""

from __future__ import annotations

from tests.asl.cases import (
    INVOKE,
    Case,
    Fails,
    recorded,
)
from tests.asl.failing_tasks import (
    BOOM,
    CATCH,
    FAILED,
    catch,
    handled_task,
    task,
)

CASES = [
    Case(
        "catch-error-output",
        "Catch: the error output is Error and Cause",
        f"{CATCH} {recorded('error_handling/test_task_service_lambda')}",
        task(Catch=catch("Boom")),
        {"in": 1},
        {"f": Fails("Boom", "m")},
        output={"Error": "Boom", "Cause": Fails("Boom", "m").cause()},
        history=handled_task(FAILED),
    ),
    Case(
        "catch-result-path",
        "Catch: ResultPath adds the error to the raw input",
        CATCH,
        task(InputPath="$.part", Catch=catch("Boom", ResultPath="$.error")),
        {"part": {"a": 1}},
        {"f": Fails("Boom", "m")},
        output={"part": {"a": 1}, "error": {"Error": "Boom", "Cause": Fails("Boom", "m").cause()}},
        history=handled_task(FAILED),
    ),
    Case(
        "catch-result-path-null",
        "Catch: ResultPath null discards the error",
        CATCH,
        task(Catch=catch("Boom", ResultPath=None)),
        {"in": 1},
        {"f": BOOM},
        output={"in": 1},
        history=handled_task(FAILED),
    ),
    Case(
        "catch-first-that-names-it",
        "Catch: the first catcher that names the error decides",
        CATCH,
        {
            "StartAt": "T",
            "States": {
                **task(
                    Catch=[
                        {"ErrorEquals": ["Bang"], "Next": "X"},
                        *catch("Boom", ResultPath=None),
                        {"ErrorEquals": ["States.ALL"], "Next": "X"},
                    ]
                )["States"],
                "X": {"Type": "Fail"},
            },
        },
        {"in": 1},
        {"f": BOOM},
        output={"in": 1},
        history=handled_task(FAILED),
    ),
    Case(
        "catch-output-jsonata",
        "Catch: Output and $states.errorOutput (JSONata)",
        f"{CATCH} {recorded('states_variables/test_error_output')}",
        {
            "QueryLanguage": "JSONata",
            "StartAt": "T",
            "States": {
                "T": {
                    "Type": "Task",
                    "Resource": INVOKE,
                    "Arguments": {"FunctionName": "f"},
                    "Catch": catch(
                        "States.ALL",
                        Output=["{% $states.errorOutput.Error %}", "{% $states.input.k %}"],
                    ),
                    "End": True,
                },
                "H": {"Type": "Pass", "End": True},
            },
        },
        {"k": 7},
        {"f": BOOM},
        output=["Boom", 7],
        history=handled_task(FAILED),
    ),
    Case(
        "catch-default-output-jsonata",
        "Catch: without Output the error output is the output (JSONata)",
        CATCH,
        {
            "QueryLanguage": "JSONata",
            "StartAt": "T",
            "States": {
                "T": {
                    "Type": "Task",
                    "Resource": INVOKE,
                    "Arguments": {"FunctionName": "f"},
                    "Catch": catch("Boom"),
                    "End": True,
                },
                "H": {"Type": "Pass", "Output": "{% $states.input.Error %}", "End": True},
            },
        },
        {},
        {"f": BOOM},
        output="Boom",
        history=handled_task(FAILED),
    ),
    Case(
        "catch-next-is-checked",
        "Catch: Next is checked at creation",
        CATCH,
        {"StartAt": "T", "States": {"T": task(Catch=catch("Boom"))["States"]["T"]}},
        refused="/States/T/Catch[0]/Next",
    ),
]
