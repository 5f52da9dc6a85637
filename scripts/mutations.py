"""Writes the table of deliberate bugs in docs/simulation.md: what finds each, and how fast.

``python -m scripts.mutations``
"""

from __future__ import annotations

import logging
import time
from pathlib import Path

from tests.mutations.mutations import MUTATIONS
from tests.mutations.test_mutations import found_by

PAGE = Path(__file__).resolve().parent.parent / "docs" / "simulation.md"
BEGIN, END = "<!-- mutations: begin -->", "<!-- mutations: end -->"


def main() -> None:
    """Find every bug once and write the table."""
    logging.disable(logging.CRITICAL)
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
    text = PAGE.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    tail = rest.split(END)[1]
    PAGE.write_text(f"{head}{BEGIN}\n" + "\n".join(rows) + f"\n{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
