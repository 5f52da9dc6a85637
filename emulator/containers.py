"""Tasks as containers: finds the engine, and lets the containers reach the emulator.

On Linux they come from the engine's bridge, so the AWS endpoint also listens there; the metadata
endpoint listens there only. Elsewhere the engine passes on to the loopback address.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from starlette.types import ASGIApp

from emulator.core.errors import EmulatorError
from emulator.ecs import TasksSettings, TaskTiming
from emulator.ecs.docker_driver import HOST, DockerDriver, owner_in_memory
from emulator.endpoint.containers import ContainersApp
from emulator.server import Listener, bind
from emulator.settings import Settings

EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 (what a user may ask for)


class Containers:
    """The engine of one emulator."""

    def __init__(self, settings: Settings, driver: DockerDriver) -> None:
        self._settings = settings
        self.driver = driver
        self._probe: asyncio.Task[None] | None = None

    @classmethod
    async def connect(cls, settings: Settings, ends: AsyncExitStack) -> Containers | None:
        """The engine, when tasks are to be containers; raises EmulatorError without one."""
        if settings.tasks != "docker":
            return None
        if settings.host in EVERYWHERE:
            raise EmulatorError(
                "With tasks in containers the emulator also listens on the engine's bridge, for "
                f"them alone, and {settings.host} would take it: listen on one address of this "
                "machine (--host; 127.0.0.1 is the default)."
            )
        data = settings.data_dir
        driver = await DockerDriver.connect(
            {"nst-worker": settings.worker_image},
            f"data {data.resolve()}" if data else owner_in_memory(),
        )
        ends.push_async_callback(driver.close)
        return cls(settings, driver)

    @property
    def address(self) -> str | None:
        """Where the AWS endpoint listens besides; None when it need not."""
        address = self.driver.host_address
        return None if address == "127.0.0.1" else address

    def tasks_settings(self, aws_port: int) -> TasksSettings:
        """How tasks find the emulator."""
        return TasksSettings(
            endpoint_url=f"http://{HOST}:{aws_port}",
            in_containers=True,
            host=self.driver.host_address,
            host_name=HOST,
            region=self._settings.region,
            task_timing=TaskTiming.of(self._settings.timings),
        )

    async def serve(self, app: ASGIApp, aws_port: int, ends: AsyncExitStack) -> None:
        """Listen where containers come from, and begin to see whether they get there."""
        if self.address is not None:
            bound = bind(self.address, aws_port, "containers")
            ends.callback(bound.close)
            await ends.enter_async_context(Listener(ContainersApp(app), bound))
        self._probe = asyncio.create_task(self.driver.probe(aws_port))
        ends.push_async_callback(self._end)

    async def reached(self) -> None:
        """Return when a container has reached the emulator; raises EmulatorError when none does."""
        if self._probe is not None:
            await self._probe

    async def _end(self) -> None:
        if self._probe is not None:
            await asyncio.gather(self._probe, return_exceptions=True)
