"""Calls of TestState, for the tests of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.core.errors import AwsError
from tests.unit.states.shapes import conforming
from tests.unit.states.world import ROLE, FunctionError, ScriptedService, World, run

SOURCE = "https://docs.aws.amazon.com/step-functions/latest/apireference/API_TestState.html"
AREA = "Step Functions: API"
HELLO = {"Value": "HelloWorld"}


def fail(_event: Any) -> Any:
    raise FunctionError("Mine", "because")


def answer_to(state: dict[str, Any], data: Any = None, **params: Any) -> dict[str, Any]:
    """The answer of TestState, documents parsed."""

    async def main() -> dict[str, Any]:
        world = World(
            {"echo": lambda event: event, "fail": fail},
            dynamodb=ScriptedService({"PutItem": lambda _params, _caller: {}}),
        )
        given = {"input": json.dumps(HELLO if data is None else data), "roleArn": ROLE, **params}
        given = {name: value for name, value in given.items() if value is not None}
        return await world.call("TestState", definition=json.dumps(state), **given)

    answer = run(main)
    conforming("TestState", answer)
    return _parsed(answer)


def _parsed(answer: dict[str, Any]) -> dict[str, Any]:
    if "output" in answer:
        answer["output"] = json.loads(answer["output"])
    data = answer.get("inspectionData", {})
    for stage, value in data.items():
        if isinstance(value, str):
            data[stage] = json.loads(value)
    return answer


def refusal(state: dict[str, Any], **params: Any) -> AwsError:
    with pytest.raises(AwsError) as caught:
        answer_to(state, **params)
    return caught.value
