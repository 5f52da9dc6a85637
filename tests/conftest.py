"""The option ``--target`` and what tests need of a target (tests/system/targets.py)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

from system.deployment import cli
from system.deployment.steps import Target
from tests.system import targets
from tests.system.running import Running
from tests.terraform.deployed import Deployed

MISSING = "Terraform is needed: https://developer.hashicorp.com/terraform/install"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--target",
        choices=tuple(targets.TARGETS),
        default="emulator",
        help="what tests/system run against (default: the emulator, deployed by itself)",
    )


def needs(item: pytest.Item) -> tuple[str, ...]:
    return tuple(need for marker in item.iter_markers("needs") for need in marker.args)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that need a power that the target has not are reported, with the reason."""
    target = config.getoption("--target")
    for item in items:
        reason = targets.why_not_applicable(needs(item), target, targets.POWERS_OF[target])
        if reason is not None:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def terraform_program() -> None:
    """Terraform; without it, tests fail on CI and skip elsewhere."""
    if shutil.which("terraform") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(MISSING)


@pytest.fixture(scope="session")
def deployed(
    terraform_program: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployed]:
    """The system as ``nst deploy`` makes it on an empty emulator."""
    with targets.here("terraform", tmp_path_factory.mktemp("bare")) as running:
        target = Target(running.aws_url, running.region, running.name)
        yield Deployed(running, cli.prepared(target, ""))


@pytest.fixture(scope="session")
def stack(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """The target, running, with the system deployed: one for the whole session."""
    target = request.config.getoption("--target")
    if target == "terraform":
        yield request.getfixturevalue("deployed").stack
        return
    with targets.here(target, tmp_path_factory.mktemp("stack")) as running:
        yield running
