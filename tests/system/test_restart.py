"""A kill of the whole emulator in the middle of a run: what the ledger promised holds."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.system.running import Running, free_port, nst, started, wait_until
from tests.system.test_stop_and_failures import worker_pid
from tests.system.visitor import SLOW, Visitor

pytestmark = pytest.mark.needs("own emulator")


def kill_all(stack: Running) -> None:
    """End the emulator as a power cut would; its children must follow by themselves."""
    assert stack.process is not None
    os.kill(stack.process.pid, signal.SIGKILL)
    stack.process.wait(10)


def test_a_killed_emulator_keeps_the_ledger_and_settles_what_was_cut_off(tmp_path: Path) -> None:
    data = tmp_path / "data"
    options = ("--budget", "5", "--data-dir", str(data))
    # the same ports: links that were given before the kill are good after it
    ports = (free_port(), free_port())
    with started(tmp_path, *options, ports=ports) as stack:
        visitor = Visitor(stack)
        done = visitor.begin()
        visitor.finish(done["run_id"])
        paid = visitor.settled(done["run_id"])["spent_microusd"]
        cut = visitor.begin(**SLOW)
        visitor.running(cut)
        pid = worker_pid(cut["run_id"])
        assert pid is not None
        promised = visitor.budget()
        kill_all(stack)
        wait_until("the worker to end with the emulator", lambda: worker_pid(cut["run_id"]) is None)
    with started(tmp_path, *options, ports=ports) as stack:
        visitor = Visitor(stack)
        budget = visitor.budget()
        assert budget["limit_microusd"] == promised["limit_microusd"]
        assert budget["spent_microusd"] + budget["reserved_microusd"] >= paid
        final = visitor.finish(cut["run_id"])
        assert final["state"] == "failed"
        after = visitor.settled(cut["run_id"])
        assert paid < after["spent_microusd"] <= paid + promised["reserved_microusd"]
        again = visitor.finish(done["run_id"])
        assert again["state"] == "succeeded"
        assert visitor.events(done)[-1]["state"] == "succeeded"
        more = visitor.begin()
        assert visitor.finish(more["run_id"])["state"] == "succeeded"


def test_without_a_data_directory_it_says_that_all_is_gone(tmp_path: Path) -> None:
    with started(tmp_path) as stack:
        visitor = Visitor(stack)
        run = visitor.begin()
        visitor.finish(run["run_id"])
    [log] = tmp_path.glob("up-*.log")
    assert "memory only" in log.read_text()
    with started(tmp_path) as stack:
        budget = Visitor(stack).budget()
        assert budget["spent_microusd"] == 0


def test_help_names_the_data_directory() -> None:
    assert "--data-dir" in nst("up", "--help").stdout
