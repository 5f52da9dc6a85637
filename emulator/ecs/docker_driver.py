"""Runs containers of real images with the Docker engine, held to the task's limits.

A container's root file system is read-only, it has no capabilities and gains none, and it is
removed when it has ended. Fargate's differs in two things: the engine shares this machine's kernel,
and the container's address is on the engine's bridge.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network
from typing import Any, TypeVar

import psutil

from emulator.core.errors import EmulatorError
from emulator.ecs.docker_container import DockerContainer
from emulator.ecs.driver import ContainerSpec, StartError, image_name
from system import engine

log = logging.getLogger("emulator.ecs.docker")

T = TypeVar("T")

LABEL = "nst.emulator"
HOST = "host.docker.internal"
"""The emulator's machine, as containers call it."""
THREADS_MAX = 64
"""Two for each container that runs, and a few for calls."""
CPU_UNITS = 1024
MIB = 1024 * 1024
TMP = "size=64m,mode=1777,noexec,nosuid,nodev"
PROBE = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)"


class DockerDriver:
    """Starts containers; ``images`` maps a repository's last part to an image of this machine.

    ``owner`` marks the containers of this emulator: what an earlier one with the same mark left
    behind is removed. Other images of a task definition are used as they are named; none is pulled.
    """

    def __init__(self, client: Any, images: Mapping[str, str], owner: str) -> None:
        self._client = client
        self._images = images
        self._owner = owner
        self._pool = ThreadPoolExecutor(THREADS_MAX, "nst-docker")
        self.host_address = "127.0.0.1"
        """Where this machine must listen for containers to reach it."""
        self._processors = 1

    @classmethod
    async def connect(cls, images: Mapping[str, str], owner: str) -> DockerDriver:
        """A driver of the engine; raises EmulatorError when it or an image is missing."""
        try:
            client = await asyncio.to_thread(engine.connect)
        except engine.EngineError as error:
            raise EmulatorError(str(error)) from error
        driver = cls(client, images, owner)
        try:
            await driver._call(driver._prepare)
        except BaseException:
            await driver.close()
            raise
        return driver

    async def close(self) -> None:
        """Remove this emulator's containers, and let go of the engine."""
        try:
            await self._call(self._remove_left)
        finally:
            self._pool.shutdown()
            self._client.close()

    async def probe(self, port: int) -> None:
        """Raise EmulatorError unless a container reaches this machine's ``port``."""
        if await self._call(lambda: self._run_probe(port)):
            raise EmulatorError(
                f"Containers do not reach the emulator at {HOST}:{port} ({self.host_address} of "
                "this machine). Let the engine's bridge through the firewall, or leave out "
                "--tasks docker."
            )

    def check(self, image: str) -> None:
        """Nothing to check before the engine is asked for a container of ``image``."""

    async def start(self, spec: ContainerSpec) -> DockerContainer:
        """Start a container; raises StartError with what ECS's agent says."""
        from docker.errors import DockerException, ImageNotFound  # noqa: PLC0415 (an extra)

        image = self._images.get(image_name(spec.image), spec.image)
        container = None
        try:
            created = await self._call(lambda: self._create(image, spec))
            container = DockerContainer(created, self._call, spec.ports)
            await container.begin()
        except ImageNotFound as error:
            raise StartError(
                f"CannotPullContainerError: the engine has no image {image}, and the emulator "
                "pulls none: nst image builds the worker's, docker pull gets others"
            ) from error
        except DockerException as error:
            what = (
                "CannotCreateContainerError" if container is None else "CannotStartContainerError"
            )
            if container is not None:
                await container.remove()
            raise StartError(f"{what}: {engine.explanation(error)}") from error
        return container

    def _prepare(self) -> None:
        from docker.errors import ImageNotFound  # noqa: PLC0415 (an extra)

        for image in self._images.values():
            try:
                self._client.images.get(image)
            except ImageNotFound as error:
                raise EmulatorError(
                    f"The Docker engine has no image {image}. Build it: nst image"
                ) from error
        self._processors = int(self._client.info()["NCPU"])
        gateway = self._gateway()
        if _is_ours(gateway):
            self.host_address = gateway
        self._remove_left()

    def _gateway(self) -> str:
        """The address of this machine on the engine's bridge."""
        configured = self._client.networks.get("bridge").attrs["IPAM"]["Config"] or [{}]
        # The first address of the network, where an engine has not noted it yet.
        network = ip_network(configured[0].get("Subnet", "172.17.0.0/16"))
        return str(configured[0].get("Gateway") or network[1])

    def _run_probe(self, port: int) -> int:
        container = self._client.containers.create(
            next(iter(self._images.values())),
            ["-c", PROBE, HOST, str(port)],
            entrypoint=["python3"],
            **self._confinement(),
        )
        try:
            container.start()
            return int(container.wait()["StatusCode"])
        finally:
            container.remove(force=True)

    def _create(self, image: str, spec: ContainerSpec) -> Any:
        processors = spec.cpu_units / CPU_UNITS
        if processors > self._processors:
            log.warning(
                "a task of %s CPUs runs on %s: the engine has no more", processors, self._processors
            )
            processors = self._processors
        return self._client.containers.create(
            image,
            list(spec.command) or None,
            name=f"nst-{spec.name}" if spec.name else None,
            environment=dict(spec.environment),
            nano_cpus=round(processors * 1e9),
            mem_limit=spec.memory_mib * MIB,
            memswap_limit=spec.memory_mib * MIB,  # with the memory itself: no swap, as on Fargate
            ports={f"{port}/tcp": ("127.0.0.1", None) for port in spec.ports},
            **self._confinement(),
        )

    def _confinement(self) -> dict[str, Any]:
        from docker.types import LogConfig  # noqa: PLC0415 (an extra)

        return {
            "labels": {LABEL: self._owner},
            "read_only": True,
            "tmpfs": {"/tmp": TMP},  # noqa: S108 (the container's own)
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges:true"],
            "extra_hosts": {HOST: "host-gateway"},
            "log_config": LogConfig(type=LogConfig.types.NONE),
        }

    def _remove_left(self) -> None:
        """Remove what this emulator left, and those in memory only whose process has ended."""
        for container in self._client.containers.list(all=True, filters={"label": LABEL}):
            mark = container.labels[LABEL]
            if mark == self._owner or _is_orphan(mark):
                container.remove(force=True, v=True)

    async def _call(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)


def owner_in_memory() -> str:
    """The mark of an emulator without a data directory: its process, on its machine."""
    process = psutil.Process()
    return f"memory {socket.gethostname()} {os.getpid()} {process.create_time():.0f}"


def _is_orphan(mark: str) -> bool:
    """Whether a mark names a process of this machine that has ended."""
    kind, _, rest = mark.partition(" ")
    parts = rest.split(" ")
    if kind != "memory" or len(parts) != 3 or parts[0] != socket.gethostname():  # noqa: PLR2004
        return False
    try:
        return f"{psutil.Process(int(parts[1])).create_time():.0f}" != parts[2]
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False


def _is_ours(address: str) -> bool:
    """Whether the bridge is on this machine; Docker Desktop's is in a machine of its own.

    There the engine passes what containers send to the host on to this machine's loopback address.
    """
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
