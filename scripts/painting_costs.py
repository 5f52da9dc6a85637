"""The table of what a painting costs by the size of its task, for docs/operations.md.

``scripts/costs.py`` writes it. The seconds are the engine's own prediction, what is around them
stands here; prices are those of ``system/prices.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from system import money, prices
from worker.engine.params import QUALITIES
from worker.engine.schedule import predict_instant_seconds, predict_seconds

REGION, ARCHITECTURE = "us-east-1", "X86_64"
MEMORY_MIB = {1: 4096, 2: 4096, 4: 8192}
"""By vCPU: the least that Fargate has and the largest paintings fit in.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html"""
PULL_S = 35
"""As docs/timing.md has it: AWS promises nothing."""
START_S = 3
"""From the program's start to its first evaluation, at most (docs/performance.md)."""
STOP_S = 2
"""From the last evaluation to the program's end: PNG, upload, report, last lines of the log."""
SIZES = (512, 1024)


def table() -> str:
    """The table's lines."""
    heads = "".join(f" {vcpu} vCPU, {MEMORY_MIB[vcpu] // 1024} GB |" for vcpu in MEMORY_MIB)
    lines = [f"| painting | px | numbers |{heads}", "|" + "---|" * (3 + len(MEMORY_MIB))]
    for work, size, numbers in works():
        cells = "".join(f" {cell(work, size, numbers, vcpu)} |" for vcpu in MEMORY_MIB)
        lines.append(f"| {work} | {size} | {numbers} |{cells}")
    return "\n".join(lines) + "\n"


def works() -> Iterator[tuple[str, int, str]]:
    """Each algorithm or quality with its size and format of numbers."""
    for size in SIZES:
        yield "instant", size, "fp32"
        for quality in QUALITIES:
            for numbers in ("bf16", "fp32"):
                yield quality, size, numbers


def cell(work: str, size: int, numbers: str, vcpu: int) -> str:
    """Seconds of the task, micro-dollars, and how many such paintings a dollar makes."""
    seconds = task_s(work, size, numbers, vcpu)
    cost = cost_microusd(seconds, vcpu)
    return f"{ceil(seconds)} s, {cost:,} µ$, {money.MICROUSD_PER_USD // cost}"


def task_s(work: str, size: int, numbers: str, vcpu: int) -> float:
    """How long a task lives, from the start of the image pull to its end."""
    return PULL_S + START_S + painting_s(work, size, numbers, vcpu) + STOP_S


def painting_s(work: str, size: int, numbers: str, vcpu: int) -> float:
    """The engine's own prediction, as if a vCPU were a processor of the machine it was made on."""
    if work == "instant":
        return predict_instant_seconds(size, threads=vcpu)
    quality = next(each for each in QUALITIES if each == work)
    return predict_seconds(size, quality, threads=vcpu, bf16=numbers == "bf16")


def cost_microusd(seconds: float, vcpu: int) -> int:
    """The task's price alone: of 60 s at least."""
    return prices.task_cost_microusd(
        seconds,
        cpu_units=1024 * vcpu,
        memory_mib=MEMORY_MIB[vcpu],
        architecture=ARCHITECTURE,
        region=REGION,
    )
