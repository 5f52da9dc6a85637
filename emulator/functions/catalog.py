"""The functions that are known: moto's definitions, looked up once until something changes."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

from emulator.core.bus import Caller
from emulator.core.logs import Lane
from emulator.functions import definition, hot_reload
from emulator.functions.definition import AsyncPolicy, Found, FunctionRef


class Catalog:
    """Looks functions up on moto's lane and remembers what it found.

    Whoever changes functions tells: ``forget`` before and after the change, so that an answer that
    was read in between is not kept.
    """

    def __init__(self, lane: Lane, default: AsyncPolicy) -> None:
        self._lane = lane
        self._default = default
        self._known: dict[FunctionRef, Found] = {}
        self._changes = 0
        self._draw = random.Random().random  # noqa: S311 - shares of an alias, nothing secret

    async def find(self, name: str, qualifier: str | None, caller: Caller) -> Found:
        """The function as it is now, for one call of it.

        Raises AwsError as ``definition.parse`` and ``definition.find`` do.
        """
        ref = definition.parse(name, qualifier, caller)
        found = self._known.get(ref)
        if found is None:
            changes, default = self._changes, self._default
            found = await self._lane.run(lambda: definition.find(ref, default))
            if changes == self._changes:
                self._known[ref] = found
        if found.also:
            found = found.routed(self._draw())
        source = found.function.source
        if source is not None:
            digest = await asyncio.to_thread(hot_reload.digest, source)
            found = replace(found, function=replace(found.function, code_sha256=digest))
        return found

    def forget(self) -> None:
        """Functions change: look them up again."""
        self._changes += 1
        self._known.clear()
