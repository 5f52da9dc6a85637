"""Visitors and the operator: they do what a plan says, as the page and the command line would."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from emulator.core.errors import AwsError, NoReply
from emulator.simulation.gateway import Answer, Gateway
from emulator.simulation.plan import Operation, Visit
from emulator.simulation.world import World

STYLE = "ink-wash"
TRIES = 3
OK = 200
PAUSE_S = 5.0


@dataclass
class Visitor:
    """One visit.

    ``answers`` are the statuses that the starts of its run got, ``refusals`` the documents of all
    refusals.
    """

    world: World
    visit: Visit
    tell: Callable[[str], None]
    run_id: str = ""
    answers: list[int] = field(default_factory=list)
    refusals: list[dict[str, Any]] = field(default_factory=list)

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
        visit, sleep = self.visit, self.world.clock.sleep
        await sleep(visit.at)
        if not await self.arrive():
            return
        if visit.uploads:
            await self.upload()
        doings = [self.start()]
        if visit.again_after is not None:
            doings.append(
                self._later(visit.again_after, partial(self.start, other=visit.other_input))
            )
        if visit.stop_after is not None:
            doings.append(self._later(visit.stop_after, self.stop))
        await asyncio.gather(*doings)

    async def arrive(self) -> bool:
        """Get a run id, by admit-run or without; False when it was refused."""
        number = self.visit.number
        if self.visit.admitted:
            body = {"content": {"content_type": "image/png"}, "styles": [{"gallery": STYLE}]}
            status, document = await self._workflow("admit_run", body)
            self.tell(f"visitor {number} is admitted: {status}")
            self.run_id = str(document["run_id"]) if status == OK else ""
        else:
            self.run_id = self.world.token_hex(16)
        if self.run_id:
            self.tell(f"visitor {number} comes with run {self.run_id}")
        return bool(self.run_id)

    async def upload(self) -> None:
        """Upload the content picture, a few times at most."""
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

    async def start(self, *, other: bool = False) -> None:
        """Start the run, or with ``other`` one of other parameters under its id."""
        visit = self.visit
        params = {"quality": visit.quality, "size": visit.size, **({"seed": 7} if other else {})}
        body = {"run_id": self.run_id, "styles": [{"gallery": STYLE}], "params": params}
        for _ in range(TRIES):
            status, document = await self._workflow("start_run", body)
            why = document.get("code", "")
            self.tell(f"visitor {visit.number} is answered {status} {why}".rstrip())
            self.answers.append(202 if status == OK else status)
            if status < 500:  # noqa: PLR2004
                return
            await self.world.clock.sleep(PAUSE_S)

    async def stop(self) -> None:
        """Stop the run."""
        status, document = await self._gateway.stop(self.run_id)
        self._note(status, document)
        self.tell(f"visitor {self.visit.number} stops run {self.run_id}: {status}")

    async def _later(self, seconds: float, doing: Callable[[], Awaitable[None]]) -> None:
        await self.world.clock.sleep(seconds)
        await doing()

    async def _workflow(self, name: str, body: Any) -> Answer:
        status, document = await self._gateway.start(name, body, f"visit-{self.visit.number}")
        self._note(status, document)
        return status, document

    def _note(self, status: int, document: dict[str, Any]) -> None:
        """Keep what the functions and workflows refuse; 502 and 504 are the gateway's own words."""
        if status >= 400 and status not in {502, 504}:  # noqa: PLR2004
            self.refusals.append(document)


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
