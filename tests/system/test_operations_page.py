"""What docs/operations.md tells an operator to type does what it says, on the emulator."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.system.running import ROOT, Running
from tests.system.test_budget_flow import only_left
from tests.system.visitor import Visitor

pytestmark = pytest.mark.needs("own emulator")
PAGE = (ROOT / "docs" / "operations.md").read_text()


def commands(section: str) -> list[str]:
    """The commands of a section's first block."""
    text = PAGE.partition(f"## {section}\n")[2].partition("\n## ")[0]
    block = re.search(r"```\n(.*?)```", text, re.DOTALL)
    assert block is not None, section
    return block[1].replace("\\\n", " ").strip().splitlines()


def typed(stack: Running, command: str, **words: str) -> str:
    """Run a command as the page has it; ``words`` are what the operator fills in."""
    for word, value in {"ACCOUNT": stack.account, **words}.items():
        command = command.replace(word, value)
    # version 1 of the AWS CLI, which tests have, takes payloads as they are without that
    command = command.replace("--cli-binary-format raw-in-base64-out", "")
    kept = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    done = subprocess.run(
        ["bash", "-c", command],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={
            **kept,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}",
            "AWS_ENDPOINT_URL": stack.aws_url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": stack.region,
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        },
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def document(text: str) -> dict[str, Any]:
    """The function's answer, which stands before what the CLI says of the call."""
    found: dict[str, Any] = json.JSONDecoder().raw_decode(text)[0]
    return found


def test_the_budget_is_changed_as_the_page_says(stack: Running, visitor: Visitor) -> None:
    look, top_up, set_limit, set_limits, acknowledge = commands("Changing the budget")
    before = visitor.settled("of an earlier test")
    try:
        assert document(typed(stack, look))["runs"] == []
        for _ in range(2):  # its id makes it harmless
            typed(stack, top_up)
        added = visitor.budget()["limit_microusd"] - before["limit_microusd"]
        assert added == 5_000_000
        typed(stack, set_limit)
        assert visitor.budget()["limit_microusd"] == 20_000_000
        typed(stack, set_limits)
        typed(stack, acknowledge)
        typed(stack, set_limit.replace("20000000", "0"))
        assert visitor.budget()["accepting"] is False
    finally:
        stack.change_budget(
            "set_limit",
            limit_microusd=before["limit_microusd"],
            runs_in_flight_max=16,
            spend_per_day_max_microusd=before["limit_microusd"],
        )


def test_an_older_ledger_is_put_back_as_the_page_says(stack: Running, visitor: Visitor) -> None:
    listed, get, put = commands("Rolling back")
    with only_left(stack, visitor, 1_000_000):
        wanted = visitor.budget()["limit_microusd"]
        stack.change_budget("top_up", amount_microusd=7)
        versions = [line.split("\t") for line in typed(stack, listed).splitlines()]
        etag = next(v[3] for v in versions if v[2] == "True")
        older = max((v for v in versions if v[2] == "False"), key=lambda v: v[1])
        typed(stack, get, VERSION=older[0])
        typed(stack, put, ETAG=etag)
        assert visitor.budget()["limit_microusd"] == wanted


def test_reconcile_is_looked_at_as_the_page_says(stack: Running, visitor: Visitor) -> None:
    run_id = visitor.begin()["run_id"]
    visitor.finish(run_id)
    visitor.settled(run_id)
    reconcile, failed, tasks, log = commands("When reconcile finds something")
    answer = json.loads(json.loads(typed(stack, reconcile))["output"])
    assert (answer["findings"], answer["orphans"]) == ([], [])
    assert "executions" in json.loads(typed(stack, failed))
    assert json.loads(typed(stack, tasks))["taskArns"]
    events = json.loads(typed(stack, log, RUN_ID=run_id))["events"]
    assert any(run_id in event["message"] for event in events)
