"""What the deployment's benchmark makes of its steps; the steps themselves run on an emulator."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.deploy import local
from benchmarks.deploy.local import NotSoError, Steps, table
from system.deployment.steps import Target

ROOT = Path(__file__).resolve().parents[3]


def test_a_step_is_done_timed_and_said() -> None:
    said: list[str] = []
    done = Steps(said.append)
    worked: list[int] = []
    done("artifacts", lambda: worked.append(1))
    assert worked == [1]
    assert done.seconds.keys() == {"artifacts"}
    assert said[0].startswith("artifacts: ")


def test_a_step_that_fails_is_not_among_those_that_were_done() -> None:
    done = Steps(lambda _: None)

    def fail() -> None:
        raise NotSoError("no")

    with pytest.raises(NotSoError):
        done("smoke", fail)
    assert done.seconds == {}


def test_the_table_has_apply_with_its_share_and_its_targets() -> None:
    done = Steps(lambda _: None, {"terraform apply": 60.0, "smoke": 4.5}, {})
    done.inside = {"requests": 412, "seconds": 7.4}
    assert table(done).splitlines()[2:] == [
        "| terraform apply | 60.0 | 120 |",
        "| ... of it inside of the emulator's endpoint (412 requests) | 7.4 | 15 |",
        "| smoke | 4.5 |  |",
        "| all | 64.5 |  |",
    ]


class Left:
    """Terraform with one resource left."""

    def resources(self) -> list[str]:
        return ["module.edge.aws_cloudfront_distribution.this"]

    def plan(self) -> str:
        return "~ a change"


def test_what_is_left_is_no_success() -> None:
    target = Target("http://127.0.0.1:9", "us-east-1", "nst")
    with pytest.raises(NotSoError, match="state still has"):
        local._nothing(target, Left())  # type: ignore[arg-type]
    with pytest.raises(NotSoError, match="the second plan would change"):
        local._no_changes(Left())  # type: ignore[arg-type]


def test_make_knows_both_commands_and_the_docs_have_the_place() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert "-m benchmarks.deploy --print" in makefile
    assert "-m handlers.build --out build/zips" in makefile
    assert "<!-- deploy: begin -->" in (ROOT / "docs" / "performance.md").read_text()
