"""What a painting cost, and how good it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from benchmarks.nst import held_out, metrics
from benchmarks.nst.pictures import SIZE
from worker.engine import Picture, decode, pyramid

ROOT = Path(__file__).resolve().parent.parent.parent
WATCH = Path(__file__).resolve().parent / "watch.py"
THREADS = 1
"""As the declared task has processors: two of them wait for one another, and cost more."""
VGG = ("gram", "covariance", "wasserstein", "content")
HELD_OUT = ("gram", "covariance", "content", "face")
#: What only photographs with a face have.
OF_FACES = ("mottling", "held_out_face")
MIB = 2**20


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one process from its start to the written file.

    cpu_s: CPU-seconds of all its threads and children, imports included; peak_mib: the most
    memory it had at once; evaluations of the network; dtype it was computed in; engine_cpu_s: what
    of cpu_s the engine took (ours alone say so), the rest is imports and files.
    """

    cpu_s: float
    peak_mib: float
    evaluations: int
    dtype: str
    engine_cpu_s: float | None = None


@dataclass(frozen=True, slots=True)
class Marks:
    """See `benchmarks.nst.metrics`: errors are better small, likeness better large.

    None: an old record whose painting is gone, no judge installed, no face in the photograph, or a
    picture too large for the networks.
    """

    covariance: float | None = None
    wasserstein: float | None = None
    patch: float | None = None
    likeness: float | None = None
    gram: float | None = None
    content: float | None = None
    held_out_gram: float | None = None
    held_out_covariance: float | None = None
    held_out_content: float | None = None
    mottling: float | None = None
    held_out_face: float | None = None


def run(
    recipe: str,
    files: tuple[Path, Path, Path],
    size: int = SIZE,
    threads: int = THREADS,
    root: Path = ROOT,
) -> Cost:
    """Paint in a process of its own; raises SystemExit when it fails.

    files: content, style, output; root: the project whose engine paints.
    """
    command = [sys.executable, "-m", "benchmarks.nst.paint", recipe, *map(str, files), str(size)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(root)}
    found = watched(command, root, environment)
    if found["code"]:
        content, style, _ = files
        raise SystemExit(f"{recipe} of {content.name} in {style.name} failed")
    facts: dict[str, Any] = json.loads(found["said"])
    return Cost(
        cpu_s=round(found["cpu_s"], 2),
        peak_mib=round(found["peak_kib"] * 1024 / MIB),
        **facts,
    )


def watched(command: list[str], folder: Path, environment: dict[str, str]) -> dict[str, Any]:
    """Run a command in a folder: its code, what it said, cpu_s and peak_kib of it alone."""
    said = subprocess.run(
        [sys.executable, str(WATCH), *command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    found: dict[str, Any] = json.loads(said)
    return found


def judge(
    painting: Path,
    content: Picture,
    style: Picture,
    face: metrics.Box | None,
    *,
    networks: bool = True,
) -> Marks:
    """Look at a painting beside what it was made of, and at the face in it.

    Without ``networks`` likeness and mottling alone: those of 2048 px take many gigabytes.
    """
    image = pyramid.to_tensor(decode(painting.read_bytes()))
    like = pyramid.to_tensor(style)
    drawn = pyramid.resize(pyramid.to_tensor(content), (image.shape[-2], image.shape[-1]))
    marks: dict[str, float | None] = {
        "likeness": metrics.likeness(image, drawn),
        "mottling": face and metrics.mottling(image, drawn, face),
    }
    if networks:
        marks |= {"patch": metrics.patch_error(image, like)}
        seen = asdict(metrics.seen_by_vgg(image, like, drawn))
        marks |= {name: seen[name] for name in VGG}
        try:
            unseen = asdict(metrics.seen_by_held_out(image, like, drawn, face))
            marks |= {f"held_out_{name}": unseen[name] for name in HELD_OUT}
        except held_out.Missing:  # the table says so and how to install it: see `tables.report`
            pass
    rounded = {name: value and round(value, 4) for name, value in marks.items()}
    return Marks(**rounded)


def mean(marks: list[Marks]) -> Marks:
    """Give the mean of each mark: of the faces' alone, of others None where one is missing."""
    return Marks(**{f.name: _mean(f.name, marks) for f in fields(Marks)})


def _mean(name: str, marks: list[Marks]) -> Any:
    values = [getattr(each, name) for each in marks]
    known = [value for value in values if value is not None]
    if not known or (name not in OF_FACES and len(known) < len(values)):
        return None
    return sum(known) / len(known)
