"""The life of one task, from PROVISIONING to STOPPED.

Source: AWS's page "Amazon ECS task lifecycle" (its short-lived states ACTIVATING, DEACTIVATING and
STOPPING are passed over).
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulator.core.bus import Bus
from emulator.core.clock import Clock
from emulator.core.logs import Lane, LogSink
from emulator.ecs import definitions, permissions
from emulator.ecs.driver import OUT_OF_MEMORY, Container, ContainerSpec, Driver, StartError
from emulator.ecs.environment import environment
from emulator.ecs.metadata import MetadataApp
from emulator.ecs.output import follow
from emulator.ecs.requests import ContainerPlan, TaskPlan
from emulator.ecs.settings import TasksSettings
from emulator.ecs.task import ADDRESS, STOPPED, Task

KILLED = 137
MIB = 1024 * 1024


@dataclass(frozen=True)
class Surroundings:
    """What tasks run on."""

    lane: Lane
    clock: Clock
    bus: Bus
    logs: LogSink
    driver: Driver
    metadata: MetadataApp
    metadata_url: str
    settings: TasksSettings


@dataclass
class _Running:
    plan: ContainerPlan
    container: Container
    watch: asyncio.Task[None]


class TaskRun:
    """Runs a task; ``changed`` is called after every change of its state."""

    def __init__(
        self, task: Task, plan: TaskPlan, around: Surroundings, changed: Callable[[Task], None]
    ) -> None:
        self.task = task
        self._plan = plan
        self._around = around
        self._clock = around.clock
        self._changed = changed
        self._stop = asyncio.Event()
        self._running: list[_Running] = []
        self._identities: list[str] = []
        self._scratch: Path | None = None

    def stop(self, code: str, reason: str) -> None:
        """Ask the task to end; the first reason counts."""
        shape = self.task.shape
        if self._stop.is_set() or self.task.over:
            return
        shape.setdefault("stopCode", code)
        shape.setdefault("stoppedReason", reason)
        shape.setdefault("stoppingAt", self._clock.now())
        shape["desiredStatus"] = STOPPED
        self._stop.set()

    def kill(self, reason: str | None = None) -> None:
        """Kill the containers that run, with a reason that their documents show."""
        for running in self._running:
            if reason is not None:
                self.task.container(running.plan.name).setdefault("reason", reason)
            running.container.kill()

    async def run(self) -> None:
        """Live the task's life; returns when it is STOPPED."""
        try:
            await self._start()
            if self._running and not self._stop.is_set():
                self._enter("RUNNING", startedAt=self._clock.now())
                await self._until_stopped()
            await self._end_containers()
            await self._deprovision()
        finally:
            self._clear_up()

    async def abandon(self) -> None:
        """The emulator ends: kill the processes and leave the task's record as it is."""
        for running in self._running:
            running.container.kill()
        await asyncio.gather(*(r.watch for r in self._running), return_exceptions=True)
        self._clear_up()

    async def _start(self) -> None:
        timing = self._around.settings.task_timing
        if await self._stopped_within(timing.provisioning_s):
            return
        self.task.attach("ATTACHED")
        now = self._clock.now()
        self._enter("PENDING", connectivity="CONNECTED", connectivityAt=now, pullStartedAt=now)
        try:
            for plan in self._plan.containers:
                await permissions.pull(self._around.bus, self.task, self._plan, plan)
                self._around.driver.check(plan.image)
            if await self._stopped_within(timing.pull_s):
                return
            self.task.shape["pullStoppedAt"] = self._clock.now()
            await self._check_log_groups()
            scratch = self._around.settings.scratch_dir
            if scratch is None:
                scratch = self._scratch = Path(tempfile.mkdtemp(prefix="nst-task-"))
            for plan in self._plan.containers:
                await self._start_container(plan, scratch)
        except StartError as error:
            self.stop("TaskFailedToStart", str(error))

    async def _check_log_groups(self) -> None:
        wanted = [
            (c.log_region, c.log_group)
            for c in self._plan.containers
            if c.log_group and not c.log_group_is_made
        ]
        account = self.task.account
        missing = await self._around.lane.run(
            lambda: definitions.missing_log_group(account, wanted)
        )
        if missing is not None:
            raise StartError(
                "ResourceInitializationError: failed to validate logger args: failed to create "
                "Cloudwatch log stream: ResourceNotFoundException: The specified log group does "
                f"not exist. ({missing})"
            )
        for plan in self._plan.containers:
            await permissions.log(self._around.bus, self.task, self._plan, plan)

    async def _start_container(self, plan: ContainerPlan, scratch: Path) -> None:
        around, task = self._around, self.task
        identity = around.metadata.add(task, plan.name, self._plan.task_role_arn)
        self._identities.append(identity)
        role = self._plan.task_role_arn
        spec = ContainerSpec(
            image=plan.image,
            command=plan.command,
            environment=environment(
                task,
                self._plan,
                plan,
                around.settings,
                metadata_url=f"{around.metadata_url}/v4/{identity}",
                credentials=self._credentials(identity) if role else {},
                scratch=scratch,
            ),
            name=f"{task.id}-{plan.name}",
            cpu_units=int(self._plan.cpu),
            memory_mib=self._memory_mib(plan),
            ports=plan.ports,
        )
        container = await around.driver.start(spec)
        shape = task.container(plan.name)
        attachment = task.shape["attachments"][0]
        shape["runtimeId"] = f"{task.id}-{len(self._running)}"
        shape["networkInterfaces"] = [
            {"attachmentId": attachment["id"], "privateIpv4Address": ADDRESS}
        ]
        watch = asyncio.create_task(self._watch(plan, container))
        self._running.append(_Running(plan, container, watch))

    def _credentials(self, identity: str) -> dict[str, str]:
        """How a container finds its role's credentials."""
        around = self._around
        if around.settings.in_containers:
            return around.metadata.keys(identity)
        url = f"{around.metadata_url}/v2/credentials/{identity}"
        return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": url}

    def _memory_mib(self, plan: ContainerPlan) -> int:
        """The container's hard limit: its own, within the task's."""
        return min(int(self._plan.memory), plan.memory_mib or int(self._plan.memory))

    async def _watch(self, plan: ContainerPlan, container: Container) -> None:
        """Pass on the output, look at memory and ports, note the exit code."""
        looking = asyncio.create_task(self._look(plan, container))
        writing = asyncio.create_task(
            follow(container.output, self._around.logs, self.task, plan, self._clock)
        )
        try:
            code = await container.wait()
            await writing
        finally:
            looking.cancel()
            writing.cancel()
        shape = self.task.container(plan.name)
        if container.reason is not None:
            shape.setdefault("reason", container.reason)
        shape["exitCode"] = KILLED if shape.get("reason") == OUT_OF_MEMORY else code
        shape["lastStatus"] = STOPPED
        if plan.essential:
            self.stop("EssentialContainerExited", "Essential container in task exited")

    async def _look(self, plan: ContainerPlan, container: Container) -> None:
        shape = self.task.container(plan.name)
        limit = self._memory_mib(plan) * MIB
        while True:
            wants_port = bool(plan.ports) and not shape["networkBindings"]
            usage = await container.usage(ports=wants_port)
            if usage.memory_bytes > limit:
                shape["reason"] = OUT_OF_MEMORY
                container.kill()
                return
            if usage.port is not None:
                shape["networkBindings"] = [
                    {
                        "bindIP": ADDRESS,
                        "containerPort": plan.ports[0],
                        "hostPort": usage.port,
                        "protocol": "tcp",
                    }
                ]
            await self._clock.sleep(self._around.settings.watch_s)

    async def _until_stopped(self) -> None:
        stopping = asyncio.create_task(self._stop.wait())
        left = {r.watch for r in self._running}
        try:
            while left and not self._stop.is_set():
                waits: set[asyncio.Task[Any]] = {*left, stopping}
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                left = {watch for watch in left if not watch.done()}
        finally:
            stopping.cancel()
        if not self._stop.is_set():
            self.stop("EssentialContainerExited", "All containers in task exited")

    async def _end_containers(self) -> None:
        """SIGTERM to what still runs; SIGKILL after each container's stop timeout."""
        await asyncio.gather(*(self._end_container(r) for r in self._running))
        if self._running:
            self.task.shape["executionStoppedAt"] = self._clock.now()

    async def _end_container(self, running: _Running) -> None:
        running.container.terminate()
        timer = self._clock.call_later(running.plan.stop_timeout_s, running.container.kill)
        try:
            await running.watch
        finally:
            timer.cancel()

    async def _deprovision(self) -> None:
        for container in self.task.shape["containers"]:
            container["lastStatus"] = STOPPED
        self._enter("DEPROVISIONING", desiredStatus=STOPPED)
        await self._clock.sleep(self._around.settings.task_timing.deprovisioning_s)
        self.task.attach("DELETED")
        self._enter(STOPPED, stoppedAt=self._clock.now())

    def _enter(self, status: str, **members: Any) -> None:
        self.task.enter(status, **members)
        self.task.shape["version"] += 1
        self._changed(self.task)

    async def _stopped_within(self, seconds: float) -> bool:
        """Let ``seconds`` pass, or less when the task is to stop."""
        timer = self._clock.call_later(seconds, (passed := asyncio.Event()).set)
        waits = [asyncio.create_task(e.wait()) for e in (passed, self._stop)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
            for wait in waits:
                wait.cancel()
        return self._stop.is_set()

    def _clear_up(self) -> None:
        for identity in self._identities:
            self._around.metadata.remove(identity)
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
