"""The folder of results: sources, paintings, and what is known of each, so that a run goes on.

A painting is not made again if its pictures and its maker are the same as when it was made, and it
is not judged again if the judge is the same, too. The file of a painting's marks is written when
both are done: a run that is interrupted loses one painting at most.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.nst import measure, recipes
from benchmarks.nst.measure import Cost, Marks
from benchmarks.nst.pictures import FACES, SIZE, fingerprint
from benchmarks.nst.recipes import Job
from worker.engine import Picture, decode, encode

JUDGED_SIZE_MAX = 1024


@dataclass(frozen=True, slots=True)
class Painting:
    """One line of the measurement."""

    job: Job
    cost: Cost
    marks: Marks


class Folder:
    """Where the results are."""

    def __init__(self, path: Path) -> None:
        self.path = path
        for part in ("sources", "marks"):
            (path / part).mkdir(parents=True, exist_ok=True)

    def source(self, name: str, picture: Picture) -> Path:
        """Write a picture to paint from, and give its path."""
        path = self.source_path(name, max(picture.shape))
        path.write_bytes(encode(picture))
        return path

    def source_path(self, name: str, side: int = SIZE) -> Path:
        """Say where a picture to paint from is."""
        return self.path / "sources" / (f"{name}.png" if side <= SIZE else f"{name}-{side}.png")

    def painting(self, job: Job) -> Path:
        """Say where a painting goes."""
        return self.path / f"{job.name}.png"

    def found(self, job: Job, content: Picture, style: Picture) -> Painting | None:
        """Give what is known of a painting; judge it anew where the judge is another one."""
        known = self._known(job, [fingerprint(content), fingerprint(style)])
        if known is None:
            return None
        if known["judged_by"] != recipes.judge():
            return self.keep(job, content, style, Cost(**known["cost"]))
        return Painting(job, Cost(**known["cost"]), Marks(**known["marks"]))

    def has(self, job: Job, content: Picture, style: Picture) -> bool:
        """Say whether a painting need not be made again."""
        return self._known(job, [fingerprint(content), fingerprint(style)]) is not None

    def keep(self, job: Job, content: Picture, style: Picture, cost: Cost) -> Painting:
        """Judge a painting that was just made and write down what is known of it."""
        painting = self.painting(job)
        marks = measure.judge(
            painting,
            content,
            style,
            FACES.get(job.pair.content),
            networks=job.size <= JUDGED_SIZE_MAX,
        )
        known = {
            "recipe": job.recipe,
            "size": job.size,
            "pictures": [fingerprint(content), fingerprint(style)],
            "made_by": recipes.maker(job.recipe),
            "judged_by": recipes.judge(),
            "painting": fingerprint(decode(painting.read_bytes())),
            "cost": asdict(cost),
            "marks": asdict(marks),
        }
        path = self._marks(job)
        new = path.with_suffix(".new")
        new.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        new.replace(path)
        return Painting(job, cost, marks)

    def costs(self, recipe: str, size: int) -> list[float]:
        """Give the CPU-seconds of the paintings made by the same maker."""
        files = (self.path / "marks").glob("*.json")
        known = [json.loads(path.read_text(encoding="utf-8")) for path in files]
        wanted = (recipe, size, recipes.maker(recipe))
        return [
            each["cost"]["cpu_s"]
            for each in known
            if (each["recipe"], each["size"], each["made_by"]) == wanted
        ]

    def _known(self, job: Job, pictures: list[str]) -> dict[str, Any] | None:
        path, painting = self._marks(job), self.painting(job)
        if not path.exists() or not painting.exists():
            return None
        known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if known["pictures"] != pictures or known["made_by"] != recipes.maker(job.recipe):
            return None
        if known["painting"] != fingerprint(decode(painting.read_bytes())):
            return None
        return known

    def _marks(self, job: Job) -> Path:
        return self.path / "marks" / f"{job.name}.json"
