"""The declaration, the workflows and the problem table agree with each other."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from system import problems, stack

SYSTEM = Path(stack.__file__).parent
CONTRACTS = SYSTEM.parent / "docs" / "contracts.md"


def test_terraforms_copy_of_the_problem_table_is_the_table() -> None:
    assert json.loads((SYSTEM / "problems.json").read_text()) == problems.table()


def test_every_error_of_the_contract_is_a_problem() -> None:
    rows = re.findall(r"^\| `([A-Z]\w+)` \| ([\d-]+)", CONTRACTS.read_text(), re.MULTILINE)
    assert len(rows) > 12
    for name, status in rows:
        assert name in problems.KINDS, name
        if status != "-":
            assert problems.KINDS[name].status == int(status), name


def test_a_placeholder_that_nobody_fills_is_an_error() -> None:
    assert stack.fill({"a": ["${x}-1"]}, {"x": "nst"}) == {"a": ["nst-1"]}
    with pytest.raises(stack.UnfilledPlaceholderError, match="missing"):
        stack.fill_text("${missing}", {})


def test_what_the_declaration_names_is_there() -> None:
    declared = stack.declaration()
    for workflow in [*declared["workflows"].values(), declared["gate"]["workflow"]]:
        assert (SYSTEM / "workflows" / workflow["definition"]).exists()
        stack.policy(workflow["role"])
    for function in declared["functions"].values():
        module = function["handler"].split(".")[1]
        assert (SYSTEM.parent / "handlers" / f"{module}.py").exists()
        stack.policy(function["role"])
    for name in ("gateway", "events", declared["task"]["role"]):
        stack.policy(name)


@pytest.mark.parametrize("file", sorted(p.name for p in (SYSTEM / "workflows").glob("*.json")))
def test_a_workflow_is_json_once_filled_and_every_error_it_catches_has_a_name(file: str) -> None:
    values = {
        found: f"<{found}>"
        for found in re.findall(r"\$\{([a-z_]+)\}", (SYSTEM / "workflows" / file).read_text())
        if found not in {"problems", "throttle"}
    }
    definition = json.loads(stack.workflow(file, values))
    assert definition["QueryLanguage"] == "JSONata"
    assert definition["TimeoutSeconds"] > 0
    for name, state in definition["States"].items():
        if state["Type"] == "Task":
            assert "TimeoutSeconds" in state, f"{name} could wait for ever"
