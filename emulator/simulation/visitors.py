"""Visitors and the operator: they do what a plan says, as the page and the command line would."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from emulator.core.errors import AwsError, NoReply
from emulator.simulation.gateway import Answer, Gateway
from emulator.simulation.plan import Operation, Visit
from emulator.simulation.world import World

STYLE = "ink-wash"
TRIES = 3
PAUSE_S = 5.0


@dataclass
class Visitor:
    """One visit; ``answers`` are the statuses that the starts of its run got."""

    world: World
    visit: Visit
    tell: Callable[[str], None]
    run_id: str = ""
    answers: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Meet the gateway, and get what a link to the bucket allows."""
        self._gateway = Gateway(self.world)
        # A presigned upload may do what the role may whose session signed it.
        self._signed = self.world.session(
            "get-upload-url", self.world.values["get_upload_url_name"]
        )

    @property
    def accepted(self) -> bool:
        """Whether a start was answered with 202."""
        return 202 in self.answers  # noqa: PLR2004

    async def live(self) -> None:
        """Do what the visit says."""
        visit, world = self.visit, self.world
        await world.clock.sleep(visit.at)
        self.run_id = await self._admitted() if visit.admitted else world.token_hex(16)
        if not self.run_id:
            return
        if visit.uploads:
            await self._upload()
        self.tell(f"visitor {visit.number} starts run {self.run_id}")
        doings = [self._start(0.0, visit.quality)]
        if visit.again_after is not None:
            quality = visit.quality if not visit.other_input else "other"
            doings.append(self._start(visit.again_after, quality))
        if visit.stop_after is not None:
            doings.append(self._stop(visit.stop_after))
        await asyncio.gather(*doings)

    async def _admitted(self) -> str:
        """A run id from admit-run; empty when it was refused."""
        body = {"content": {"content_type": "image/png"}, "styles": [{"gallery": STYLE}]}
        status, document = await self._workflow("admit_run", body)
        self.tell(f"visitor {self.visit.number} is admitted: {status}")
        return str(document["run_id"]) if status == 200 else ""  # noqa: PLR2004

    async def _upload(self) -> None:
        bucket = self.world.values["storage_bucket"]
        key = f"runs/{self.run_id}/content"
        for _ in range(TRIES):
            try:
                await self.world.call(
                    "s3", "PutObject", self._signed, Bucket=bucket, Key=key, Body=b"a picture"
                )
            except (AwsError, NoReply):
                await self.world.clock.sleep(PAUSE_S)
            else:
                return

    async def _start(self, after: float, quality: str) -> None:
        await self.world.clock.sleep(after)
        params = {"quality": quality, "size": self.visit.size}
        if quality == "other":
            params = {"quality": self.visit.quality, "size": self.visit.size, "seed": 7}
        body = {"run_id": self.run_id, "styles": [{"gallery": STYLE}], "params": params}
        for _ in range(TRIES):
            status, document = await self._workflow("start_run", body)
            why = document.get("code", "")
            self.tell(f"visitor {self.visit.number} is answered {status} {why}".rstrip())
            self.answers.append(202 if status == 200 else status)  # noqa: PLR2004
            if status < 500:  # noqa: PLR2004
                return
            await self.world.clock.sleep(PAUSE_S)

    async def _stop(self, after: float) -> None:
        await self.world.clock.sleep(after)
        status, _ = await self._gateway.stop(self.run_id)
        self.tell(f"visitor {self.visit.number} stops run {self.run_id}: {status}")

    async def _workflow(self, name: str, body: Any) -> Answer:
        return await self._gateway.start(name, body, f"visit-{self.visit.number}")


async def operate(world: World, operation: Operation, tell: Callable[[str], None]) -> None:
    """Do what the operator does; what fails is left: an operator would look and do it again."""
    await world.clock.sleep(operation.at)
    try:
        if operation.function == "reconcile":
            await world.workflow("reconcile", {})
        else:
            await world.invoke(
                "update_budget", {"action": operation.function, **dict(operation.payload)}
            )
        outcome = "done"
    except (AwsError, NoReply) as error:
        outcome = str(error)
    tell(f"operator: {operation.function}: {outcome}")
