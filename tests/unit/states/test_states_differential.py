"""Our interpreter against moto's (an interpreter of other authors) on random plain machines.

Same status and same output, and the same error of a Fail state. Where the two differ, KNOWN says
how, why, and who is right; a difference that is not in it fails the test.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from emulator.states.documents import same
from tests.unit.states.random_machines import DATA, documents, machines
from tests.unit.states.world import execute, one

EXAMPLES = 200
ROLE = "arn:aws:iam::123456789012:role/r"

pytestmark = [
    # moto runs branches on threads, and a failing one may trip over those that go on.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),
    pytest.mark.usefixtures("_moto_waits"),
]


@dataclass(frozen=True)
class End:
    """How an execution ended: ``output`` is a document."""

    status: str
    output: Any = None
    error: str | None = None
    cause: str = ""


@pytest.fixture
def _moto_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """moto runs an execution on the calling thread, so that it is over when it has started."""
    monkeypatch.setattr(ExecutionWorker, "start", ExecutionWorker._execution_logic)


_numbers = itertools.count()


def moto(definition: dict[str, Any], data: Any) -> End:
    backend = stepfunctions_parser_backends["123456789012"]["us-east-1"]
    machine = backend.create_state_machine(
        name=f"m{next(_numbers)}", definition=json.dumps(definition), roleArn=ROLE
    )
    execution = backend.start_execution(machine.arn, name="run", execution_input=json.dumps(data))
    found = execution.to_describe_output()
    backend.delete_state_machine(machine.arn)
    return end(found)


def ours(definition: dict[str, Any], data: Any) -> End:
    return end(execute(definition, data).description)


def end(found: dict[str, Any]) -> End:
    status = found["status"]
    return End(
        str(getattr(status, "value", status)),
        json.loads(found["output"]) if found.get("output") is not None else None,
        found.get("error"),
        found.get("cause") or "",
    )


@dataclass(frozen=True)
class Difference:
    """A known difference: when it is this one, and a machine that shows it."""

    why: str
    shows: Callable[[dict[str, Any], End, End], bool]
    example: dict[str, Any]
    data: Any = None


def states(**named: Any) -> dict[str, Any]:
    return {"StartAt": next(iter(named)), "States": named}


END = {"Type": "Succeed"}
NO_ITEMS = {"Type": "Map", "ItemsPath": "$.none", "ItemProcessor": states(I=END)}

OWN_ERRORS = {"Mine", "Other"}


def went_on(them: End) -> bool:
    """Whether moto came further than the state that failed here."""
    return them.status == "SUCCEEDED" or them.error in OWN_ERRORS


KNOWN = {
    "absent-variable": Difference(
        "A Choice that tests a variable that is not there is an error; IsPresent is for that. moto "
        "takes it for a rule that does not match. "
        "https://docs.aws.amazon.com/step-functions/latest/dg/state-choice.html",
        lambda _machine, us, them: (
            "condition path references an invalid value" in us.cause and went_on(them)
        ),
        states(
            C={
                "Type": "Choice",
                "Choices": [{"Variable": "$.none", "NumericEquals": 1, "Next": "E"}],
                "Default": "E",
            },
            E=END,
        ),
    ),
    "runtime-is-not-caught": Difference(
        "States.ALL does not catch States.Runtime. moto lets it. "
        "https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html",
        lambda machine, us, them: (
            us.error == "States.Runtime" and went_on(them) and "Catch" in json.dumps(machine)
        ),
        states(
            M={**NO_ITEMS, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "E"}], "Next": "E"},
            E=END,
        ),
    ),
    "result-path-that-cannot-be-applied": Difference(
        "It is States.ResultPathMatchFailure. moto leaves an array or a number as it is. "
        "https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html",
        lambda _machine, us, them: us.error == "States.ResultPathMatchFailure" and went_on(them),
        one({"Type": "Pass", "Result": 1, "ResultPath": "$.r.q"}),
        [1, 2],
    ),
    "filter-below-a-missing-member": Difference(
        "A path that may find many nodes and finds none gives an empty array, as recorded on AWS "
        "for wildcards and slices; moto fails for a filter.",
        lambda machine, us, them: (
            "[?" in json.dumps(machine) and "[?" in them.cause and us.error != "States.Runtime"
        ),
        one({"Type": "Pass", "OutputPath": "$.none[?(@.v > 1)]"}),
    ),
    "last-element": Difference(
        "An index is definite, also one from the end: it gives the element. moto gives an array. "
        "https://states-language.net/spec.html#path",
        lambda machine, _us, _them: "[-1]" in json.dumps(machine),
        one({"Type": "Pass", "OutputPath": "$.list[-1]"}),
    ),
    "one-node-of-many": Difference(
        "A path that may find many nodes gives an array of one when it finds one. moto gives the "
        "node. https://states-language.net/spec.html#path",
        lambda machine, _us, _them: "$.." in json.dumps(machine),
        one({"Type": "Pass", "OutputPath": "$..y"}),
    ),
}


def documents_match(left: Any, right: Any) -> bool:
    """Equality but for what the interpreters say about errors that they found themselves."""
    return same(_without_causes(left), _without_causes(right))


def _without_causes(document: Any) -> Any:
    if isinstance(document, list):
        return [_without_causes(item) for item in document]
    if isinstance(document, dict):
        if set(document) == {"Error", "Cause"} and str(document["Error"]).startswith("States."):
            return "an error of the language"
        return {key: _without_causes(value) for key, value in document.items()}
    return document


def agree(definition: dict[str, Any], us: End, them: End) -> bool:
    if us.status != them.status or not documents_match(us.output, them.output):
        return False
    # Which of several branches fails first is up to moto's threads.
    one_line = not {"Parallel", "Map"} & {s["Type"] for s in definition["States"].values()}
    return not one_line or not OWN_ERRORS & {us.error, them.error} or us.error == them.error


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(machines(), documents())
def test_random_machines_end_as_motos_do(definition: dict[str, Any], data: Any) -> None:
    us, them = ours(definition, data), moto(definition, data)
    if not agree(definition, us, them):
        explained = [name for name, known in KNOWN.items() if known.shows(definition, us, them)]
        assert explained, (us, them)


@pytest.mark.parametrize("name", KNOWN)
def test_known_differences_are_still_there(name: str) -> None:
    known = KNOWN[name]
    data = DATA if known.data is None else known.data
    us, them = ours(known.example, data), moto(known.example, data)
    assert not agree(known.example, us, them)
    assert known.shows(known.example, us, them)
