"""An empty emulator, with the system deployed on it by ``nst deploy``."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from system.deployment import cli
from system.deployment.steps import Target
from system.deployment.terraform import Terraform
from tests.system.running import Running, nst, started

MISSING = "Terraform is needed: https://developer.hashicorp.com/terraform/install"
DEPLOY_S_MAX = 600


@dataclass
class Deployed:
    """A stack that Terraform deployed, and Terraform itself, prepared for it."""

    stack: Running
    terraform: Terraform

    def run(self, command: str, *options: str) -> str:
        """One of ``deploy``, ``smoke``, ``destroy`` on this stack; what it printed."""
        done = nst(command, "--endpoint-url", self.stack.aws_url, *options, timeout=DEPLOY_S_MAX)
        assert done.returncode == 0, done.stdout + done.stderr
        return str(done.stdout)


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
    with started(tmp_path_factory.mktemp("bare"), "--bare") as stack:
        done = nst("deploy", "--endpoint-url", stack.aws_url, timeout=DEPLOY_S_MAX)
        assert done.returncode == 0, done.stdout + done.stderr
        target = Target(stack.aws_url, "us-east-1", "nst")
        yield Deployed(stack, cli.prepared(target, ""))


@pytest.fixture(scope="session")
def by_itself(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The system as the emulator deploys it by itself."""
    with started(tmp_path_factory.mktemp("itself")) as stack:
        yield stack


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the project."""
    return Path(__file__).resolve().parent.parent.parent
