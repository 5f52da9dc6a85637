"""Latency and rate of calls over HTTP by boto3, one caller, as a developer's tests make them.

Where peers can do the same they take turns with the emulator in every round, so that a busy
moment of the machine meets all of them.
"""

from __future__ import annotations

import itertools
import json
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.orchestrator import definitions
from benchmarks.orchestrator.servers import Server
from benchmarks.orchestrator.table import EMULATOR, Row, Sample, milliseconds, per_second

ROUNDS = 5
WARM_CALLS = 40
EXPRESS_CALLS = 15
COLD_CALLS = 5
PASSES = 25
EXECUTION_S_MAX = 30.0

Work = Callable[[], None]
Servers = Mapping[str, Server]

MOTO_SYNC = "cannot: no StartSyncExecution"
MOTO_INVOKE = "cannot: runs functions in Docker only"
PAYLOAD = {"pictures": ["content", "style"], "size": 512, "nested": {"weights": [0.5, 0.5]}}


def rows(servers: Servers) -> list[Row]:
    """All rows of this module."""
    ours = servers[EMULATOR]
    for server in servers.values():
        definitions.create_role(server)
    with_functions = {name: each for name, each in servers.items() if name != "moto"}
    echoes = {name: _Echo(server) for name, server in with_functions.items()}
    return [
        _express(echoes),
        _admit(ours),
        _warm(echoes),
        _cold(echoes),
        *_cold_handlers(ours),
        _passes(servers),
    ]


class _Echo:
    """Two echo functions and the express machine of them, on one server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        arns = [definitions.create_echo(server, f"bench-echo-{n}") for n in (1, 2)]
        self.machine = definitions.create_machine(
            server, "bench-two", definitions.two_functions(arns[0], arns[1]), "EXPRESS"
        )
        self.chill = _chill(server, "bench-echo-1", (192, 128))
        self._payload = json.dumps(PAYLOAD)

    def express(self) -> None:
        """One synchronous execution."""
        answer = self.server.client("stepfunctions").start_sync_execution(
            stateMachineArn=self.machine, input=self._payload
        )
        _check(answer["status"] == "SUCCEEDED", self.server, answer)
        _check(json.loads(answer["output"]) == PAYLOAD, self.server, answer)

    def invoke(self) -> None:
        """One invocation."""
        answer = self.server.client("lambda").invoke(
            FunctionName="bench-echo-1", Payload=self._payload
        )
        body = answer["Payload"].read()
        _check("FunctionError" not in answer and json.loads(body) == PAYLOAD, self.server, body)


def _chill(server: Server, function: str, sizes: tuple[int, int]) -> Work:
    """Changes a function's memory size, so that its next invocation finds no warm sandbox."""
    memory_mb = itertools.cycle(sizes)

    def change() -> None:
        server.client("lambda").update_function_configuration(
            FunctionName=function, MemorySize=next(memory_mb)
        )
        definitions.settled(server, function)

    return change


def timed(work: Work) -> float:
    """Seconds that ``work()`` takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def in_turns(
    works: Mapping[str, tuple[Server, Work]], calls: int, before: Mapping[str, Work] | None = None
) -> dict[str, Sample]:
    """Time ``calls`` calls of each server in each round; ``before`` runs untimed ahead of each.

    The CPU seconds of a call include those of what runs before it.
    """
    samples = {name: Sample() for name in works}
    used = dict.fromkeys(works, 0.0)
    for _ in range(ROUNDS):
        for name, (server, work) in works.items():
            begin = server.cpu_s()
            for _ in range(calls):
                if before:
                    before[name]()
                samples[name].values.append(timed(work))
            used[name] += server.cpu_s() - begin
    for name, sample in samples.items():
        sample.cpu_s = used[name] / len(sample.values)
    return samples


def _express(echoes: Mapping[str, _Echo]) -> Row:
    for each in echoes.values():
        for _ in range(3):
            each.express()
    works = {name: (each.server, each.express) for name, each in echoes.items()}
    return Row(
        "StartSyncExecution, two echo functions in a row, warm",
        in_turns(works, EXPRESS_CALLS),
        milliseconds,
        target=0.015,
        cannot={"moto": MOTO_SYNC},
    )


def _admit(server: Server) -> Row:
    """The system's own express workflow admit-run: read budget, then presigned uploads."""
    states = server.client("stepfunctions")
    machines = states.list_state_machines()["stateMachines"]
    arn = next(m["stateMachineArn"] for m in machines if m["name"] == "nst-admit-run")
    picture = {"content_type": "image/jpeg"}
    body = {"content": picture, "styles": [picture, {"gallery": "tidal-waves"}]}
    text = json.dumps({"correlation_id": "bench", "body": body})

    def admit() -> None:
        answer = states.start_sync_execution(stateMachineArn=arn, input=text)
        _check(answer["status"] == "SUCCEEDED", server, answer)

    for _ in range(3):
        admit()
    no = "not measured: the system's workflow"
    return Row(
        "StartSyncExecution of `admit-run` (two functions of ours, ledger and presigning), warm",
        in_turns({EMULATOR: (server, admit)}, EXPRESS_CALLS),
        milliseconds,
        target=0.040,
        cannot={"ministack": no, "moto": MOTO_SYNC},
    )


def _warm(echoes: Mapping[str, _Echo]) -> Row:
    for each in echoes.values():
        for _ in range(3):
            each.invoke()
    works = {name: (each.server, each.invoke) for name, each in echoes.items()}
    return Row(
        "Invoke of an echo function, warm",
        in_turns(works, WARM_CALLS),
        milliseconds,
        target=0.005,
        cannot={"moto": MOTO_INVOKE},
    )


def _cold(echoes: Mapping[str, _Echo]) -> Row:
    works = {name: (each.server, each.invoke) for name, each in echoes.items()}
    before = {name: each.chill for name, each in echoes.items()}
    return Row(
        "Invoke of an echo function, cold",
        in_turns(works, COLD_CALLS, before),
        milliseconds,
        target=0.150,
        cannot={"moto": MOTO_INVOKE},
    )


def _cold_handlers(server: Server) -> list[Row]:
    """Each of the system's functions with an event that it can answer at any time."""
    run_id = secrets.token_hex(16)
    server.client("s3").put_object(
        Bucket="nst-storage", Key=f"orders/{run_id}/cancel", Body=b'{"at":0}'
    )
    picture = {"content_type": "image/jpeg"}
    events: dict[str, tuple[dict[str, Any], str | None]] = {
        "nst-read-budget": ({"action": "check"}, None),
        "nst-get-upload-url": ({"action": "admit", "content": picture, "styles": [picture]}, None),
        "nst-update-budget": ({"action": "release", "run_id": run_id}, None),
        # It writes the start order, finds the mark that the run was cancelled, and refuses.
        "nst-start-nst": (
            {"action": "start", "task_token": "t", "run": definitions.run_input(run_id)},
            "RunCancelled",
        ),
        "nst-stop-nst": ({"action": "ensure_stopped", "run_id": run_id, "reason": "bench"}, None),
    }
    every: list[Sample] = []
    for name, (event, error) in events.items():
        works = {EMULATOR: (server, _invocation(server, name, event, error))}
        before = {EMULATOR: _chill(server, name, (320, 256))}
        every.append(in_turns(works, 1, before)[EMULATOR])
    together = Sample([value for each in every for value in each.values])
    # The processes that a change of the function ended took their share of the time with them:
    # what is left would be no measure.
    together.cpu_s = None
    no = "not measured: the system's functions"
    return [
        Row(
            "Invoke of the system's five functions, cold (SDK import and one or two calls of S3)",
            {EMULATOR: together},
            milliseconds,
            target=0.450,
            cannot={"ministack": no, "moto": MOTO_INVOKE},
        )
    ]


def _invocation(server: Server, name: str, event: dict[str, Any], error: str | None) -> Work:
    payload = json.dumps(event)

    def invoke() -> None:
        answer = server.client("lambda").invoke(FunctionName=name, Payload=payload)
        said = json.loads(answer["Payload"].read())
        kind = said.get("errorType") if "FunctionError" in answer else None
        _check(kind == error, server, said)

    return invoke


def _passes(servers: Servers) -> Row:
    """Start an execution, ask until it is over, again."""
    works: dict[str, tuple[Server, Work]] = {}
    for name, server in servers.items():
        machine = definitions.create_machine(server, "bench-pass", definitions.PASS_ONLY)
        works[name] = (server, _execution(server, machine))
        works[name][1]()
    samples = in_turns(works, PASSES)
    rates = {
        name: Sample([1 / value for value in sample.values], sample.cpu_s)
        for name, sample in samples.items()
    }
    return Row(
        "StartExecution and DescribeExecution until it has SUCCEEDED, two Pass states",
        rates,
        per_second,
        more_is_better=True,
    )


def _execution(server: Server, machine: str) -> Work:
    states = server.client("stepfunctions")

    def run() -> None:
        # Named: executions without a name collide in moto.
        arn = states.start_execution(
            stateMachineArn=machine, name=secrets.token_hex(8), input='{"a":1}'
        )["executionArn"]
        deadline = time.perf_counter() + EXECUTION_S_MAX
        while (found := states.describe_execution(executionArn=arn))["status"] == "RUNNING":
            _check(time.perf_counter() < deadline, server, found)
        _check(json.loads(found["output"]) == {"a": 1, "made": {"answer": 42}}, server, found)

    return run


def _check(right: bool, server: Server, said: object) -> None:
    if not right:
        raise SystemExit(f"{server.name} answered otherwise than expected: {said!r}")
