"""The marks of the recipes that take minutes: made once and kept in ``records/``, a file each.

A record holds for the very pictures that it was made from. Where a painting is still in the folder
of results, its marks are taken anew from it, so that a new metric costs no new painting. Each file
also keeps what an evaluation costs in float32, since the paintings are made in whatever is fastest.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.nst import measure, pictures
from benchmarks.nst.measure import Cost, Marks
from benchmarks.nst.pictures import FACES, fingerprint
from benchmarks.nst.recipes import Job
from worker.engine import Picture, decode

FOLDER = Path(__file__).resolve().parent / "records"


def known(job: Job, content: Picture, style: Picture) -> tuple[Cost, Marks] | None:
    """Give the record of a job; None where there is none, or its pictures have changed."""
    record = read(job.recipe)["paintings"].get(_key(job))
    if record is None or record["pictures"] != _fingerprints(content, style):
        return None
    return Cost(**record["cost"]), Marks(**record["marks"])


def again(job: Job, content: Picture, style: Picture, painting: Path) -> bool:
    """Take the marks anew if ``painting`` is the one of the record; say whether it was."""
    record = read(job.recipe)["paintings"].get(_key(job))
    if record is None or not painting.exists():
        return False
    if record["painting"] != fingerprint(decode(painting.read_bytes())):
        return False
    keep(job, content, style, painting, (Cost(**record["cost"]), record["made_by"]))
    return True


def keep(
    job: Job, content: Picture, style: Picture, painting: Path, made: tuple[Cost, str]
) -> None:
    """Write the record of a painting; ``made``: what it cost and what made it."""
    cost, maker = made
    marks = measure.judge(painting, content, style, FACES.get(job.pair.content))
    found = read(job.recipe)
    found["paintings"][_key(job)] = {
        "pictures": _fingerprints(content, style),
        "painting": fingerprint(decode(painting.read_bytes())),
        "made_by": maker,
        "cost": asdict(cost),
        "marks": asdict(marks),
    }
    write(job.recipe, found)


def read(recipe: str) -> dict[str, Any]:
    """Read a recipe's file: ``paintings`` by name, and ``float32`` where it was measured."""
    path = FOLDER / f"{recipe}.json"
    if not path.exists():
        return {"paintings": {}}
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def write(recipe: str, found: dict[str, Any]) -> None:
    """Write a recipe's file, whole or not at all."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{recipe}.json"
    new = path.with_suffix(".new")
    new.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    new.replace(path)


def _key(job: Job) -> str:
    return job.pair.name if job.size == pictures.SIZE else f"{job.pair.name}-{job.size}"


def _fingerprints(content: Picture, style: Picture) -> list[str]:
    return [fingerprint(content), fingerprint(style)]
