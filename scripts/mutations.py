"""Writes the tables of deliberate bugs in docs/simulation.md: what finds each, and how fast.

``python -m scripts.mutations``
"""

from __future__ import annotations

import logging
import time
from pathlib import Path

from tests.mutations.mutations import MUTATIONS
from tests.mutations.test_mutations import found_by
from tests.mutations.test_worker_bugs import failure
from tests.mutations.worker_bugs import WORKER_BUGS

PAGE = Path(__file__).resolve().parent.parent / "docs" / "simulation.md"


def main() -> None:
    """Find every bug once and write the tables."""
    logging.disable(logging.CRITICAL)
    write("mutations", system_rows())
    write("worker mutations", worker_rows())


def system_rows() -> list[str]:
    """The bugs that a seed or a short world finds."""
    found_by(MUTATIONS[0])  # loads everything
    rows = ["| bug | found by | how it shows | seconds |", "|---|---|---|---|"]
    for mutation in MUTATIONS:
        began = time.process_time()
        found = found_by(mutation)
        if found is None:
            raise SystemExit(f"nothing noticed that {mutation.name}")
        where, _, how = found.partition(": ")
        how = how.partition("VIOLATED ")[2].partition(":")[0] or how.partition(":")[0].strip()
        rows.append(f"| {mutation.name} | {where} | {how} | {time.process_time() - began:.1f} |")
    return rows


def worker_rows() -> list[str]:
    """The bugs of the worker that an ordinary test finds."""
    rows = ["| bug | found by | seconds |", "|---|---|---|"]
    for bug in WORKER_BUGS:
        began = time.perf_counter()
        if failure(bug) is None:
            raise SystemExit(f"{bug.found_by} did not notice that {bug.name}")
        rows.append(f"| {bug.name} | `{bug.found_by}` | {time.perf_counter() - began:.1f} |")
    return rows


def write(table: str, rows: list[str]) -> None:
    """Put the rows between the marks of a table."""
    begin, end = f"<!-- {table}: begin -->", f"<!-- {table}: end -->"
    head, rest = PAGE.read_text(encoding="utf-8").split(begin)
    tail = rest.split(end)[1]
    PAGE.write_text(f"{head}{begin}\n" + "\n".join(rows) + f"\n{end}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
