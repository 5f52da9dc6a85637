"""Retry, Catch and timeouts.

Expected behaviour: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
and https://states-language.net/spec.html#errors
"""

from __future__ import annotations

import asyncio
import itertools
import random
from typing import Any

import pytest

from emulator.core.virtual_clock import run
from emulator.states.faults import StateFault
from emulator.states.machine import Retrier
from tests.unit.states.world import FunctionError, World, execute, links, types

INVOKE = "arn:aws:states:::lambda:invoke"


def failing(name: str, times: int = 10**6) -> Any:
    left = iter(range(times))

    def function(_event: Any) -> Any:
        if next(left, None) is not None:
            raise FunctionError(name, "told to")
        return "done"

    return function


def task(**more: Any) -> dict[str, Any]:
    state = {
        "Type": "Task",
        "Resource": INVOKE,
        "Parameters": {"FunctionName": "f"},
        "End": True,
        **more,
    }
    return {
        "StartAt": "T",
        "States": {
            "T": state,
            **({"H": {"Type": "Pass", "End": True}} if "Catch" in more else {}),
        },
    }


def catch(*names: str, **more: Any) -> list[dict[str, Any]]:
    return [{"ErrorEquals": list(names), "Next": "H", **more}]


def spans(ended: Any) -> list[float]:
    at = [e["timestamp"] for e in ended.events if e["type"] == "TaskScheduled"]
    return [round(b - a, 6) for a, b in itertools.pairwise(at)]


@pytest.mark.parametrize(
    ("retrier", "expected"),
    [
        ({}, [1, 2, 4]),
        ({"IntervalSeconds": 3}, [3, 6, 12]),
        ({"BackoffRate": 1}, [1, 1, 1]),
        ({"IntervalSeconds": 3, "BackoffRate": 1.5, "MaxAttempts": 2}, [3, 4.5]),
        ({"IntervalSeconds": 2, "MaxDelaySeconds": 5, "MaxAttempts": 4}, [2, 4, 5, 5]),
        ({"MaxAttempts": 0}, []),
    ],
)
def test_retry_delays(retrier: dict[str, Any], expected: list[float]) -> None:
    machine = task(Retry=[{"ErrorEquals": ["Boom"], **retrier}])
    ended = execute(machine, None, {"f": failing("Boom")})
    assert (ended.status, ended.error) == ("FAILED", "Boom")
    assert spans(ended) == expected


def test_full_jitter_draws_from_zero_to_the_delay() -> None:
    retrier = Retrier(("Boom",), interval_s=2, delay_max_s=10, full_jitter=True)
    draw = random.Random(1).random
    for attempt, most in enumerate([2, 4, 8, 10, 10]):
        delays = [retrier.delay_s(attempt, draw) for _ in range(200)]
        assert 0 <= min(delays) < most / 4
        assert most * 3 / 4 < max(delays) <= most


def test_retry_succeeds_in_the_end_and_counts() -> None:
    machine = task(Retry=[{"ErrorEquals": ["States.ALL"]}])
    machine["States"]["T"]["Parameters"]["Payload"] = {"n.$": "$$.State.RetryCount"}
    ended = execute(machine, None, {"f": failing("Boom", 2)})
    assert ended.output["Payload"] == "done"
    assert [event["n"] for _, event in ended.world.functions.events] == [0, 1, 2]
    assert types(ended.events)[2:8] == [
        "TaskScheduled",
        "TaskStarted",
        "TaskFailed",
        "TaskScheduled",
        "TaskStarted",
        "TaskFailed",
    ]


def test_each_retrier_counts_its_own_attempts() -> None:
    names = iter(["A", "B", "A", "B", "C"])

    def function(_event: Any) -> Any:
        raise FunctionError(next(names))

    retry = [
        {"ErrorEquals": ["A"], "IntervalSeconds": 1, "MaxAttempts": 2},
        {"ErrorEquals": ["B"], "IntervalSeconds": 10, "MaxAttempts": 2},
    ]
    ended = execute(task(Retry=retry), None, {"f": function})
    assert ended.error == "C"
    assert spans(ended) == [1, 10, 2, 20]


def test_the_guides_example_of_catch() -> None:
    machine = task(
        Catch=[
            {"ErrorEquals": ["CustomError"], "Next": "H", "ResultPath": "$.error"},
            *catch("States.ALL"),
        ]
    )
    ended = execute(machine, {"in": 1}, {"f": failing("CustomError")})
    output = ended.output
    assert output["in"] == 1
    assert output["error"]["Error"] == "CustomError"
    assert '"errorMessage":"told to"' in output["error"]["Cause"]
    assert links(ended.events)[4:6] == [(5, 4, "TaskFailed"), (6, 5, "TaskStateExited")]


def test_catch_discards_the_error_with_a_null_result_path() -> None:
    machine = task(Catch=catch("States.ALL", ResultPath=None))
    assert execute(machine, {"in": 1}, {"f": failing("X")}).output == {"in": 1}


def test_catch_puts_the_error_into_the_raw_input() -> None:
    machine = task(InputPath="$.part", Catch=catch("States.ALL", ResultPath="$.error"))
    output = execute(machine, {"part": {"a": 1}}, {"f": failing("X")}).output
    assert (output["part"], output["error"]["Error"]) == ({"a": 1}, "X")


def test_catch_assigns_variables() -> None:
    machine = task(Catch=catch("States.ALL", Assign={"why.$": "$.Error"}))
    machine["States"]["H"]["Parameters"] = {"why.$": "$why"}
    assert execute(machine, None, {"f": failing("X")}).output == {"why": "X"}


def test_jsonata_catch_has_error_output() -> None:
    handler = catch("States.ALL", Output="{% [$states.errorOutput.Error, $states.input.k] %}")
    machine = task(Catch=handler, QueryLanguage="JSONata")
    del machine["States"]["T"]["Parameters"]
    machine["States"]["T"]["Arguments"] = {"FunctionName": "f"}
    assert execute(machine, {"k": 1}, {"f": failing("X")}).output == ["X", 1]


@pytest.mark.parametrize(
    ("error", "names", "expected"),
    [
        ("Mine", ("Mine",), True),
        ("Mine", ("Other", "Mine"), True),
        ("Mine", ("States.ALL",), True),
        ("Mine", ("States.TaskFailed",), True),
        ("Mine", ("mine",), False),
        ("States.Timeout", ("States.Timeout",), True),
        ("States.Timeout", ("States.ALL",), True),
        ("States.Timeout", ("States.TaskFailed",), False),
        ("States.TaskFailed", ("States.TaskFailed",), True),
        ("States.QueryEvaluationError", ("States.ALL",), True),
        ("States.Runtime", ("States.ALL",), False),
        ("States.Runtime", ("States.Runtime",), False),
        ("States.Runtime", ("States.TaskFailed",), False),
        ("States.DataLimitExceeded", ("States.ALL",), False),
        ("States.DataLimitExceeded", ("States.TaskFailed",), False),
        ("States.DataLimitExceeded", ("States.DataLimitExceeded",), True),
        (None, ("States.ALL",), True),
    ],
)
def test_what_error_equals_matches(
    error: str | None, names: tuple[str, ...], expected: bool
) -> None:
    assert StateFault(error).matches(names) is expected


async def never(_event: Any) -> Any:
    await asyncio.get_running_loop().create_future()


async def slow(_event: Any) -> Any:
    await asyncio.sleep(3600)


def test_timeout_of_a_state() -> None:
    ended = execute(task(TimeoutSeconds=5), None, {"f": slow})
    # As recorded on AWS: the execution FAILED, and there is no cause.
    assert (ended.status, ended.error, ended.cause) == ("FAILED", "States.Timeout", None)
    assert links(ended.events)[2:] == [
        (3, 2, "TaskScheduled"),
        (4, 3, "TaskStarted"),
        (5, 4, "TaskTimedOut"),
        (6, 5, "ExecutionFailed"),
    ]
    assert ended.events[2]["taskScheduledEventDetails"]["timeoutInSeconds"] == 5
    assert ended.events[4]["taskTimedOutEventDetails"] == {
        "error": "States.Timeout",
        "resource": "invoke",
        "resourceType": "lambda",
    }
    assert ended.events[5]["timestamp"] - ended.events[0]["timestamp"] == 5


@pytest.mark.parametrize(
    ("language", "field", "value"),
    [
        ("JSONPath", "TimeoutSecondsPath", "$.s"),
        ("JSONata", "TimeoutSeconds", "{% $states.input.s + 0 %}"),
    ],
)
def test_timeout_from_data(language: str, field: str, value: str) -> None:
    machine = task(**{field: value, "QueryLanguage": language, "Catch": catch("States.Timeout")})
    if language == "JSONata":
        machine["States"]["T"]["Arguments"] = machine["States"]["T"].pop("Parameters")
    ended = execute(machine, {"s": 7}, {"f": slow})
    assert ended.output == {"Error": "States.Timeout", "Cause": ""}
    assert ended.description["stopDate"] - ended.description["startDate"] == 7


def test_timeouts_can_be_retried() -> None:
    machine = task(TimeoutSeconds=5, Retry=[{"ErrorEquals": ["States.Timeout"]}])
    ended = execute(machine, None, {"f": slow})
    assert spans(ended) == [6, 7, 9]


@pytest.mark.parametrize("seconds", [1, 10])
def test_timeout_of_the_machine_is_no_error_to_catch(seconds: int) -> None:
    machine = {**task(Catch=catch("States.ALL")), "TimeoutSeconds": seconds}
    ended = execute(machine, None, {"f": slow})
    assert (ended.status, ended.error) == ("TIMED_OUT", None)
    assert ended.events[-1]["type"] == "ExecutionTimedOut"
    assert ended.description["stopDate"] - ended.description["startDate"] == seconds


def test_waiting_between_retries_counts_for_the_machine() -> None:
    machine = {
        **task(Retry=[{"ErrorEquals": ["Boom"], "IntervalSeconds": 100}]),
        "TimeoutSeconds": 30,
    }
    assert execute(machine, None, {"f": failing("Boom")}).status == "TIMED_OUT"


def test_results_over_256_kib() -> None:
    machine = task(Catch=catch("States.ALL"))
    ended = execute(machine, None, {"f": lambda _event: "x" * 300_000})
    assert ended.error == "States.DataLimitExceeded"
    assert ended.cause == (
        "The state/task 'lambda' returned a result with a size exceeding the maximum number of "
        "bytes service limit."
    )
    named = task(Catch=catch("States.DataLimitExceeded"))
    ended = execute(named, None, {"f": lambda _event: "x" * 300_000})
    assert ended.output["Error"] == "States.DataLimitExceeded"


def test_output_over_256_kib() -> None:
    machine = {
        "QueryLanguage": "JSONata",
        "StartAt": "A",
        "States": {"A": {"Type": "Pass", "Output": "{% $pad('', 300000, 'x') %}", "End": True}},
    }
    ended = execute(machine)
    assert ended.error == "States.DataLimitExceeded"
    assert "The state/task 'A' returned" in ended.cause


def test_the_25000th_event_ends_the_execution() -> None:
    machine = {
        "StartAt": "A",
        "States": {
            "A": {"Type": "Pass", "Next": "B"},
            "B": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.stop", "IsPresent": True, "Next": "C"}],
                "Default": "A",
            },
            "C": {"Type": "Succeed"},
        },
    }

    async def main() -> Any:
        world = World()
        arn = await world.start(await world.create(machine))
        ended = await world.settled(arn)
        last = await world.call("GetExecutionHistory", executionArn=arn, reverseOrder=True)
        return ended, last["events"][0]

    ended, last = run(main)
    assert ended["error"] == "States.Runtime"
    assert "maximum number of history events (25000)" in ended["cause"]
    assert (last["id"], last["type"]) == (25_000, "ExecutionFailed")


def test_a_query_error_can_be_caught() -> None:
    machine = task(QueryLanguage="JSONata", Catch=catch("States.QueryEvaluationError"))
    machine["States"]["T"]["Arguments"] = {"FunctionName": "{% $nope %}"}
    del machine["States"]["T"]["Parameters"]
    ended = execute(machine)
    assert ended.output["Error"] == "States.QueryEvaluationError"
    assert links(ended.events)[2] == (3, 0, "EvaluationFailed")


def test_a_month_of_waiting_and_ten_retries_take_no_time() -> None:
    machine = {
        "StartAt": "W",
        "States": {
            "W": {"Type": "Wait", "Seconds": 2_592_000, "Next": "T"},
            **task(Retry=[{"ErrorEquals": ["Boom"], "MaxAttempts": 10}])["States"],
        },
    }
    ended = execute(machine, None, {"f": failing("Boom", 10)})
    assert ended.status == "SUCCEEDED"
    assert ended.description["stopDate"] - ended.description["startDate"] == 2_592_000 + 1023
