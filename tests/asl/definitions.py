"""What a definition must be, and the limits of machines."""

from __future__ import annotations

from typing import Any

from tests.asl.cases import (
    Case,
    guide,
    line,
    one,
    recorded,
    spec,
)

QUOTAS = guide("service-quotas")
DEFINITION = guide("statemachine-structure")


def refused(
    name: str, feature: str, definition: dict[str, Any], where: str, cite: str = DEFINITION
) -> Case:
    """A definition that is not accepted."""
    return Case(name, feature, cite, definition, refused=where)


CASES = [
    Case(
        "history-limit",
        "25,000 events end an execution",
        QUOTAS,
        {
            "StartAt": "A",
            "States": {
                "A": {"Type": "Pass", "Next": "B"},
                "B": {
                    "Type": "Choice",
                    "Choices": [{"Variable": "$.never", "IsPresent": True, "Next": "C"}],
                    "Default": "A",
                },
                "C": {"Type": "Succeed"},
            },
        },
        status="FAILED",
        ends_with=((24_999, "ExecutionFailed"),),
        events=25_000,
    ),
    Case(
        "state-name-most",
        "A state's name has 80 characters",
        f"{QUOTAS} {spec()}",
        {"StartAt": "n" * 80, "States": {"n" * 80: {"Type": "Pass", "End": True}}},
        output={},
        history=line(
            "ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"
        ),
    ),
    refused(
        "state-name-limit",
        "A state's name has 80 characters at most",
        {"StartAt": "n" * 81, "States": {"n" * 81: {"Type": "Pass", "End": True}}},
        "/States/n",
        QUOTAS,
    ),
    refused(
        "state-names-are-unique",
        "State names are unique in the whole machine",
        {
            "StartAt": "S",
            "States": {
                "S": {
                    "Type": "Parallel",
                    "Branches": [{"StartAt": "S", "States": {"S": {"Type": "Pass", "End": True}}}],
                    "End": True,
                }
            },
        },
        "/States/S/Branches[0]/States/S",
        spec(),
    ),
    refused(
        "next-or-end",
        "A state has either Next or End",
        {"StartAt": "S", "States": {"S": {"Type": "Pass"}}},
        "/States/S",
        spec(),
    ),
    refused(
        "dangling-next",
        "Next names a state",
        {"StartAt": "S", "States": {"S": {"Type": "Pass", "Next": "X"}}},
        "/States/S/Next",
        spec(),
    ),
    refused(
        "start-at-is-required",
        "StartAt is required",
        {"States": {"S": {"Type": "Succeed"}}},
        "StartAt",
        spec("toplevelfields"),
    ),
    refused(
        "start-at-names-a-state",
        "StartAt names a state",
        {"StartAt": "X", "States": {"S": {"Type": "Succeed"}}},
        "/StartAt",
        spec("toplevelfields"),
    ),
    refused(
        "unreachable-state",
        "Every state can be reached",
        {"StartAt": "S", "States": {"S": {"Type": "Succeed"}, "X": {"Type": "Succeed"}}},
        "/States/X",
        f"{guide('concepts-amazon-states-language')} {recorded('test_sfn_api_validation')}",
    ),
    refused(
        "unknown-type",
        "Type is one of eight",
        {"StartAt": "S", "States": {"S": {"Type": "Loop", "End": True}}},
        "/States/S/Type",
        spec(),
    ),
    refused(
        "unknown-field",
        "Unknown fields are not accepted",
        one({"Type": "Pass", "Retrying": 1}),
        "/States/S/Retrying",
        spec(),
    ),
    refused(
        "version",
        "Version is 1.0",
        {**one({"Type": "Pass"}), "Version": "2.0"},
        "/Version",
        spec("toplevelfields"),
    ),
]
