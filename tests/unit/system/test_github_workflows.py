"""The GitHub workflows, as far as they can be read: pinned actions, commands that are there."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
PINNED = re.compile(r"uses: [\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
OPERATIONS = ROOT / "docs" / "operations.md"


def read(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text())
    return document


def steps(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for job in document["jobs"].values():
        yield from job["steps"]


def commands() -> list[tuple[str, list[str]]]:
    found = []
    for path in FILES:
        for step in steps(yaml.safe_load(path.read_text())):
            found += [(path.name, shlex.split(step["run"]))] if "run" in step else []
    return found


def test_there_are_a_test_and_a_deployment() -> None:
    assert [path.name for path in FILES] == ["deploy.yml", "test.yml"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_action_is_pinned_to_a_commit_and_named_by_its_version(path: Path) -> None:
    lines = [line.strip(" -") for line in path.read_text().splitlines() if "uses:" in line]
    assert lines
    assert [line for line in lines if not PINNED.fullmatch(line)] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_job_may_do_no_more_than_it_says_and_ends(path: Path) -> None:
    document = yaml.safe_load(path.read_text())
    assert document["permissions"] == {"contents": "read"}
    for job in document["jobs"].values():
        assert job["timeout-minutes"] <= 60
        assert set(job.get("permissions", {})) <= {"contents", "id-token"}
        assert "secrets." not in json.dumps(job), "AWS is reached by OpenID Connect alone"


@pytest.mark.parametrize(("file", "words"), commands(), ids=lambda value: str(value)[:40])
def test_every_command_is_there(file: str, words: list[str]) -> None:
    program = words[0]
    if program == "nst":
        group = {e.name: e for e in entry_points(group="nst.commands")}
        command = group[words[1]].load()
        assert isinstance(command, click.Command)
        known = {option for param in command.params for option in param.opts}
        given = {word for word in words[2:] if word.startswith("--")}
        assert given <= known
    elif program == "pip":
        assert "constraints.txt" in words
        assert (ROOT / "constraints.txt").exists()
    else:
        assert (ROOT / program).stat().st_mode & 0o111, f"{program} of {file} cannot be run"


def test_the_tests_are_what_everybody_runs() -> None:
    assert [words for file, words in commands() if file == "test.yml"] == [[".ci/run"]]


def test_a_pull_request_plans_and_a_release_deploys_and_looks_whether_it_works() -> None:
    jobs = read("deploy.yml")["jobs"]
    plan, deploy = jobs["plan"], jobs["deploy"]
    assert "github.event_name == 'pull_request'" in plan["if"]
    assert "head.repo.full_name == github.repository" in plan["if"]
    assert "github.event_name != 'pull_request'" in deploy["if"]
    planned = [step["run"] for step in plan["steps"] if step.get("run", "").startswith("nst")]
    done = [step["run"] for step in deploy["steps"] if step.get("run", "").startswith("nst")]
    assert len(planned) == 1
    assert "--plan" in planned[0].split()
    assert [line.split()[1] for line in done] == ["deploy", "smoke"]
    assert not any("--plan" in line for line in done)
    assert deploy["concurrency"]["cancel-in-progress"] is False
    for job, role in ((plan, "AWS_PLAN_ROLE"), (deploy, "AWS_DEPLOY_ROLE")):
        assert job["permissions"]["id-token"] == "write"
        [assumed] = [s["with"] for s in job["steps"] if "role-to-assume" in s.get("with", {})]
        assert role in assumed["role-to-assume"]


def policies() -> list[dict[str, Any]]:
    """The JSON documents of docs/operations.md."""
    return [
        json.loads(text)
        for text in re.findall(r"```json\n(.*?)```", OPERATIONS.read_text(), re.DOTALL)
    ]


def test_the_roles_of_the_docs_trust_these_two_jobs_and_nobody_else() -> None:
    trusts = [p for p in policies() if "Principal" in p["Statement"][0]]
    subjects = set()
    for trust in trusts:
        [statement] = trust["Statement"]
        assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
        equals = statement["Condition"]["StringEquals"]
        assert equals["token.actions.githubusercontent.com:aud"] == "sts.amazonaws.com"
        subjects.add(equals["token.actions.githubusercontent.com:sub"].split(":", 2)[2])
    environment = read("deploy.yml")["jobs"]["deploy"]["environment"]
    assert subjects == {"pull_request", f"environment:{environment}"}


def test_the_role_of_the_docs_makes_no_role_beyond_the_systems_own() -> None:
    """Who may make any role may do anything."""
    [policy] = [p for p in policies() if "Principal" not in p["Statement"][0]]
    for statement in policy["Statement"]:
        actions = statement["Action"]
        for action in [actions] if isinstance(actions, str) else actions:
            if action.startswith("iam:") and not action.startswith(("iam:Get", "iam:List")):
                resources = statement["Resource"]
                listed = [resources] if isinstance(resources, str) else resources
                assert all(":role/NAME-" in r or "aws-service-role" in r for r in listed), action
