"""The tutorial's marks: minutes to make, so made once and kept in ``yardstick.json``.

A record holds for the very pictures that it was made from. Where a painting is still in the folder
of results, its marks are taken anew from it, so that a new metric costs no new painting.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.nst import measure
from benchmarks.nst.measure import Cost, Marks
from benchmarks.nst.paint import TUTORIAL
from benchmarks.nst.pictures import FACES, Pair, fingerprint
from worker.engine import Picture, decode

RECORDS = Path(__file__).resolve().parent / "yardstick.json"


def known(pair: Pair, content: Picture, style: Picture) -> tuple[Cost, Marks] | None:
    """Give the record of a pair; None where there is none, or its pictures have changed."""
    record = _read().get(pair.name)
    if record is None or record["pictures"] != _fingerprints(content, style):
        return None
    return Cost(**record["cost"]), Marks(**record["marks"])


def make(pair: Pair, content: Picture, style: Picture, files: tuple[Path, Path, Path]) -> None:
    """Paint with the tutorial's recipe and keep the record; files: content, style, painting."""
    *sources, painting = files
    cost = measure.run(TUTORIAL, sources[0], sources[1], painting)
    keep(pair, content, style, painting, cost)


def again(pair: Pair, content: Picture, style: Picture, painting: Path) -> bool:
    """Take the marks anew if ``painting`` is the one of the record; say whether it was."""
    record = _read().get(pair.name)
    if record is None or not painting.exists():
        return False
    if record["painting"] != fingerprint(decode(painting.read_bytes())):
        return False
    keep(pair, content, style, painting, Cost(**record["cost"]))
    return True


def keep(pair: Pair, content: Picture, style: Picture, painting: Path, cost: Cost) -> None:
    """Write the record of a painting."""
    records = _read()
    records[pair.name] = {
        "pictures": _fingerprints(content, style),
        "painting": fingerprint(decode(painting.read_bytes())),
        "cost": asdict(cost),
        "marks": asdict(measure.judge(painting, content, style, FACES.get(pair.content))),
    }
    RECORDS.write_text(json.dumps(records, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _read() -> dict[str, Any]:
    if not RECORDS.exists():
        return {}
    records: dict[str, Any] = json.loads(RECORDS.read_text(encoding="utf-8"))
    return records


def _fingerprints(content: Picture, style: Picture) -> list[str]:
    return [fingerprint(content), fingerprint(style)]
