"""Fixtures of the system tests; the running ``stack`` is tests/conftest.py's."""

from __future__ import annotations

import pytest

from tests.system.running import Running
from tests.system.visitor import Visitor


@pytest.fixture(scope="session")
def visitor(stack: Running) -> Visitor:
    """A visitor of the shared stack."""
    return Visitor(stack)
