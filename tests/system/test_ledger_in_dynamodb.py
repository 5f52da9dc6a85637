"""The system with its ledger in a table: the same promises, no object in the budget bucket."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.system.running import nst, started
from tests.system.visitor import Visitor

pytestmark = pytest.mark.needs("own emulator")


def test_a_run_is_reserved_and_paid_in_the_table(tmp_path: Path) -> None:
    with started(tmp_path, "--budget", "1", "--ledger", "dynamodb") as stack:
        visitor = Visitor(stack)
        before = visitor.budget()
        run_id = visitor.begin()["run_id"]
        visitor.finish(run_id)
        visitor.settled(run_id)
        after = visitor.budget()
        assert (before["spent_microusd"], after["reserved_microusd"]) == (0, 0)
        assert 0 < after["spent_microusd"] < after["run_ceiling_microusd"]
        item = stack.client("dynamodb").get_item(
            TableName="nst-ledger", Key={"id": {"S": "ledger"}}, ConsistentRead=True
        )["Item"]
        kept = json.loads(item["state"]["B"])
        assert kept["spent_microusd"] == after["spent_microusd"]
        assert "Contents" not in stack.client("s3").list_objects_v2(Bucket="nst-budget")


def test_a_table_cannot_outlive_a_restart_so_a_data_directory_is_refused(tmp_path: Path) -> None:
    done: Any = nst("up", "--ledger", "dynamodb", "--data-dir", str(tmp_path), "--aws-port", "0")
    assert done.returncode == 1
    assert "ledger" in done.stderr
    assert not list(tmp_path.iterdir())
