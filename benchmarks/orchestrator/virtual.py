"""The interpreter alone, in this process, on virtual time: no HTTP, functions are plain Python."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from benchmarks.orchestrator.table import EMULATOR, Row, Sample, milliseconds
from emulator.core.bus import Bus, Caller
from emulator.core.journal import Journal
from emulator.core.virtual_clock import VirtualClock, run
from emulator.states import StatesService

ACCOUNT = "000000000000"
CALLER = Caller(ACCOUNT, "us-east-1", f"arn:aws:iam::{ACCOUNT}:root")
ROUNDS = 20
DAY_S = 86_400
RETRIES = 10

PATIENT: dict[str, Any] = {
    "StartAt": "Wait",
    "States": {
        "Wait": {"Type": "Wait", "Seconds": 30 * DAY_S, "Next": "Try"},
        "Try": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "flaky", "Payload.$": "$"},
            "Retry": [
                {
                    "ErrorEquals": ["Flaky"],
                    "IntervalSeconds": 60,
                    "BackoffRate": 2,
                    "MaxAttempts": RETRIES,
                }
            ],
            "OutputPath": "$.Payload",
            "End": True,
        },
    },
}

NO_VIRTUAL_TIME = "cannot: waits for real"


class Functions:
    """Lambda on the bus: every function is the same Python function of its event.

    It answers a document, or raises `FunctionError`.
    """

    def __init__(self, answer: Callable[[Any], Any]) -> None:
        self._answer = answer

    async def call(self, operation: str, params: dict[str, Any], _caller: Caller) -> dict[str, Any]:
        """Answer Invoke."""
        if operation != "Invoke":
            raise SystemExit(f"the benchmark's functions have no {operation}")
        answer: dict[str, Any] = {"StatusCode": 200, "ExecutedVersion": "$LATEST"}
        try:
            document = self._answer(json.loads(params["Payload"]))
        except FunctionError as error:
            document = {"errorMessage": str(error), "errorType": error.name}
            answer["FunctionError"] = "Unhandled"
        return {**answer, "Payload": json.dumps(document).encode()}


class FunctionError(Exception):
    """A function fails with this error name."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def rows() -> list[Row]:
    """All rows on virtual time."""
    return [patience()]


def patience() -> Row:
    """A machine that waits 30 days and retries 10 times: from CreateStateMachine to its end."""
    wait_and_retry()  # reads the SDK's models, once in a process
    sample = Sample()
    begun = time.process_time()
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        wait_and_retry()
        sample.values.append(time.perf_counter() - begin)
    sample.cpu_s = (time.process_time() - begun) / ROUNDS
    return Row(
        "a machine that waits 30 days and retries 10 times, on virtual time",
        {EMULATOR: sample},
        milliseconds,
        target=0.050,
        cannot={"ministack": NO_VIRTUAL_TIME, "moto": NO_VIRTUAL_TIME},
    )


def wait_and_retry() -> None:
    """Run `PATIENT` on a clock, bus and interpreter of its own; SystemExit when it went wrong."""
    attempts: list[Any] = []

    def flaky(event: Any) -> Any:
        attempts.append(event)
        if len(attempts) <= RETRIES:
            raise FunctionError("Flaky")
        return event

    async def main() -> dict[str, Any]:
        bus = Bus()
        states = StatesService(bus, VirtualClock(), Journal(None))
        bus.register("lambda", Functions(flaky))
        made = await states.call(
            "CreateStateMachine",
            {
                "name": "patient",
                "definition": json.dumps(PATIENT),
                "roleArn": f"arn:aws:iam::{ACCOUNT}:role/bench",
            },
            CALLER,
        )
        started = await states.call("StartExecution", made, CALLER)
        clock = VirtualClock()
        while True:
            found = await states.call("DescribeExecution", started, CALLER)
            if found["status"] != "RUNNING":
                return found
            await clock.sleep(DAY_S)

    ended = run(main)
    waited_s = ended["stopDate"] - ended["startDate"]
    expected_s = 30 * DAY_S + 60 * (2**RETRIES - 1)
    if ended["status"] != "SUCCEEDED" or waited_s != expected_s or len(attempts) != RETRIES + 1:
        raise SystemExit(f"the patient machine went wrong: {ended}")
