"""What a container prints, on its way to its log stream."""

from __future__ import annotations

import asyncio

from emulator.core.clock import Clock
from emulator.core.logs import LogSink
from emulator.ecs.requests import ContainerPlan
from emulator.ecs.task import Task

CHUNK = 64 * 1024
LINE_BYTES_MAX = 256 * 1024


async def follow(
    output: asyncio.StreamReader, logs: LogSink, task: Task, plan: ContainerPlan, clock: Clock
) -> None:
    """Write every line to ``prefix/container/task id`` until the output ends.

    Without an awslogs group the output is read and dropped, as on Fargate.
    """
    stream = stream_name(plan, task)

    async def put(lines: list[bytes]) -> None:
        if plan.log_group is not None:
            at = clock.now()
            await logs.put(
                plan.log_group,
                stream,
                [(at, line.decode("utf-8", "replace").rstrip("\r")) for line in lines],
                account=task.account,
                region=plan.log_region,
            )

    rest = b""
    while data := await output.read(CHUNK):
        *lines, rest = (rest + data).split(b"\n")
        if len(rest) > LINE_BYTES_MAX:
            lines, rest = [*lines, rest], b""
        await put(lines)
    if rest:
        await put([rest])


def stream_name(plan: ContainerPlan, task: Task) -> str:
    """The log stream of a container."""
    return "/".join(part for part in (plan.log_prefix, plan.name, task.id) if part)
