"""Which fields each type of state has, in each query language.

Sources: https://states-language.net/spec.html#state-types and the pages of the state types in
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-states.html
"""

from __future__ import annotations

from typing import Any

from emulator.states.diagnostics import UNSUPPORTED, Diagnostics

_ALWAYS = frozenset({"Type", "Comment", "QueryLanguage"})
_FLOW = frozenset({"Next", "End"})
_PATHS = frozenset({"InputPath", "OutputPath"})
_RESULT = frozenset({"Parameters", "ResultSelector", "ResultPath"})
_FAULTS = frozenset({"Retry", "Catch"})

_BOTH: dict[str, frozenset[str]] = {
    "Pass": _FLOW | {"Assign"},
    "Task": _FLOW
    | _FAULTS
    | {"Resource", "TimeoutSeconds", "HeartbeatSeconds", "Assign", "Credentials"},
    "Choice": frozenset({"Choices", "Default", "Assign"}),
    "Wait": _FLOW | {"Seconds", "Timestamp", "Assign"},
    "Succeed": frozenset(),
    "Fail": frozenset({"Error", "Cause"}),
    "Parallel": _FLOW | _FAULTS | {"Branches", "Assign"},
    "Map": _FLOW
    | _FAULTS
    | {
        "ItemProcessor",
        "Iterator",
        "ItemSelector",
        "MaxConcurrency",
        "Assign",
        "ItemReader",
        "ItemBatcher",
        "ResultWriter",
        "Label",
        "ToleratedFailureCount",
        "ToleratedFailurePercentage",
    },
}
_JSONPATH: dict[str, frozenset[str]] = {
    "Pass": _PATHS | {"Result", "ResultPath", "Parameters"},
    "Task": _PATHS | _RESULT | {"TimeoutSecondsPath", "HeartbeatSecondsPath"},
    "Choice": _PATHS,
    "Wait": _PATHS | {"SecondsPath", "TimestampPath"},
    "Succeed": _PATHS,
    "Fail": frozenset({"ErrorPath", "CausePath"}),
    "Parallel": _PATHS | _RESULT,
    "Map": _PATHS
    | _RESULT
    | {
        "ItemsPath",
        "MaxConcurrencyPath",
        "ToleratedFailureCountPath",
        "ToleratedFailurePercentagePath",
    },
}
_JSONATA: dict[str, frozenset[str]] = {
    "Pass": frozenset({"Output"}),
    "Task": frozenset({"Arguments", "Output"}),
    "Choice": frozenset({"Output"}),
    "Wait": frozenset({"Output"}),
    "Succeed": frozenset({"Output"}),
    "Fail": frozenset(),
    "Parallel": frozenset({"Arguments", "Output"}),
    "Map": frozenset({"Items", "Output"}),
}
_REFUSED = {
    "Credentials": "Credentials (a task in another account)",
    "ItemReader": "ItemReader (distributed Map)",
    "ItemBatcher": "ItemBatcher (distributed Map)",
    "ResultWriter": "ResultWriter (distributed Map)",
    "Label": "Label (distributed Map)",
}

STATE_TYPES = tuple(_BOTH)

MACHINE_FIELDS = frozenset(
    {"Comment", "StartAt", "States", "TimeoutSeconds", "Version", "QueryLanguage"}
)
BRANCH_FIELDS = frozenset({"Comment", "StartAt", "States"})
PROCESSOR_FIELDS = BRANCH_FIELDS | {"ProcessorConfig"}
RETRIER_FIELDS = frozenset(
    {
        "Comment",
        "ErrorEquals",
        "IntervalSeconds",
        "MaxAttempts",
        "BackoffRate",
        "MaxDelaySeconds",
        "JitterStrategy",
    }
)
_CATCHER = frozenset({"Comment", "ErrorEquals", "Next", "Assign"})


def catcher_fields(*, jsonata: bool) -> frozenset[str]:
    """The fields of a Catch element."""
    return _CATCHER | ({"Output"} if jsonata else {"ResultPath"})


def check_state_fields(
    document: dict[str, Any], location: str, problems: Diagnostics, *, jsonata: bool
) -> None:
    """Note unknown fields, those of the other query language, and those that are refused."""
    kind = document["Type"]
    mine, other = (_JSONATA, _JSONPATH) if jsonata else (_JSONPATH, _JSONATA)
    language = "JSONata" if jsonata else "JSONPath"
    for name in document:
        if name in _REFUSED and name in _BOTH[kind] | _JSONPATH[kind]:
            problems.add(f"{location}/{name}", f"{_REFUSED[name]} is not supported", UNSUPPORTED)
        elif name in _ALWAYS | _BOTH[kind] | mine[kind]:
            continue
        elif name in other[kind]:
            problems.add(
                f"{location}/{name}",
                f"The field '{name}' is not supported when 'QueryLanguage' is '{language}'",
            )
        else:
            problems.add(f"{location}/{name}", f"Field '{name}' is not supported")


def check_fields(
    document: dict[str, Any], allowed: frozenset[str], location: str, problems: Diagnostics
) -> None:
    """Note fields that are not among ``allowed``."""
    for name in document:
        if name not in allowed:
            problems.add(f"{location}/{name}", f"Field '{name}' is not supported")


def require(
    document: dict[str, Any], names: tuple[str, ...], location: str, problems: Diagnostics
) -> bool:
    """Note required fields that are missing; True when all are there."""
    missing = [name for name in names if name not in document]
    if missing:
        problems.add(location, f"These fields are required: [{', '.join(missing)}]")
    return not missing
