"""The functions and state machines that are measured, deployed by the calls a user would make."""

from __future__ import annotations

import io
import json
import time
import zipfile
from typing import Any

from benchmarks.orchestrator.servers import Server
from system import stack

ROLE = "arn:aws:iam::000000000000:role/bench"
RUNTIME = "python3.11"
ECHO = "def handler(event, context):\n    return event\n"
ACTIVE_S_MAX = 30.0

PASS_ONLY: dict[str, Any] = {
    "StartAt": "First",
    "States": {
        "First": {"Type": "Pass", "Next": "Second"},
        "Second": {"Type": "Pass", "Result": {"answer": 42}, "ResultPath": "$.made", "End": True},
    },
}


def create_role(server: Server) -> None:
    """The role of workflows and functions: both services may assume it, and it may do all."""
    services = ["states.amazonaws.com", "lambda.amazonaws.com"]
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": services}}
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    iam = server.client("iam")
    iam.create_role(RoleName="bench", AssumeRolePolicyDocument=_policy(trust))
    iam.put_role_policy(RoleName="bench", PolicyName="all", PolicyDocument=_policy(everything))


def _policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def create_echo(server: Server, name: str) -> str:
    """A function that answers with its event; gives its ARN once it can be invoked."""
    functions = server.client("lambda")
    made = functions.create_function(
        FunctionName=name,
        Runtime=RUNTIME,
        Role=ROLE,
        Handler="echo.handler",
        Code={"ZipFile": _zip("echo.py", ECHO)},
        MemorySize=128,
        Timeout=10,
    )
    settled(server, name)
    return str(made["FunctionArn"])


def settled(server: Server, name: str) -> None:
    """Return when the function is active and its last update has been made."""
    deadline = time.perf_counter() + ACTIVE_S_MAX
    while True:
        found = server.client("lambda").get_function(FunctionName=name)["Configuration"]
        if {found.get("State", "Active"), found.get("LastUpdateStatus", "Successful")} == {
            "Active",
            "Successful",
        }:
            return
        if time.perf_counter() > deadline:
            raise SystemExit(f"{server.name}: the function {name} does not become active")
        time.sleep(0.01)


def create_machine(
    server: Server, name: str, definition: dict[str, Any] | str, kind: str = "STANDARD"
) -> str:
    """A state machine; gives its ARN."""
    text = definition if isinstance(definition, str) else json.dumps(definition)
    made = server.client("stepfunctions").create_state_machine(
        name=name, definition=text, roleArn=ROLE, type=kind
    )
    return str(made["stateMachineArn"])


def two_functions(first_arn: str, second_arn: str) -> dict[str, Any]:
    """Two functions in a row, each given the output of what stands before it."""

    def task(arn: str, **flow: Any) -> dict[str, Any]:
        return {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": arn, "Payload.$": "$"},
            "OutputPath": "$.Payload",
            **flow,
        }

    states = {"First": task(first_arn, Next="Second"), "Second": task(second_arn, End=True)}
    return {"StartAt": "First", "States": states}


def run_nst(function_arn: str, bucket: str) -> str:
    """The system's own workflow run-nst, with one function in the place of all of its own."""
    functions = ("read_budget", "get_upload_url", "update_budget", "start_nst", "stop_nst")
    values = {f"{name}_arn": function_arn for name in functions}
    return stack.workflow("run-nst.asl.json", {**values, "storage_bucket": bucket})


def run_input(run_id: str) -> dict[str, Any]:
    """A run input as get_upload_url's check makes it (docs/contracts.md)."""
    return {
        "run_id": run_id,
        "content_key": f"runs/{run_id}/content",
        "style_keys": [f"runs/{run_id}/style-0", "gallery/tidal-waves.jpg"],
        "style_weights": [0.5, 0.5],
        "params": {
            "algorithm": "painted",
            "size": 512,
            "quality": "good",
            "strength": 1.0,
            "colours": "style",
            "style_scale": 1.0,
            "masks": False,
            "seed": 7,
        },
        "deadline_s": 900,
        "digest": "0" * 64,
        "ceiling_microusd": 25_000,
    }


def _zip(name: str, text: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, text)
    return out.getvalue()
