"""What a painting cost, and how good it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from benchmarks.nst import metrics
from worker.engine import Picture, decode, pyramid

ROOT = Path(__file__).resolve().parent.parent.parent
THREADS = 2
MIB = 2**20


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one process from its start to the written file.

    cpu_s: CPU-seconds of all its threads and children, imports included; peak_mib: the most
    memory it had at once; evaluations of the network; dtype it was computed in.
    """

    cpu_s: float
    peak_mib: float
    evaluations: int
    dtype: str


@dataclass(frozen=True, slots=True)
class Marks:
    """See `benchmarks.nst.metrics`: errors are better small, likeness better large."""

    covariance: float
    wasserstein: float
    patch: float
    likeness: float


def run(recipe: str, content: Path, style: Path, output: Path) -> Cost:
    """Paint in a process of its own on two threads; raises SystemExit when it fails."""
    command = [sys.executable, "-m", "benchmarks.nst.paint", recipe]
    environment = {**os.environ, "OMP_NUM_THREADS": str(THREADS)}
    process = subprocess.Popen(
        [*command, *map(str, (content, style, output))],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for
    said = process.stdout.read()
    # wait4 counts this child and its own children alone, unlike RUSAGE_CHILDREN.
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{recipe} of {content.name} in {style.name} failed")
    facts: dict[str, Any] = json.loads(said)
    return Cost(
        cpu_s=round(used.ru_utime + used.ru_stime, 2),
        peak_mib=round(used.ru_maxrss * 1024 / MIB),  # Linux gives KiB
        **facts,
    )


def judge(painting: Path, content: Picture, style: Picture) -> Marks:
    """Look at a painting beside what it was made of."""
    image = pyramid.to_tensor(decode(painting.read_bytes()))
    like = pyramid.to_tensor(style)
    drawn = pyramid.resize(pyramid.to_tensor(content), (image.shape[-2], image.shape[-1]))
    covariance, wasserstein = metrics.style_errors(image, like)
    marks = Marks(
        covariance=covariance,
        wasserstein=wasserstein,
        patch=metrics.patch_error(image, like),
        likeness=metrics.likeness(image, drawn),
    )
    return Marks(**{name: round(value, 4) for name, value in asdict(marks).items()})


def mean(marks: list[Marks]) -> Marks:
    """Give the mean of each mark."""
    return Marks(
        **{f.name: sum(getattr(each, f.name) for each in marks) / len(marks) for f in fields(Marks)}
    )
