"""Memory of a thousand executions of run-nst that wait for the callback of their task."""

from __future__ import annotations

import json
import secrets
import time
from typing import Any

from benchmarks.orchestrator import definitions
from benchmarks.orchestrator.servers import Server
from benchmarks.orchestrator.table import EMULATOR, Row, Sample, kilobytes, megabytes

EXECUTIONS = 1_000
REACHED_S_MAX = 20.0
BUCKET = "nst-storage"


def rows(server: Server) -> list[Row]:
    """Runs as far as the heartbeat of the task, with one echo function for the system's five.

    The function does not start a task (a thousand processes would be measured then), so this
    program reports in its place: it takes the first token from the history and sends "started".
    The workflow then writes the second token to S3 and waits, 30 seconds at most.
    """
    definitions.create_role(server)
    function = definitions.create_echo(server, "bench-run")
    definition = definitions.run_nst(function, BUCKET)
    machine = definitions.create_machine(server, "bench-run-nst", definition)
    before = server.resident_bytes(tree=False)
    runs = [_start(server, machine) for _ in range(EXECUTIONS)]
    for arn in runs:
        _report_started(server, arn)
    _await_handover(server, runs[-1])
    process, tree = (server.resident_bytes(tree=whole) for whole in (False, True))
    _check_all_wait(server, machine)
    return [
        Row(
            "1,000 executions of `run-nst` that wait for a callback at once: resident memory of "
            "the emulator's process (interpreter, all other services and moto)",
            {EMULATOR: Sample([float(process)])},
            megabytes,
            target=300e6,
        ),
        Row(
            "... what one of them adds to it (its history, its S3 object)",
            {EMULATOR: Sample([(process - before) / EXECUTIONS])},
            kilobytes,
        ),
        Row(
            "... with the processes of functions, which rest until they are ended",
            {EMULATOR: Sample([float(tree)])},
            megabytes,
        ),
    ]


def _start(server: Server, machine: str) -> str:
    run_id = secrets.token_hex(16)
    started = server.client("stepfunctions").start_execution(
        stateMachineArn=machine, name=run_id, input=json.dumps(definitions.run_input(run_id))
    )
    return str(started["executionArn"])


def _report_started(server: Server, arn: str) -> None:
    token = _scheduled(server, arn)["Payload"]["task_token"]
    server.client("stepfunctions").send_task_success(taskToken=token, output='{"task_arn":"t"}')


def _await_handover(server: Server, arn: str) -> None:
    deadline = time.perf_counter() + REACHED_S_MAX
    while "task_token" not in str(_scheduled(server, arn).get("Body")):
        if time.perf_counter() > deadline:
            raise SystemExit("an execution of run-nst did not reach its second callback")


def _scheduled(server: Server, arn: str) -> dict[str, Any]:
    """The parameters of the task that was scheduled last."""
    events = server.client("stepfunctions").get_execution_history(
        executionArn=arn, reverseOrder=True, maxResults=10
    )["events"]
    found = next(e for e in events if e["type"] == "TaskScheduled")
    parsed: dict[str, Any] = json.loads(found["taskScheduledEventDetails"]["parameters"])
    return parsed


def _check_all_wait(server: Server, machine: str) -> None:
    pages = server.client("stepfunctions").get_paginator("list_executions")
    found = pages.paginate(stateMachineArn=machine, statusFilter="RUNNING").build_full_result()
    if len(found["executions"]) != EXECUTIONS:
        raise SystemExit(
            f"{len(found['executions'])} of {EXECUTIONS} executions wait; the machine is too slow "
            "for the heartbeat of 30 s"
        )
