"""Fixtures of the system tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.system.running import Running, started
from tests.system.visitor import Visitor


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One emulator for the whole session."""
    with started(tmp_path_factory.mktemp("stack"), "--budget", "100") as running:
        yield running


@pytest.fixture(scope="session")
def visitor(stack: Running) -> Visitor:
    """A visitor of the shared stack."""
    return Visitor(stack)
