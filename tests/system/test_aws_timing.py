"""The whole run flow over HTTP with every wait of AWS in it; it takes more than a minute."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from emulator.core.timings import AWS
from tests.system.running import started
from tests.system.visitor import Visitor

pytestmark = pytest.mark.needs("own emulator")


def test_a_run_succeeds_and_is_paid_at_the_pace_of_aws(tmp_path: Path) -> None:
    with started(tmp_path, "--aws-timing", "--budget", "1") as stack:
        assert httpx.get(f"{stack.aws_url}/_nst/status").json()["aws_timing"] is True
        visitor = Visitor(stack)
        admission = visitor.begin()
        run_id = admission["run_id"]
        ended = visitor.finish(run_id)
        assert ended["state"] == "succeeded", ended
        assert [e["type"] for e in visitor.events(admission)].count("result") == 1
        assert visitor.settled(run_id)["spent_microusd"] > 0

        ecs = stack.client("ecs")
        tasks = ecs.list_tasks(cluster="nst", desiredStatus="STOPPED")["taskArns"]
        task = ecs.describe_tasks(cluster="nst", tasks=tasks)["tasks"][0]
        waited_s = (task["startedAt"] - task["createdAt"]).total_seconds()
        assert waited_s >= AWS.task_start_s
        leaving_s = (task["stoppedAt"] - task["executionStoppedAt"]).total_seconds()
        assert leaving_s >= AWS.of("task_deprovisioning")
