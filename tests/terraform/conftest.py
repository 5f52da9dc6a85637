"""Fixtures of the Terraform tests; ``deployed`` is tests/conftest.py's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from system.deployment.terraform import Terraform
from tests.system.running import Running, started
from tests.terraform.deployed import CPU_UNITS, DOMAIN, MEMORY_MIB, Deployed


@pytest.fixture(scope="session")
def by_itself(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The system as the emulator deploys it by itself."""
    with started(tmp_path_factory.mktemp("itself")) as stack:
        yield stack


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the project."""
    return Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="session")
def options(deployed: Deployed) -> Terraform:
    """Options on, applied over what was there without."""
    zone = deployed.stack.client("route53").create_hosted_zone(
        Name="example.org", CallerReference="test"
    )["HostedZone"]["Id"]
    chosen = {
        "reserved_concurrency": {"read_budget": 7},
        "fargate_spot": True,
        "task_cpu_units": CPU_UNITS,
        "task_memory_mib": MEMORY_MIB,
        "task_architecture": "ARM64",
        "container_insights": True,
        "tracing": True,
        "domain": {"name": DOMAIN, "zone_id": zone.rpartition("/")[2]},
    }
    changed = replace(deployed.terraform, variables={**deployed.terraform.variables, **chosen})
    changed.apply()
    return changed
