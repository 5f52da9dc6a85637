"""ValidateStateMachineDefinition: codes, severities, limits.

Codes: https://docs.aws.amazon.com/step-functions/latest/apireference/API_ValidateStateMachineDefinitionDiagnostic.html
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.states.shapes import conforming
from tests.unit.states.world import World, one, run

SOURCE = (
    "https://docs.aws.amazon.com/step-functions/latest/apireference/"
    "API_ValidateStateMachineDefinitionDiagnostic.html"
)
AREA = "Step Functions: API"


def validated(definition: Any, **params: Any) -> dict[str, Any]:
    text = definition if isinstance(definition, str) else json.dumps(definition)

    async def main() -> dict[str, Any]:
        return await World().call("ValidateStateMachineDefinition", definition=text, **params)

    answer = run(main)
    conforming("ValidateStateMachineDefinition", answer)
    return answer


def states(**named: Any) -> dict[str, Any]:
    return {"StartAt": next(iter(named)), "States": named}


PASS = {"Type": "Pass", "End": True}
DEEP: dict[str, Any] = PASS
for level in range(25):
    DEEP = {
        "Type": "Map",
        "ItemProcessor": {"StartAt": f"s{level}", "States": {f"s{level}": DEEP}},
        "End": True,
    }


@pytest.mark.fidelity(
    area=AREA, feature="ValidateStateMachineDefinition: codes of errors", source=SOURCE
)
@pytest.mark.parametrize(
    ("definition", "code", "location"),
    [
        ("{", "INVALID_JSON_DESCRIPTION", None),
        (
            '{"StartAt": "A", "States": {"A": {"Type": "Succeed"}, "A": {"Type": "Fail"}}}',
            "INVALID_JSON_DESCRIPTION",
            None,
        ),
        ({"States": {}}, "SCHEMA_VALIDATION_FAILED", "/"),
        (states(A={"Type": "Pass", "Next": "B"}), "MISSING_TRANSITION_TARGET", "/States/A/Next"),
        (
            states(A={"Type": "Pass", "Next": "B"}, B={"Type": "Pass", "Next": "A"}),
            "MISSING_END_STATE",
            "/States",
        ),
        (
            one({"Type": "Parallel", "Branches": [states(S=PASS)]}),
            "DUPLICATE_STATE_NAME",
            "/States/S/Branches[0]/States/S",
        ),
        (states(**{"x" * 81: PASS}), "INVALID_STATE_NAME", f"/States/{'x' * 81}"),
        (one({"Type": "Task", "Resource": "not an ARN"}), "INVALID_RESOURCE", "/States/S/Resource"),
        (one({"Type": "Task", "Resource": 5}), "INVALID_RESOURCE", "/States/S/Resource"),
    ],
)
def test_codes(definition: Any, code: str, location: str | None) -> None:
    answer = validated(definition)
    assert answer["result"] == "FAIL"
    assert (code, location) in [(d["code"], d.get("location")) for d in answer["diagnostics"]]
    assert {d["severity"] for d in answer["diagnostics"]} == {"ERROR"}


def test_deep_nesting_has_its_code() -> None:
    assert "TOO_DEEPLY_NESTED" in [d["code"] for d in validated(states(S=DEEP))["diagnostics"]]


@pytest.mark.fidelity(
    area=AREA,
    feature="ValidateStateMachineDefinition: maxResults and truncated",
    source="https://docs.aws.amazon.com/step-functions/latest/apireference/"
    "API_ValidateStateMachineDefinition.html",
)
def test_diagnostics_are_cut_at_max_results() -> None:
    many = states(**{f"s{n}": {"Type": "Pass", "Nope": 1, "End": True} for n in range(101)})
    for asked, shown in (({}, 100), ({"maxResults": 0}, 100), ({"maxResults": 3}, 3)):
        answer = validated(many, **asked)
        assert (len(answer["diagnostics"]), answer["truncated"]) == (shown, True)
    few = validated(states(A={**PASS, "Nope": 1}), maxResults=1)
    assert (len(few["diagnostics"]), few["truncated"]) == (1, False)


WARNED = [
    (
        one({"Type": "Pass", "Parameters": {"a": "$.x", "b": [{"c": "States.UUID()"}]}}),
        [
            ("NO_DOLLAR", "/States/S/Parameters/a"),
            ("NO_DOLLAR", "/States/S/Parameters/b[0]/c"),
        ],
    ),
    (states(S={"Type": "Fail", "Error": "$.e"}), [("NO_PATH", "/States/S/Error")]),
    (
        states(
            S={
                "Type": "Choice",
                "Choices": [
                    {"Not": {"Variable": "$.a", "StringEquals": "$.b"}, "Next": "E"},
                ],
            },
            E={"Type": "Succeed"},
        ),
        [("NO_PATH", "/States/S/Choices[0]/Not/StringEquals")],
    ),
    (
        one({"Type": "Pass", "Result": {"a": {"b.$": "$.x"}}}),
        [("PASS_RESULT_IS_STATIC", "/States/S/Result")],
    ),
    (
        one({"Type": "Map", "ItemProcessor": states(I={**PASS, "Result": ["$.x"]})}),
        [("PASS_RESULT_IS_STATIC", "/States/S/ItemProcessor/States/I/Result")],
    ),
    (one({"Type": "Pass", "Output": {"a": "$.x"}}, "JSONata"), []),
    (one({"Type": "Pass", "Parameters": {"a": "$5 is no path", "b.$": "$.x"}}), []),
]


@pytest.mark.fidelity(area=AREA, feature="ValidateStateMachineDefinition: warnings", source=SOURCE)
@pytest.mark.parametrize(("definition", "wanted"), WARNED)
def test_warnings_are_shown_when_asked_for_and_do_not_fail(
    definition: Any, wanted: list[tuple[str, str]]
) -> None:
    answer = validated(definition, severity="WARNING")
    assert answer["result"] == "OK"
    assert [(d["code"], d["location"]) for d in answer["diagnostics"]] == wanted
    assert {d["severity"] for d in answer["diagnostics"]} <= {"WARNING"}
    assert validated(definition, severity="ERROR")["diagnostics"] == []
    assert validated(definition)["diagnostics"] == []
