"""Fixtures of the Terraform tests; ``deployed`` is tests/conftest.py's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.running import Running, started


@pytest.fixture(scope="session")
def by_itself(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The system as the emulator deploys it by itself."""
    with started(tmp_path_factory.mktemp("itself")) as stack:
        yield stack


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the project."""
    return Path(__file__).resolve().parent.parent.parent
