"""A service of which some operations are ours and the rest moto's."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from emulator.core.bus import Caller, Service


class SplitService:
    """Sends each operation to its owner."""

    def __init__(self, owned: Collection[str], ours: Service, rest: Service) -> None:
        self._owned = frozenset(owned)
        self._ours = ours
        self._rest = rest

    async def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Answer one API call; raises AwsError."""
        owner = self._ours if operation in self._owned else self._rest
        return await owner.call(operation, params, caller)
