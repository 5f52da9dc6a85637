"""What a case of the library is: one small state machine, and what AWS makes of it.

Expectations are written from the cited page, from the States Language's specification, or from a
history recorded on AWS, never from what the emulator gives. `test_asl_library.py` runs them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

GUIDE = "https://docs.aws.amazon.com/step-functions/latest/dg/"
SPEC = "https://states-language.net/spec.html"
RECORDED = "https://github.com/localstack/localstack/blob/main/tests/aws/services/stepfunctions/v2/"
"""Answers of AWS itself to small machines, recorded by the tests of another emulator."""

INVOKE = "arn:aws:states:::lambda:invoke"
INVOKE_AND_WAIT = f"{INVOKE}.waitForTaskToken"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:"
ROLE = "arn:aws:iam::000000000000:role/workflow"
UNSAID = object()
WHOLE = {"truncated": False}

Expected = tuple[Any, ...]
"""An event: the id of the event before it, its type, and (if given) all of its details."""


@dataclass(frozen=True)
class Fails:
    """A function raises."""

    name: str
    message: str = "told to"

    def cause(self) -> str:
        """The cause that Step Functions takes from the function's answer."""
        return compact({"errorMessage": self.message, "errorType": self.name, "stackTrace": []})


@dataclass(frozen=True)
class Takes:
    """A function answers after ``seconds``."""

    seconds: float
    answer: Any = None


@dataclass(frozen=True)
class CallsBack:
    """A function whose event is the task's token, or has it as ``token``.

    It sends heartbeats at ``beats`` and then, ``after`` seconds from its start, the output or the
    error; with neither it is silent for good.
    """

    after: float = 0
    output: Any = UNSAID
    error: str | None = None
    cause: str | None = None
    beats: tuple[float, ...] = ()


@dataclass(frozen=True)
class Holds:
    """An output that is not known beforehand, but what must hold of it is."""

    test: Callable[[Any], bool]


class Including:
    """Details of an event, some of them: equal to all that has these members."""

    def __init__(self, **members: Any) -> None:
        self.members = members

    def __eq__(self, other: object) -> bool:
        return isinstance(other, dict) and self.members.items() <= other.items()

    def __hash__(self) -> int:
        return hash(tuple(self.members))

    def __repr__(self) -> str:
        return f"Including({self.members})"


@dataclass(frozen=True)
class Case:
    """One machine and what becomes of it.

    ``functions`` are the Lambda functions by name: an answer, or a list of answers of which the
    last repeats; an answer is a JSON value, a function of the event, or one of the classes above.
    ``lasts`` is the time from start to stop in seconds (or the least and the most). With ``races``
    several timers run at once, so that real time must not go too fast. With ``refused`` the
    definition is not accepted, for a reason that contains it.
    """

    name: str
    feature: str
    cite: str
    definition: dict[str, Any]
    input: Any = field(default_factory=dict)
    functions: dict[str, Any] = field(default_factory=dict)
    status: str = "SUCCEEDED"
    output: Any = UNSAID
    error: Any = UNSAID
    cause: Any = UNSAID
    history: tuple[Expected, ...] = ()
    ends_with: tuple[Expected, ...] = ()
    events: Any = UNSAID
    lasts: float | tuple[float, float] | None = None
    races: bool = False
    refused: str | None = None
    verdict: str = "works"
    note: str = ""


def compact(document: Any) -> str:
    """JSON text as it stands in histories."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def guide(page: str) -> str:
    """The address of a page of the developer guide (or several)."""
    return " ".join(f"{GUIDE}{each}.html" for each in page.split())


def spec(section: str = "") -> str:
    """The address of a section of the language's specification."""
    return f"{SPEC}#{section}" if section else SPEC


def recorded(path: str) -> str:
    """The address of a file of recorded answers."""
    return f"{RECORDED}{path}.snapshot.json"


def entered(kind: str, document: Any, name: str = "S", previous: int = 0) -> Expected:
    """The event that a state is entered with ``document``."""
    details = {"name": name, "input": compact(document), "inputDetails": WHOLE}
    return (previous, f"{kind}StateEntered", details)


def exited(
    kind: str,
    document: Any,
    name: str = "S",
    previous: int = 2,
    assigned: dict[str, Any] | None = None,
) -> Expected:
    """The event that a state is left with ``document``."""
    details: dict[str, Any] = {"name": name, "output": compact(document), "outputDetails": WHOLE}
    if assigned is not None:
        details["assignedVariables"] = {key: compact(value) for key, value in assigned.items()}
        details["assignedVariablesDetails"] = WHOLE
    return (previous, f"{kind}StateExited", details)


def started(document: Any) -> Expected:
    """The first event."""
    details = {"input": compact(document), "inputDetails": WHOLE, "roleArn": ROLE}
    return (0, "ExecutionStarted", details)


def succeeded(document: Any, previous: int) -> Expected:
    """The last event of an execution that went well."""
    details = {"output": compact(document), "outputDetails": WHOLE}
    return (previous, "ExecutionSucceeded", details)


def failed(previous: int, error: str | None = None, cause: str | None = None) -> Expected:
    """The last event of an execution that failed."""
    given = {"error": error, "cause": cause}
    details = {key: value for key, value in given.items() if value is not None}
    return (previous, "ExecutionFailed", details)


def at(state: str, event: int, message: str) -> str:
    """``message`` as Step Functions says where it happened."""
    return (
        f"An error occurred while executing the state '{state}' (entered at the event id #{event})."
        f" {message}"
    )


def line(*kinds: str) -> tuple[Expected, ...]:
    """Events that follow one another; the first state's event, too, follows none."""
    return tuple((0 if index < 2 else index, kind) for index, kind in enumerate(kinds))


def one(state: dict[str, Any], language: str | None = None) -> dict[str, Any]:
    """A machine of the state ``S``, which ends."""
    ends = {} if state["Type"] in {"Succeed", "Fail", "Choice"} else {"End": True}
    machine: dict[str, Any] = {"StartAt": "S", "States": {"S": {**state, **ends}}}
    return {"QueryLanguage": language, **machine} if language else machine


def chain(*states: dict[str, Any], language: str | None = None) -> dict[str, Any]:
    """A machine of states that follow one another, ``A``, ``B``, ``C`` and on."""
    names = [chr(ord("A") + index) for index in range(len(states))]
    made: dict[str, Any] = {}
    for index, (name, state) in enumerate(zip(names, states, strict=True)):
        last = index + 1 == len(states)
        flow = {"End": True} if last else {"Next": names[index + 1]}
        made[name] = state if state["Type"] in {"Succeed", "Fail"} else {**state, **flow}
    machine: dict[str, Any] = {"StartAt": "A", "States": made}
    return {"QueryLanguage": language, **machine} if language else machine


def passing(
    name: str,
    feature: str,
    cite: str,
    state: dict[str, Any],
    output: Any,
    *,
    given: Any = None,
    language: str | None = None,
    assigned: dict[str, Any] | None = None,
    note: str = "",
) -> Case:
    """A Pass state: it is entered with the input and left with ``output``, and that is all."""
    data = {} if given is None else given
    return Case(
        name,
        feature,
        cite,
        one({"Type": "Pass", **state}, language),
        data,
        output=output,
        history=(
            started(data),
            entered("Pass", data),
            exited("Pass", output, assigned=assigned),
            succeeded(output, 3),
        ),
        lasts=0,
        note=note,
    )


def failing_pass(
    name: str,
    feature: str,
    cite: str,
    state: dict[str, Any],
    error: str,
    message: str | None = None,
    *,
    given: Any = None,
    note: str = "",
) -> Case:
    """A Pass state of JSONPath that cannot be left: the execution fails where it stands."""
    data = {} if given is None else given
    cause = UNSAID if message is None else at("S", 2, message)
    last = (2, "ExecutionFailed") if message is None else failed(2, error, str(cause))
    return Case(
        name,
        feature,
        cite,
        one({"Type": "Pass", **state}),
        data,
        status="FAILED",
        error=error,
        cause=cause,
        history=(started(data), entered("Pass", data), last),
        note=note,
    )


def unevaluated(
    name: str, feature: str, cite: str, expression: str, message: str | None = None
) -> Case:
    """A Pass state whose Output is an expression that fails."""
    said = f"The JSONata expression '{expression}' specified for the field 'Output' {message}"
    cause = UNSAID if message is None else at("S", 2, said)
    evaluation: Expected = (0, "EvaluationFailed")
    if message is not None:
        details = {"error": "States.QueryEvaluationError", "cause": cause}
        evaluation = (*evaluation, {**details, "location": "Output", "state": "S"})
    return Case(
        name,
        feature,
        cite,
        one({"Type": "Pass", "Output": f"{{% {expression} %}}"}, "JSONata"),
        status="FAILED",
        error="States.QueryEvaluationError",
        cause=cause,
        history=(started({}), entered("Pass", {}), evaluation, (3, "ExecutionFailed")),
    )


def group(state: dict[str, Any], name: str = "I") -> dict[str, Any]:
    """A branch or an item processor of one state."""
    ends = {} if state["Type"] == "Fail" else {"End": True}
    return {"StartAt": name, "States": {name: {**state, **ends}}}


def handled(machine: dict[str, Any]) -> dict[str, Any]:
    """``machine`` with the state ``H`` beside ``S``."""
    return {**machine, "States": {**machine["States"], "H": {"Type": "Pass", "End": True}}}


def numbered(*pairs: tuple[int, str]) -> tuple[Expected, ...]:
    """Events as pairs of the event before and the type."""
    return pairs
